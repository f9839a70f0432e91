// From scenario to plan: meeting shards, endpoint shards (stripes of groups), their times, peaks and costs, and the hash that all nodes must
// agree on before a run starts. Pure arithmetic over the validated scenario; assign.ts decides where shards run, workers expand their own
// shards into lives with expandShard. Shards are small (at most about 50 endpoints) so that a lost node's load spreads over all the others, and
// at most SHARDS_MAX so that the claims of a run fit into the log.

import { createHash } from 'node:crypto';
import { assert } from './assert.ts';
import { canonicalJson } from './canonical.ts';
import { forEachLife, WHOLE } from './lives.ts';
import type { EndpointLife, Plan, ScaleOrder, Shard } from './plan-types.ts';
import type { ValidGroup, ValidScenario } from './scenario-types.ts';

/** More shards make finer balance and larger claims: 4,096 are about 40 KB of claim entries in all. */
export const SHARDS_MAX = 4096;

/** Shard sizes when the scenario sets none. Larger shards make fewer claims and coarser moves. */
const ENDPOINTS_PER_SHARD = 50;
const MEETINGS_PER_SHARD = 25;
/** A group is cut into about this many shards before they reach those sizes, so that also a small run uses all its nodes. */
const SPREAD = 12;
/** Half a core: a shard that needs more than a small machine has could not be placed there. */
const SHARD_MILLICORES_MAX = 500;

/** Cost of one meeting being provisioned, thousandths of a core: an HTTP call or two while the swarm waits. */
const MEETING_COST_MILLICORES = 1;

/** Starts and stops of a set of lives, each sorted. */
interface Times {
  readonly starts: Float64Array;
  readonly stops: Float64Array;
}

interface GroupLives {
  readonly group: ValidGroup;
  readonly slots: readonly number[];
  readonly starts: readonly number[];
  readonly stops: readonly number[];
  readonly sorted: Times;
  readonly activeMax: number;
}

/** `costs` (endpoint type -> thousandths of a core) replaces the declared costs; it must then be the same on all nodes, as it is in the hash. */
export function makePlan(scenario: ValidScenario, costs: Readonly<Record<string, number>> = {}): Plan {
  const groups = scenario.groups.map((group) => livesOf(scenario, group));
  const [only] = groups;
  const all = only !== undefined && groups.length === 1 ? only.sorted : sortedTimes(groups);
  const durationMs = all.stops.at(-1) ?? 0;
  const meetingCount = scenario.meetings?.provision == null ? 0 : scenario.meetings.count;
  const sizes = shardCounts(scenario, meetingCount, groups, costs);
  const shards = meetingShards(meetingCount, sizes.meetings, durationMs);
  groups.forEach((lives, index) => {
    shards.push(...stripesOf(lives, sizes.groups[index]!, shards.length, meetingCount > 0, costs));
  });
  const content = {
    meetingCount,
    endpointCount: all.starts.length,
    activeMax: mostAtOnce(all),
    durationMs,
    gracefulStopMs: Math.max(scenario.gracefulStopMs, ...scenario.groups.map((group) => group.gracefulStopMs)),
    restartRatePerS: Math.max(1, mostStartsPerSecond(all.starts)),
    shards,
  };
  // Which files were found depends on the machine that looked; what is in them is in the data and the behaviours.
  const hashed = canonicalJson({ scenario: { ...scenario, files: [] }, plan: content });
  const hash = createHash('sha256').update(hashed).digest('hex');
  return { hash, ...content };
}

/** The lives of one shard, ordered by start, under the orders given so far. Lives that are over by `fromMs` are left out; those active then keep their planned start. */
export function* expandShard(
  scenario: ValidScenario,
  shard: Shard,
  scales: readonly ScaleOrder[] = [],
  fromMs = 0,
): Generator<EndpointLife, void, undefined> {
  if (shard.kind === 'meetings') return;
  const group = scenario.groups[shard.groupIndex];
  assert(group !== undefined, 'a shard belongs to a group of its scenario');
  const slots: number[] = [];
  const lives: number[] = [];
  const starts: number[] = [];
  const stops: number[] = [];
  forEachLife(scenario, group, scales, shard, (slot, life, startMs, stopMs) => {
    if (stopMs <= fromMs && fromMs > 0) return;
    slots.push(slot);
    lives.push(life);
    starts.push(startMs);
    stops.push(stopMs);
  });
  const order = Uint32Array.from(starts.keys()).sort((a, b) => starts[a]! - starts[b]! || slots[a]! - slots[b]!);
  for (const at of order) {
    const endpointIndex = slots[at]!;
    yield {
      groupIndex: group.index,
      endpointIndex,
      lifeIndex: lives[at]!,
      meetingIndex: meetingOf(scenario, group, endpointIndex),
      dataRow: dataRowOf(group, endpointIndex),
      startMs: starts[at]!,
      stopMs: stops[at]!,
    };
  }
}

/** Meeting of a slot, or -1. A slot beyond the planned ones (after a `scale` order) goes round again. */
export function meetingOf(scenario: ValidScenario, group: ValidGroup, slot: number): number {
  const count = scenario.meetings?.count ?? 0;
  if (group.meetings === null || count === 0) return -1;
  return group.meetings === 'fill' ? Math.floor(slot / group.perMeeting) % count : slot % count;
}

/** Data row of a slot, or -1: no data, or unique rows used up by a `scale` order beyond what validation could see. */
export function dataRowOf(group: ValidGroup, slot: number): number {
  if (group.data === null || group.data.rows.length === 0) return -1;
  if (!group.data.unique) return slot % group.data.rows.length;
  const row = group.dataRowFirst + slot;
  return row < group.data.rows.length ? row : -1;
}

