// Windows for tests of statistics, made the way a worker makes them: samples recorded, deltas taken.

import { createStatistics } from '../../node/core/stats.ts';
import type { ErrorCount, GroupLoad, Window } from '../../node/core/stats-types.ts';

export const CLEAN_HEALTH = { cpuCores: 0.5, memoryMb: 80, loopDelayMsMax: 3, latenessMsP99: 1, socketDrops: 0, tainted: [] };

export interface WindowSketch {
  readonly number: number;
  readonly startMs?: number;
  readonly durationMs?: number;
  /** http_req_duration values in ms, by group. */
  readonly durations?: Readonly<Record<string, readonly number[]>>;
  readonly counters?: Readonly<Record<string, number>>;
  readonly checks?: readonly boolean[];
  readonly gauge?: number;
  readonly errors?: readonly ErrorCount[];
  readonly load?: readonly Partial<GroupLoad>[];
  readonly tainted?: readonly string[];
}

export function makeWindow(sketch: WindowSketch): Window {
  const statistics = createStatistics();
  for (const [group, values] of Object.entries(sketch.durations ?? {})) {
    const trend = statistics.tagged({ group }).trend('http_req_duration', { status: '200' });
    for (const value of values) trend.record(value);
  }
  for (const [metric, sum] of Object.entries(sketch.counters ?? {})) statistics.counter(metric, { group: 'viewers' }).add(sum);
  for (const pass of sketch.checks ?? []) statistics.rate('checks', { group: 'viewers', check: 'status is 200' }).add(pass);
  if (sketch.gauge !== undefined) statistics.gauge('rooms_open', { group: 'viewers' }).set(sketch.gauge);
  const { series } = statistics.snapshot();
  const load = (sketch.load ?? []).map((part) => ({
    group: 'viewers',
    owned: 0,
    active: 0,
    started: 0,
    finished: 0,
    failed: 0,
    claims: [],
    ...part,
  }));
  return {
    number: sketch.number,
    startMs: sketch.startMs ?? sketch.number * 1000,
    durationMs: sketch.durationMs ?? 1000,
    series,
    errors: sketch.errors ?? [],
    health: { ...CLEAN_HEALTH, tainted: sketch.tainted ?? [] },
    load,
  };
}
