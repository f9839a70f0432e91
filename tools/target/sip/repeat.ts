// SIP's way of sending until somebody answers (RFC 3261, 17.1.2.2 and 13.3.1.4): after T1, then after twice as long each time, to an upper bound; in the
// end it gives up.

import type { Clock } from '../clock.ts';

export const T1_MS = 500;
export const T2_MS = 4_000;
/** 64 T1: how long a transaction waits and is remembered. */
export const LIFETIME_MS = 64 * T1_MS;

export interface Repetition {
  readonly clock: Clock;
  /** Upper bound of the pause; Infinity where the RFC has none. */
  readonly pauseMsMax: number;
  readonly again: () => void;
  /** After LIFETIME_MS. */
  readonly giveUp: () => void;
}

/** The first sending is the caller's; the returned function stops it. */
export function repeat({ clock, pauseMsMax, again, giveUp }: Repetition): () => void {
  const endsAtMs = clock.nowMs() + LIFETIME_MS;
  let cancel = (): void => {};
  const wait = (pauseMs: number): void => {
    const leftMs = endsAtMs - clock.nowMs();
    cancel = clock.after(Math.max(1, Math.min(pauseMs, leftMs)), () => {
      if (leftMs <= pauseMs) return giveUp();
      again();
      wait(Math.min(2 * pauseMs, pauseMsMax));
    });
  };
  wait(T1_MS);
  return () => cancel();
}
