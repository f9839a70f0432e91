// The node measures itself (P8): CPU, memory and event-loop delay of its own process, joined with what its workers report of theirs. Where a
// figure says that the generator, not the target, shaped the samples of a second, that second's window is marked with the reason; the verdict
// decides what marked windows mean. Limits stand here, each with its reason.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { GeneratorHealth } from '../core/stats-types.ts';
import type { WorkerHealth } from './worker-protocol.ts';

export const HEALTH_LIMITS = {
  /** Endpoints that start this late are not the planned load any more. */
  latenessMsP99Max: 250,
  /** A worker's loop that stood still this long put its own delay into every sample it held. */
  workerLoopDelayMsMax: 250,
  /** One core is all a worker has; at this share it queues. */
  workerCpuCoresMax: 0.95,
} as const;

const NS_PER_MS = 1e6;
const US_PER_MS = 1e3;
const BYTES_PER_MB = 1024 * 1024;
/** Sampling period of the delay monitor: its timer's own period is subtracted. */
const RESOLUTION_MS = 20;

export interface HealthMonitor {
  /** A worker's part of the current second; of several in one second the latest level and the worst figures count. */
  add(worker: number, health: WorkerHealth): void;
  /** Everything since the last call. */
  take(nowMs: number): GeneratorHealth;
  close(): void;
}

export function createHealthMonitor(startMs: number): HealthMonitor {
  const delays = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delays.enable();
  const workers = new Map<number, WorkerHealth>();
  let cpu = process.cpuUsage();
  let takenAtMs = startMs;

  const ownCores = (nowMs: number): number => {
    const spent = process.cpuUsage(cpu);
    cpu = process.cpuUsage();
    const elapsedMs = Math.max(1, nowMs - takenAtMs);
    takenAtMs = nowMs;
    return (spent.user + spent.system) / US_PER_MS / elapsedMs;
  };

  return {
    add(worker, health) {
      const before = workers.get(worker);
      workers.set(worker, before === undefined ? health : worse(before, health));
    },
    take(nowMs) {
      const each = [...workers.values()];
      const highest = (pick: (health: WorkerHealth) => number): number => each.reduce((max, one) => Math.max(max, pick(one)), 0);
      const sum = (pick: (health: WorkerHealth) => number): number => each.reduce((total, one) => total + pick(one), 0);
      const ownDelayMs = Math.max(0, delays.max / NS_PER_MS - RESOLUTION_MS);
      delays.reset();
      const health: GeneratorHealth = {
        cpuCores: ownCores(nowMs) + sum((one) => one.cpuCores),
        memoryMb: process.memoryUsage.rss() / BYTES_PER_MB + sum((one) => one.memoryMb),
        loopDelayMsMax: Math.max(
          Number.isFinite(ownDelayMs) ? ownDelayMs : 0,
          highest((one) => one.loopDelayMsMax),
        ),
        latenessMsP99: highest((one) => one.latenessMsP99),
        socketDrops: sum((one) => one.socketDrops),
        tainted: reasonsOf(each),
      };
      workers.clear();
      return health;
    },
    close: () => delays.disable(),
  };
}

function worse(before: WorkerHealth, now: WorkerHealth): WorkerHealth {
  return {
    cpuCores: Math.max(before.cpuCores, now.cpuCores),
    memoryMb: now.memoryMb,
    loopDelayMsMax: Math.max(before.loopDelayMsMax, now.loopDelayMsMax),
    latenessMsP99: Math.max(before.latenessMsP99, now.latenessMsP99),
    socketDrops: Math.max(before.socketDrops, now.socketDrops),
    tainted: [...before.tainted, ...now.tainted],
  };
}

/** Why this second's samples are not to be trusted. The node process's own delay is no reason: it hosts no load. */
export function reasonsOf(workers: readonly WorkerHealth[]): string[] {
  const reasons = new Set<string>();
  for (const { cpuCores, loopDelayMsMax, latenessMsP99, socketDrops, tainted } of workers) {
    for (const reason of tainted) reasons.add(reason);
    if (latenessMsP99 > HEALTH_LIMITS.latenessMsP99Max) reasons.add('endpoints started late');
    if (loopDelayMsMax > HEALTH_LIMITS.workerLoopDelayMsMax) reasons.add('worker stalled');
    if (cpuCores > HEALTH_LIMITS.workerCpuCoresMax) reasons.add('worker at its CPU limit');
    if (socketDrops > 0) reasons.add('packets dropped at a local socket');
  }
  return [...reasons];
}
