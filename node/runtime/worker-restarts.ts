// The worker's ramp limiter: hands out moments at which a taken-over endpoint may restart, no denser than the rate that the claim brought. One
// for all claims of the worker, so that ten claims taken over together do not restart ten times as fast.

export interface RestartLimiter {
  /** Takes the next moment, in clock time. */
  readonly take: (ratePerS: number) => number;
}

export function createRestartLimiter(nowMs: () => number): RestartLimiter {
  let nextMs = Number.NEGATIVE_INFINITY;
  return {
    take(ratePerS) {
      const atMs = Math.max(nowMs(), nextMs);
      nextMs = atMs + 1000 / Math.max(0.01, ratePerS);
      return atMs;
    },
  };
}
