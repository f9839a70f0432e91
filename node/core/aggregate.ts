// The coordinator's fold of all windows of all nodes into the run's statistics. Idempotent by (node, window number), and every operation in it
// commutes, so late, repeated and reordered windows give the same result as tidy ones; percentiles come from merged histograms only. Load that a
// node produced under a claim which lost (P3) is left out, with everything else its group recorded in that window, and counted as discarded.
// Reading it (thresholds, boards, summaries) is aggregate-read.ts; the run by the second is timeline.ts.

import { METRIC } from './builtin-metrics.ts';
import { createHistogram, type Histogram, mergeEncoded } from './histogram.ts';
import type { NodeId } from './messages.ts';
import { addNumber, createNumberSet, hasNumber, highestNumber, type NumberSet } from './number-set.ts';
import { addToPlaces, type PlaceRules, type Places } from './places.ts';
import { OVERFLOW_TAGS, seriesKey } from './series.ts';
import type { ErrorCount, GeneratorHealth, GroupLoad, Series, Tags, Window } from './stats-types.ts';
import { addCauseToTimeline, addLoadToTimeline, addToTimeline, createTimeline, TIMELINE_BOUNDS, type Timeline } from './timeline.ts';

export const AGGREGATE_BOUNDS = {
  /** Distinct series of the whole run: a trend takes 5 to 50 kB here. */
  seriesMax: 20_000,
  /** Metric names that may have a series {overflow:true} beyond that. */
  overflowSeriesMax: 500,
  /** Distinct (side, group, cause). */
  errorsMax: 2_000,
  /** Tainted windows kept one by one; beyond it they are only counted. */
  taintedMax: 20_000,
} as const;

export interface AggregateInit {
  /** Whether `node` is the one whose samples count for this claim (`shard.epoch`). Asked once a claim and node; see `hasStaleClaims`. */
  readonly isWinner: (claimId: string, node: NodeId) => boolean;
  /** Left out: the run is not broken down by place. */
  readonly places?: PlaceRules;
  readonly pointsMax?: number;
  readonly seriesMax?: number;
}

export interface GaugeReading {
  readonly windowNumber: number;
  readonly startMs: number;
  readonly last: number;
}

export type SeriesFold = { readonly metric: string; readonly tags: Tags } & (
  | { readonly kind: 'trend'; readonly histogram: Histogram }
  | { readonly kind: 'counter'; sum: number }
  | { readonly kind: 'rate'; pass: number; total: number }
  /** A level is the sum over nodes of the last value each reported; min and max are of single nodes. */
  | { readonly kind: 'gauge'; readonly byNode: Map<NodeId, GaugeReading>; min: number; max: number }
);

export interface GroupFold {
  started: number;
  finished: number;
  failed: number;
}

export interface LoadReading {
  readonly startMs: number;
  readonly owned: number;
  readonly active: number;
}

export interface NodeFold {
  readonly numbers: NumberSet;
  windows: number;
  /** Endpoint lives it started under winning claims. */
  started: number;
  failed: number;
  errorsTarget: number;
  /** Windows with load in them, and how many of these are tainted: the share that decides whether a run's figures hold. */
  loadWindows: number;
  taintedLoadWindows: number;
  taintedWindows: number;
  newestStartMs: number;
  /** Of the window with the highest number. */
  load: Map<string, LoadReading>;
  health: GeneratorHealth | null;
  readonly worst: { cpuCores: number; memoryMb: number; loopDelayMs: number; latenessMs: number; socketDrops: number };
  /** Sum in thousandths of a core, so that it is exact. */
  cpuMillicoresSum: number;
}

export interface TaintedWindow {
  readonly node: NodeId;
  readonly number: number;
  readonly startMs: number;
  readonly reasons: readonly string[];
}

export interface Aggregate {
  readonly init: AggregateInit;
  readonly nodes: Map<NodeId, NodeFold>;
  readonly series: Map<string, SeriesFold>;
  readonly groups: Map<string, GroupFold>;
  readonly errors: Map<string, ErrorCount>;
  readonly timeline: Timeline;
  readonly places: Places;
  readonly tainted: TaintedWindow[];
  readonly taintedReasons: Map<string, number>;
  taintedCount: number;
  /** Verdicts given on claims, by `claimId node`. */
  readonly claimsJudged: Map<string, { readonly claimId: string; readonly node: NodeId; readonly isWinner: boolean }>;
  readonly discarded: { windows: number; started: number };
  duplicates: number;
  /** Series of windows that went to {overflow:true}. */
  seriesOverflowed: number;
  newestStartMs: number;
  oldestStartMs: number;
}

