// What one seed stands for, as data: the machines, the network, the plan, the operator's wishes and the faults, all drawn
// before the first virtual millisecond (draw.ts, draw-plan.ts, draw-faults.ts). A run is a function of this and of the same seed.

import type { Timing } from '../../node/core/config.ts';
import type { Capabilities, Manifest, NodeId } from '../../node/core/messages.ts';
import type { Plan } from '../../node/core/plan-types.ts';
import type { Clock } from './clock.ts';

export interface NodeSpec {
  readonly index: number;
  readonly id: NodeId;
  readonly load: boolean;
  readonly voter: boolean;
  readonly electionRank: number;
  /** True time of its start. Infinity: an expected machine that never comes. */
  readonly bornMs: number;
  readonly clock: Clock;
  readonly capabilities: Capabilities;
}

export interface NetworkSpec {
  /** Share of direct messages lost (their stream is reset) and delivered twice. */
  readonly loss: number;
  readonly duplicates: number;
  /** Share of direct messages that overtake their predecessors. */
  readonly overtaking: number;
  readonly gossipLoss: number;
  /** Gossip loss within the first seconds of a node: its mesh is still grafting. */
  readonly gossipLossJoining: number;
  readonly delayMsMin: number;
  readonly delayMsMax: number;
}

/** Chances, per request, that something outside the core fails. */
export interface MisfortuneSpec {
  readonly provisionFails: number;
  readonly prepareFails: number;
  readonly loadPlanFails: number;
  readonly teardownFails: number;
}

/** 'coordinator': whoever acts as coordinator when the fault strikes (a random node when nobody does). */
export type Target = number | 'coordinator';

export type FaultKind =
  | 'partition'
  | 'one-way'
  | 'isolate'
  | 'collect-garbage'
  | 'sigstop'
  | 'crash-restart'
  | 'crash-for-good'
  | 'worker-crash'
  | 'slow-disk'
  | 'lossy'
  | 'stop-order'
  | 'scale-order'
  | 'forged-order'
  | 'intruder'
  | 'abort-wanted'
  | 'signal-leave'
  /** The vendor takes the machine back: told at once, gone for good after the duration. */
  | 'spot-notice'
  | 'storage-failed'
  | 'clock-jumped';

export interface FaultSpec {
  readonly kind: FaultKind;
  readonly atMs: number;
  readonly durationMs: number;
  readonly target: Target;
  /** Meaning by kind: loss share, sync delay, side of the partition (as a share of the nodes) ... */
  readonly amount: number;
}

export interface SimSpec {
  readonly seed: number;
  readonly nodes: readonly NodeSpec[];
  readonly expectNodes: number;
  readonly expectWitnesses: number;
  readonly timing: Timing;
  readonly plan: Plan;
  readonly manifest: Manifest;
  /** When and at which node the operator submits the manifest. */
  readonly submitMs: number;
  readonly submitTo: number;
  readonly network: NetworkSpec;
  readonly misfortune: MisfortuneSpec;
  readonly faults: readonly FaultSpec[];
  /** All faults end here; from then on the run must come to its end. */
  readonly healMs: number;
  /** Nothing at all goes wrong: the checkers then expect the exact plan and exit 0. */
  readonly isFaultFree: boolean;
  /** No faults, or only such as must not change how the run ends: intruders, forged orders, short pauses, clock steps. */
  readonly isHarmless: boolean;
}

/** The latest true time at which the last node may still be there; see promise-5.ts for the tighter bounds. */
export function endBoundMs(spec: SimSpec): number {
  const { timing, plan, manifest } = spec;
  const setupMs = timing.formMsMax + manifest.setupMsMax + timing.startLeadMs;
  const endMs = timing.ownerLeaseMs + timing.stopMs + plan.gracefulStopMs + timing.flushMs + timing.graceMs * 2;
  return spec.healMs + setupMs + plan.durationMs + endMs + 20_000;
}
