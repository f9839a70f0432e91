// Ends exchanges whose deadline passed: one timer for a whole group instead of one a request. It runs only while something is in flight, and
// its period is how late a timeout can be noticed; the recorded duration is the real one.

import type { Clock } from '../endpoint.ts';
import type { Exchange } from './exchange.ts';

export interface Sweeper {
  readonly add: (exchange: Exchange) => void;
  readonly remove: (exchange: Exchange) => void;
  readonly close: () => void;
}

const PERIOD_MS = 50;
/** Periods without anything in flight after which the timer rests. */
const IDLE_PERIODS_MAX = 20;

export function createSweeper(clock: Clock): Sweeper {
  const inFlight = new Set<Exchange>();
  let timer: NodeJS.Timeout | null = null;
  let idlePeriods = 0;

  const stop = (): void => {
    if (timer !== null) clearInterval(timer);
    timer = null;
  };
  const sweep = (): void => {
    const nowMs = clock.nowMs();
    for (const exchange of inFlight) {
      if (exchange.deadlineMs <= nowMs) exchange.cut(exchange.isLeaving ? 'interrupted' : 'timeout');
    }
    idlePeriods = inFlight.size === 0 ? idlePeriods + 1 : 0;
    if (idlePeriods > IDLE_PERIODS_MAX) stop();
  };
  return {
    add(exchange) {
      inFlight.add(exchange);
      if (timer !== null) return;
      idlePeriods = 0;
      timer = setInterval(sweep, PERIOD_MS);
    },
    remove: (exchange) => {
      inFlight.delete(exchange);
    },
    close: stop,
  };
}
