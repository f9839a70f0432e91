// The worker's own guard of its node's lease: load may run until the last grant, and not a moment longer (P3). While there is load and no grant
// has come yet, a short time is given, because the order of the node's first messages is not promised.

import type { TimerEntry } from '../endpoints/endpoint.ts';
import type { Timers } from './worker-timers.ts';

export interface Grant {
  readonly renew: (untilMs: number) => void;
  /** There is load now: from here on a grant is needed. */
  readonly expect: () => void;
  /** No load is left: nothing to guard. */
  readonly forget: () => void;
}

const FIRST_GRANT_MS_MAX = 1_000;

export function createGrant(timers: Timers, onLapse: () => void): Grant {
  let untilMs = Number.NEGATIVE_INFINITY;
  let entry: TimerEntry | null = null;

  const clear = (): void => {
    if (entry !== null) timers.cancel(entry);
    entry = null;
  };
  const guard = (atMs: number): void => {
    clear();
    entry = timers.at(atMs, () => {
      entry = null;
      if (timers.nowMs() < untilMs) guard(untilMs);
      else onLapse();
    });
  };
  return {
    renew(renewedMs) {
      untilMs = Math.max(untilMs, renewedMs);
      // The guard looks at the latest grant when it fires; it needs no moving a second before every time.
    },
    expect() {
      if (entry === null) guard(Math.max(untilMs, timers.nowMs() + FIRST_GRANT_MS_MAX));
    },
    forget: clear,
  };
}
