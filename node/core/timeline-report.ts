// The run by the second as columns (timeline.json): what charts and `compare` read. Percentiles are of each second's merged histogram.

import type { Aggregate } from './aggregate.ts';
import { createHistogram, forEachCount, UNITS_PER_VALUE, valueAtPercentile } from './histogram.ts';
import type { TimelineReport } from './summary-types.ts';
import { addTrendCell, type Point } from './timeline.ts';

type MetricColumns = TimelineReport['metrics'][number];

function metricColumns(points: readonly (Point | undefined)[], rollup: string, stepS: number): MetricColumns {
  const [metric = '', group = ''] = rollup.split('\u001f');
  const cells = points.map((point) => point?.cells.get(rollup));
  const kind = cells.find((cell) => cell !== undefined)?.kind ?? 'counter';
  if (kind === 'trend') {
    const histograms = cells.map((cell) => {
      if (cell === undefined) return null;
      const histogram = createHistogram();
      addTrendCell(histogram, cell);
      return histogram;
    });
    const at = (percentile: number): (number | null)[] =>
      histograms.map((one) => (one === null ? null : valueAtPercentile(one, percentile)));
    const perS = histograms.map((one) => (one === null ? null : one.count / stepS));
    const max = histograms.map((one) => (one === null ? null : one.maxUnits / UNITS_PER_VALUE));
    return { metric, group, kind, perS, p50: at(50), p95: at(95), p99: at(99), max };
  }
  if (kind === 'rate') {
    const perS = cells.map((cell) => (cell?.kind === 'rate' ? cell.total / stepS : null));
    const share = cells.map((cell) => (cell?.kind === 'rate' && cell.total > 0 ? cell.pass / cell.total : null));
    return { metric, group, kind, perS, share };
  }
  return { metric, group, kind, perS: cells.map((cell) => (cell?.kind === 'counter' ? cell.sum / stepS : null)) };
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
  readonly boundsMs: readonly number[];
  /** Counts by band, one row for each point of the timeline. */
  readonly rows: readonly (readonly number[])[];
}

/** Latencies as counts by band over time, all groups together, for these trends in milliseconds. */
export function heatColumns(aggregate: Aggregate, metrics: readonly string[], t0SwarmMs: number, stretch: Stretch = {}): HeatColumns[] {
  const points = keysOf(aggregate, t0SwarmMs, stretch).map((key) => aggregate.timeline.points.get(key));
  return metrics.flatMap((metric) => {
    const rollups = [...aggregate.timeline.rollups].filter((rollup) => rollup.startsWith(`${metric}\u001f`));
    if (rollups.length === 0) return [];
    return [{ metric, boundsMs: HEAT_BOUNDS_MS, rows: points.map((point) => bandsOf(point, rollups)) }];
  });
}

function bandsOf(point: Point | undefined, rollups: readonly string[]): number[] {
  const histogram = createHistogram();
  for (const rollup of rollups) {
    const cell = point?.cells.get(rollup);
    if (cell !== undefined) addTrendCell(histogram, cell);
  }
  const bands = new Array<number>(HEAT_BOUNDS_MS.length + 1).fill(0);
  let band = 0;
  forEachCount(histogram, (units, count) => {
    while (band < HEAT_BOUNDS_MS.length && units > (HEAT_BOUNDS_MS[band] ?? 0) * UNITS_PER_VALUE) band += 1;
    bands[band] = (bands[band] ?? 0) + count;
  });
  return bands;
}

/** Every second of which a window came, in order; a metric that was silent in it is null, not zero. */
export function timelineReport(aggregate: Aggregate, t0SwarmMs: number, stretch: Stretch = {}): TimelineReport {
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
      owned: column(({ ownedMs }) => Math.round(ownedMs / stepMs)),
      active: column(({ activeMs }) => Math.round(activeMs / stepMs)),
      started: column(({ started }) => started),
      failed: column(({ failed }) => failed),
    };
  });
  return {
    timelineVersion: 1,
    stepMs,
    atMs: keys.map((key) => key * stepMs - t0SwarmMs),
    groups,
    metrics: [...rollups].sort().map((rollup) => metricColumns(points, rollup, stepS)),
  };
}
