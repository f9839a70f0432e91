// Orders to the run, for who may give them: less, more, pause, stop. What cannot be taken back is asked for once more; each order shows the line for a terminal that does the same.

import { useRef, useState } from 'preact/hooks';
import type { LiveState, OrderRequest } from '../../protocol.ts';
import { api } from './api.ts';
import { Command, Trouble } from './parts.tsx';

const STEP = 0.1;
const FACTOR_MAX = 100;

interface Order {
  readonly name: string;
  readonly request: OrderRequest;
  /** As far as the page knows it; the answer has the whole line. */
  readonly command: string;
  /** Asked before; null = done at once. */
  readonly question: string | null;
}

const scale = (name: string, factor: number): Order => {
  const rounded = Math.round(Math.min(FACTOR_MAX, Math.max(0, factor)) * 1000) / 1000;
  return { name, request: { order: 'scale', group: '*', factor: rounded }, command: `quilt-swarm scale '*' ${rounded}`, question: null };
};

const stops: readonly Order[] = [
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

export function Steer({ live }: { live: LiveState }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [asked, setAsked] = useState<Order | null>(null);
  const [done, setDone] = useState<string | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [isBusy, setBusy] = useState(false);
  const [before, setBefore] = useState(1);
  const { factor, board } = live;
  const isPaused = factor === 0;
  const give = async (order: Order): Promise<void> => {
    setBusy(true);
    setError(null);
    try {
      setDone((await api.order(order.request)).command);
      if (order.name === 'Pause') setBefore(factor);
    } catch (problem) {
      setError(problem);
    }
    setBusy(false);
  };
  const press = (order: Order): void => {
    if (order.question === null) return void give(order);
    setAsked(order);
    dialog.current?.showModal();
  };
  const scales = isPaused
    ? [scale('Resume', before === 0 ? 1 : before)]
    : [scale('−10 %', factor * (1 - STEP)), scale('+10 %', factor * (1 + STEP)), scale('Pause', 0)];
  const canScale = board.phase === 'running';
  const canStop = board.phase !== 'sealed' && board.phase !== 'draining';
  const button = (order: Order, isPossible: boolean, style: string) => (
    <button
      type="button"
      key={order.name}
      class={style}
      disabled={isBusy || !isPossible}
      title={order.command}
      onClick={() => press(order)}
    >
      {order.name}
      {order.question === null ? '' : '…'}
    </button>
  );
  return (
    <section class="card steer" aria-label="Steer the run">
      <div class="buttons">{scales.map((order) => button(order, canScale, ''))}</div>
      <div class="buttons">{stops.map((order) => button(order, canStop, 'danger'))}</div>
      <div class="done" aria-live="polite">
        {done === null ? <span class="dim">Orders are shown here as commands</span> : <Command command={done} />}
      </div>
      {error !== null && <Trouble error={error} />}
      <dialog ref={dialog} aria-labelledby="ask-title">
        {asked !== null && (
          <>
            <h2 id="ask-title">{asked.name}?</h2>
            <p>{asked.question}</p>
            <Command command={asked.command} />
            <div class="buttons end">
              <button type="button" onClick={() => dialog.current?.close()}>
                Keep running
              </button>
              <button
                type="button"
                class="danger solid"
                onClick={() => {
                  dialog.current?.close();
                  void give(asked);
                }}
              >
                {asked.name}
              </button>
            </div>
          </>
        )}
      </dialog>
    </section>
  );
}
