// A worker's statistics: endpoints record into it, once a second the worker takes everything since the last time (a delta) and starts anew.
// Resolving a series costs a lookup and is done once; recording through what it returns costs 12 to 25 ns. Everything is bounded: series a
// worker, causes a group, characters an example; what overflows is still counted, under {overflow:true} or the cause "other", and shown.

import { METRIC } from './builtin-metrics.ts';
import { createHistogram, encode, extremesOf, type Histogram, record, reset } from './histogram.ts';
import { OVERFLOW_TAGS, seriesKey } from './series.ts';
import type { ErrorCount, MetricKind, Recorder, Series, SeriesData, Tags } from './stats-types.ts';

export const STATISTICS_BOUNDS = {
  /** Distinct series a worker. A trend takes 2 to 10 kB here and a few hundred bytes in each window: more would flood the coordinator. */
  seriesMax: 2000,
  /** Series named {overflow:true}, one a metric and group; beyond them samples are only counted. */
  overflowSeriesMax: 256,
  /** Distinct causes a group and second. */
  causesMax: 50,
  exampleLengthMax: 200,
} as const;

export interface StatisticsBounds {
  readonly seriesMax: number;
  readonly overflowSeriesMax: number;
  readonly causesMax: number;
  readonly exampleLengthMax: number;
}

export interface Statistics extends Recorder {
  /** A recorder that puts these tags on everything, e.g. { group: 'viewers' }; tags given later win. */
  readonly tagged: (tags: Tags) => Recorder;
  /** Counts an error under its group, side and short stable cause. */
  readonly error: (side: ErrorCount['side'], group: string, cause: string, example: string) => void;
  /** Everything since the last snapshot; trends, counters, rates and errors start again from nothing, gauges keep their level. */
  readonly snapshot: () => { series: Series[]; errors: ErrorCount[] };
  readonly seriesCount: () => number;
}

/** The state behind one series: all four shapes are mutable and private to this file. */
type Cell =
  | { readonly kind: 'trend'; readonly metric: string; readonly tags: Tags; readonly histogram: Histogram; outOfRange: number }
  | { readonly kind: 'counter'; readonly metric: string; readonly tags: Tags; sum: number }
  | { readonly kind: 'rate'; readonly metric: string; readonly tags: Tags; pass: number; total: number }
  | { readonly kind: 'gauge'; readonly metric: string; readonly tags: Tags; isSet: boolean; last: number; min: number; max: number };
type CellOf<K extends MetricKind> = Extract<Cell, { kind: K }>;

interface Store {
  readonly bounds: StatisticsBounds;
  readonly cells: Map<string, Cell>;
  readonly overflowCells: Map<string, Cell>;
  readonly errors: Map<string, Map<string, { -readonly [K in keyof ErrorCount]: ErrorCount[K] }>>;
  overflowed: number;
  errorsOverflowed: number;
}

function createCell(kind: MetricKind, metric: string, tags: Tags): Cell {
  switch (kind) {
    case 'trend':
      return { kind, metric, tags, histogram: createHistogram(), outOfRange: 0 };
    case 'counter':
      return { kind, metric, tags, sum: 0 };
    case 'rate':
      return { kind, metric, tags, pass: 0, total: 0 };
    case 'gauge':
      return { kind, metric, tags, isSet: false, last: 0, min: 0, max: 0 };
  }
}

/** The cell of a series, made on first use; `isOverflow` when the bound sent it to {overflow:true}, null when even those are used up. */
function resolve(store: Store, kind: MetricKind, metric: string, tags: Tags): { cell: Cell | null; isOverflow: boolean } {
  const key = `${kind}:${seriesKey(metric, tags)}`;
  const found = store.cells.get(key);
  if (found !== undefined) return { cell: found, isOverflow: false };
  if (store.cells.size < store.bounds.seriesMax) {
    const cell = createCell(kind, metric, { ...tags });
    store.cells.set(key, cell);
    return { cell, isOverflow: false };
  }
  const overflowTags: Tags = tags.group === undefined ? OVERFLOW_TAGS : { group: tags.group, ...OVERFLOW_TAGS };
  const overflowKey = `${kind}:${seriesKey(metric, overflowTags)}`;
  let cell = store.overflowCells.get(overflowKey) ?? null;
  if (cell === null && store.overflowCells.size < store.bounds.overflowSeriesMax) {
    cell = createCell(kind, metric, overflowTags);
    store.overflowCells.set(overflowKey, cell);
  }
  return { cell, isOverflow: true };
}

function trendOf(store: Store, metric: string, tags: Tags): { record(value: number): void } {
  const { cell, isOverflow } = resolve(store, 'trend', metric, tags) as { cell: CellOf<'trend'> | null; isOverflow: boolean };
  const add = (value: number): void => {
    if (cell !== null && !record(cell.histogram, value)) cell.outOfRange += 1;
  };
  return { record: isOverflow ? counted(store, add) : add };
}

function counterOf(store: Store, metric: string, tags: Tags): { add(n: number): void } {
  const { cell, isOverflow } = resolve(store, 'counter', metric, tags) as { cell: CellOf<'counter'> | null; isOverflow: boolean };
  const add = (n: number): void => {
    if (cell !== null && Number.isFinite(n)) cell.sum += n;
  };
  return { add: isOverflow ? counted(store, add) : add };
}