function livesOf(scenario: ValidScenario, group: ValidGroup): GroupLives {
  const slots: number[] = [];
  const starts: number[] = [];
  const stops: number[] = [];
  forEachLife(scenario, group, [], WHOLE, (slot, _life, startMs, stopMs) => {
    slots.push(slot);
    starts.push(startMs);
    stops.push(stopMs);
  });
  const sorted = sortedTimes([{ starts, stops }]);
  return { group, slots, starts, stops, sorted, activeMax: mostAtOnce(sorted) };
}

function sortedTimes(parts: readonly { readonly starts: readonly number[]; readonly stops: readonly number[] }[]): Times {
  let length = 0;
  for (const part of parts) length += part.starts.length;
  const starts = new Float64Array(length);
  const stops = new Float64Array(length);
  let at = 0;
  for (const part of parts) {
    starts.set(part.starts, at);
    stops.set(part.stops, at);
    at += part.starts.length;
  }
  return { starts: starts.sort(), stops: stops.sort() };
}

/** Highest number of lives at the same time; a life that stops as another starts does not overlap it. */
function mostAtOnce({ starts, stops }: Times): number {
  let most = 0;
  let stopped = 0;
  for (let started = 0; started < starts.length; started++) {
    while (stops[stopped]! <= starts[started]!) stopped += 1;
    most = Math.max(most, started + 1 - stopped);
  }
  return most;
}

/** The plan's own steepest ramp: most starts within any one second. A step of 500 endpoints counts as 500 per second. */
function mostStartsPerSecond(starts: Float64Array): number {
  let most = 0;
  let first = 0;
  for (let last = 0; last < starts.length; last++) {
    while (starts[last]! - starts[first]! >= 1000) first += 1;
    most = Math.max(most, last + 1 - first);
  }
  return most;
}

/** How many shards meetings and each group get: by the wanted size, then all fewer alike when they would be too many. */
function shardCounts(
  scenario: ValidScenario,
  meetingCount: number,
  groups: readonly GroupLives[],
  costs: Readonly<Record<string, number>>,
): { meetings: number; groups: number[] } {
  const meetingsEach = scenario.shardMeetings ?? Math.max(1, Math.min(MEETINGS_PER_SHARD, Math.ceil(meetingCount / SPREAD)));
  const meetings = Math.ceil(meetingCount / meetingsEach);
  const wanted = groups.map(({ group, activeMax }) => {
    const size = scenario.shardEndpoints ?? sizeFor(activeMax, costs[group.type] ?? group.costMillicores);
    return Math.max(1, Math.ceil(activeMax / size));
  });
  const total = wanted.reduce((sum, count) => sum + count, meetings);
  const factor = Math.min(1, (SHARDS_MAX - groups.length - 1) / total);
  const share = (count: number): number => (count === 0 ? 0 : Math.max(1, Math.floor(count * factor)));
  return { meetings: share(meetings), groups: wanted.map(share) };
}

/** Endpoints of one shard: at most 50, few enough that a small group still spreads, and that a shard of dear endpoints fits into any node. */
function sizeFor(activeMax: number, costMillicores: number): number {
  const affordable = Math.floor(SHARD_MILLICORES_MAX / Math.max(costMillicores, Number.MIN_VALUE));
  return Math.max(1, Math.min(ENDPOINTS_PER_SHARD, Math.ceil(activeMax / SPREAD), affordable));
}

function meetingShards(meetingCount: number, shardCount: number, stopMs: number): Shard[] {
  const shards: Shard[] = [];
  for (let id = 0; id < shardCount; id++) {
    const first = Math.floor((meetingCount * id) / shardCount);
    const count = Math.floor((meetingCount * (id + 1)) / shardCount) - first;
    const costMillicores = Math.max(1, Math.ceil(count * MEETING_COST_MILLICORES));
    const place = { meetingFirst: first, meetingCount: count, stripe: 0, stripes: 1, groupIndex: -1, constraints: {} };
    shards.push({
      id,
      kind: 'meetings',
      type: 'http',
      ...place,
      count,
      activeMax: count,
      costMillicores,
      startMs: 0,
      stopMs,
      needsMeetings: false,
    });
  }
  return shards;
}

function stripesOf(
  lives: GroupLives,
  stripes: number,
  firstId: number,
  areMeetingsProvisioned: boolean,
  costs: Readonly<Record<string, number>>,
): Shard[] {
  const { group } = lives;
  const buckets = Array.from({ length: stripes }, () => ({ starts: [] as number[], stops: [] as number[] }));
  lives.slots.forEach((slot, at) => {
    const bucket = buckets[slot % stripes]!;
    bucket.starts.push(lives.starts[at]!);
    bucket.stops.push(lives.stops[at]!);
  });
  const costEach = costs[group.type] ?? group.costMillicores;
  return buckets.map((bucket, stripe) => {
    const times = sortedTimes([bucket]);
    const activeMax = mostAtOnce(times);
    return {
      id: firstId + stripe,
      kind: 'endpoints',
      type: group.type,
      groupIndex: group.index,
      stripe,
      stripes,
      meetingFirst: 0,
      meetingCount: 0,
      count: times.starts.length,
      activeMax,
      costMillicores: Math.max(1, Math.ceil(costEach * activeMax)),
      startMs: times.starts[0] ?? 0,
      stopMs: times.stops.at(-1) ?? 0,
      needsMeetings: areMeetingsProvisioned && group.meetings !== null,
      constraints: group.constraints,
    };
  });
}
