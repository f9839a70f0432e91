// The run by the second: per group its load, and per metric and group a histogram, sum or share. Bounded: beyond `pointsMax` points neighbours are
// merged and the step doubles (1 s, 2 s, 4 s ...), so a long run costs no more than a one-hour run. Merging loses nothing but time resolution, and
// the step depends only on which seconds were seen, so the order in which windows arrive never shows. Points that are no longer written to are
// kept encoded; a late window opens its point again.

import { createHistogram, type Extremes, encode, extremesOf, type Histogram, merge, mergeEncoded } from './histogram.ts';
import type { ErrorCount, GroupLoad, SeriesData } from './stats-types.ts';

export const TIMELINE_BOUNDS = {
  /** 1 h at 1 s. A metric and group costs about 0.5 kB a point: 20 of them take 36 MB. */
  pointsMax: 3600,
  /** Metric and group pairs kept by the second; the others have run totals only, and are counted. */
  rollupsMax: 400,
  /** Causes of errors kept by the second; further ones of a side and group are "other". */
  causesMax: 60,
} as const;

/** Points this much older than the newest are encoded. */
const OPEN_POINTS = 32;

type Packed = { readonly bytes: Uint8Array; readonly extremes: Extremes };
export type PointCell =
  | { readonly kind: 'trend'; open: Histogram | null; packed: Packed | null }
  | { readonly kind: 'counter'; sum: number }
  | { readonly kind: 'rate'; pass: number; total: number };

/** Levels are integrals (level x ms over the point's span), so that windows which start between two seconds count for both by their share. */
export interface PointLoad {
  ownedMs: number;
  activeMs: number;
  started: number;
  finished: number;
  failed: number;
}

export interface Point {
  readonly cells: Map<string, PointCell>;
  readonly load: Map<string, PointLoad>;
  isPacked: boolean;
}

export interface Timeline {
  readonly pointsMax: number;
  readonly rollupsMax: number;
  /** Seconds a point spans. */
  stepS: number;
  /** By floor(swarm second / stepS). */
  points: Map<number, Point>;
  newest: number;
  readonly rollups: Set<string>;
  rollupsRefused: number;
  /** Keys of the cells that count errors by cause. */
  readonly causes: Set<string>;
}

export const createTimeline = (bounds: Partial<{ pointsMax: number; rollupsMax: number }> = {}): Timeline => ({
  pointsMax: bounds.pointsMax ?? TIMELINE_BOUNDS.pointsMax,
  rollupsMax: bounds.rollupsMax ?? TIMELINE_BOUNDS.rollupsMax,
  stepS: 1,
  points: new Map(),
  newest: Number.NEGATIVE_INFINITY,
  rollups: new Set(),
  rollupsRefused: 0,
  causes: new Set(),
});

export const rollupKey = (metric: string, group: string): string => `${metric}\u001f${group}`;
const createPoint = (): Point => ({ cells: new Map(), load: new Map(), isPacked: false });

function openHistogram(cell: Extract<PointCell, { kind: 'trend' }>): Histogram {
  if (cell.open === null) {
    cell.open = createHistogram();
    if (cell.packed !== null) mergeEncoded(cell.open, cell.packed.bytes, cell.packed.extremes);
    cell.packed = null;
  }
  return cell.open;
}

function packPoint(point: Point): void {
  for (const cell of point.cells.values()) {
    if (cell.kind !== 'trend' || cell.open === null) continue;
    cell.packed = { bytes: encode(cell.open), extremes: extremesOf(cell.open) };
    cell.open = null;
  }
  point.isPacked = true;
}

/** Adds a trend cell's content to `into`. */
export function addTrendCell(into: Histogram, cell: PointCell): void {
  if (cell.kind !== 'trend') return;
  if (cell.open !== null) merge(into, cell.open);
  else if (cell.packed !== null) mergeEncoded(into, cell.packed.bytes, cell.packed.extremes);
}

function addCell(point: Point, key: string, data: SeriesData): void {
  const found = point.cells.get(key);
  switch (data.kind) {
    case 'trend': {
      const cell: PointCell = found ?? { kind: 'trend', open: null, packed: null };
      if (cell.kind !== 'trend') return;
      mergeEncoded(openHistogram(cell), data.histogram, data);
      point.isPacked = false;
      point.cells.set(key, cell);
      return;
    }
    case 'counter': {
      const cell: PointCell = found ?? { kind: 'counter', sum: 0 };
      if (cell.kind !== 'counter') return;
      cell.sum += data.sum;
      point.cells.set(key, cell);
      return;
    }
    case 'rate': {
      const cell: PointCell = found ?? { kind: 'rate', pass: 0, total: 0 };
      if (cell.kind !== 'rate') return;
      cell.pass += data.pass;
      cell.total += data.total;
      point.cells.set(key, cell);
      return;
    }
    case 'gauge':
      return;
  }
}

