// The timing wheel: never early, at most one slot and one advance late, over laps, stalls and callbacks that change the wheel under its feet.

import { describe, expect, it } from 'vitest';
import { createRng } from '../../node/core/rng.ts';
import { Wheel } from '../../node/media/wheel.ts';

const SLOT_MS = 0.25;

describe('the timing wheel', () => {
  it('fires each entry once, at the first advance after its time', () => {
    const rng = createRng(7);
    const wheel = new Wheel(1_000);
    const due = Array.from({ length: 2_000 }, () => 1_000 + rng.float() * 10_000);
    const fired = new Map<number, number>();
    for (const [entry, dueMs] of due.entries()) wheel.insert(entry, dueMs);
    for (let nowMs = 1_000; nowMs < 11_010; nowMs += 0.9) {
      wheel.advance(nowMs, (entry, dueMs) => {
        expect(fired.has(entry)).toBe(false);
        expect(dueMs).toBe(due[entry]);
        fired.set(entry, nowMs);
      });
    }
    expect(fired.size).toBe(due.length);
    expect(wheel.size).toBe(0);
    for (const [entry, nowMs] of fired) {
      expect(nowMs).toBeGreaterThanOrEqual(due[entry] as number);
      expect(nowMs - (due[entry] as number)).toBeLessThanOrEqual(0.9 + SLOT_MS);
    }
  });

  it('fires what is overdue after a stall of many laps, and what was inserted overdue', () => {
    const wheel = new Wheel(0);
    const fired: number[] = [];
    wheel.insert(0, 5);
    wheel.insert(1, 30_000);
    wheel.insert(2, 70_000);
    wheel.advance(60_000, (entry) => fired.push(entry));
    expect(fired.sort()).toEqual([0, 1]);
    wheel.insert(3, 100);
    wheel.advance(60_001, (entry) => fired.push(entry));
    expect(fired).toEqual([0, 1, 3]);
    expect(wheel.has(2)).toBe(true);
  });

  it('forgets what is removed, also by a callback of the same moment, and moves what is inserted again', () => {
    const wheel = new Wheel(0);
    const fired: number[] = [];
    for (const entry of [0, 1, 2, 3]) wheel.insert(entry, 10);
    wheel.remove(3);
    wheel.insert(4, 10);
    wheel.insert(4, 12);
    wheel.advance(11, (entry) => {
      fired.push(entry);
      for (const other of [0, 1, 2]) if (other !== entry) wheel.remove(other);
    });
    expect(fired).toHaveLength(1);
    expect(wheel.size).toBe(1);
    wheel.advance(12.25, (entry) => fired.push(entry));
    expect(fired[1]).toBe(4);
  });

  it('lets a callback insert many more entries than the wheel ever had', () => {
    const wheel = new Wheel(0);
    let count = 0;
    wheel.insert(0, 1);
    wheel.insert(1, 1);
    wheel.advance(2, (entry) => {
      if (entry < 2) for (let more = 0; more < 1_000; more++) wheel.insert(2 + entry * 1_000 + more, 1);
      count += 1;
    });
    wheel.advance(3, () => {
      count += 1;
    });
    expect(count).toBe(2_002);
  });

  it('says how long it will be quiet', () => {
    const wheel = new Wheel(100);
    expect(wheel.quietUntilMs(20)).toBe(Number.POSITIVE_INFINITY);
    wheel.insert(0, 107.3);
    expect(wheel.quietUntilMs(20)).toBe(107.5);
    expect(wheel.quietUntilMs(5)).toBeLessThanOrEqual(105.25);
    wheel.advance(108, () => {});
    expect(wheel.quietUntilMs(20)).toBe(Number.POSITIVE_INFINITY);
  });
});
