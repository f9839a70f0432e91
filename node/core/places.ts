// The run by vendor and by region: what nodes with the same label delivered, failed and measured, over the whole run. Only metrics that people compare places by are kept (the main
// latency of each endpoint type, how long joining took, quality and loss of media). Every node is in one place of each label, without the label in "none", so places add up to the run.
// Memory is bounded: values of a label beyond VALUES_MAX are counted together.

import { METRIC } from './builtin-metrics.ts';
import { createHistogram, type Histogram, mergeEncoded, valueAtPercentile } from './histogram.ts';
import type { NodeId } from './messages.ts';
import type { GroupLoad, Series, Tags, Window } from './stats-types.ts';
import type { TypeMetrics } from './summary-facts.ts';

export const PLACE_LABELS = ['vendor', 'region'] as const;
export type PlaceLabel = (typeof PLACE_LABELS)[number];

const VALUES_MAX = 64;
/** For values beyond that. */
export const OTHER = 'other';
/** For nodes without the label. */
export const NO_LABEL = 'none';

type MetricFold = { readonly kind: 'trend'; readonly histogram: Histogram } | { readonly kind: 'rate'; pass: number; total: number };

export interface PlaceFold {
  readonly label: PlaceLabel;
  readonly value: string;
  started: number;
  finished: number;
  failed: number;
  errorsTarget: number;
  errorsGenerator: number;
  windows: number;
  windowsTainted: number;
  readonly metrics: Map<string, MetricFold>;
}

/** By `label value`. */
export type Places = Map<string, PlaceFold>;

export interface PlaceRules {
  readonly labelsOf: (node: NodeId) => Tags;
  readonly isKept: (metric: string) => boolean;
}

/** The main latency of each endpoint type, and how long joining took. */
export const latencyMetrics = (types: readonly TypeMetrics[]): string[] => [
  ...new Set([
    ...types.flatMap(({ metrics }) => metrics.find(({ kind, unit }) => kind === 'trend' && unit === 'ms')?.name ?? []),
    METRIC.joinDuration,
  ]),
];

/** Metrics that places are compared by, of these endpoint types. */
export function placeMetrics(types: readonly TypeMetrics[]): string[] {
  const names = new Set(latencyMetrics(types));
  for (const { metrics } of types) {
    for (const { name, kind, unit } of metrics) if (unit === 'mos' || (kind === 'rate' && name.endsWith('_lost'))) names.add(name);
  }
  return [...names];
}

/** A latency of the nodes with one value of a label, over the run so far. */
export interface PlaceLatency {
  readonly label: PlaceLabel;
  readonly value: string;
  readonly metric: string;
  readonly count: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
}

/** For boards, while the run goes on. Labels that all nodes share say nothing and are left out. */
export function placeLatencies(places: Places, metrics: readonly string[]): PlaceLatency[] {
  return PLACE_LABELS.flatMap((label) => {
    const folds = [...places.values()].filter((fold) => fold.label === label);
    if (folds.length < 2) return [];
    return folds.flatMap(({ value, metrics: known }) =>
      metrics.flatMap((metric) => {
        const fold = known.get(metric);
        if (fold?.kind !== 'trend' || fold.histogram.count === 0) return [];
        const [p50Ms, p95Ms] = [valueAtPercentile(fold.histogram, 50), valueAtPercentile(fold.histogram, 95)];
        return [{ label, value, metric, count: fold.histogram.count, p50Ms, p95Ms }];
      }),
    );
  });
}

function placeOf(places: Places, label: PlaceLabel, value: string): PlaceFold {
  const key = `${label} ${value}`;
  const found = places.get(key);
  if (found !== undefined) return found;
  const values = [...places.values()].filter((place) => place.label === label).length;
  if (value !== OTHER && values >= VALUES_MAX - 1) return placeOf(places, label, OTHER);
  const counts = { started: 0, finished: 0, failed: 0, errorsTarget: 0, errorsGenerator: 0, windows: 0, windowsTainted: 0 };
  const made: PlaceFold = { label, value, ...counts, metrics: new Map() };
  places.set(key, made);
  return made;
}

function addSeries(place: PlaceFold, { metric, data }: Series): void {
  const fold = place.metrics.get(metric) ?? newFold(data.kind);
  if (fold === null) return;
  place.metrics.set(metric, fold);
  if (fold.kind === 'trend' && data.kind === 'trend') mergeEncoded(fold.histogram, data.histogram, data);
  else if (fold.kind === 'rate' && data.kind === 'rate') {
    fold.pass += data.pass;
    fold.total += data.total;
  }
}

function newFold(kind: Series['data']['kind']): MetricFold | null {
  if (kind === 'trend') return { kind, histogram: createHistogram() };
  return kind === 'rate' ? { kind, pass: 0, total: 0 } : null;
}

/** `counts` says which groups' figures of this window count (P3). */
export function addToPlaces(
  places: Places,
  rules: PlaceRules,
  node: NodeId,
  window: Window,
  load: readonly GroupLoad[],
  counts: (group: string | undefined) => boolean,
): void {
  const labels = rules.labelsOf(node);
  for (const label of PLACE_LABELS) {
    const place = placeOf(places, label, labels[label] ?? NO_LABEL);
    place.windows += 1;
    if (window.health.tainted.length > 0) place.windowsTainted += 1;
    for (const { started, finished, failed } of load) {
      place.started += started;
      place.finished += finished;
      place.failed += failed;
    }
    for (const { side, group, count } of window.errors) {
      if (!counts(group)) continue;
      if (side === 'target') place.errorsTarget += count;
      else place.errorsGenerator += count;
    }
    for (const series of window.series) if (rules.isKept(series.metric) && counts(series.tags.group)) addSeries(place, series);
  }
}
