// Closes one window a second: what the workers handed over since the last one, and the node's own health, numbered without gaps and in the spool
// (synced) before the core hears of it (P6). A window waits a little for workers whose delta is due, so that a level (active endpoints) is neither
// missing from one window nor twice in the next. A node's `done` entry names the first window that closed after its load had stopped, so the end of a
// claim is not told to the core while a window is being closed: that window took its samples before the end.

import type { WindowFrame } from '../core/messages.ts';
import type { ErrorCount, Series, Window } from '../core/stats-types.ts';
import { encodeWindow } from '../core/window-codec.ts';
import { mergeWorkerDeltas, type WorkerDelta } from '../core/worker-deltas.ts';
import type { RuntimeClock } from './components.ts';
import type { HealthMonitor } from './health.ts';
import { joinDeltas } from './join-deltas.ts';
import type { EventDraft } from './loop.ts';

export interface WindowCloserInit {
  readonly clock: RuntimeClock;
  readonly health: HealthMonitor;
  /** Highest number in the spool from an earlier life of this node. */
  readonly numberLast: number;
  /** Swarm time of a moment of the node's own clock. */
  readonly toSwarmMs: (nowMs: number) => number;
  /** Series of the node itself, beside those of its workers. */
  readonly own: (durationMs: number) => readonly Series[];
  readonly spool: (frame: WindowFrame, window: Window) => Promise<void>;
  readonly emit: (event: EventDraft) => void;
}

export interface WindowCloser {
  start(): void;
  add(worker: number, delta: WorkerDelta): void;
  /** A worker died: nothing more is due from it until it speaks again. */
  forget(worker: number): void;
  addError(error: ErrorCount): void;
  /** Passes the event on when no window is being closed, so that the next one to close holds everything recorded before it. */
  emitBetweenWindows(event: EventDraft): void;
  stop(): void;
}

const WINDOW_MS = 1000;
/** How long a window waits for a worker that is late: longer, and a stalled worker would delay everybody's figures. */
const PATIENCE_MS = 400;
/** Errors without a worker waiting for a window: deaths of workers, a handful. */
const ERRORS_MAX = 1_000;

export function createWindowCloser(init: WindowCloserInit): WindowCloser {
  const { clock } = init;
  const deltas = new Map<number, WorkerDelta>();
  /** Workers that have spoken and did not die: a delta of each is due in every window. */
  const speaking = new Set<number>();
  let errors: ErrorCount[] = [];
  const waiting: EventDraft[] = [];
  let number = init.numberLast;
  let openedAtMs = 0;
  let dueAtMs = 0;
  let state: 'idle' | 'open' | 'stopped' = 'idle';
  let isClosing = false;
  let cancelTimer: () => void = () => {};

  const isComplete = (): boolean => [...speaking].every((worker) => deltas.has(worker));

  const schedule = (atMs: number): void => {
    cancelTimer();
    if (state === 'open') cancelTimer = clock.after(Math.max(0, atMs - clock.nowMs()), onTimer);
  };

  const onTimer = (): void => {
    const lateMs = clock.nowMs() - dueAtMs;
    if (lateMs < 0) schedule(dueAtMs);
    else if (isComplete()) void close();
    // When this process itself stood still, what the workers said is read in the next turn.
    else if (lateMs >= PATIENCE_MS) void clock.turn().then(close);
    else schedule(dueAtMs + PATIENCE_MS);
  };

  const take = (closedAtMs: number): Window => {
    const startMs = init.toSwarmMs(openedAtMs);
    const durationMs = closedAtMs - openedAtMs;
    const merged = mergeWorkerDeltas([...deltas.values(), { series: init.own(durationMs), errors, load: [] }]);
    const isWhole = isComplete();
    deltas.clear();
    errors = [];
    openedAtMs = closedAtMs;
    number += 1;
    const health = init.health.take(closedAtMs);
    // What a silent worker did in this second is not in it.
    const tainted = isWhole ? health.tainted : [...health.tainted, 'worker silent'];
    return { number, startMs, durationMs, ...merged, health: { ...health, tainted } };
  };

  const close = async (): Promise<void> => {
    if (isClosing || state !== 'open') return;
    isClosing = true;
    cancelTimer();
    const nowMs = clock.nowMs();
    // Seconds missed in a pause are not made up: one longer window says what happened.
    dueAtMs += WINDOW_MS * Math.max(1, Math.ceil((nowMs - PATIENCE_MS - dueAtMs) / WINDOW_MS));
    const window = take(nowMs);
    const frame: WindowFrame = { number: window.number, payload: encodeWindow(window) };
    try {
      await init.spool(frame, window);
      init.emit({ type: 'window-closed', window: frame });
    } catch (error) {
      init.emit({ type: 'storage-failed', message: `window ${frame.number}: ${(error as Error).message}` });
    }
    isClosing = false;
    for (const event of waiting.splice(0)) init.emit(event);
    schedule(dueAtMs);
  };

  return {
    start() {
      if (state !== 'idle') return;
      state = 'open';
      openedAtMs = clock.nowMs();
      // What the process did to get up is no second of the run.
      init.health.take(openedAtMs);
      dueAtMs = openedAtMs + WINDOW_MS;
      schedule(dueAtMs);
    },
    add(worker, delta) {
      speaking.add(worker);
      const before = deltas.get(worker);
      deltas.set(worker, before === undefined ? delta : joinDeltas(before, delta));
      if (!isClosing && clock.nowMs() >= dueAtMs && isComplete()) void close();
    },
    forget: (worker) => speaking.delete(worker),
    addError(error) {
      if (errors.length < ERRORS_MAX) errors.push(error);
    },
    emitBetweenWindows(event) {
      if (isClosing) waiting.push(event);
      else init.emit(event);
    },
    stop() {
      state = 'stopped';
      cancelTimer();
    },
  };
}
