import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Aggregate, absorb, createAggregate, hasStaleClaims } from '../../node/core/aggregate.ts';
import { gapsOf, select, taintedShare } from '../../node/core/aggregate-read.ts';
import { createHistogram, encode, encodedCount, extremesOf, merge, record, valueAtPercentile } from '../../node/core/histogram.ts';
import { addNumber, createNumberSet, holesUpTo } from '../../node/core/number-set.ts';
import { timelineReport } from '../../node/core/timeline-report.ts';
import { decodeWindow, encodeWindow } from '../../node/core/window-codec.ts';
import { makeWindow, type WindowSketch } from '../support/windows.ts';

const values = fc.array(fc.double({ min: 0, max: 3_600_000, noNaN: true }), { maxLength: 60 });
const histogramOf = (samples: readonly number[]) => {
  const histogram = createHistogram();
  for (const sample of samples) record(histogram, sample);
  return histogram;
};
const stateOf = (histogram: ReturnType<typeof createHistogram>) => [encode(histogram), extremesOf(histogram)];

describe('histograms', () => {
  it('merge as if all values had been recorded in one, in any order and grouping', () => {
    fc.assert(
      fc.property(values, values, values, (a, b, c) => {
        const left = histogramOf(a);
        merge(left, histogramOf(b));
        merge(left, histogramOf(c));
        const right = histogramOf(c);
        const middle = histogramOf(b);
        merge(middle, histogramOf(a));
        merge(right, middle);
        const whole = stateOf(histogramOf([...a, ...b, ...c]));
        expect(stateOf(left)).toEqual(whole);
        expect(stateOf(right)).toEqual(whole);
      }),
    );
  });

  it('tell percentiles within the stated error', () => {
    fc.assert(
      fc.property(
        values.filter(({ length }) => length > 0),
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        (samples, percentile) => {
          const sorted = samples.map((sample) => Math.round(sample * 1000) / 1000).sort((left, right) => left - right);
          const exact = sorted[Math.max(1, Math.ceil((percentile / 100) * sorted.length - 1e-9 * sorted.length)) - 1]!;
          const told = valueAtPercentile(histogramOf(samples), percentile);
          expect(told).toBeGreaterThanOrEqual(exact);
          expect(told).toBeLessThanOrEqual(exact * (1 + 1 / 1024) + 0.001);
        },
      ),
    );
  });

  it('survive arbitrary bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect(encodedCount(bytes)).toBe(-1);
      }),
    );
  });
});

const NODES = ['node-a', 'node-b', 'node-c'];
const GROUPS = ['viewers', 'speakers'];
const sketch: fc.Arbitrary<Omit<WindowSketch, 'number'>> = fc.record({
  // Clocks disagree, and one is far off: the timeline must not care.
  startMs: fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: 0, max: 30_000 }) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 1e12 }) },
  ),
  durationMs: fc.integer({ min: 900, max: 2500 }),
  durations: fc.dictionary(fc.constantFrom(...GROUPS), fc.array(fc.integer({ min: 0, max: 100_000 }), { minLength: 1, maxLength: 5 }), {
    noNullPrototype: true,
  }),
  counters: fc.dictionary(fc.constantFrom('bytes', 'messages'), fc.integer({ min: 1, max: 1000 }), { noNullPrototype: true }),
  checks: fc.array(fc.boolean(), { maxLength: 4 }),
  gauge: fc.integer({ min: 0, max: 50 }),
  errors: fc.array(
    fc.record({
      side: fc.constantFrom('target' as const, 'generator' as const),
      group: fc.constantFrom(...GROUPS),
      cause: fc.constantFrom('timeout', 'reset', 'dns'),
      count: fc.integer({ min: 1, max: 9 }),
      example: fc.constantFrom('one', 'two', 'three'),
    }),
    { maxLength: 3 },
  ),
  load: fc.array(
    fc.record({
      group: fc.constantFrom(...GROUPS),
      owned: fc.integer({ min: 0, max: 100 }),
      active: fc.integer({ min: 0, max: 100 }),
      started: fc.integer({ min: 0, max: 9 }),
      finished: fc.integer({ min: 0, max: 9 }),
      failed: fc.integer({ min: 0, max: 9 }),
      claims: fc.subarray(['0.0', '1.0', '2.1', 'lost.0']),
    }),
    { maxLength: 2 },
  ),
  tainted: fc.subarray(['cpu', 'lateness']),
});
type Delivery = { node: string; sketch: WindowSketch };
/** Windows of three nodes with unique numbers, and the same in another order with some repeated. */
const deliveries: fc.Arbitrary<{ tidy: Delivery[]; untidy: Delivery[] }> = fc
  .array(fc.tuple(fc.constantFrom(...NODES), sketch), { minLength: 1, maxLength: 25 })
  .map((parts) => {
    const last = new Map<string, number>();
    return parts.map(([node, part]) => {
      const number = (last.get(node) ?? 0) + 1;
      last.set(node, number);
      return { node, sketch: { ...part, number } };
    });
  })
  .chain((tidy) =>
    fc
      .tuple(fc.shuffledSubarray(tidy, { minLength: tidy.length }), fc.array(fc.constantFrom(...tidy), { maxLength: 8 }))
      .map(([shuffled, repeated]) => ({ tidy, untidy: [...shuffled.slice(0, 3), ...repeated, ...shuffled.slice(3), ...repeated] })),
  );

