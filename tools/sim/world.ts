// The shared record of one simulated cluster. Parts (network, disk, workers, faults, checkers) are functions over it; it has no
// behaviour of its own. "True" times are agenda times; node times are always named by the clock they belong to.

import type { NodeConfig } from '../../node/core/config.ts';
import type { ExitName } from '../../node/core/errors.ts';
import type { Effects, NodeEvent } from '../../node/core/events.ts';
import type { Claim, Entry, NodeId } from '../../node/core/messages.ts';
import type { Agenda } from './agenda.ts';
import type { Chance } from './chance.ts';
import type { Checkers } from './checkers/checker.ts';
import type { Clock } from './clock.ts';
import type { Core, NodeState } from './core.ts';
import type { Counts } from './counts.ts';
import type { Disk } from './disk.ts';
import type { Network } from './network.ts';
import type { NodeSpec, SimSpec } from './spec.ts';
import type { Trace } from './trace.ts';
import type { Workers } from './workers.ts';

export type NodeStatus = 'unborn' | 'live' | 'paused' | 'crashed' | 'exited';

export interface SimNode {
  readonly spec: NodeSpec;
  readonly index: number;
  readonly id: NodeId;
  clock: Clock;
  status: NodeStatus;
  /** Counts starts. What was scheduled in an earlier life is void. */
  life: number;
  state: NodeState | null;
  bornMs: number;
  crashedMs: number;
  /** Crashed and not coming back. */
  isGone: boolean;
  /** Events that arrived while paused or while a sync was under way, in order. */
  inbox: NodeEvent[];
  /** Effects whose persist part is being synced; nothing is stepped meanwhile. */
  syncing: Effects | null;
  /** The sync ended while the node was paused. */
  isSyncedWhilePaused: boolean;
  /** True time of the tick that is scheduled next. */
  tickAtMs: number;
  tickStreak: number;
  readonly disk: Disk;
  workers: Workers;
  slowDiskUntilMs: number;
  slowDiskSyncMs: number;
  hasBundle: boolean;
  exit: ExitName | null;
  exitMs: number;
  readonly ghost: NodeGhost;
}

/** What the simulator knows about a node from watching its effects, independent of what the node believes. */
export interface NodeGhost {
  /** Entries in its log, per author: highest contiguous seq by its persist and keep effects. */
  readonly held: Map<NodeId, number>;
  /** True times at which it learned of a manifest and of a roster; -1 = not yet. */
  manifestMs: number;
  rosterMs: number;
  /** True time of its `done` entry, and what it said. */
  doneMs: number;
  doneWindowLast: number;
  /** True time at which it learned (or wrote) `phase sealed`. */
  sealedMs: number;
  sealedExit: ExitName | null;
  /** True time at which it last heard a beat or an answer of a coordinator, or acted itself. */
  contactMs: number;
  /** True time at which the newest pulse that was answered had been sent. */
  grantBaseMs: number;
  /** True time at which its last load stopped. */
  loadEndedMs: number;
  /** True time at which each window closed, by number. */
  readonly windowMs: number[];
  pausedMs: number;
}

/** Where a bug is put in on purpose, to prove that the checkers notice (test/sim). All hooks may look at the whole world. */
export interface Sabotage {
  readonly config?: (config: NodeConfig, node: SimNode) => NodeConfig;
  /** What the node hears instead; null = it never hears it. */
  readonly event?: (event: NodeEvent, node: SimNode, world: World) => NodeEvent | null;
  /** What the node does instead. */
  readonly effects?: (effects: Effects, event: NodeEvent, node: SimNode, world: World) => Effects;
  /** Workers do not look at their grant. */
  readonly workersIgnoreGrant?: boolean;
  /** Workers stay when their node dies or leaves. */
  readonly workersOutliveNode?: boolean;
}

/** One stretch of a shard's load on one node, in true time. */
export interface ShardRun {
  readonly nodeIndex: number;
  readonly claim: Claim;
  readonly beginMs: number;
  endMs: number;
  isFinished: boolean;
}

export interface World {
  readonly spec: SimSpec;
  readonly core: Core;
  readonly agenda: Agenda;
  readonly nodes: readonly SimNode[];
  readonly nodeById: ReadonlyMap<NodeId, SimNode>;
  readonly network: Network;
  readonly trace: Trace;
  readonly counts: Counts;
  readonly sabotage: Sabotage;
  readonly chance: { readonly network: Chance; readonly disk: Chance; readonly workers: Chance; readonly nodes: Chance };
  /** Hands an event to a node: now, or when its sync or pause is over; dropped when it is not up. */
  deliver: (node: SimNode, event: NodeEvent) => void;
  checkers: Checkers;
  isHealed: boolean;
  /** Set while losing traffic on purpose ('lossy' faults). */
  extraLoss: number;
  /** All entries that a node (or an intruder, as itself) really sealed. */
  readonly sealed: Set<Entry>;
  /** Orders that the operator really gave. */
  readonly orders: { stops: number; scales: number; aborts: number };
  /** All load that ran, by shard. */
  readonly runs: ShardRun[][];
}

export const isUp = (node: SimNode): boolean => node.status === 'live' || node.status === 'paused';
