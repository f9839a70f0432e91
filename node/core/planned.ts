// What should be running at a moment, for the scoreboard and for the judgement of delivered against planned load. Concurrent groups without
// churn are a look-up in the curve; groups with pauses or arrivals need their lives counted once, after which each look-up is a binary
// search. The count is remembered per scenario and orders: asking every second for a million endpoints costs nothing after the first time.

import { forEachLife, WHOLE } from './lives.ts';
import type { ScaleOrder } from './plan-types.ts';
import type { ValidGroup, ValidScenario } from './scenario-types.ts';
import { levelAt, ordersFor, scaledSegments, wantedSlots } from './shape.ts';

/** Endpoints of the group that the plan wants active at `atMs` from T0, under the operator's orders. 0 for an unknown group. */
export function plannedActive(scenario: ValidScenario, groupName: string, atMs: number, scales: readonly ScaleOrder[] = []): number {
  const group = scenario.groups.find(({ name }) => name === groupName);
  if (group === undefined || atMs < 0) return 0;
  const orders = ordersFor(group.name, scales);
  if (group.load.unit === 'endpoints' && group.pause === null)
    return wantedSlots(levelAt(scaledSegments(group.load.segments, orders), atMs));
  const { starts, stops } = timelineOf(scenario, group, orders);
  return countUpTo(starts, atMs) - countUpTo(stops, atMs);
}

/** Planned active endpoints by group and in all, at `samples` evenly spaced moments of [0, durationMs]. */
export function curve(scenario: ValidScenario, durationMs: number, samples: number, scales: readonly ScaleOrder[] = []): PlannedCurve {
  const stepMs = durationMs / Math.max(1, samples - 1);
  const groups = scenario.groups.map(({ name }) => ({
    name,
    active: Array.from({ length: samples }, (_, at) => plannedActive(scenario, name, at * stepMs, scales)),
  }));
  const total = Array.from({ length: samples }, (_, at) => groups.reduce((sum, { active }) => sum + active[at]!, 0));
  return { stepMs, groups, total };
}

export interface PlannedCurve {
  readonly stepMs: number;
  readonly groups: readonly { readonly name: string; readonly active: readonly number[] }[];
  readonly total: readonly number[];
}

/** The same, read from a curve that was kept: straight lines between its moments. Null where it has no groups. */
export function plannedFromCurve(
  { stepMs, groups = [] }: Pick<PlannedCurve, 'stepMs'> & Partial<PlannedCurve>,
  endMs: number,
): ((group: string, atMs: number) => number) | null {
  if (stepMs <= 0 || groups.length === 0) return null;
  const byName = new Map(groups.map(({ name, active }) => [name, active]));
  return (group: string, atMs: number): number => {
    const active = byName.get(group);
    if (active === undefined || atMs < 0 || atMs >= endMs) return 0;
    const at = Math.min(atMs / stepMs, active.length - 1);
    const [left, right] = [active[Math.floor(at)] ?? 0, active[Math.ceil(at)] ?? 0];
    return left + (right - left) * (at - Math.floor(at));
  };
}

interface Timeline {
  readonly starts: Float64Array;
  readonly stops: Float64Array;
}

/** Operators give a handful of orders in a run; beyond this many the oldest counts are dropped and made again when asked for. */
const TIMELINES_MAX = 16;
const timelines = new WeakMap<ValidGroup, Map<string, Timeline>>();

function timelineOf(scenario: ValidScenario, group: ValidGroup, orders: readonly ScaleOrder[]): Timeline {
  const known = timelines.get(group) ?? new Map<string, Timeline>();
  timelines.set(group, known);
  const key = orders.map(({ factor, atMs }) => `${factor}@${atMs}`).join();
  const found = known.get(key);
  if (found !== undefined) return found;
  const starts: number[] = [];
  const stops: number[] = [];
  forEachLife(scenario, group, orders, WHOLE, (_slot, _life, startMs, stopMs) => {
    starts.push(startMs);
    stops.push(stopMs);
  });
  const made = { starts: Float64Array.from(starts).sort(), stops: Float64Array.from(stops).sort() };
  if (known.size >= TIMELINES_MAX) known.delete(known.keys().next().value!);
  known.set(key, made);
  return made;
}

/** How many of the sorted times are at or before `atMs`. */
function countUpTo(times: Float64Array, atMs: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle]! <= atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}
