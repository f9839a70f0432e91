// The load shape as arithmetic: stages that a person wrote become a piecewise linear curve over time, and the curve answers "what level
// at t" and "how does it look once the operator scaled it". Levels are concurrent endpoints or arrivals per second; this file does not
// care which. Nothing here depends on the number of nodes: that is what makes the union of all shares the plan (P4).

import { assert } from './assert.ts';
import type { ScaleOrder } from './plan-types.ts';
import type { Segment } from './scenario-types.ts';

/** One stage, levels resolved to numbers and durations to milliseconds. */
export type Stage =
  /** Linear from the level before to `to`. */
  | { readonly kind: 'ramp'; readonly to: number; readonly overMs: number }
  | { readonly kind: 'hold'; readonly forMs: number }
  /** At once to `to`, then stay. */
  | { readonly kind: 'step'; readonly to: number; readonly forMs: number }
  /** Up to `to` within overMs, stay, and back to the level before within overMs. */
  | { readonly kind: 'spike'; readonly to: number; readonly overMs: number; readonly forMs: number }
  /** `times` times: linear from `low` to `high` over the period, then at once back to `low`. */
  | { readonly kind: 'sawtooth'; readonly low: number; readonly high: number; readonly periodMs: number; readonly times: number };

/** Differences below this are rounding: 3 * 0.1 endpoints more than 200 do not make 201. */
const LEVEL_EPSILON = 1e-9;

/** Whole endpoints that a level asks for: slot i is wanted while level > i, so a level of 0.5 wants one. */
export function wantedSlots(level: number): number {
  return level <= LEVEL_EPSILON ? 0 : Math.ceil(level - LEVEL_EPSILON);
}

/** The curve of these stages, from time 0 and level `startLevel`. Stages of no length only change the level. */
export function segmentsOf(stages: readonly Stage[], startLevel = 0): Segment[] {
  const segments: Segment[] = [];
  let level = startLevel;
  let atMs = 0;
  const go = (fromLevel: number, toLevel: number, forMs: number): void => {
    if (forMs > 0) segments.push({ fromMs: atMs, toMs: atMs + forMs, fromLevel, toLevel });
    atMs += Math.max(0, forMs);
    level = toLevel;
  };
  for (const stage of stages) {
    if (stage.kind === 'ramp') go(level, stage.to, stage.overMs);
    else if (stage.kind === 'hold') go(level, level, stage.forMs);
    else if (stage.kind === 'step') go(stage.to, stage.to, stage.forMs);
    else if (stage.kind === 'spike') {
      const before = level;
      go(before, stage.to, stage.overMs);
      go(stage.to, stage.to, stage.forMs);
      go(stage.to, before, stage.overMs);
    } else {
      for (let tooth = 0; tooth < stage.times; tooth++) go(stage.low, stage.high, stage.periodMs);
      level = stage.low;
    }
  }
  return segments;
}

/** When the curve ends, ms. */
export const endOf = (segments: readonly Segment[]): number => segments.at(-1)?.toMs ?? 0;

/** The highest level that the curve touches. */
export function peakOf(segments: readonly Segment[]): number {
  let peak = 0;
  for (const { fromLevel, toLevel } of segments) peak = Math.max(peak, fromLevel, toLevel);
  return peak;
}

/** The level at a moment; 0 before the curve and from its end on. At a jump, the level after it. Binary search: O(log segments). */
export function levelAt(segments: readonly Segment[], atMs: number): number {
  let low = 0;
  let high = segments.length - 1;
  while (low <= high) {
    const middle = (low + high) >> 1;
    const { fromMs, toMs, fromLevel, toLevel } = segments[middle]!;
    if (atMs < fromMs) high = middle - 1;
    else if (atMs >= toMs) low = middle + 1;
    else return fromLevel + ((toLevel - fromLevel) * (atMs - fromMs)) / (toMs - fromMs);
  }
  return 0;
}

/** The orders that concern a group, by time; of two at the same time the one given later counts. */
export function ordersFor(group: string, scales: readonly ScaleOrder[]): ScaleOrder[] {
  const own = scales.filter((order) => order.group === group || order.group === '*');
  return own
    .map((order, given) => ({ order, given }))
    .sort((a, b) => a.order.atMs - b.order.atMs || a.given - b.given)
    .map(({ order }) => order);
}

/** The curve under an operator's orders: from each order's moment on, its factor times the planned curve (factors do not pile up). */
export function scaledSegments(segments: readonly Segment[], orders: readonly ScaleOrder[]): readonly Segment[] {
  if (orders.length === 0) return segments;
  const scaled: Segment[] = [];
  for (const segment of segments) {
    const cuts = orders.map((order) => order.atMs).filter((atMs) => atMs > segment.fromMs && atMs < segment.toMs);
    const times = [segment.fromMs, ...new Set(cuts), segment.toMs];
    for (let index = 0; index + 1 < times.length; index++) {
      const fromMs = times[index]!;
      const toMs = times[index + 1]!;
      const factor = factorAt(orders, fromMs);
      scaled.push({ fromMs, toMs, fromLevel: levelWithin(segment, fromMs) * factor, toLevel: levelWithin(segment, toMs) * factor });
    }
  }
  return scaled;
}

function factorAt(orders: readonly ScaleOrder[], atMs: number): number {
  let factor = 1;
  for (const order of orders) if (order.atMs <= atMs) factor = order.factor;
  assert(factor >= 0 && Number.isFinite(factor), 'a scale factor is a number from 0 on');
  return factor;
}

/** The level of one segment at a moment within it, its end included. */
function levelWithin({ fromMs, toMs, fromLevel, toLevel }: Segment, atMs: number): number {
  return atMs === toMs ? toLevel : fromLevel + ((toLevel - fromLevel) * (atMs - fromMs)) / (toMs - fromMs);
}
