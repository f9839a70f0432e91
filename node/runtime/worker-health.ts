// How the generator itself is doing in one worker (P8): CPU, memory, event-loop delay, and how late what was due got started. Read once a second
// with each delta. The node adds its own figures and decides what taints a window.

import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { WorkerHealth } from './worker-protocol.ts';

export interface HealthMeter {
  /** One thing that was due was started so late. */
  readonly noteLateMs: (lateMs: number) => void;
  /** Packets lost at an own socket, or a socket that could not be had: ports, descriptors or buffers are used up. */
  readonly noteSocketDrops: (count: number) => void;
  /** An endpoint type's own reason not to trust this second. */
  readonly taint: (reason: string) => void;
  /** Figures since the last call. `tickLateMs`: how late the call itself is, which shows a block that the delay monitor slept through. */
  readonly take: (nowMs: number, tickLateMs: number) => WorkerHealth;
  /** What take() answered last: figures over a few milliseconds would be noise. */
  readonly last: () => WorkerHealth;
  readonly close: () => void;
}

const RESOLUTION_MS = 10;
/** Buckets grow by the fourth root of 2 (19 %) from 0.05 ms: 80 of them reach 50 s. */
const BUCKETS = 80;
const FIRST_MS = 0.05;
/** Reasons a second; they are a few fixed sentences. */
const REASONS_MAX = 10;

export function createHealthMeter(startMs: number): HealthMeter {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  delay.enable();
  const buckets = new Uint32Array(BUCKETS);
  let lastMs = startMs;
  let lastCpu = process.cpuUsage();
  let socketDrops = 0;
  const tainted = new Set<string>();
  let last: WorkerHealth = { cpuCores: 0, memoryMb: 0, loopDelayMsMax: 0, latenessMsP99: 0, socketDrops: 0, tainted: [] };
  return {
    noteLateMs(lateMs) {
      const bucket = lateMs <= FIRST_MS ? 0 : Math.min(BUCKETS - 1, Math.ceil(Math.log2(lateMs / FIRST_MS) * 4));
      buckets[bucket] = (buckets[bucket] ?? 0) + 1;
    },
    noteSocketDrops(count) {
      socketDrops += count;
    },
    taint(reason) {
      if (tainted.size < REASONS_MAX) tainted.add(reason);
    },
    take(nowMs, tickLateMs) {
      const cpu = process.cpuUsage(lastCpu);
      const elapsedMs = Math.max(1, nowMs - lastMs);
      last = {
        cpuCores: (cpu.user + cpu.system) / 1000 / elapsedMs,
        memoryMb: process.memoryUsage.rss() / 1e6,
        // The monitor reports the time between two of its ticks, of which its own period is no delay.
        loopDelayMsMax: Math.max(tickLateMs, delay.max / 1e6 - RESOLUTION_MS, 0),
        latenessMsP99: percentile(buckets, 0.99),
        socketDrops,
        tainted: [...tainted],
      };
      lastMs = nowMs;
      lastCpu = process.cpuUsage();
      socketDrops = 0;
      tainted.clear();
      buckets.fill(0);
      delay.reset();
      return last;
    },
    last: () => last,
    close: () => {
      delay.disable();
    },
  };
}

/** Upper edge of the bucket that holds the given share; 0 when there is nothing. */
function percentile(buckets: Uint32Array, share: number): number {
  const total = buckets.reduce((sum, count) => sum + count, 0);
  let seen = 0;
  for (const [index, count] of buckets.entries()) {
    seen += count;
    if (total > 0 && seen >= total * share) return FIRST_MS * 2 ** (index / 4);
  }
  return 0;
}
