// The clock that the parts of a node share: readings come from adapters/clock.ts (handed in), waiting from the event loop. One object, so that
// tests replace time as a whole.

import type { RuntimeClock } from './components.ts';

/** Node turns longer waits into 1 ms. */
const TIMER_MS_MAX = 2 ** 31 - 1;

export function createRuntimeClock(nowMs: () => number, wallMs: () => number): RuntimeClock {
  return {
    nowMs,
    wallMs,
    after(ms, callback) {
      const timer = setTimeout(callback, Math.min(TIMER_MS_MAX, Math.max(0, ms)));
      return () => clearTimeout(timer);
    },
    turn: () => new Promise((resolve) => setImmediate(resolve)),
  };
}

/** Resolves after about `ms`. */
export const wait = (clock: RuntimeClock, ms: number): Promise<void> => new Promise((resolve) => clock.after(ms, resolve));
