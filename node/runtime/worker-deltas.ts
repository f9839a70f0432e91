// What a worker hands to its node: once a second, everything since the last time. Due times are absolute (start + n seconds), so a late delta
// does not make all later ones late, and how late it is shows a blocked event loop.

import type { Statistics } from '../core/stats.ts';
import type { GroupLoad } from '../core/stats-types.ts';
import type { TimerEntry } from '../endpoints/endpoint.ts';
import type { ClaimLoad } from './worker-claim.ts';
import type { WorkerGroup } from './worker-group.ts';
import type { HealthMeter } from './worker-health.ts';
import type { FromWorker, WorkerHealth } from './worker-protocol.ts';
import type { Timers } from './worker-timers.ts';

export interface Deltas {
  readonly start: () => void;
  /** Sends what there is, at once. */
  readonly flush: () => void;
  readonly close: () => void;
}

export interface DeltasInit {
  readonly timers: Timers;
  readonly statistics: Statistics;
  readonly health: HealthMeter;
  readonly send: (message: FromWorker) => void;
  readonly groups: () => readonly WorkerGroup[];
  readonly claims: () => readonly ClaimLoad[];
}

const PERIOD_MS = 1000;

export function createDeltas({ timers, statistics, health, send, groups, claims }: DeltasInit): Deltas {
  let entry: TimerEntry | null = null;

  const deliver = (nowMs: number, figures: WorkerHealth): void => {
    for (const { factory } of groups()) factory.flush?.();
    const { series, errors } = statistics.snapshot();
    send({ type: 'delta', series, errors, load: loadOf(groups(), claims(), nowMs), health: figures });
  };
  const sleepUntil = (atMs: number): void => {
    entry = timers.at(atMs, () => {
      const nowMs = timers.nowMs();
      deliver(nowMs, health.take(nowMs, nowMs - atMs));
      // After a pause of seconds one delta carries them all.
      const missed = Math.floor((nowMs - atMs) / PERIOD_MS);
      sleepUntil(atMs + (missed + 1) * PERIOD_MS);
    });
  };
  return {
    start: () => sleepUntil(timers.nowMs() + PERIOD_MS),
    flush: () => deliver(timers.nowMs(), health.last()),
    close() {
      if (entry !== null) timers.cancel(entry);
      entry = null;
    },
  };
}

/** Started, finished and failed count since the last call; active and owned are of now. */
function loadOf(groups: readonly WorkerGroup[], claims: readonly ClaimLoad[], nowMs: number): GroupLoad[] {
  return groups.flatMap(({ name, load }, groupIndex) => {
    const own = claims.filter(({ shard }) => shard.groupIndex === groupIndex);
    const { active, started, finished, failed } = load;
    load.started = 0;
    load.finished = 0;
    load.failed = 0;
    if (own.length === 0 && active + started + finished + failed === 0) return [];
    const owned = own.reduce((sum, claim) => sum + claim.owned(nowMs), 0);
    return [{ group: name, owned, active, started, finished, failed, claims: own.map(({ id }) => id) }];
  });
}
