// Questions to the coordinator's aggregate: a metric over chosen tags (thresholds, summaries), the level of load now, the last seconds (boards), and
// what is missing. Nothing here changes the aggregate. Metrics derived from load and errors (builtin-metrics.ts) are answered like recorded ones.

import type { Aggregate, SeriesFold } from './aggregate.ts';
import { METRIC } from './builtin-metrics.ts';
import type { MissingWindows } from './events.ts';
import { createHistogram, type Histogram, merge } from './histogram.ts';
import type { NodeId } from './messages.ts';
import { highestNumber, holesUpTo } from './number-set.ts';
import { matchesTags } from './series.ts';
import type { Tags } from './stats-types.ts';
import { addTrendCell, rollupKey } from './timeline.ts';

/** A level that a node has not repeated for this long (swarm time) is gone with its node. Longer than a missed pulse, shorter than `down`. */
export const LEVEL_STALE_MS = 5000;

/** What a selector finds, over all nodes and the whole run; null = no samples. */
export type Selected =
  | { readonly kind: 'trend'; readonly histogram: Histogram }
  | { readonly kind: 'counter'; readonly sum: number }
  | { readonly kind: 'rate'; readonly pass: number; readonly total: number }
  | { readonly kind: 'gauge'; readonly value: number; readonly min: number; readonly max: number };

function selectFolds(aggregate: Aggregate, folds: readonly SeriesFold[]): Selected | null {
  const first = folds[0];
  if (first === undefined) return null;
  switch (first.kind) {
    case 'trend': {
      if (folds.length === 1) return { kind: 'trend', histogram: first.histogram };
      const histogram = createHistogram();
      for (const fold of folds) if (fold.kind === 'trend') merge(histogram, fold.histogram);
      return { kind: 'trend', histogram };
    }
    case 'counter':
      return { kind: 'counter', sum: folds.reduce((sum, fold) => sum + (fold.kind === 'counter' ? fold.sum : 0), 0) };
    case 'rate': {
      let pass = 0;
      let total = 0;
      for (const fold of folds) {
        if (fold.kind !== 'rate') continue;
        pass += fold.pass;
        total += fold.total;
      }
      return { kind: 'rate', pass, total };
    }
    case 'gauge': {
      let value = 0;
      let min = Number.POSITIVE_INFINITY;
      let max = Number.NEGATIVE_INFINITY;
      for (const fold of folds) {
        if (fold.kind !== 'gauge') continue;
        min = Math.min(min, fold.min);
        max = Math.max(max, fold.max);
        for (const reading of fold.byNode.values()) if (reading.startMs >= aggregate.newestStartMs - LEVEL_STALE_MS) value += reading.last;
      }
      return { kind: 'gauge', value, min, max };
    }
  }
}

/** Groups that a selector means: one, or all. */
function groupsOf(aggregate: Aggregate, tags: Tags): string[] {
  const wantsMore = Object.keys(tags).some((name) => name !== 'group');
  return wantsMore ? [] : [...aggregate.groups.keys()].filter((group) => tags.group === undefined || tags.group === group);
}

function selectLevel(aggregate: Aggregate, field: 'owned' | 'active', tags: Tags): Selected | null {
  const groups = new Set(groupsOf(aggregate, tags));
  if (groups.size === 0) return null;
  const stepMs = 1000 * aggregate.timeline.stepS;
  let min = Number.POSITIVE_INFINITY;
  let max = 0;
  for (const point of aggregate.timeline.points.values()) {
    let level = 0;
    for (const [group, load] of point.load) if (groups.has(group)) level += (field === 'owned' ? load.ownedMs : load.activeMs) / stepMs;
    min = Math.min(min, Math.round(level));
    max = Math.max(max, Math.round(level));
  }
  const now = liveLoad(aggregate, groups);
  return { kind: 'gauge', value: now[field], min: Number.isFinite(min) ? min : 0, max };
}

function selectDerived(aggregate: Aggregate, metric: string, tags: Tags): Selected | null | undefined {
  switch (metric) {
    case METRIC.active:
      return selectLevel(aggregate, 'active', tags);
    case METRIC.planned:
      return selectLevel(aggregate, 'owned', tags);
    case METRIC.started:
    case METRIC.finished:
    case METRIC.failed: {
      const field = metric === METRIC.started ? 'started' : metric === METRIC.finished ? 'finished' : 'failed';
      const groups = groupsOf(aggregate, tags);
      return groups.length === 0
        ? null
        : { kind: 'counter', sum: groups.reduce((sum, group) => sum + (aggregate.groups.get(group)?.[field] ?? 0), 0) };
    }
    case METRIC.errors: {
      let sum = 0;
      for (const { group, side, cause, count } of aggregate.errors.values()) if (matchesTags({ group, side, cause }, tags)) sum += count;
      return { kind: 'counter', sum };
    }
    default:
      return undefined;
  }
}

