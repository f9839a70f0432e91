// Laws of the load shape for any curve: the active endpoints are the curve to the endpoint, and scaling is what it says.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { cumulativeTotal, evenPoints, forEachArrival } from '../../node/core/arrivals.ts';
import { forEachLife } from '../../node/core/lives.ts';
import { endOf, levelAt, scaledSegments, wantedSlots } from '../../node/core/shape.ts';
import { anySegments, hundredths, scenarioOf } from '../support/scenarios.ts';

/** Active lives at a moment; a life is active from its start until before its stop. */
function activeAt(lives: readonly { startMs: number; stopMs: number }[], atMs: number): number {
  return lives.filter(({ startMs, stopMs }) => startMs <= atMs && atMs < stopMs).length;
}

describe('concurrent endpoints', () => {
  it('are exactly the curve, at every moment between two changes', () => {
    fc.assert(
      fc.property(anySegments, fc.double({ min: 0, max: 1, noNaN: true }), (segments, where) => {
        const scenario = scenarioOf({ load: { unit: 'endpoints', arrivals: 'even', segments } });
        const lives: { slot: number; startMs: number; stopMs: number }[] = [];
        forEachLife(scenario, scenario.groups[0]!, [], { stripe: 0, stripes: 1 }, (slot, _life, startMs, stopMs) =>
          lives.push({ slot, startMs, stopMs }),
        );
        // Between changes: the middle of two neighbouring changes is never itself one.
        const changes = [...new Set([0, endOf(segments), ...lives.flatMap(({ startMs, stopMs }) => [startMs, stopMs])])].sort(
          (a, b) => a - b,
        );
        const at = Math.min(changes.length - 2, Math.floor(where * (changes.length - 1)));
        fc.pre(at >= 0 && changes[at + 1]! - changes[at]! > 1e-3);
        const atMs = (changes[at]! + changes[at + 1]!) / 2;
        expect(activeAt(lives, atMs)).toBe(wantedSlots(levelAt(segments, atMs)));
        const slots = lives.filter(({ startMs, stopMs }) => startMs <= atMs && atMs < stopMs).map(({ slot }) => slot);
        expect(slots.sort((a, b) => a - b)).toEqual(slots.map((_, index) => index));
      }),
      { numRuns: 300 },
    );
  });

  it('have lives of one slot that never overlap and are counted in order', () => {
    fc.assert(
      fc.property(anySegments, fc.integer({ min: 200, max: 4000 }), fc.integer({ min: 0, max: 3000 }), (segments, stayMs, pauseMs) => {
        const scenario = scenarioOf({
          load: { unit: 'endpoints', arrivals: 'even', segments },
          stay: { distribution: 'exponential', meanMs: stayMs, minMs: 0, maxMs: stayMs * 5 },
          pause: { distribution: 'uniform', minMs: 0, maxMs: pauseMs },
        });
        const last = new Map<number, { life: number; stopMs: number }>();
        forEachLife(scenario, scenario.groups[0]!, [], { stripe: 0, stripes: 1 }, (slot, life, startMs, stopMs) => {
          const before = last.get(slot);
          expect(life).toBe((before?.life ?? -1) + 1);
          expect(startMs).toBeGreaterThanOrEqual(before?.stopMs ?? 0);
          expect(stopMs).toBeGreaterThan(startMs);
          expect(stopMs).toBeLessThanOrEqual(endOf(segments));
          last.set(slot, { life, stopMs });
        });
      }),
      { numRuns: 60 },
    );
  });
});

describe('arrivals', () => {
  it('number the integral of the rate, and come in order within the curve', () => {
    fc.assert(
      fc.property(anySegments, (segments) => {
        let count = 0;
        let last = 0;
        forEachArrival(segments, evenPoints, (index, startMs) => {
          expect(index).toBe(count);
          expect(startMs).toBeGreaterThanOrEqual(last - 1e-6);
          last = startMs;
          count += 1;
        });
        expect(last).toBeLessThanOrEqual(endOf(segments) + 1e-6);
        expect(Math.abs(count - cumulativeTotal(segments))).toBeLessThanOrEqual(1);
      }),
    );
  });
});

describe('scaling', () => {
  it('multiplies the level by the last factor given', () => {
    const order = fc.record({
      group: fc.constant('*'),
      factor: hundredths(5),
      atMs: fc.integer({ min: 0, max: 60_000 }),
    });
    fc.assert(
      fc.property(
        anySegments,
        fc.array(order, { maxLength: 4 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (segments, unsorted, where) => {
          const orders = [...unsorted].sort((a, b) => a.atMs - b.atMs);
          const atMs = where * endOf(segments);
          const factor = orders.filter((one) => one.atMs <= atMs).at(-1)?.factor ?? 1;
          expect(levelAt(scaledSegments(segments, orders), atMs)).toBeCloseTo(levelAt(segments, atMs) * factor, 6);
          expect(endOf(scaledSegments(segments, orders))).toBe(endOf(segments));
        },
      ),
    );
  });
});
