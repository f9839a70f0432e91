// Parts of a run by the second, put together: however a run is cut into overlapping parts, the whole is what was sent at once.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { LiveTimeline } from '../../node/runtime/collector.ts';
import { mergeTimeline } from '../../tools/console/server/merge-timeline.ts';

/** A run of `length` seconds, its points from `from` on; series and heat begin where they do. */
function partOf(length: number, from: number, seriesFrom: number): LiveTimeline {
  const seconds = Array.from({ length: length - from }, (_, index) => from + index);
  const has = length > seriesFrom;
  return {
    timeline: {
      ...{ timelineVersion: 1, stepMs: 1000, atMs: seconds.map((second) => second * 1000) },
      groups: [{ group: 'a', owned: [...seconds], active: [...seconds], started: seconds.map(() => 1), failed: seconds.map(() => 0) }],
      metrics: has
        ? [
            {
              metric: 'm',
              group: 'a',
              kind: 'trend',
              perS: [...seconds],
              p95: seconds.map((second) => (second < seriesFrom ? null : second)),
            },
          ]
        : [],
      overall: has ? [{ metric: 'm', group: '*', kind: 'trend', perS: seconds.map(() => 1) }] : [],
      causes: has
        ? [{ side: 'target', group: 'a', cause: 'timeout', perS: seconds.map((second) => (second < seriesFrom ? 0 : second)) }]
        : [],
    },
    heat: has ? [{ metric: 'm', group: 'a', boundsMs: [1], rows: seconds.map((second) => (second < seriesFrom ? [] : [second, 1])) }] : [],
  };
}

it('gives the whole, whatever the parts', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 0, max: 30 }),
      fc.integer({ min: 0, max: 6 }),
      (step, seriesFrom, late) => {
        const whole = partOf(step, 0, seriesFrom);
        for (let length = step; length < 60; length += step)
          mergeTimeline(whole, partOf(length + step, Math.max(0, length - late), seriesFrom));
        const length = whole.timeline.atMs.length;
        const expected = partOf(length, 0, seriesFrom);
        expect(whole.timeline.atMs).toEqual(expected.timeline.atMs);
        expect(whole.timeline.groups).toEqual(expected.timeline.groups);
        expect(whole.timeline.metrics.map(({ p95 }) => p95)).toEqual(expected.timeline.metrics.map(({ p95 }) => p95));
        expect(whole.heat).toEqual(expected.heat);
        expect(whole.timeline.causes).toEqual(expected.timeline.causes);
        expect(whole.timeline.overall?.map(({ perS }) => perS.length)).toEqual(expected.timeline.overall?.map(({ perS }) => perS.length));
      },
    ),
  );
});

it('keeps what has gone silent, with nothing in it, and takes columns that are new', () => {
  const whole = partOf(3, 0, 0);
  const part = partOf(5, 2, 9);
  const [group] = part.timeline.groups;
  mergeTimeline(whole, { heat: [], timeline: { ...part.timeline, groups: [{ ...group, planned: [7, 8, 9] } as never] } });
  expect(whole.timeline.metrics[0]).toMatchObject({ p95: [0, 1, null, null, null] });
  expect(whole.timeline.groups[0]).toMatchObject({ planned: [0, 0, 7, 8, 9], owned: [0, 1, 2, 3, 4] });
  expect(whole.heat[0]?.rows).toEqual([[0, 1], [1, 1], [], [], []]);
});
