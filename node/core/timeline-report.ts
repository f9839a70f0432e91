// The run by the second as columns (timeline.json): what charts and `compare` read. Percentiles are of each second's merged histogram.

import type { Aggregate } from './aggregate.ts';
import { forEachCount, UNITS_PER_VALUE, valueAtPercentile } from './histogram.ts';
import type { TimelineReport } from './summary-types.ts';
import type { Point, PointCell } from './timeline.ts';
import { ALL_GROUPS, causeColumns, mergedRate, mergedTrend, sharedMetrics } from './timeline-merged.ts';

type MetricColumns = TimelineReport['metrics'][number];
type Points = readonly (Point | undefined)[];

/** Of these rollups together: one metric of one group, or of all. */
function metricColumns(
  points: Points,
  name: Pick<MetricColumns, 'metric' | 'group'>,
  rollups: readonly string[],
  stepS: number,
): MetricColumns {
  const first = (point: Point | undefined): PointCell | undefined => {
    for (const rollup of rollups) if (point?.cells.has(rollup)) return point.cells.get(rollup);
    return undefined;
  };
  const kind = first(points.find((point) => first(point) !== undefined))?.kind ?? 'counter';
  if (kind === 'trend') {
    const histograms = points.map((point) => mergedTrend(point, rollups));
    const at = (percentile: number): (number | null)[] =>
      histograms.map((one) => (one === null ? null : valueAtPercentile(one, percentile)));
    const perS = histograms.map((one) => (one === null ? null : one.count / stepS));
    const max = histograms.map((one) => (one === null ? null : one.maxUnits / UNITS_PER_VALUE));
    return { ...name, kind, perS, p50: at(50), p95: at(95), p99: at(99), max };
  }
  if (kind === 'rate') {
    const rates = points.map((point) => mergedRate(point, rollups));
    const perS = rates.map((rate) => (rate === null ? null : rate.total / stepS));
    const share = rates.map((rate) => (rate === null || rate.total === 0 ? null : rate.pass / rate.total));
    return { ...name, kind, perS, share };
  }
  const sums = points.map((point) => {
    const cell = first(point);
    return cell?.kind === 'counter' ? cell.sum / stepS : null;
  });
  return { ...name, kind, perS: sums };
}

/** Percentiles and shares of all groups. Counters add up, so nobody needs them here. */
function overallColumns(points: Points, rollups: ReadonlySet<string>, stepS: number): MetricColumns[] {
  return [...sharedMetrics(rollups)]
    .map(([metric, parts]) => metricColumns(points, { metric, group: ALL_GROUPS }, parts, stepS))
    .filter(({ kind }) => kind !== 'counter');
}

/** Part of the run, from T0: points that reach beyond `fromMs` and do not reach beyond `untilMs`. */
export interface Stretch {
  readonly fromMs?: number | undefined;
  readonly untilMs?: number;
}

/** Points of a stretch, in order. */
function keysOf({ timeline }: Aggregate, t0SwarmMs: number, { fromMs, untilMs }: Stretch): number[] {
  const stepMs = timeline.stepS * 1000;
  const [from, until] = [fromMs ?? Number.NEGATIVE_INFINITY, untilMs ?? Number.POSITIVE_INFINITY];
  const endOf = (key: number): number => (key + 1) * stepMs - t0SwarmMs;
  return [...timeline.points.keys()].filter((key) => endOf(key) > from && endOf(key) <= until).sort((left, right) => left - right);
}

/** Nodes that are further behind are not waited for. */
const BEHIND_MS_MAX = 5000;

/** From T0: up to there every node's windows are in, so that sums over nodes are sums over all of them. */
export function completeUntilMs({ nodes, newestStartMs }: Aggregate, t0SwarmMs: number): number {
  const starts = [...nodes.values()].map((node) => node.newestStartMs);
  return Math.min(newestStartMs, ...starts.filter((startMs) => newestStartMs - startMs <= BEHIND_MS_MAX)) - t0SwarmMs;
}