export const createAggregate = (init: AggregateInit): Aggregate => ({
  init,
  nodes: new Map(),
  series: new Map(),
  groups: new Map(),
  errors: new Map(),
  timeline: createTimeline({ pointsMax: init.pointsMax ?? TIMELINE_BOUNDS.pointsMax }),
  places: new Map(),
  tainted: [],
  taintedReasons: new Map(),
  taintedCount: 0,
  claimsJudged: new Map(),
  discarded: { windows: 0, started: 0 },
  duplicates: 0,
  seriesOverflowed: 0,
  newestStartMs: Number.NEGATIVE_INFINITY,
  oldestStartMs: Number.POSITIVE_INFINITY,
});

function nodeOf(aggregate: Aggregate, node: NodeId): NodeFold {
  const found = aggregate.nodes.get(node);
  if (found !== undefined) return found;
  const made: NodeFold = {
    numbers: createNumberSet(),
    windows: 0,
    started: 0,
    failed: 0,
    errorsTarget: 0,
    loadWindows: 0,
    taintedLoadWindows: 0,
    taintedWindows: 0,
    newestStartMs: Number.NEGATIVE_INFINITY,
    load: new Map(),
    health: null,
    worst: { cpuCores: 0, memoryMb: 0, loopDelayMs: 0, latenessMs: 0, socketDrops: 0 },
    cpuMillicoresSum: 0,
  };
  aggregate.nodes.set(node, made);
  return made;
}

/** How a claim of a node is named in facts.json. */
export const claimKey = (claimId: string, node: NodeId): string => `${claimId} ${node}`;

function isWinner(aggregate: Aggregate, claimId: string, node: NodeId): boolean {
  const key = claimKey(claimId, node);
  const judged = aggregate.claimsJudged.get(key);
  if (judged !== undefined) return judged.isWinner;
  const verdict = aggregate.init.isWinner(claimId, node);
  aggregate.claimsJudged.set(key, { claimId, node, isWinner: verdict });
  return verdict;
}

/** True when a claim judged earlier would be judged differently now: the caller folds the stored windows again into a new aggregate. */
export function hasStaleClaims(aggregate: Aggregate, isWinnerNow: AggregateInit['isWinner']): boolean {
  for (const judged of aggregate.claimsJudged.values()) if (isWinnerNow(judged.claimId, judged.node) !== judged.isWinner) return true;
  return false;
}

function foldOf(aggregate: Aggregate, { metric, tags, data }: Series): SeriesFold {
  const seriesMax = aggregate.init.seriesMax ?? AGGREGATE_BOUNDS.seriesMax;
  let kept = { metric, tags };
  let key = `${data.kind}:${seriesKey(metric, tags)}`;
  if (!aggregate.series.has(key) && aggregate.series.size >= seriesMax) {
    // First the tags go, then (a program that invents metric names) the name too.
    kept = { metric: aggregate.series.size < seriesMax + AGGREGATE_BOUNDS.overflowSeriesMax ? metric : 'overflow', tags: OVERFLOW_TAGS };
    key = `${data.kind}:${seriesKey(kept.metric, kept.tags)}`;
    aggregate.seriesOverflowed += 1;
  }
  const found = aggregate.series.get(key);
  if (found !== undefined) return found;
  const made = createFold(kept.metric, kept.tags, data.kind);
  aggregate.series.set(key, made);
  return made;
}

