// The node folds its workers' deltas of one second into one window. Gauges are levels of different endpoints, so they are summed over workers;
// everything else merges as it does over time. The order of the deltas does not matter.

import { createHistogram, encode, extremesOf, mergeEncoded } from './histogram.ts';
import { mergeData, seriesKey } from './series.ts';
import type { ErrorCount, GroupLoad, Series, SeriesData } from './stats-types.ts';

export interface WorkerDelta {
  readonly series: readonly Series[];
  readonly errors: readonly ErrorCount[];
  readonly load: readonly GroupLoad[];
}

function mergeTrends(parts: readonly Series[]): SeriesData {
  const histogram = createHistogram();
  for (const { data } of parts) if (data.kind === 'trend') mergeEncoded(histogram, data.histogram, data);
  return { kind: 'trend', histogram: encode(histogram), ...extremesOf(histogram) };
}

function addData(left: SeriesData, right: SeriesData): SeriesData {
  if (left.kind === 'gauge' && right.kind === 'gauge') {
    return { kind: 'gauge', last: left.last + right.last, min: left.min + right.min, max: left.max + right.max };
  }
  return mergeData(left, right) ?? left;
}

function mergeSeries(all: readonly Series[]): Series[] {
  const byKey = new Map<string, Series[]>();
  for (const series of all) {
    const key = `${series.data.kind}:${seriesKey(series.metric, series.tags)}`;
    const parts = byKey.get(key);
    if (parts === undefined) byKey.set(key, [series]);
    else parts.push(series);
  }
  return [...byKey.values()].map((parts) => {
    const first = parts[0]!;
    if (parts.length === 1) return first;
    const data =
      first.data.kind === 'trend'
        ? mergeTrends(parts)
        : parts.slice(1).reduce<SeriesData>((sum, part) => addData(sum, part.data), first.data);
    return { metric: first.metric, tags: first.tags, data };
  });
}

function mergeErrors(all: readonly ErrorCount[]): ErrorCount[] {
  const byKey = new Map<string, ErrorCount>();
  for (const error of all) {
    const key = `${error.side}\u001f${error.group}\u001f${error.cause}`;
    const found = byKey.get(key);
    byKey.set(
      key,
      found === undefined
        ? error
        : { ...found, count: found.count + error.count, example: found.example < error.example ? found.example : error.example },
    );
  }
  return [...byKey.values()];
}

function mergeLoad(all: readonly GroupLoad[]): GroupLoad[] {
  const byGroup = new Map<string, GroupLoad>();
  for (const load of all) {
    const found = byGroup.get(load.group);
    if (found === undefined) {
      byGroup.set(load.group, load);
      continue;
    }
    byGroup.set(load.group, {
      group: load.group,
      owned: found.owned + load.owned,
      active: found.active + load.active,
      started: found.started + load.started,
      finished: found.finished + load.finished,
      failed: found.failed + load.failed,
      claims: [...new Set([...found.claims, ...load.claims])].sort(),
    });
  }
  return [...byGroup.values()];
}

/** What a window carries of its second, from the deltas of all workers of the node. */
export function mergeWorkerDeltas(deltas: readonly WorkerDelta[]): WorkerDelta {
  return {
    series: mergeSeries(deltas.flatMap((delta) => delta.series)),
    errors: mergeErrors(deltas.flatMap((delta) => delta.errors)),
    load: mergeLoad(deltas.flatMap((delta) => delta.load)),
  };
}
