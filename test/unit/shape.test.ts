// The load shape by tables: what each stage makes of the level before it, and what the curve says at a moment.

import { describe, expect, it } from 'vitest';
import { evenPoints, forEachArrival, poissonPoints } from '../../node/core/arrivals.ts';
import type { Segment } from '../../node/core/scenario-types.ts';
import { endOf, levelAt, ordersFor, peakOf, type Stage, scaledSegments, segmentsOf, wantedSlots } from '../../node/core/shape.ts';

const S = 1000;

describe('stages', () => {
  const rows: [string, Stage[], [number, number][]][] = [
    [
      'ramp',
      [{ kind: 'ramp', to: 100, overMs: 10 * S }],
      [
        [0, 0],
        [5 * S, 50],
        [9.9 * S, 99],
        [10 * S, 0],
      ],
    ],
    [
      'hold keeps the level',
      [
        { kind: 'ramp', to: 8, overMs: S },
        { kind: 'hold', forMs: S },
      ],
      [[1.5 * S, 8]],
    ],
    [
      'step jumps',
      [
        { kind: 'step', to: 5, forMs: S },
        { kind: 'step', to: 2, forMs: S },
      ],
      [
        [0, 5],
        [999, 5],
        [S, 2],
        [1999, 2],
        [2 * S, 0],
      ],
    ],
    [
      'step without length only sets the level',
      [
        { kind: 'step', to: 5, forMs: 0 },
        { kind: 'hold', forMs: S },
      ],
      [
        [0, 5],
        [500, 5],
      ],
    ],
    [
      'spike returns to the level before',
      [
        { kind: 'step', to: 10, forMs: S },
        { kind: 'spike', to: 110, overMs: S, forMs: 2 * S },
        { kind: 'hold', forMs: S },
      ],
      [
        [S, 10],
        [1.5 * S, 60],
        [3 * S, 110],
        [4.5 * S, 60],
        [5.5 * S, 10],
        [6 * S, 0],
      ],
    ],
    [
      'sawtooth falls at once and stays low',
      [
        { kind: 'sawtooth', low: 2, high: 10, periodMs: 4 * S, times: 2 },
        { kind: 'hold', forMs: S },
      ],
      [
        [0, 2],
        [2 * S, 6],
        [4 * S, 2],
        [6 * S, 6],
        [8 * S, 2],
        [8.5 * S, 2],
      ],
    ],
  ];
  it.each(rows)('%s', (_name, stages, expected) => {
    const segments = segmentsOf(stages);
    expect(expected.map(([atMs]) => [atMs, Math.round(levelAt(segments, atMs) * 1e6) / 1e6])).toEqual(expected);
  });

  it('knows its end and its peak', () => {
    const segments = segmentsOf([
      { kind: 'ramp', to: 4, overMs: S },
      { kind: 'spike', to: 9, overMs: S, forMs: 0 },
    ]);
    expect([endOf(segments), peakOf(segments)]).toEqual([3 * S, 9]);
  });

  it.each([
    [0, 0],
    [1e-12, 0],
    [0.1, 1],
    [1, 1],
    [1.000001, 2],
    [3 * 0.1 * 10, 3],
    [200.0000000001, 200],
  ])('level %d wants %d slots', (level, slots) => {
    expect(wantedSlots(level)).toBe(slots);
  });
});

describe('scale orders', () => {
  const flat: Segment[] = [{ fromMs: 0, toMs: 10 * S, fromLevel: 10, toLevel: 10 }];
  it('multiply the planned curve from their moment on and do not pile up', () => {
    const scaled = scaledSegments(flat, [
      { group: '*', factor: 2, atMs: 2 * S },
      { group: '*', factor: 3, atMs: 4 * S },
    ]);
    expect([0, 1999, 2000, 3999, 4000, 9999].map((atMs) => levelAt(scaled, atMs))).toEqual([10, 10, 20, 20, 30, 30]);
  });
  it('keep the length and cut within a ramp', () => {
    const scaled = scaledSegments(segmentsOf([{ kind: 'ramp', to: 10, overMs: 10 * S }]), [{ group: '*', factor: 0.5, atMs: 4 * S }]);
    expect([endOf(scaled), levelAt(scaled, 3999.999), levelAt(scaled, 4000), levelAt(scaled, 8000)]).toEqual([10 * S, 3.999999, 2, 4]);
  });
  it('concern a group by its name or *, in order of time, the later given last', () => {
    const orders = [
      { group: 'a', factor: 3, atMs: 5 },
      { group: 'b', factor: 9, atMs: 1 },
      { group: '*', factor: 2, atMs: 1 },
      { group: 'a', factor: 4, atMs: 5 },
    ];
    expect(ordersFor('a', orders).map(({ factor }) => factor)).toEqual([2, 3, 4]);
  });
});

describe('arrivals', () => {
  const starts = (segments: Segment[], points: (index: number) => number): number[] => {
    const times: number[] = [];
    forEachArrival(segments, points, (_index, startMs) => times.push(startMs));
    return times;
  };
  it('even arrivals at a constant rate are evenly spaced', () => {
    expect(starts([{ fromMs: 0, toMs: 2 * S, fromLevel: 2, toLevel: 2 }], evenPoints)).toEqual([0, 500, 1000, 1500]);
  });
  it('even arrivals on a ramp follow the square root', () => {
    // rate 0 to 2 per second over 2 s: cumulative t^2 / 2, so arrival i is at sqrt(2 i).
    const [first, second, ...others] = starts([{ fromMs: 0, toMs: 2 * S, fromLevel: 0, toLevel: 2 }], evenPoints);
    expect([first, others]).toEqual([0, []]);
    expect(second).toBeCloseTo(Math.sqrt(2) * S, 6);
  });
  it('nothing arrives while the rate is 0', () => {
    const segments = segmentsOf([
      { kind: 'hold', forMs: S },
      { kind: 'step', to: 1, forMs: S },
    ]);
    expect(starts(segments, evenPoints)).toEqual([S]);
  });
  it('Poisson arrivals are the same for the same seed, others for another, and about as many as asked', () => {
    const flat: Segment[] = [{ fromMs: 0, toMs: 100 * S, fromLevel: 100, toLevel: 100 }];
    const one = starts(flat, poissonPoints(1, 0));
    expect(one).toEqual(starts(flat, poissonPoints(1, 0)));
    expect(one).not.toEqual(starts(flat, poissonPoints(2, 0)));
    // 10,000 expected, standard deviation 100: five of them either side.
    expect(Math.abs(one.length - 10_000)).toBeLessThan(500);
    const gaps = one.slice(1).map((at, index) => at - one[index]!);
    const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length;
    const variance = gaps.reduce((sum, gap) => sum + (gap - mean) ** 2, 0) / gaps.length;
    // Exponential gaps: standard deviation equals the mean.
    expect(Math.sqrt(variance) / mean).toBeGreaterThan(0.9);
    expect(Math.sqrt(variance) / mean).toBeLessThan(1.1);
  });
});
