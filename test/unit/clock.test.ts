// Swarm time from round trips: the sample with the shortest one counts, and its half is the bound of the error.

import { describe, expect, it } from 'vitest';
import { createClock, knowsSwarmTime, lead, observe } from '../../node/core/clock.ts';

describe('the clock', () => {
  it('knows nothing at first and says so', () => {
    expect(createClock()).toMatchObject({ offsetMs: 0, errorMs: Number.POSITIVE_INFINITY });
    expect(knowsSwarmTime(createClock())).toBe(false);
  });

  it('takes the coordinator to have answered half way, and cannot be off by more than half the round trip', () => {
    for (const [there, back] of [
      [5, 5],
      [1, 19],
      [19, 1],
    ] as const) {
      const clock = createClock();
      const trueOffsetMs = 70_000;
      observe(clock, 1, 1000, 1000 + there + back, 1000 + there + trueOffsetMs);
      expect(clock.errorMs).toBe((there + back) / 2);
      expect(Math.abs(clock.offsetMs - trueOffsetMs)).toBeLessThanOrEqual(clock.errorMs);
    }
  });

  it('prefers the smallest bound of error: half the round trip and 0.2 ms for each second of age', () => {
    const clock = createClock();
    observe(clock, 1, 0, 2, 501);
    observe(clock, 1, 998, 1002, 1000 + 520);
    expect(clock.offsetMs).toBe(500);
    expect(clock.errorMs).toBeCloseTo(1.2);
    // Ten seconds on the first sample may be off by 3 ms, and a round trip of 4 ms is better.
    observe(clock, 1, 9998, 10_002, 10_000 + 520);
    expect(clock).toMatchObject({ offsetMs: 520, errorMs: 2 });
  });

  it('looks back on a bounded number of samples', () => {
    const clock = createClock();
    for (let turn = 0; turn < 100; turn++) observe(clock, 1, turn * 100, turn * 100 + 50, turn * 100 + 25);
    expect(clock.samples).toHaveLength(32);
  });

  it('ignores answers from before the question', () => {
    const clock = createClock();
    observe(clock, 1, 100, 99, 0);
    expect(clock.samples).toEqual([]);
  });

  it('does not compare one coordinator with another', () => {
    const clock = createClock();
    observe(clock, 1, 0, 2, 501);
    observe(clock, 2, 100, 150, 100 + 25 + 530);
    expect(clock).toMatchObject({ offsetMs: 530, errorMs: 25 });
  });

  it('goes on as it was when its node leads, and is exact when nobody led before', () => {
    const clock = createClock();
    observe(clock, 1, 0, 2, 501);
    lead(clock, 2);
    expect(clock).toMatchObject({ offsetMs: 500, samples: [] });
    const first = createClock();
    lead(first, 1);
    expect(first).toMatchObject({ offsetMs: 0, errorMs: 0 });
  });
});
