// A random plan: some meeting shards, then stripes of endpoint groups with start and stop times, costs, types and constraints.
// It need not come from a scenario; it only has to obey the contract of plan-types.ts.

import type { Plan, Shard } from '../../node/core/plan-types.ts';
import { hashInts } from '../../node/core/rng.ts';
import { type Chance, createChance, PURPOSE } from './chance.ts';

const MEETINGS_PER_SHARD = 4;

function drawMeetingShards(chance: Chance, durationMs: number): Shard[] {
  const shardCount = chance.yes(0.5) ? chance.whole(1, 5) : 0;
  return Array.from(
    { length: shardCount },
    (_, index): Shard => ({
      id: index,
      kind: 'meetings',
      type: 'http',
      groupIndex: -1,
      stripe: 0,
      stripes: 1,
      meetingFirst: index * MEETINGS_PER_SHARD,
      meetingCount: MEETINGS_PER_SHARD,
      count: MEETINGS_PER_SHARD,
      activeMax: 0,
      costMillicores: 1,
      startMs: 0,
      stopMs: durationMs,
      needsMeetings: false,
      constraints: {},
    }),
  );
}

function drawEndpointShards(chance: Chance, firstId: number, durationMs: number): Shard[] {
  const total = Math.round(chance.mostlyLow(5, 200));
  const shards: Shard[] = [];
  for (let groupIndex = 0; shards.length < total; groupIndex++) {
    const stripes = Math.min(total - shards.length, chance.whole(1, 40));
    const type = chance.pick(['http', 'http', 'websocket', 'exec']);
    const startMs = chance.yes(0.4) ? 0 : Math.round(chance.between(0, durationMs * 0.7));
    const stopMs = chance.yes(0.5) ? durationMs : Math.round(chance.between(startMs + 1000, durationMs));
    const count = chance.whole(1, 200);
    const needsMeetings = firstId > 0 && chance.yes(0.5);
    const constraints: Record<string, string> = chance.yes(0.1) ? { region: 'eu' } : {};
    for (let stripe = 0; stripe < stripes; stripe++) {
      shards.push({
        id: firstId + shards.length,
        kind: 'endpoints',
        type,
        groupIndex,
        stripe,
        stripes,
        meetingFirst: 0,
        meetingCount: 0,
        count,
        activeMax: count,
        costMillicores: chance.whole(1, 60),
        startMs,
        stopMs: Math.max(startMs + 1000, stopMs),
        needsMeetings,
        constraints,
      });
    }
  }
  return shards;
}

export function drawPlan(seed: number): Plan {
  const chance = createChance(seed, PURPOSE.plan);
  const durationMs = Math.round(chance.mostlyLow(10_000, 60_000));
  const meetings = drawMeetingShards(chance, durationMs);
  const endpoints = drawEndpointShards(chance, meetings.length, durationMs);
  let endpointCount = 0;
  for (const shard of endpoints) endpointCount += shard.count;
  return {
    hash: `plan-${hashInts(seed, endpoints.length)}`,
    shards: [...meetings, ...endpoints],
    meetingCount: meetings.length * MEETINGS_PER_SHARD,
    endpointCount,
    activeMax: endpointCount,
    durationMs: Math.max(...endpoints.map((shard) => shard.stopMs)),
    gracefulStopMs: chance.whole(0, 2000),
    restartRatePerS: chance.whole(1, 500),
  };
}
