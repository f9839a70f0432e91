// A group's endpoint lives: who starts when, and leaves when. Concurrent groups follow the curve exactly: slot i is active while the
// curve is above i, so the active slots are always 0..n-1 and a stack holds them. Within an activation a slot may churn: sessions of
// length `stay` with `pause` between, drawn by key (seed, group, slot, life). Arrival groups give each arrival its own slot and one life.
// A stripe of a group is computed without the others; over all stripes the lives are the same for any number of stripes (P4).

import { drawSpread, evenPoints, forEachArrival, mixKey, poissonPoints } from './arrivals.ts';
import { assert } from './assert.ts';
import type { ScaleOrder } from './plan-types.ts';
import { hashInts } from './rng.ts';
import type { Segment, ValidGroup, ValidScenario } from './scenario-types.ts';
import { endOf, ordersFor, scaledSegments, wantedSlots } from './shape.ts';

/** Called once a life, in no promised order over slots; lives of one slot come in order. Times are ms from T0, startMs < stopMs. */
export type LifeVisitor = (slot: number, life: number, startMs: number, stopMs: number) => void;

/** Stripe `stripe` of `stripes`: the slots i with i % stripes === stripe. */
export interface Share {
  readonly stripe: number;
  readonly stripes: number;
}

export const WHOLE: Share = { stripe: 0, stripes: 1 };

const STAY_KEY = 0x73746179;
const PAUSE_KEY = 0x70617573;

export function forEachLife(
  scenario: ValidScenario,
  group: ValidGroup,
  scales: readonly ScaleOrder[],
  share: Share,
  visit: LifeVisitor,
): void {
  assert(share.stripe >= 0 && share.stripe < share.stripes, 'a stripe is one of its stripes');
  const orders = ordersFor(group.name, scales);
  if (group.load.unit === 'rate') return forEachArrivalLife(scenario, group, orders, share, visit);
  const segments = scaledSegments(group.load.segments, orders);
  if (group.stay === null) forEachActivation(segments, share, lifeCounter(share, visit));
  else forEachActivation(segments, share, churning(scenario.seed, group, share, visit));
}

type Activation = (slot: number, fromMs: number, toMs: number) => void;

/** Walks the curve and keeps the times since when slots are active, highest slot on top. */
function forEachActivation(segments: readonly Segment[], { stripe, stripes }: Share, visit: Activation): void {
  const sinceMs: number[] = [];
  const raise = (wanted: number, timeOf: (slot: number) => number): void => {
    for (let slot = stripe + sinceMs.length * stripes; slot < wanted; slot += stripes) sinceMs.push(timeOf(slot));
  };
  const lower = (wanted: number, timeOf: (slot: number) => number): void => {
    for (let slot = stripe + (sinceMs.length - 1) * stripes; sinceMs.length > 0 && slot >= wanted; slot -= stripes) {
      const fromMs = sinceMs.pop()!;
      const toMs = timeOf(slot);
      if (toMs > fromMs) visit(slot, fromMs, toMs);
    }
  };
  for (const { fromMs, toMs, fromLevel, toLevel } of segments) {
    const atStart = (): number => fromMs;
    raise(wantedSlots(fromLevel), atStart);
    lower(wantedSlots(fromLevel), atStart);
    const slopeMs = (toMs - fromMs) / (toLevel - fromLevel);
    const crossing = (slot: number): number => Math.min(toMs, Math.max(fromMs, fromMs + (slot - fromLevel) * slopeMs));
    if (toLevel > fromLevel) raise(wantedSlots(toLevel), crossing);
    if (toLevel < fromLevel) lower(wantedSlots(toLevel), crossing);
  }
  const endMs = endOf(segments);
  lower(0, () => endMs);
}

/** Every activation is one life; lives are counted per slot. */
function lifeCounter({ stripe, stripes }: Share, visit: LifeVisitor): Activation {
  const lives: number[] = [];
  return (slot, fromMs, toMs) => {
    const place = (slot - stripe) / stripes;
    const life = lives[place] ?? 0;
    lives[place] = life + 1;
    visit(slot, life, fromMs, toMs);
  };
}

/** Leave and rejoin: an activation is cut into sessions with pauses between; the last session is cut where the activation ends. */
function churning(seed: number, group: ValidGroup, share: Share, visit: LifeVisitor): Activation {
  const stay = group.stay;
  assert(stay !== null, 'only groups with a stay churn');
  const stayKey = hashInts(seed, group.index, STAY_KEY);
  const pauseKey = hashInts(seed, group.index, PAUSE_KEY);
  const lives: number[] = [];
  return (slot, fromMs, toMs) => {
    const place = (slot - share.stripe) / share.stripes;
    let life = lives[place] ?? 0;
    for (let startMs = fromMs; startMs < toMs; ) {
      // A session lasts at least a millisecond, or a stay of nothing would never reach the end.
      const leaveMs = startMs + Math.max(1, drawSpread(stay, mixKey(mixKey(stayKey, slot), life)));
      visit(slot, life, startMs, Math.min(leaveMs, toMs));
      startMs = leaveMs + (group.pause === null ? 0 : drawSpread(group.pause, mixKey(mixKey(pauseKey, slot), life)));
      life += 1;
    }
    lives[place] = life;
  };
}

/** Each arrival stays for its own time, also past the end of the curve. */
function forEachArrivalLife(
  scenario: ValidScenario,
  group: ValidGroup,
  orders: readonly ScaleOrder[],
  share: Share,
  visit: LifeVisitor,
): void {
  const { stay } = group;
  assert(stay !== null, 'arrivals have a stay');
  const stayKey = hashInts(scenario.seed, group.index, STAY_KEY);
  const starts = arrivalStarts(scenario, group, orders);
  for (let slot = share.stripe; slot < starts.length; slot += share.stripes) {
    const startMs = starts[slot]!;
    visit(slot, 0, startMs, startMs + Math.max(1, drawSpread(stay, mixKey(mixKey(stayKey, slot), 0))));
  }
}

/** Start times of a group's arrivals, by group and orders: a stripe needs only every stripes-th, but each is the sum of all before it. */
const remembered = new WeakMap<ValidScenario, Map<string, Float64Array>>();

/** Orders remembered for each group: a million arrivals are 8 MB. */
const ORDERS_REMEMBERED = 2;

function arrivalStarts(scenario: ValidScenario, group: ValidGroup, orders: readonly ScaleOrder[]): Float64Array {
  const known = remembered.get(scenario) ?? new Map<string, Float64Array>();
  remembered.set(scenario, known);
  const key = `${group.index}:${orders.map(({ factor, atMs }) => `${factor}@${atMs}`).join()}`;
  const found = known.get(key);
  if (found !== undefined) return found;
  const points = group.load.arrivals === 'even' ? evenPoints : poissonPoints(scenario.seed, group.index);
  const starts: number[] = [];
  forEachArrival(scaledSegments(group.load.segments, orders), points, (_index, startMs) => starts.push(startMs));
  const made = Float64Array.from(starts);
  if (known.size >= ORDERS_REMEMBERED * scenario.groups.length) known.delete(known.keys().next().value!);
  known.set(key, made);
  return made;
}
