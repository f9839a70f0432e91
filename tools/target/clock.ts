// The target's only clock and timers. Monotonic milliseconds since the process started; nothing here knows the wall clock.

export interface Clock {
  nowMs(): number;
  /** Runs `action` after `delayMs`, unless the returned function is called; under half a millisecond at once, as a timer would make 1 of 0.2. */
  after(delayMs: number, action: () => void): () => void;
  /** Runs `action` every `periodMs` until the returned function is called; does not keep the process alive. */
  every(periodMs: number, action: () => void): () => void;
  /** True when `work` was done within `boundMs`. */
  within(boundMs: number, work: Promise<unknown>): Promise<boolean>;
}

export const systemClock: Clock = {
  nowMs: () => performance.now(),
  after(delayMs, action) {
    if (delayMs < 0.5) {
      action();
      return () => {};
    }
    const timer = setTimeout(action, Math.round(delayMs));
    return () => clearTimeout(timer);
  },
  every(periodMs, action) {
    const timer = setInterval(action, periodMs);
    timer.unref();
    return () => clearInterval(timer);
  },
  within(boundMs, work) {
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(false), boundMs);
      void work.finally(() => {
        clearTimeout(timer);
        resolve(true);
      });
    });
  },
};
