// The open model: arrivals per second, whatever the target does with them. The i-th arrival starts when the cumulative rate passes i
// ('even'), or passes the i-th point of a unit-rate Poisson process ('poisson': an inhomogeneous process by inversion, Cinlar 1975), so
// every node computes the same times from the seed alone. Rates are per second, times in milliseconds.

import { unreachable } from './assert.ts';
import { hashInts, mix32 } from './rng.ts';
import type { Segment, Spread } from './scenario-types.ts';

/** One more integer into a key: the same step as hashInts, without its list of arguments, for the millions of draws of a large plan. */
export const mixKey = (key: number, value: number): number => mix32((Math.imul(key, 0x01000193) ^ value) | 0);

/** Uniform in (0, 1), addressed by key: the same on every node, in whatever order it is asked for. */
export const uniformOf = (key: number): number => (mix32(key) + 0.5) / 4294967296;

/** Arrivals expected over the whole curve: the integral of the rate. */
export function cumulativeTotal(segments: readonly Segment[]): number {
  let total = 0;
  for (const segment of segments) total += areaOf(segment);
  return total;
}

const areaOf = ({ fromMs, toMs, fromLevel, toLevel }: Segment): number => ((fromLevel + toLevel) / 2) * ((toMs - fromMs) / 1000);

/** Calls `visit(index, startMs)` for each arrival in order. `points` gives the operational time of arrival i (not decreasing in i). */
export function forEachArrival(
  segments: readonly Segment[],
  points: (index: number) => number,
  visit: (index: number, startMs: number) => void,
): void {
  let index = 0;
  let before = 0;
  let point = points(0);
  for (const segment of segments) {
    const area = areaOf(segment);
    const after = before + area;
    while (point < after) {
      visit(index, segment.fromMs + timeOfArea(segment, point - before));
      index += 1;
      point = points(index);
    }
    before = after;
  }
}

/** Milliseconds into the segment at which its area reaches `area`: the root of a t + (b - a) t^2 / 2T, in the form that does not cancel. */
function timeOfArea({ fromMs, toMs, fromLevel, toLevel }: Segment, area: number): number {
  const lengthS = (toMs - fromMs) / 1000;
  const slope = (toLevel - fromLevel) / lengthS;
  const root = Math.sqrt(Math.max(0, fromLevel * fromLevel + 2 * slope * area));
  const divisor = fromLevel + root;
  return divisor <= 0 ? 0 : Math.min(lengthS, (2 * area) / divisor) * 1000;
}

/** Operational times of even arrivals: 0, 1, 2, ... */
export const evenPoints = (index: number): number => index;

/** Operational times of a Poisson process: sums of Exp(1) gaps, each keyed by its index; grown as far as anyone asked. */
export function poissonPoints(seed: number, groupIndex: number): (index: number) => number {
  const key = hashInts(seed, groupIndex, 0x706f6973);
  const points: number[] = [];
  let last = 0;
  return (index) => {
    while (points.length <= index) {
      last -= Math.log(uniformOf(mixKey(key, points.length)));
      points.push(last);
    }
    return points[index]!;
  };
}

/** A length drawn from its distribution by one or two uniform numbers of this key, ms. Never negative. */
export function drawSpread(spread: Spread, key: number): number {
  const first = spread.distribution === 'fixed' ? 0 : uniformOf(mixKey(key, 1));
  switch (spread.distribution) {
    case 'fixed':
      return spread.ms;
    case 'uniform':
      return spread.minMs + first * (spread.maxMs - spread.minMs);
    case 'exponential':
      return within(-Math.log(first) * spread.meanMs, spread.minMs, spread.maxMs);
    case 'normal':
      return within(spread.meanMs + spread.deviationMs * standardNormal(first, uniformOf(mixKey(key, 2))), 0, spread.maxMs);
    case 'lognormal':
      return within(
        spread.medianMs * Math.exp(spread.sigma * standardNormal(first, uniformOf(mixKey(key, 2)))),
        spread.minMs,
        spread.maxMs,
      );
    default:
      return unreachable(spread);
  }
}

const within = (value: number, min: number, max: number): number => Math.min(max, Math.max(min, value));

/** Box and Muller, 1958: one of the pair. */
const standardNormal = (first: number, second: number): number => Math.sqrt(-2 * Math.log(first)) * Math.cos(2 * Math.PI * second);

/** Expected length before clipping, ms: for estimates shown to a person. */
export function meanOf(spread: Spread): number {
  switch (spread.distribution) {
    case 'fixed':
      return spread.ms;
    case 'uniform':
      return (spread.minMs + spread.maxMs) / 2;
    case 'exponential':
    case 'normal':
      return spread.meanMs;
    case 'lognormal':
      return spread.medianMs * Math.exp(spread.sigma ** 2 / 2);
    default:
      return unreachable(spread);
  }
}
