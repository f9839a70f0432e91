// The worker's timers against a plain model: whatever is set and cancelled in whatever order, entries fire in due order, never early, and no
// cancelled one ever.

import fc from 'fast-check';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { createTimers, type Timers } from '../../node/runtime/worker-timers.ts';

const fakeNowMs = (): number => Number(vi.getMockedSystemTime());
let late: number[] = [];
let faults: unknown[] = [];
beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  late = [];
  faults = [];
});
afterEach(() => {
  vi.useRealTimers();
});

const make = (): Timers =>
  createTimers({ nowMs: () => fakeNowMs(), onFired: (ms) => late.push(ms), onFault: (error) => faults.push(error) });

it('fires in due order, and in order of setting among equals', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ atMs: fc.integer({ min: 0, max: 200 }), cancel: fc.boolean() }), { maxLength: 200 }),
      async (wanted) => {
        vi.setSystemTime(0);
        const timers = make();
        const fired: number[] = [];
        const entries = wanted.map(({ atMs }, index) => timers.at(atMs, () => fired.push(index)));
        for (const [index, { cancel }] of wanted.entries()) if (cancel) timers.cancel(entries[index] as (typeof entries)[0]);
        expect(timers.waiting()).toBe(wanted.filter(({ cancel }) => !cancel).length);
        await vi.advanceTimersByTimeAsync(300);
        const kept = wanted.map((each, index) => ({ ...each, index })).filter(({ cancel }) => !cancel);
        expect(fired).toEqual(kept.sort((one, other) => one.atMs - other.atMs || one.index - other.index).map(({ index }) => index));
        expect(timers.waiting()).toBe(0);
        timers.close();
      },
    ),
    { numRuns: 50 },
  );
  expect(Math.min(...late)).toBeGreaterThanOrEqual(0);
});

it('goes on after a callback that throws, and after thousands of cancelled entries', async () => {
  const timers = make();
  const fired: string[] = [];
  timers.at(10, () => {
    throw new Error('bug');
  });
  timers.at(20, () => fired.push('after'));
  for (let index = 0; index < 5000; index++) timers.cancel(timers.at(15, () => fired.push('cancelled')));
  expect(timers.waiting()).toBe(2);
  await vi.advanceTimersByTimeAsync(30);
  expect(fired).toEqual(['after']);
  expect(faults).toHaveLength(1);
});

it('wakes whoever waits when the signal aborts, and only those', async () => {
  const timers = make();
  const [one, other] = [new AbortController(), new AbortController()];
  const ends: string[] = [];
  timers.until(1000, one.signal).then((how) => ends.push(`one ${how}`));
  timers.until(1500, one.signal).then((how) => ends.push(`one again ${how}`));
  timers.until(1000, other.signal).then((how) => ends.push(`other ${how}`));
  await vi.advanceTimersByTimeAsync(500);
  one.abort('leave');
  await vi.advanceTimersByTimeAsync(0);
  expect(ends).toEqual(['one aborted', 'one again aborted']);
  expect(await timers.until(2000, one.signal)).toBe('aborted');
  await vi.advanceTimersByTimeAsync(1000);
  expect(ends).toEqual(['one aborted', 'one again aborted', 'other due']);
  expect(await timers.until(0)).toBe('due');
});

it('sets new entries from within a callback without firing them early', async () => {
  const timers = make();
  const at: number[] = [];
  const again = (): void => {
    at.push(fakeNowMs());
    if (at.length < 5) timers.at(fakeNowMs() + 100, again);
  };
  timers.at(50, again);
  await vi.advanceTimersByTimeAsync(1000);
  expect(at).toEqual([50, 150, 250, 350, 450]);
});
