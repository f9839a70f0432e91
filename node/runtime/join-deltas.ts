// Two deltas of one worker that fell into one window, as one: counts add up, levels are those of the later delta. (Deltas of different workers are
// merged by core/worker-deltas.ts, where levels add up too.)

import { mergeData, seriesKey } from '../core/series.ts';
import type { GroupLoad, Series } from '../core/stats-types.ts';
import type { WorkerDelta } from '../core/worker-deltas.ts';

function joinSeries(earlier: readonly Series[], later: readonly Series[]): Series[] {
  const byKey = new Map(earlier.map((series) => [`${series.data.kind}:${seriesKey(series.metric, series.tags)}`, series]));
  for (const series of later) {
    const key = `${series.data.kind}:${seriesKey(series.metric, series.tags)}`;
    const before = byKey.get(key);
    byKey.set(key, before === undefined ? series : { ...series, data: mergeData(before.data, series.data) ?? series.data });
  }
  return [...byKey.values()];
}

function joinLoad(earlier: readonly GroupLoad[], later: readonly GroupLoad[]): GroupLoad[] {
  const byGroup = new Map<string, GroupLoad>(later.map((load) => [load.group, load]));
  for (const before of earlier) {
    const after = byGroup.get(before.group) ?? { ...before, owned: 0, active: 0, started: 0, finished: 0, failed: 0 };
    byGroup.set(before.group, {
      ...after,
      started: before.started + after.started,
      finished: before.finished + after.finished,
      failed: before.failed + after.failed,
      claims: [...new Set([...before.claims, ...after.claims])].sort(),
    });
  }
  return [...byGroup.values()];
}

export const joinDeltas = (earlier: WorkerDelta, later: WorkerDelta): WorkerDelta => ({
  series: joinSeries(earlier.series, later.series),
  errors: [...earlier.errors, ...later.errors],
  load: joinLoad(earlier.load, later.load),
});
