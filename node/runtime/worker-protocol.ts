// What a node and its worker processes say over the IPC channel (child_process, 'advanced' serialization). The node owns claims and leases;
// the worker owns endpoints. A worker whose channel closes exits at once: its node is dead. A worker whose grant passes stops its load by itself,
// also while its node is paused or hung.

import type { MeetingFacts } from '../core/messages.ts';
import type { ScaleOrder, Shard } from '../core/plan-types.ts';
import type { ErrorCount, GroupLoad, Series } from '../core/stats-types.ts';

/** Claim id as it appears in samples: `${shard}.${epoch}`. */
export type ClaimId = string;

export type ToWorker =
  /** First message. The worker parses the scenario itself (same code, same plan) and prepares its endpoint types. */
  | {
      readonly type: 'setup';
      readonly scenarioText: string;
      readonly scenarioFile: string;
      /** Folder holding the bundle's files (data, scripts). */
      readonly scenarioFolder: string;
      readonly variables: Readonly<Record<string, string>>;
      readonly targets: readonly string[];
      readonly workFolder: string;
      readonly workerIndex: number;
    }
  | { readonly type: 'provision'; readonly id: ClaimId; readonly shard: Shard; readonly meetings: readonly number[] }
  | { readonly type: 'teardown'; readonly id: ClaimId; readonly shard: Shard; readonly meetings: readonly MeetingFacts[] }
  /** New meeting facts this worker's shards may need. */
  | { readonly type: 'meetings'; readonly facts: readonly MeetingFacts[] }
  | {
      readonly type: 'load';
      readonly id: ClaimId;
      readonly shard: Shard;
      readonly t0Ms: number;
      readonly fromMs: number;
      readonly restartRatePerS: number;
      readonly scales: readonly ScaleOrder[];
    }
  | { readonly type: 'stop'; readonly ids: readonly ClaimId[]; readonly graceMs: number; readonly reason: string }
  | { readonly type: 'grant'; readonly untilMs: number }
  | { readonly type: 'scale'; readonly scale: ScaleOrder }
  | { readonly type: 'exit' };

export type FromWorker =
  | { readonly type: 'ready' }
  | { readonly type: 'setup-failed'; readonly message: string }
  | { readonly type: 'provisioned'; readonly id: ClaimId; readonly facts: readonly MeetingFacts[] }
  | { readonly type: 'provision-failed'; readonly id: ClaimId; readonly message: string }
  | { readonly type: 'torn-down'; readonly id: ClaimId; readonly meetings: readonly number[]; readonly failures: number }
  | { readonly type: 'stopped'; readonly ids: readonly ClaimId[]; readonly finished: boolean }
  /** Once a second: everything since the last one. */
  | {
      readonly type: 'delta';
      readonly series: readonly Series[];
      readonly errors: readonly ErrorCount[];
      readonly load: readonly GroupLoad[];
      readonly health: WorkerHealth;
    }
  | { readonly type: 'abort-wanted'; readonly message: string }
  | { readonly type: 'note'; readonly level: 'info' | 'warn' | 'error'; readonly message: string };

export interface WorkerHealth {
  readonly cpuCores: number;
  readonly memoryMb: number;
  readonly loopDelayMsMax: number;
  readonly latenessMsP99: number;
  readonly socketDrops: number;
  /** What an endpoint type said of the generator in this second ('media sent late'): reasons not to trust it. */
  readonly tainted: readonly string[];
}