const fold = (all: readonly Delivery[], pointsMax: number): Aggregate => {
  const aggregate = createAggregate({ isWinner: (claimId) => !claimId.startsWith('lost'), pointsMax });
  for (const { node, sketch } of all) absorb(aggregate, node, makeWindow(sketch));
  return aggregate;
};
const sortedMap = <T>(map: ReadonlyMap<string, T>): [string, T][] => [...map].sort(([left], [right]) => (left < right ? -1 : 1));
/** All that the aggregate says, in an order of its own. */
const readingOf = (aggregate: Aggregate) => ({
  series: sortedMap(aggregate.series).map(([key, series]) => {
    if (series.kind === 'trend') return [key, ...stateOf(series.histogram)];
    return series.kind === 'gauge'
      ? [key, series.min, series.max, sortedMap(series.byNode), select(aggregate, series.metric, series.tags)]
      : [key, series];
  }),
  groups: sortedMap(aggregate.groups),
  errors: sortedMap(aggregate.errors),
  timeline: timelineReport(aggregate, 0),
  nodes: sortedMap(aggregate.nodes),
  tainted: aggregate.tainted.map(({ node, number }) => `${node} ${number}`).sort(),
  reasons: sortedMap(aggregate.taintedReasons),
  discarded: aggregate.discarded,
  share: taintedShare(aggregate),
  gaps: gapsOf(aggregate, { windowLast: {}, missing: [], lostAtSwarmMs: new Map() }),
});

describe('the aggregate', () => {
  it('is the same for late, reordered and repeated windows', () => {
    fc.assert(
      fc.property(deliveries, fc.constantFrom(4, 16, 3600), ({ tidy, untidy }, pointsMax) => {
        expect(readingOf(fold(untidy, pointsMax))).toEqual(readingOf(fold(tidy, pointsMax)));
      }),
      { numRuns: 150 },
    );
  });

  it('counts every sample of winning claims once, and none of losing ones', () => {
    fc.assert(
      fc.property(deliveries, ({ tidy, untidy }) => {
        const aggregate = fold(untidy, 3600);
        let started = 0;
        let discarded = 0;
        let samples = 0;
        for (const { sketch: part } of tidy) {
          const losing = new Set((part.load ?? []).filter(({ claims }) => claims?.includes('lost.0')).map(({ group }) => group));
          for (const load of part.load ?? []) {
            if (losing.has(load.group)) discarded += (load.claims?.includes('lost.0') ? load.started : 0) ?? 0;
            else started += load.started ?? 0;
          }
          for (const [group, recorded] of Object.entries(part.durations ?? {})) if (!losing.has(group)) samples += recorded.length;
        }
        const trend = select(aggregate, 'http_req_duration', {});
        expect(trend?.kind === 'trend' ? trend.histogram.count : 0).toBe(samples);
        expect(select(aggregate, 'ep_started', {}) ?? { sum: 0 }).toMatchObject({ sum: started });
        expect(aggregate.discarded.started).toBe(discarded);
      }),
      { numRuns: 80 },
    );
  });

  it('keeps at most the points it may, whatever the clocks say, and no sum is lost by widening', () => {
    fc.assert(
      fc.property(deliveries, ({ tidy }) => {
        const aggregate = fold(tidy, 4);
        const sums = timelineReport(aggregate, 0).metrics.filter(({ metric }) => metric === 'bytes');
        const inTimeline = sums.flatMap(({ perS }) => perS).reduce<number>((sum, perS) => sum + (perS ?? 0) * aggregate.timeline.stepS, 0);
        const whole = select(aggregate, 'bytes', {});
        expect(aggregate.timeline.points.size).toBeLessThanOrEqual(4);
        expect(inTimeline).toBeCloseTo(whole?.kind === 'counter' ? whole.sum : 0, 6);
      }),
      { numRuns: 60 },
    );
  });

  it('notices that a claim judged earlier would be judged differently now', () => {
    const aggregate = createAggregate({ isWinner: () => true });
    absorb(aggregate, 'node-a', makeWindow({ number: 1, load: [{ claims: ['3.0'] }] }));
    expect(hasStaleClaims(aggregate, () => true)).toBe(false);
    expect(hasStaleClaims(aggregate, (claimId, node) => !(claimId === '3.0' && node === 'node-a'))).toBe(true);
  });
});

describe('windows', () => {
  it('survive the wire, whatever is in them', () => {
    fc.assert(
      fc.property(sketch, fc.integer({ min: 1, max: 1e9 }), (part, number) => {
        const window = makeWindow({ ...part, number });
        expect(decodeWindow(encodeWindow(window))).toEqual({ ok: true, value: window });
      }),
    );
  });

  it('are refused, not thrown about, when bytes are flipped', () => {
    fc.assert(
      fc.property(sketch, fc.nat(), fc.nat(255), (part, at, byte) => {
        const bytes = encodeWindow(makeWindow({ ...part, number: 1 }));
        bytes[at % bytes.length] = byte;
        const decoded = decodeWindow(bytes);
        // What is still accepted must be safe to fold.
        if (decoded.ok) absorb(createAggregate({ isWinner: () => true }), 'node-a', decoded.value);
      }),
      { numRuns: 400 },
    );
  });
});

describe('number sets', () => {
  it('know what is in them and what is missing', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 40 })), fc.integer({ min: 0, max: 50 }), (numbers, upTo) => {
        const set = createNumberSet();
        const seen = new Set<number>();
        for (const number of numbers) {
          expect(addNumber(set, number)).toBe(!seen.has(number));
          seen.add(number);
        }
        const missing = Array.from({ length: upTo }, (_, index) => index + 1).filter((number) => !seen.has(number));
        const holes = holesUpTo(set, upTo).flatMap(({ first, last }) =>
          Array.from({ length: last - first + 1 }, (_, index) => first + index),
        );
        expect(holes).toEqual(missing);
      }),
    );
  });
});
