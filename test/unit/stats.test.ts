import { describe, expect, it } from 'vitest';
import { createHistogram, mergeEncoded, valueAtPercentile } from '../../node/core/histogram.ts';
import { seriesKey, seriesLabel } from '../../node/core/series.ts';
import { createStatistics } from '../../node/core/stats.ts';
import type { Series } from '../../node/core/stats-types.ts';
import { mergeWorkerDeltas } from '../../node/core/worker-deltas.ts';

const find = (series: readonly Series[], metric: string): Series['data'] | undefined => series.find((one) => one.metric === metric)?.data;

describe('a snapshot', () => {
  it('holds what was recorded since the last one, and gauges keep their level', () => {
    const statistics = createStatistics();
    const trend = statistics.trend('rtt');
    const counter = statistics.counter('messages');
    const rate = statistics.rate('checks');
    const gauge = statistics.gauge('open');
    trend.record(10);
    trend.record(30);
    counter.add(2);
    rate.add(true);
    rate.add(false);
    gauge.add(5);
    gauge.add(-2);
    const first = statistics.snapshot().series;
    expect(find(first, 'rtt')).toMatchObject({ count: 2, sum: 40, min: 10, max: 30 });
    expect(find(first, 'messages')).toEqual({ kind: 'counter', sum: 2 });
    expect(find(first, 'checks')).toEqual({ kind: 'rate', pass: 1, total: 2 });
    expect(find(first, 'open')).toEqual({ kind: 'gauge', last: 3, min: 3, max: 5 });

    expect(statistics.snapshot().series).toEqual([{ metric: 'open', tags: {}, data: { kind: 'gauge', last: 3, min: 3, max: 3 } }]);
    trend.record(7);
    expect(find(statistics.snapshot().series, 'rtt')).toMatchObject({ count: 1, min: 7, max: 7 });
  });

  it('gives one series for the same tags in any order, and others for others', () => {
    const statistics = createStatistics();
    statistics.tagged({ group: 'viewers' }).counter('hits', { status: '200', url: '/' }).add(1);
    statistics.counter('hits', { url: '/', group: 'viewers', status: '200' }).add(1);
    statistics.counter('hits', { url: '/', group: 'speakers', status: '200' }).add(1);
    const { series } = statistics.snapshot();
    expect(series.map(({ tags, data }) => [tags.group, data])).toEqual([
      ['viewers', { kind: 'counter', sum: 2 }],
      ['speakers', { kind: 'counter', sum: 1 }],
    ]);
  });

  it('ignores what is not a number, and tells trend values out of range', () => {
    const statistics = createStatistics();
    statistics.counter('bytes').add(Number.NaN);
    statistics.gauge('open').set(Number.POSITIVE_INFINITY);
    statistics.trend('rtt').record(-3);
    statistics.trend('rtt').record(4_000_000);
    const { series } = statistics.snapshot();
    expect(find(series, 'bytes')).toBeUndefined();
    expect(find(series, 'open')).toBeUndefined();
    expect(find(series, 'rtt')).toMatchObject({ count: 2, min: 0, max: 3_600_000 });
    expect(find(series, 'stats_out_of_range')).toEqual({ kind: 'counter', sum: 2 });
    expect(find(statistics.snapshot().series, 'stats_out_of_range')).toBeUndefined();
  });
});