function createFold(metric: string, tags: Tags, kind: Series['data']['kind']): SeriesFold {
  switch (kind) {
    case 'trend':
      return { metric, tags, kind, histogram: createHistogram() };
    case 'counter':
      return { metric, tags, kind, sum: 0 };
    case 'rate':
      return { metric, tags, kind, pass: 0, total: 0 };
    case 'gauge':
      return { metric, tags, kind, byNode: new Map(), min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
  }
}

function absorbSeries(aggregate: Aggregate, node: NodeId, window: Window, series: Series): void {
  const fold = foldOf(aggregate, series);
  const { data } = series;
  if (fold.kind === 'trend' && data.kind === 'trend') mergeEncoded(fold.histogram, data.histogram, data);
  else if (fold.kind === 'counter' && data.kind === 'counter') fold.sum += data.sum;
  else if (fold.kind === 'rate' && data.kind === 'rate') {
    fold.pass += data.pass;
    fold.total += data.total;
  } else if (fold.kind === 'gauge' && data.kind === 'gauge') {
    fold.min = Math.min(fold.min, data.min);
    fold.max = Math.max(fold.max, data.max);
    const known = fold.byNode.get(node);
    if (known === undefined || known.windowNumber < window.number) {
      fold.byNode.set(node, { windowNumber: window.number, startMs: window.startMs, last: data.last });
    }
  }
  addToTimeline(aggregate.timeline, window.startMs, series.metric, series.tags.group ?? '', data);
}

function absorbError(aggregate: Aggregate, window: Window, error: ErrorCount): void {
  addToTimeline(aggregate.timeline, window.startMs, METRIC.errors, error.group, { kind: 'counter', sum: error.count });
  addCauseToTimeline(aggregate.timeline, window.startMs, error);
  let key = `${error.side}\u001f${error.group}\u001f${error.cause}`;
  let cause = error.cause;
  if (!aggregate.errors.has(key) && aggregate.errors.size >= AGGREGATE_BOUNDS.errorsMax) {
    cause = 'other';
    key = `${error.side}\u001f${error.group}\u001fother`;
  }
  const found = aggregate.errors.get(key);
  // The lowest example in text order: any rule would do that does not depend on arrival.
  const example = found === undefined || error.example < found.example ? error.example : found.example;
  aggregate.errors.set(key, { side: error.side, group: error.group, cause, count: (found?.count ?? 0) + error.count, example });
}

function absorbLoad(aggregate: Aggregate, window: Window, load: GroupLoad): void {
  const group = aggregate.groups.get(load.group) ?? { started: 0, finished: 0, failed: 0 };
  group.started += load.started;
  group.finished += load.finished;
  group.failed += load.failed;
  aggregate.groups.set(load.group, group);
  addLoadToTimeline(aggregate.timeline, window.startMs, window.durationMs, load);
}

function absorbHealth(aggregate: Aggregate, node: NodeId, fold: NodeFold, window: Window): void {
  const { health } = window;
  const { worst } = fold;
  worst.cpuCores = Math.max(worst.cpuCores, health.cpuCores);
  worst.memoryMb = Math.max(worst.memoryMb, health.memoryMb);
  worst.loopDelayMs = Math.max(worst.loopDelayMs, health.loopDelayMsMax);
  worst.latenessMs = Math.max(worst.latenessMs, health.latenessMsP99);
  worst.socketDrops += health.socketDrops;
  fold.cpuMillicoresSum += Math.round(health.cpuCores * 1000);
  const hasLoad = window.load.some((load) => load.active > 0 || load.started > 0);
  if (hasLoad) fold.loadWindows += 1;
  if (health.tainted.length === 0) return;
  if (hasLoad) fold.taintedLoadWindows += 1;
  fold.taintedWindows += 1;
  aggregate.taintedCount += 1;
  for (const reason of health.tainted) aggregate.taintedReasons.set(reason, (aggregate.taintedReasons.get(reason) ?? 0) + 1);
  if (aggregate.tainted.length < AGGREGATE_BOUNDS.taintedMax) {
    aggregate.tainted.push({ node, number: window.number, startMs: window.startMs, reasons: health.tainted });
  }
}

/** Folds one window in. `duplicate` when this (node, number) was there already; then nothing changes but a count. */
export function absorb(aggregate: Aggregate, node: NodeId, window: Window): 'absorbed' | 'duplicate' {
  const fold = nodeOf(aggregate, node);
  const isNewest = window.number > highestNumber(fold.numbers);
  if (!addNumber(fold.numbers, window.number)) {
    aggregate.duplicates += 1;
    return 'duplicate';
  }
  fold.windows += 1;
  fold.newestStartMs = Math.max(fold.newestStartMs, window.startMs);
  aggregate.newestStartMs = Math.max(aggregate.newestStartMs, window.startMs);
  aggregate.oldestStartMs = Math.min(aggregate.oldestStartMs, window.startMs);

  const losers = new Set<string>();
  for (const load of window.load) {
    if (load.claims.every((claimId) => isWinner(aggregate, claimId, node))) continue;
    losers.add(load.group);
    aggregate.discarded.started += load.started;
  }
  if (losers.size > 0) aggregate.discarded.windows += 1;

  const counts = (group: string | undefined): boolean => group === undefined || !losers.has(group);
  for (const series of window.series) if (counts(series.tags.group)) absorbSeries(aggregate, node, window, series);
  for (const error of window.errors) {
    if (!counts(error.group)) continue;
    absorbError(aggregate, window, error);
    if (error.side === 'target') fold.errorsTarget += error.count;
  }
  const load = window.load.filter(({ group }) => counts(group));
  for (const part of load) {
    absorbLoad(aggregate, window, part);
    fold.started += part.started;
    fold.failed += part.failed;
  }
  if (aggregate.init.places !== undefined) addToPlaces(aggregate.places, aggregate.init.places, node, window, load, counts);
  if (isNewest) {
    fold.health = window.health;
    fold.load = new Map(load.map(({ group, owned, active }) => [group, { startMs: window.startMs, owned, active }]));
  }
  absorbHealth(aggregate, node, fold, window);
  return 'absorbed';
}

export const hasWindow = (aggregate: Aggregate, node: NodeId, number: number): boolean => {
  const fold = aggregate.nodes.get(node);
  return fold !== undefined && hasNumber(fold.numbers, number);
};
