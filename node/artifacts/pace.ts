// A bit rate limit as a pure token bucket: how long to wait before the next bytes may go. Uploads during a run share the network card with the load, so they must neither
// exceed their share nor come in bursts that the media of the test would hear: the bucket holds only a tenth of a second. Time comes in as a number; who waits is the caller.

import { assert } from '../core/assert.ts';

export interface Pace {
  readonly rateBps: number;
  /** Moment until which what was let go occupies the line. */
  readonly busyUntilMs: number;
}

/** Longer, and a pause is followed by a burst; shorter, and a late timer costs rate. */
const BURST_MS = 100;

export function createPace(rateBps: number): Pace {
  assert(rateBps > 0, 'a rate is more than zero bits a second');
  return { rateBps, busyUntilMs: Number.NEGATIVE_INFINITY };
}

/** The pace after these bytes went at `nowMs`, and how long whoever sends next has to wait. */
export function spend(pace: Pace, bytes: number, nowMs: number): { readonly pace: Pace; readonly waitMs: number } {
  const fromMs = Math.max(pace.busyUntilMs, nowMs - BURST_MS);
  const busyUntilMs = fromMs + (bytes * 8_000) / pace.rateBps;
  return { pace: { ...pace, busyUntilMs }, waitMs: Math.max(0, busyUntilMs - nowMs) };
}
