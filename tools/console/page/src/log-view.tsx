// The last lines of one node's log, asked for every two seconds while they are looked at and the run goes on. A node that no longer answers keeps on the page what it said last.

import { useEffect, useState } from 'preact/hooks';
import type { NodeRow } from '../../protocol.ts';
import { api } from './api.ts';
import { every } from './browser.ts';
import { logLine } from './log-lines.ts';
import { Card, Command, Text, Trouble } from './parts.tsx';
import { shown } from './text.ts';

const ASK_MS = 2000;

export function LogView({ node: { node, name }, isOver, onClose }: { node: NodeRow; isOver: boolean; onClose: () => void }) {
  const [lines, setLines] = useState<readonly string[] | null>(null);
  const [error, setError] = useState<unknown>(null);
  useEffect(() => {
    setLines(null);
    setError(null);
  }, [node]);
  useEffect(() => {
    if (isOver) return;
    let isWanted = true;
    const ask = (): void => {
      api.log(node).then(
        (tail) => {
          if (!isWanted) return;
          setLines(tail.lines);
          setError(null);
        },
        (problem: unknown) => isWanted && setError(problem),
      );
    };
    ask();
    const stop = every(ASK_MS, ask);
    return () => {
      isWanted = false;
      stop();
    };
  }, [node, isOver]);
  const aside = (
    <button type="button" onClick={onClose}>
      Close
    </button>
  );
  return (
    <Card title={`Log of ${shown(name)}`} id="log" class="log" aside={aside}>
      {isOver && (
        <p class="dim">
          The run is over, and nothing more is asked for.{' '}
          {lines === null ? 'No line of this node came here' : 'These lines are the last that came'}; the whole is in node.log of its data
          folder.
        </p>
      )}
      {error !== null && !isOver && <Trouble error={error} />}
      {lines?.length === 0 && <p class="dim">It logged nothing yet.</p>}
      <ol class="log-lines scroll tall" tabIndex={0} aria-label={`Log of ${shown(name)}, newest first`}>
        {[...(lines ?? [])].reverse().map((line, index) => {
          const { time, level, message, rest } = logLine(line);
          return (
            <li key={(lines?.length ?? 0) - index} class={level}>
              <time>{time}</time>
              <span class="log-level">{level}</span>
              <span>
                <Text text={message} max={400} /> {rest !== '' && <span class="dim">{<Text text={rest} max={300} />}</span>}
              </span>
            </li>
          );
        })}
      </ol>
      <Command command={`quilt-swarm logs ${name} -f`} />
    </Card>
  );
}
