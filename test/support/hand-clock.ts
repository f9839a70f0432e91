// A RuntimeClock that a test moves by hand: timers fire in order of their time while it is moved, and microtasks get their turn between them.

import type { RuntimeClock } from '../../node/runtime/components.ts';

export interface HandClock extends RuntimeClock {
  /** Moves time on by `ms`, firing what is due on the way. */
  advance(ms: number): Promise<void>;
  /** Time passes without anybody noticing: a busy or paused process. */
  jump(ms: number): void;
  /** Sets the wall clock against the monotonic one. */
  stepWall(byMs: number): void;
}

export function createHandClock(): HandClock {
  let nowMs = 1_000_000;
  let wallStepMs = 0;
  let timers: { atMs: number; callback: () => void }[] = [];
  const settle = async (): Promise<void> => {
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
  };
  return {
    nowMs: () => nowMs,
    wallMs: () => nowMs + wallStepMs,
    after(ms, callback) {
      const timer = { atMs: nowMs + ms, callback };
      timers.push(timer);
      return () => {
        timers = timers.filter((each) => each !== timer);
      };
    },
    turn: () => Promise.resolve(),
    jump(ms) {
      nowMs += ms;
    },
    stepWall(byMs) {
      wallStepMs += byMs;
    },
    async advance(ms) {
      const untilMs = nowMs + ms;
      await settle();
      for (;;) {
        const next = timers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0];
        if (next === undefined) break;
        timers = timers.filter((each) => each !== next);
        nowMs = Math.max(nowMs, next.atMs);
        next.callback();
        await settle();
      }
      nowMs = untilMs;
      await settle();
    },
  };
}
