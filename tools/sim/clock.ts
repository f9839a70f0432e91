// A node's own clock: it starts anywhere and runs up to half a percent fast or slow. Every deadline of the core is in such
// a clock, every judgement of the checkers in true time; this is the only place that converts.

export interface Clock {
  readonly offsetMs: number;
  /** Node milliseconds per true millisecond, 0.995 to 1.005. */
  readonly rate: number;
}

/** Node time at a true time, in whole microseconds, as a runtime would read it. */
export const toNodeMs = (clock: Clock, trueMs: number): number => Math.round((clock.offsetMs + trueMs * clock.rate) * 1000) / 1000;

/** True time at which the node's clock shows `nodeMs`. */
export const toTrueMs = (clock: Clock, nodeMs: number): number => (nodeMs - clock.offsetMs) / clock.rate;

/** Clocks differ by at most this factor from true time; the checkers allow for it once per clock involved. */
export const DRIFT_MAX = 0.005;