/** Upper bounds of bands, ms, a third of an octave to two thirds apart; the last band is open. */
export const HEAT_BOUNDS_MS = [
  1, 2, 3, 5, 8, 12, 20, 30, 50, 80, 120, 200, 300, 500, 800, 1200, 2000, 3000, 5000, 8000, 12_000, 20_000, 30_000,
];

export interface HeatColumns {
  readonly metric: string;
  readonly group: string;
  readonly boundsMs: readonly number[];
  /**
   * One row for each point of the timeline: the first band that has a count, and the counts from there to the last that has one. Empty = no sample.
   * Most answers lie in a few bands, so this is a third of all of them.
   */
  readonly rows: readonly (readonly number[])[];
}

/** Latencies as counts by band over time, group by group, for these trends in milliseconds. Over all groups they add up. */
export function heatColumns(aggregate: Aggregate, metrics: readonly string[], t0SwarmMs: number, stretch: Stretch = {}): HeatColumns[] {
  const points = keysOf(aggregate, t0SwarmMs, stretch).map((key) => aggregate.timeline.points.get(key));
  return metrics.flatMap((metric) => {
    const rollups = [...aggregate.timeline.rollups].filter((rollup) => rollup.startsWith(`${metric}\u001f`)).sort();
    return rollups.map((rollup) => ({
      ...{ metric, group: rollup.slice(metric.length + 1), boundsMs: HEAT_BOUNDS_MS },
      rows: points.map((point) => bandsOf(point, rollup)),
    }));
  });
}

function bandsOf(point: Point | undefined, rollup: string): number[] {
  const histogram = mergedTrend(point, [rollup]);
  if (histogram === null || histogram.count === 0) return [];
  const bands = new Array<number>(HEAT_BOUNDS_MS.length + 1).fill(0);
  let band = 0;
  forEachCount(histogram, (units, count) => {
    while (band < HEAT_BOUNDS_MS.length && units > (HEAT_BOUNDS_MS[band] ?? 0) * UNITS_PER_VALUE) band += 1;
    bands[band] = (bands[band] ?? 0) + count;
  });
  const first = bands.findIndex((count) => count > 0);
  return [first, ...bands.slice(first, bands.findLastIndex((count) => count > 0) + 1)];
}

/** Endpoints of a group that the plan wants active at a moment from T0. */
export type PlannedAt = (group: string, atMs: number) => number;

/** Every second of which a window came, in order; a metric that was silent in it is null, not zero. */
export function timelineReport(
  aggregate: Aggregate,
  t0SwarmMs: number,
  stretch: Stretch = {},
  plannedAt: PlannedAt | null = null,
): TimelineReport {
  const { points: byKey, stepS, rollups } = aggregate.timeline;
  const stepMs = stepS * 1000;
  const keys = keysOf(aggregate, t0SwarmMs, stretch);
  const points = keys.map((key) => byKey.get(key));
  const groups = [...aggregate.groups.keys()].sort().map((group) => {
    const column = (read: (load: NonNullable<ReturnType<Point['load']['get']>>) => number): number[] =>
      points.map((point) => {
        const load = point?.load.get(group);
        return load === undefined ? 0 : read(load);
      });
    return {
      group,
      // Levels are means over the point, so the plan is asked for its middle.
      ...(plannedAt === null ? {} : { planned: keys.map((key) => Math.round(plannedAt(group, (key + 0.5) * stepMs - t0SwarmMs))) }),
      owned: column(({ ownedMs }) => Math.round(ownedMs / stepMs)),
      active: column(({ activeMs }) => Math.round(activeMs / stepMs)),
      started: column(({ started }) => started),
      failed: column(({ failed }) => failed),
    };
  });
  return {
    timelineVersion: 1,
    stepMs,
    atMs: keys.map((key) => Math.round(key * stepMs - t0SwarmMs)),
    groups,
    metrics: [...rollups].sort().map((rollup) => {
      const [metric = '', group = ''] = rollup.split('\u001f');
      return metricColumns(points, { metric, group }, [rollup], stepS);
    }),
    overall: overallColumns(points, rollups, stepS),
    causes: causeColumns(aggregate.timeline, points),
  };
}
