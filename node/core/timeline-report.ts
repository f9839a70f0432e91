// The run by the second as columns (timeline.json): what charts and `compare` read. Percentiles are of each second's merged histogram.

import type { Aggregate } from './aggregate.ts';
import { createHistogram, UNITS_PER_VALUE, valueAtPercentile } from './histogram.ts';
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

/** Every second of which a window came, in order; a metric that was silent in it is null, not zero. */
export function timelineReport(aggregate: Aggregate, t0SwarmMs: number): TimelineReport {
  const { points: byKey, stepS, rollups } = aggregate.timeline;
  const keys = [...byKey.keys()].sort((left, right) => left - right);
  const stepMs = stepS * 1000;
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
