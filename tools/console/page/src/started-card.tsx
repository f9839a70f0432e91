// What the console started last, in its own words: machines that are being made, and why nothing came of it. Beside a run that goes on it is a few lines; it stays after the end, because what could
// not be ended is said there.

import { useState } from 'preact/hooks';
import type { StartedView } from '../../protocol.ts';
import { api } from './api.ts';
import { Ask } from './ask.tsx';
import { Card, Chip, Command, Text, type Tone, Trouble } from './parts.tsx';

/** Exit code of what the operator stopped. */
const STOPPED = 105;

function stateOf({ isRunning, hasFailed, exitCode, verb, run }: StartedView): readonly [Tone, string] {
  if (hasFailed && exitCode === STOPPED) return ['calm', 'stopped'];
  if (hasFailed) return ['bad', exitCode === null ? 'ended without a run' : `ended without a run, exit ${exitCode}`];
  if (!isRunning) return ['calm', 'over'];
  if (verb === 'launch') return ['accent', 'at work'];
  return ['accent', run === null ? 'forming' : 'running'];
}

/** `canStop`: nothing else on the page offers it. */
export function StartedCard({ started, canStop }: { started: StartedView; canStop: boolean }) {
  const [isAsked, setAsked] = useState(false);
  const [done, setDone] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const { verb, said, command, isRunning } = started;
  const [tone, state] = stateOf(started);
  const stop = (): void => void api.order({ order: 'stop', mode: 'drain' }).then(({ command: line }) => setDone(line), setError);
  return (
    <Card title={verb === 'launch' ? 'Launch' : 'Started here'} id="started" aside={<Chip tone={tone}>{state}</Chip>}>
      {said.length > 0 && (
        <ol class="said scroll" tabIndex={0} aria-label="What it said, oldest first" aria-live="polite">
          {said.map((line, index) => (
            // Lines only ever move up
            <li key={`${index} ${line}`}>
              <Text text={line} max={400} />
            </li>
          ))}
        </ol>
      )}
      <div class="buttons">
        <Command command={command} />
        {canStop && isRunning && (
          <button type="button" class="danger" onClick={() => setAsked(true)}>
            Stop…
          </button>
        )}
      </div>
      <div aria-live="polite">{done !== null && <Command command={done} />}</div>
      {error !== null && <Trouble error={error} />}
      {isAsked && (
        <Ask
          {...{ title: 'Stop it?', yes: 'Stop', no: 'Go on', tone: 'danger solid', command: null }}
          onYes={stop}
          onClose={() => setAsked(false)}
        >
          <p>{verb === 'launch' ? 'What was made so far is ended again, and there is no run.' : 'The nodes leave, and there is no run.'}</p>
          <p class="dim">In its terminal that is Ctrl-C; the line for another terminal is shown afterwards.</p>
        </Ask>
      )}
    </Card>
  );
}
