// Orders to the run, for who may give them: less, more, any factor, pause, for all groups or one; and stop. What cannot be taken back is asked for once more; each order shows the line for a
// terminal that does the same.

import { useState } from 'preact/hooks';
import { words } from '../../../../node/core/shell-words.ts';
import type { GroupFactor, LiveState, OrderRequest } from '../../protocol.ts';
import { FACTOR_MAX } from '../../protocol.ts';
import { api } from './api.ts';
import { Ask } from './ask.tsx';
import { change, currentModel } from './model.ts';
import { Command, Trouble } from './parts.tsx';
import { ALL, afterOrder, factorOf, isPaused, ordersTo } from './scaling.ts';
import { formatCount, shown } from './text.ts';

const STEP = 0.1;

type Stop = Extract<OrderRequest, { order: 'stop' }>;

interface StopChoice {
  readonly name: string;
  readonly request: Stop;
  /** As far as the page knows it; the answer has the whole line. */
  readonly command: string;
  readonly question: string;
}

const stops: readonly StopChoice[] = [
  {
    name: 'Drain and stop',
    request: { order: 'stop', mode: 'drain' },
    command: 'quilt-swarm stop',
    question: 'Endpoints leave politely, the last figures arrive, and the run ends. It cannot be continued.',
  },
  {
    name: 'Stop now',
    request: { order: 'stop', mode: 'now' },
    command: 'quilt-swarm stop --now',
    question: 'Endpoints are cut off at once, and the run ends. It cannot be continued.',
  },
];

/** The next state says the same, a second later: who presses again before starts from what was ordered. */
function showOrder(order: OrderRequest): void {
  const { live } = currentModel();
  if (live !== null && order.order === 'scale') change({ live: { ...live, factors: afterOrder(live.factors, order) } });
}

/** Gives orders one after the other, and keeps their commands. */
function useOrders() {
  const [done, setDone] = useState<readonly string[]>([]);
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const give = async (orders: readonly OrderRequest[]): Promise<void> => {
    setBusy(true);
    setError(null);
    const commands: string[] = [];
    try {
      for (const order of orders) {
        commands.push((await api.order(order)).command);
        setDone([...commands]);
        showOrder(order);
      }
    } catch (problem) {
      setError(problem);
    }
    setBusy(false);
  };
  return { done, error, isBusy, give };
}

export function Steer({ live }: { live: LiveState }) {
  const [asked, setAsked] = useState<StopChoice | null>(null);
  const { done, error, isBusy, give } = useOrders();
  const { board } = live;
  const canStop = board.phase !== 'sealed' && board.phase !== 'draining';
  return (
    <section class="card steer" aria-label="Steer the run">
      <Load live={live} isPossible={board.phase === 'running' && !isBusy} give={give} />
      <div class="buttons">
        {stops.map((stop) => (
          <button
            type="button"
            key={stop.name}
            class="danger"
            disabled={isBusy || !canStop}
            title={stop.command}
            onClick={() => setAsked(stop)}
          >
            {stop.name}…
          </button>
        ))}
      </div>
      <div class="done" aria-live="polite">
        {done.length === 0 ? (
          <span class="dim">Orders are shown here as commands</span>
        ) : (
          done.map((command) => <Command key={command} command={command} />)
        )}
      </div>
      {error !== null && <Trouble error={error} />}
      {asked !== null && (
        <Ask
          {...{ title: `${asked.name}?`, yes: asked.name, no: 'Keep running', tone: 'danger solid', command: asked.command }}
          onYes={() => void give([asked.request])}
          onClose={() => setAsked(null)}
        >
          <p>{asked.question}</p>
        </Ask>
      )}
    </section>
  );
}

const times = (factor: number | null): string => (factor === null ? 'mixed' : factor === 0 ? 'paused' : `×${formatCount(factor)}`);

interface LoadInit {
  readonly live: LiveState;
  readonly isPossible: boolean;
  readonly give: (orders: readonly OrderRequest[]) => Promise<void>;
}

function Load({ live: { factors }, isPossible, give }: LoadInit) {
  const [group, setGroup] = useState(ALL);
  // The group of another run is none of this one.
  const chosen = factors.some((each) => each.group === group) ? group : ALL;
  const to = (change: (now: GroupFactor) => number) => ordersTo(factors, chosen, change);
  const button = (name: string, orders: readonly OrderRequest[]) => (
    <button type="button" disabled={!isPossible || orders.length === 0} title={titleOf(orders)} onClick={() => void give(orders)}>
      {name}
    </button>
  );
  return (
    <div class="buttons">
      <label class="choice">
        Load of
        <select value={chosen} onChange={(event) => setGroup(event.currentTarget.value)}>
          <option value={ALL}>all groups ({times(factorOf(factors, ALL))})</option>
          {factors.map(({ group: name, factor }) => (
            <option key={name} value={name}>
              {shown(name)} ({times(factor)})
            </option>
          ))}
        </select>
      </label>
      {isPaused(factors, chosen) ? (
        button(
          'Resume',
          to(({ resumeFactor }) => resumeFactor),
        )
      ) : (
        <>
          {button(
            '−10 %',
            to(({ factor }) => factor * (1 - STEP)),
          )}
          {button(
            '+10 %',
            to(({ factor }) => factor * (1 + STEP)),
          )}
          {button(
            'Pause',
            to(() => 0),
          )}
        </>
      )}
      <AnyFactor key={chosen} now={factorOf(factors, chosen)} isPossible={isPossible} onFactor={(factor) => void give(to(() => factor))} />
    </div>
  );
}

const titleOf = (orders: readonly OrderRequest[]): string =>
  orders
    .map((order) => (order.order === 'scale' ? shown(words('quilt-swarm', 'scale', order.group, String(order.factor))) : ''))
    .join('\n');

/** A number that somebody types is theirs until they set it. */
function AnyFactor({ now, isPossible, onFactor }: { now: number | null; isPossible: boolean; onFactor: (factor: number) => void }) {
  const [text, setText] = useState('');
  const factor = Number(text);
  const isGood = text.trim() !== '' && factor >= 0 && factor <= FACTOR_MAX;
  return (
    <form
      class="factor"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isGood || !isPossible) return;
        onFactor(factor);
        setText('');
      }}
    >
      <label>
        <span aria-hidden="true">×</span>
        <span class="hidden">Factor of the planned load</span>
        <input
          type="number"
          min={0}
          max={FACTOR_MAX}
          step="any"
          placeholder={now === null ? '' : String(now)}
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
      </label>
      <button type="submit" disabled={!isPossible || !isGood}>
        Set
      </button>
    </form>
  );
}