function loadCell(point: Point, group: string): PointLoad {
  const found = point.load.get(group);
  if (found !== undefined) return found;
  const made: PointLoad = { ownedMs: 0, activeMs: 0, started: 0, finished: 0, failed: 0 };
  point.load.set(group, made);
  return made;
}

function mergePoints(into: Point, from: Point): void {
  for (const [key, cell] of from.cells) {
    const target = into.cells.get(key);
    if (target === undefined) into.cells.set(key, cell);
    else if (cell.kind === 'trend' && target.kind === 'trend') addTrendCell(openHistogram(target), cell);
    else if (cell.kind === 'counter' && target.kind === 'counter') target.sum += cell.sum;
    else if (cell.kind === 'rate' && target.kind === 'rate') {
      target.pass += cell.pass;
      target.total += cell.total;
    }
  }
  for (const [group, load] of from.load) {
    const target = loadCell(into, group);
    target.ownedMs += load.ownedMs;
    target.activeMs += load.activeMs;
    target.started += load.started;
    target.finished += load.finished;
    target.failed += load.failed;
  }
}

function doubleStep(timeline: Timeline): void {
  const points = new Map<number, Point>();
  for (const [key, point] of timeline.points) {
    const wider = Math.floor(key / 2);
    const target = points.get(wider);
    if (target === undefined) points.set(wider, point);
    else mergePoints(target, point);
  }
  for (const point of points.values()) packPoint(point);
  timeline.points = points;
  timeline.stepS *= 2;
  timeline.newest = Math.floor(timeline.newest / 2);
}

function pointAt(timeline: Timeline, atMs: number): Point {
  const key = Math.floor(atMs / (1000 * timeline.stepS));
  const found = timeline.points.get(key);
  if (found !== undefined) return found;
  const made = createPoint();
  timeline.points.set(key, made);
  if (key > timeline.newest) {
    timeline.newest = key;
    for (const [other, point] of timeline.points) if (!point.isPacked && other < key - OPEN_POINTS) packPoint(point);
  }
  if (timeline.points.size <= timeline.pointsMax) return made;
  while (timeline.points.size > timeline.pointsMax) doubleStep(timeline);
  return pointAt(timeline, atMs);
}

/** Adds a window's share of one metric and group. */
export function addToTimeline(timeline: Timeline, startMs: number, metric: string, group: string, data: SeriesData): void {
  if (data.kind === 'gauge') return;
  const key = rollupKey(metric, group);
  if (!timeline.rollups.has(key)) {
    if (timeline.rollups.size >= timeline.rollupsMax) {
      timeline.rollupsRefused += 1;
      return;
    }
    timeline.rollups.add(key);
  }
  addCell(pointAt(timeline, startMs), key, data);
}

/** Adds errors of one cause, beside what `addToTimeline` counts of all. */
export function addCauseToTimeline(timeline: Timeline, startMs: number, { side, group, cause, count }: Omit<ErrorCount, 'example'>): void {
  const keyOf = (name: string): string => `\u001f${side}\u001f${group}\u001f${name}`;
  const isFull = !timeline.causes.has(keyOf(cause)) && timeline.causes.size >= TIMELINE_BOUNDS.causesMax;
  const key = keyOf(isFull ? 'other' : cause);
  timeline.causes.add(key);
  addCell(pointAt(timeline, startMs), key, { kind: 'counter', sum: count });
}

/** Adds a window's load: events count where the window starts, levels where it lasts. Whole milliseconds, so that sums are exact. */
export function addLoadToTimeline(timeline: Timeline, startMs: number, durationMs: number, load: GroupLoad): void {
  const from = Math.round(startMs);
  const to = from + Math.min(Math.round(durationMs), 60_000);
  const events = loadCell(pointAt(timeline, from), load.group);
  events.started += load.started;
  events.finished += load.finished;
  events.failed += load.failed;
  for (let at = from; at < to; ) {
    const cell = loadCell(pointAt(timeline, at), load.group);
    const stepMs = 1000 * timeline.stepS;
    const next = Math.min(to, (Math.floor(at / stepMs) + 1) * stepMs);
    cell.ownedMs += load.owned * (next - at);
    cell.activeMs += load.active * (next - at);
    at = next;
  }
}
