// P4 as laws: whatever the number of stripes, nodes or orders, the shards together are the plan, and what runs keeps its identity.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandShard, makePlan } from '../../node/core/plan.ts';
import type { EndpointLife, ScaleOrder } from '../../node/core/plan-types.ts';
import { plannedActive } from '../../node/core/planned.ts';
import type { ValidGroup, ValidScenario } from '../../node/core/scenario-types.ts';
import { endOf } from '../../node/core/shape.ts';
import { anySegments, hundredths, scenarioOf } from '../support/scenarios.ts';

const churn: Pick<ValidGroup, 'stay' | 'pause'> = {
  stay: { distribution: 'exponential', meanMs: 3000, minMs: 0, maxMs: 20_000 },
  pause: { distribution: 'uniform', minMs: 100, maxMs: 2000 },
};

/** Concurrent, churning, and arriving groups over any curve. */
const anyScenario: fc.Arbitrary<ValidScenario> = fc
  .record({
    segments: anySegments,
    mode: fc.constantFrom('whole', 'churn', 'even', 'poisson'),
    shardEndpoints: fc.integer({ min: 1, max: 40 }),
  })
  .map(({ segments, mode, shardEndpoints }) => {
    const isRate = mode === 'even' || mode === 'poisson';
    const load = {
      unit: isRate ? ('rate' as const) : ('endpoints' as const),
      arrivals: mode === 'poisson' ? ('poisson' as const) : ('even' as const),
      segments,
    };
    const sessions = mode === 'whole' ? {} : isRate ? { stay: churn.stay } : churn;
    return scenarioOf(
      { load, ...sessions, meetings: 'round-robin' },
      { shardEndpoints, meetings: { count: 7, provision: null, teardown: null } },
    );
  });

const anyScales = fc
  .array(
    fc.record({
      group: fc.constantFrom('*', 'viewers', 'others'),
      factor: hundredths(3),
      atMs: fc.integer({ min: 1, max: 60_000 }),
    }),
    { maxLength: 3 },
  )
  .map((orders): ScaleOrder[] => orders);

const livesOf = (scenario: ValidScenario, scales: ScaleOrder[] = []): EndpointLife[] =>
  makePlan(scenario).shards.flatMap((shard) => [...expandShard(scenario, shard, scales)]);
const sorted = (lives: EndpointLife[]): EndpointLife[] =>
  [...lives].sort((a, b) => a.endpointIndex - b.endpointIndex || a.lifeIndex - b.lifeIndex);
const keyOf = ({ endpointIndex, lifeIndex }: EndpointLife): string => `${endpointIndex}.${lifeIndex}`;

describe('the union of all shards', () => {
  it('is the same for any shard size, scaled or not', () => {
    fc.assert(
      fc.property(anyScenario, anyScales, (scenario, scales) => {
        const whole = sorted(livesOf({ ...scenario, shardEndpoints: 10_000 }, scales));
        expect(sorted(livesOf(scenario, scales))).toEqual(whole);
        expect(new Set(whole.map(keyOf)).size).toBe(whole.length);
      }),
      { numRuns: 80 },
    );
  });

  it('adds up to the totals of the plan', () => {
    fc.assert(
      fc.property(anyScenario, (scenario) => {
        const plan = makePlan(scenario);
        const lives = livesOf(scenario);
        expect(plan.shards.reduce((sum, shard) => sum + shard.count, 0)).toBe(lives.length);
        expect(plan.endpointCount).toBe(lives.length);
        expect(plan.durationMs).toBe(Math.max(0, ...lives.map(({ stopMs }) => stopMs)));
        const most = Math.max(
          0,
          ...lives.map(({ startMs }) => lives.filter((one) => one.startMs <= startMs && startMs < one.stopMs).length),
        );
        expect(plan.activeMax).toBe(most);
        for (const shard of plan.shards) {
          const own = [...expandShard(scenario, shard)];
          expect(own.map(({ startMs }) => startMs)).toEqual(own.map(({ startMs }) => startMs).sort((a, b) => a - b));
          expect(own.length).toBe(shard.count);
          if (own.length > 0)
            expect([shard.startMs, shard.stopMs]).toEqual([own[0]!.startMs, Math.max(...own.map(({ stopMs }) => stopMs))]);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('is what plannedActive says, under any orders', () => {
    fc.assert(
      fc.property(anyScenario, anyScales, fc.double({ min: 0, max: 1.2, noNaN: true }), (scenario, scales, where) => {
        const atMs = where * endOf(scenario.groups[0]!.load.segments) + 0.0137;
        const lives = livesOf(scenario, scales);
        // Exactly at a change both answers are right; look a little beside it.
        fc.pre(lives.every(({ startMs, stopMs }) => Math.abs(startMs - atMs) > 1e-3 && Math.abs(stopMs - atMs) > 1e-3));
        fc.pre(scales.every((order) => Math.abs(order.atMs - atMs) > 1e-3));
        const active = lives.filter(({ startMs, stopMs }) => startMs <= atMs && atMs < stopMs).length;
        expect(plannedActive(scenario, 'viewers', atMs, scales)).toBe(active);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a scale order', () => {
  it('changes nothing that started before it, except when running lives end', () => {
    fc.assert(
      fc.property(
        anyScenario,
        fc.double({ min: 0, max: 4, noNaN: true }),
        fc.integer({ min: 1, max: 40_000 }),
        (scenario, factor, atMs) => {
          const before = livesOf(scenario).filter(({ startMs }) => startMs < atMs - 1e-3);
          const after = new Map(livesOf(scenario, [{ group: '*', factor, atMs }]).map((life) => [keyOf(life), life]));
          for (const life of before) {
            const same = after.get(keyOf(life));
            // A cut within a ramp rounds differently in the last bit.
            expect(same?.startMs).toBeCloseTo(life.startMs, 6);
            if (life.stopMs < atMs - 1e-3) expect(same?.stopMs).toBeCloseTo(life.stopMs, 6);
            expect(same?.meetingIndex).toBe(life.meetingIndex);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('that shrinks a concurrent group stops the highest slots at its moment', () => {
    const scenario = scenarioOf({
      load: { unit: 'endpoints', arrivals: 'even', segments: [{ fromMs: 0, toMs: 10_000, fromLevel: 10, toLevel: 10 }] },
    });
    const stops = sorted(livesOf(scenario, [{ group: 'viewers', factor: 0.4, atMs: 3000 }])).map(({ stopMs }) => stopMs);
    expect(stops).toEqual([...Array(4).fill(10_000), ...Array(6).fill(3000)]);
  });
});

describe('what is left out from a moment on', () => {
  it('is what is over by then, and nothing else', () => {
    fc.assert(
      fc.property(anyScenario, fc.integer({ min: 1, max: 40_000 }), (scenario, fromMs) => {
        for (const shard of makePlan(scenario).shards) {
          const rest = [...expandShard(scenario, shard)].filter(({ stopMs }) => stopMs > fromMs);
          expect([...expandShard(scenario, shard, [], fromMs)]).toEqual(rest);
        }
      }),
      { numRuns: 50 },
    );
  });
});