/** All series of `metric` that carry every one of `tags`, as one. */
export function select(aggregate: Aggregate, metric: string, tags: Tags): Selected | null {
  const derived = selectDerived(aggregate, metric, tags);
  if (derived !== undefined) return derived;
  const folds: SeriesFold[] = [];
  for (const fold of aggregate.series.values()) if (fold.metric === metric && matchesTags(fold.tags, tags)) folds.push(fold);
  return selectFolds(aggregate, folds);
}

/** Endpoints owned and active now over all nodes heard of lately; of some groups or of all. */
export function liveLoad(aggregate: Aggregate, groups?: ReadonlySet<string>): { owned: number; active: number } {
  let owned = 0;
  let active = 0;
  for (const { load } of aggregate.nodes.values()) {
    for (const [group, reading] of load) {
      if (reading.startMs < aggregate.newestStartMs - LEVEL_STALE_MS || (groups !== undefined && !groups.has(group))) continue;
      owned += reading.owned;
      active += reading.active;
    }
  }
  return { owned, active };
}

export interface Recent {
  readonly spanS: number;
  readonly histogram: Histogram;
  /** Sum of counters and number of trend and rate samples. */
  readonly count: number;
  readonly pass: number;
}

/** One metric and group over the last `spanS` seconds, leaving out the newest two, whose windows are still arriving. */
export function recent(aggregate: Aggregate, metric: string, group: string, spanS: number): Recent {
  const { timeline } = aggregate;
  const histogram = createHistogram();
  let count = 0;
  let pass = 0;
  // Before the first window the newest point is -Infinity, and a loop from there would never end.
  if (!Number.isFinite(timeline.newest)) return { spanS, histogram, count, pass };
  const last = timeline.newest - Math.ceil(2 / timeline.stepS);
  const points = Math.max(1, Math.round(spanS / timeline.stepS));
  for (let key = last - points + 1; key <= last; key++) {
    const cell = timeline.points.get(key)?.cells.get(rollupKey(metric, group));
    if (cell === undefined) continue;
    if (cell.kind === 'trend') addTrendCell(histogram, cell);
    else if (cell.kind === 'counter') count += cell.sum;
    else {
      count += cell.total;
      pass += cell.pass;
    }
  }
  return { spanS: points * timeline.stepS, histogram, count: count + histogram.count, pass };
}

/** Windows that are not in the report. `seconds` is the length, or its upper bound where a lost node left `to` open; null = unknown. */
export interface Gap {
  readonly node: NodeId;
  readonly from: number;
  readonly to: number | null;
  readonly seconds: number | null;
}

export interface GapFacts {
  /** From the nodes' done entries. */
  readonly windowLast: Readonly<Record<NodeId, number>>;
  readonly missing: readonly MissingWindows[];
  /** When a node was declared down (swarm time): it recorded nothing after that. */
  readonly lostAtSwarmMs: ReadonlyMap<NodeId, number>;
}

/** Seconds between a lost node's last window and its `down`. */
function openSeconds(aggregate: Aggregate, node: NodeId, { lostAtSwarmMs }: GapFacts): number | null {
  const lostAtMs = lostAtSwarmMs.get(node);
  const lastMs = aggregate.nodes.get(node)?.newestStartMs;
  return lostAtMs === undefined || lastMs === undefined ? null : Math.max(0, Math.ceil((lostAtMs - lastMs - 1000) / 1000));
}

/** Holes in what arrived, and after its end as far as done entries and `missing` say. Sorted by node and number. */
export function gapsOf(aggregate: Aggregate, facts: GapFacts): Gap[] {
  const { windowLast, missing } = facts;
  const gaps: Gap[] = [];
  const nodes = new Set([...aggregate.nodes.keys(), ...Object.keys(windowLast), ...missing.map(({ node }) => node)]);
  for (const node of [...nodes].sort()) {
    const numbers = aggregate.nodes.get(node)?.numbers ?? { intervals: [] };
    const told = missing.filter((part) => part.node === node);
    const upTo = Math.max(highestNumber(numbers), windowLast[node] ?? 0, ...told.map(({ to }) => to ?? 0));
    for (const { first, last } of holesUpTo(numbers, upTo)) gaps.push({ node, from: first, to: last, seconds: last - first + 1 });
    if (told.some(({ to }) => to === null)) gaps.push({ node, from: upTo + 1, to: null, seconds: openSeconds(aggregate, node, facts) });
  }
  return gaps;
}

/** Share (0 to 1) of windows with load whose measurements are not to be trusted. */
export function taintedShare(aggregate: Aggregate): number {
  let all = 0;
  let tainted = 0;
  for (const fold of aggregate.nodes.values()) {
    all += fold.loadWindows;
    tainted += fold.taintedLoadWindows;
  }
  return all === 0 ? 0 : tainted / all;
}
