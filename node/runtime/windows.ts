// Closes one window a second: what the workers handed over since the last one, and the node's own health, numbered without gaps and in the spool
// (synced) before the core hears of it (P6). A node's `done` entry names the first window that closed after its load had stopped, so the end of a
// claim is not told to the core while a window is being closed: that window took its samples before the end.

import type { WindowFrame } from '../core/messages.ts';
import type { ErrorCount, Window } from '../core/stats-types.ts';
import { encodeWindow } from '../core/window-codec.ts';
import { mergeWorkerDeltas, type WorkerDelta } from '../core/worker-deltas.ts';
import type { RuntimeClock } from './components.ts';
import type { HealthMonitor } from './health.ts';
import type { EventDraft } from './loop.ts';

export interface WindowCloserInit {
  readonly clock: RuntimeClock;
  readonly health: HealthMonitor;
  /** Highest number in the spool from an earlier life of this node. */
  readonly numberLast: number;
  /** Swarm time of a moment of the node's own clock. */
  readonly toSwarmMs: (nowMs: number) => number;
  readonly spool: (frame: WindowFrame) => Promise<void>;
  readonly emit: (event: EventDraft) => void;
}

export interface WindowCloser {
  start(): void;
  add(delta: WorkerDelta): void;
  addError(error: ErrorCount): void;
  /** Passes the event on when no window is being closed, so that the next one to close holds everything recorded before it. */
  emitBetweenWindows(event: EventDraft): void;
  stop(): void;
}

const WINDOW_MS = 1000;
/** Deltas waiting for the end of a second; workers send one each, so this many means that the timer stood still. */
const DELTAS_MAX = 10_000;

export function createWindowCloser(init: WindowCloserInit): WindowCloser {
  const { clock } = init;
  let number = init.numberLast;
  let deltas: WorkerDelta[] = [];
  const waiting: EventDraft[] = [];
  let openedAtMs = 0;
  let dueAtMs = 0;
  let state: 'idle' | 'open' | 'stopped' = 'idle';
  let isClosing = false;
  let cancelTimer: () => void = () => {};

  const schedule = (): void => {
    cancelTimer();
    if (state !== 'open') return;
    cancelTimer = clock.after(Math.max(0, dueAtMs - clock.nowMs()), () => {
      const nowMs = clock.nowMs();
      // Seconds missed in a pause are not made up: one longer window says what happened.
      dueAtMs += WINDOW_MS * Math.max(1, Math.ceil((nowMs - dueAtMs) / WINDOW_MS));
      void close().then(schedule);
    });
  };

  const close = async (): Promise<void> => {
    if (isClosing || state !== 'open') return;
    isClosing = true;
    const closedAtMs = clock.nowMs();
    number += 1;
    const window: Window = {
      number,
      startMs: init.toSwarmMs(openedAtMs),
      durationMs: closedAtMs - openedAtMs,
      ...mergeWorkerDeltas(deltas),
      health: init.health.take(closedAtMs),
    };
    deltas = [];
    openedAtMs = closedAtMs;
    const frame: WindowFrame = { number, payload: encodeWindow(window) };
    try {
      await init.spool(frame);
      init.emit({ type: 'window-closed', window: frame });
    } catch (error) {
      init.emit({ type: 'storage-failed', message: `window ${number}: ${(error as Error).message}` });
    }
    isClosing = false;
    for (const event of waiting.splice(0)) init.emit(event);
  };

  return {
    start() {
      if (state !== 'idle') return;
      state = 'open';
      openedAtMs = clock.nowMs();
      dueAtMs = openedAtMs + WINDOW_MS;
      schedule();
    },
    add(delta) {
      if (deltas.length < DELTAS_MAX) deltas.push(delta);
    },
    addError(error) {
      deltas.push({ series: [], errors: [error], load: [] });
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
