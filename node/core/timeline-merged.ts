// What the run by the second says of all groups together, where sums do not: percentiles are of the merged histogram of every group's samples, shares of
// all samples. And failures by cause, which are counters of their own. Read by timeline-report.ts.

import type { Histogram } from './histogram.ts';
import { createHistogram } from './histogram.ts';
import type { TimelineReport } from './summary-types.ts';
import { addTrendCell, type Point, type Timeline } from './timeline.ts';

/** The name under which `metrics` have all groups. */
export const ALL_GROUPS = '*';

/** One trend of one point over these rollups; null where none has a sample. */
export function mergedTrend(point: Point | undefined, rollups: readonly string[]): Histogram | null {
  let merged: Histogram | null = null;
  for (const rollup of rollups) {
    const cell = point?.cells.get(rollup);
    if (cell === undefined || cell.kind !== 'trend') continue;
    merged ??= createHistogram();
    addTrendCell(merged, cell);
  }
  return merged;
}

/** One rate of one point over these rollups; null where none has a sample. */
export function mergedRate(point: Point | undefined, rollups: readonly string[]): { pass: number; total: number } | null {
  let merged: { pass: number; total: number } | null = null;
  for (const rollup of rollups) {
    const cell = point?.cells.get(rollup);
    if (cell === undefined || cell.kind !== 'rate') continue;
    merged ??= { pass: 0, total: 0 };
    merged.pass += cell.pass;
    merged.total += cell.total;
  }
  return merged;
}

/** Metrics that more than one group has, with the rollups that make up each. */
export function sharedMetrics(rollups: ReadonlySet<string>): Map<string, string[]> {
  const byMetric = new Map<string, string[]>();
  for (const rollup of [...rollups].sort()) {
    const metric = rollup.slice(0, rollup.indexOf('\u001f'));
    byMetric.set(metric, [...(byMetric.get(metric) ?? []), rollup]);
  }
  for (const [metric, parts] of byMetric) if (parts.length < 2) byMetric.delete(metric);
  return byMetric;
}

/** Errors a second by side, group and cause; causes without any in these points are left out. */
export function causeColumns({ causes, stepS }: Timeline, points: readonly (Point | undefined)[]): TimelineReport['causes'] {
  return [...causes].sort().flatMap((key) => {
    const counts = points.map((point) => {
      const cell = point?.cells.get(key);
      return cell?.kind === 'counter' ? cell.sum : 0;
    });
    if (counts.every((count) => count === 0)) return [];
    const [, side = '', group = '', cause = ''] = key.split('\u001f');
    return [{ side: side === 'generator' ? 'generator' : 'target', group, cause, perS: counts.map((count) => count / stepS) } as const];
  });
}