describe('bounds', () => {
  it('send series beyond the bound to {overflow:true} of their group, count each sample, and never grow', () => {
    const statistics = createStatistics({ seriesMax: 3, overflowSeriesMax: 2 });
    const recorder = statistics.tagged({ group: 'viewers' });
    for (let index = 0; index < 10; index++) recorder.counter('hits', { url: `/${index}` }).add(1);
    for (let index = 0; index < 10; index++) recorder.counter(`invented_${index}`).add(1);
    const { series } = statistics.snapshot();
    expect(statistics.seriesCount()).toBe(5);
    expect(series.find(({ metric, tags }) => metric === 'hits' && tags.overflow === 'true')).toEqual({
      metric: 'hits',
      tags: { group: 'viewers', overflow: 'true' },
      data: { kind: 'counter', sum: 7 },
    });
    expect(find(series, 'stats_series_overflow')).toEqual({ kind: 'counter', sum: 17 });
  });

  it('keep known series exact after the bound was met', () => {
    const statistics = createStatistics({ seriesMax: 1 });
    const known = statistics.counter('hits', { url: '/' });
    statistics.counter('hits', { url: '/other' }).add(1);
    known.add(4);
    statistics.counter('hits', { url: '/' }).add(1);
    const { series } = statistics.snapshot();
    expect(series.find(({ tags }) => tags.url === '/')?.data).toEqual({ kind: 'counter', sum: 5 });
  });

  it('fold causes beyond the bound into "other", by group and side, and cut examples', () => {
    const statistics = createStatistics({ causesMax: 2, exampleLengthMax: 10 });
    for (const cause of ['timeout', 'reset', 'timeout', 'dns', 'garbage'])
      statistics.error('target', 'viewers', cause, `x${cause}`.repeat(5));
    statistics.error('generator', 'speakers', 'crashed', 'one');
    const { errors, series } = statistics.snapshot();
    expect(errors.map(({ side, group, cause, count }) => [side, group, cause, count])).toEqual([
      ['target', 'viewers', 'timeout', 2],
      ['target', 'viewers', 'reset', 1],
      ['target', 'viewers', 'other', 2],
      ['generator', 'speakers', 'crashed', 1],
    ]);
    expect(errors.every(({ example }) => example.length <= 10)).toBe(true);
    expect(find(series, 'stats_error_overflow')).toEqual({ kind: 'counter', sum: 2 });
    expect(statistics.snapshot().errors).toEqual([]);
  });
});

describe('deltas of several workers', () => {
  it('add up to one: levels and counts are summed, percentiles are of all samples', () => {
    const deltas = [[1, 2, 3], [100]].map((values, worker) => {
      const statistics = createStatistics();
      for (const value of values) statistics.trend('rtt', { group: 'viewers' }).record(value);
      statistics.gauge('open', { group: 'viewers' }).set(10 + worker);
      statistics.error('target', 'viewers', 'timeout', `worker ${worker}`);
      const load = [{ group: 'viewers', owned: 5, active: 4, started: 1, finished: 0, failed: 0, claims: ['3.0', `${worker}.0`] }];
      return { ...statistics.snapshot(), load };
    });
    const merged = mergeWorkerDeltas(deltas);
    const rtt = find(merged.series, 'rtt');
    expect(rtt).toMatchObject({ kind: 'trend', count: 4, sum: 106, min: 1, max: 100 });
    const histogram = createHistogram();
    if (rtt?.kind === 'trend') mergeEncoded(histogram, rtt.histogram, rtt);
    expect(valueAtPercentile(histogram, 75)).toBeCloseTo(3, 2);
    expect(find(merged.series, 'open')).toEqual({ kind: 'gauge', last: 21, min: 21, max: 21 });
    expect(merged.errors).toEqual([{ side: 'target', group: 'viewers', cause: 'timeout', count: 2, example: 'worker 0' }]);
    expect(merged.load).toEqual([
      { group: 'viewers', owned: 10, active: 8, started: 2, finished: 0, failed: 0, claims: ['0.0', '1.0', '3.0'] },
    ]);
  });
});

describe('series names', () => {
  it('do not depend on tag order and do not run together', () => {
    expect(seriesKey('m', { a: '1', b: '2' })).toBe(seriesKey('m', { b: '2', a: '1' }));
    expect(seriesKey('m', { a: '1b', c: '' })).not.toBe(seriesKey('m', { a: '1', bc: '' }));
    expect(seriesLabel('m', { b: '2', a: '1' })).toBe('m{a:1,b:2}');
    expect(seriesLabel('m', {})).toBe('m');
  });
});