function rateOf(store: Store, metric: string, tags: Tags): { add(pass: boolean, count?: number): void } {
  const { cell, isOverflow } = resolve(store, 'rate', metric, tags) as { cell: CellOf<'rate'> | null; isOverflow: boolean };
  const add = (pass: boolean, count = 1): void => {
    if (isOverflow) store.overflowed += count;
    if (cell === null) return;
    cell.total += count;
    if (pass) cell.pass += count;
  };
  return { add };
}

function gaugeOf(store: Store, metric: string, tags: Tags): { set(value: number): void; add(delta: number): void } {
  const { cell, isOverflow } = resolve(store, 'gauge', metric, tags) as { cell: CellOf<'gauge'> | null; isOverflow: boolean };
  const set = (value: number): void => {
    if (cell === null || !Number.isFinite(value)) return;
    cell.last = value;
    cell.min = cell.isSet ? Math.min(cell.min, value) : value;
    cell.max = cell.isSet ? Math.max(cell.max, value) : value;
    cell.isSet = true;
  };
  const add = (delta: number): void => set((cell?.last ?? 0) + delta);
  return isOverflow ? { set: counted(store, set), add: counted(store, add) } : { set, add };
}

/** Wraps a recording function of an overflowing series, so that its samples are also counted as overflow. */
function counted<T>(store: Store, perform: (value: T) => void): (value: T) => void {
  return (value) => {
    store.overflowed += 1;
    perform(value);
  };
}

/** The cell's content since the last call, or null when there is none; starts it again. */
function take(cell: Cell): SeriesData | null {
  switch (cell.kind) {
    case 'trend': {
      if (cell.histogram.count === 0) return null;
      const data: SeriesData = { kind: 'trend', histogram: encode(cell.histogram), ...extremesOf(cell.histogram) };
      reset(cell.histogram);
      return data;
    }
    case 'counter': {
      if (cell.sum === 0) return null;
      const data: SeriesData = { kind: 'counter', sum: cell.sum };
      cell.sum = 0;
      return data;
    }
    case 'rate': {
      if (cell.total === 0) return null;
      const data: SeriesData = { kind: 'rate', pass: cell.pass, total: cell.total };
      cell.pass = 0;
      cell.total = 0;
      return data;
    }
    case 'gauge': {
      if (!cell.isSet) return null;
      const data: SeriesData = { kind: 'gauge', last: cell.last, min: cell.min, max: cell.max };
      cell.min = cell.last;
      cell.max = cell.last;
      return data;
    }
  }
}

function countError(store: Store, side: ErrorCount['side'], group: string, cause: string, example: string): void {
  let causes = store.errors.get(group);
  if (causes === undefined) {
    causes = new Map();
    store.errors.set(group, causes);
  }
  let key = `${side}:${cause}`;
  let shownCause = cause;
  if (!causes.has(key) && causes.size >= store.bounds.causesMax) {
    store.errorsOverflowed += 1;
    shownCause = 'other';
    key = `${side}:other`;
  }
  const found = causes.get(key);
  if (found !== undefined) found.count += 1;
  else causes.set(key, { side, group, cause: shownCause, count: 1, example: example.slice(0, store.bounds.exampleLengthMax) });
}

function takeAll(store: Store): { series: Series[]; errors: ErrorCount[] } {
  const series: Series[] = [];
  let outOfRange = 0;
  for (const cells of [store.cells, store.overflowCells]) {
    for (const cell of cells.values()) {
      if (cell.kind === 'trend') {
        outOfRange += cell.outOfRange;
        cell.outOfRange = 0;
      }
      const data = take(cell);
      if (data !== null) series.push({ metric: cell.metric, tags: cell.tags, data });
    }
  }
  // The recorder's own complaints: written past the bounds, since they are what tells that a bound was met.
  const own: [string, number][] = [
    [METRIC.outOfRange, outOfRange],
    [METRIC.seriesOverflow, store.overflowed],
    [METRIC.errorOverflow, store.errorsOverflowed],
  ];
  for (const [metric, sum] of own) if (sum > 0) series.push({ metric, tags: {}, data: { kind: 'counter', sum } });
  store.overflowed = 0;
  store.errorsOverflowed = 0;
  const errors = [...store.errors.values()].flatMap((causes) => [...causes.values()]);
  store.errors.clear();
  return { series, errors };
}

function recorderOf(store: Store, base: Tags): Recorder {
  return {
    trend: (metric, tags) => trendOf(store, metric, { ...base, ...tags }),
    counter: (metric, tags) => counterOf(store, metric, { ...base, ...tags }),
    rate: (metric, tags) => rateOf(store, metric, { ...base, ...tags }),
    gauge: (metric, tags) => gaugeOf(store, metric, { ...base, ...tags }),
  };
}

/** One a worker. Handles stay valid over snapshots. */
export function createStatistics(bounds: Partial<StatisticsBounds> = {}): Statistics {
  const store: Store = {
    bounds: { ...STATISTICS_BOUNDS, ...bounds },
    cells: new Map(),
    overflowCells: new Map(),
    errors: new Map(),
    overflowed: 0,
    errorsOverflowed: 0,
  };
  return {
    ...recorderOf(store, {}),
    tagged: (tags) => recorderOf(store, tags),
    error: (side, group, cause, example) => countError(store, side, group, cause, example),
    snapshot: () => takeAll(store),
    seriesCount: () => store.cells.size + store.overflowCells.size,
  };
}
