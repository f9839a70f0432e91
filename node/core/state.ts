// The state of one node's core. A record of small records, each owned by the file that is named beside it; step (node.ts) mutates it in place.
// Nothing here is a timer: a deadline is a number that the next step compares with `nowMs`.

import type { Assignment } from './assign.ts';
import type { AssignmentFold, ChainView, Coordinator, Electorate } from './chain.ts';
import type { ToldState } from './changes.ts';
import type { NodeConfig } from './config.ts';
import type { ExitName } from './errors.ts';
import type { Departure } from './events.ts';
import type { Facts } from './facts.ts';
import type { LogState } from './log.ts';
import type { MeetingsCache } from './meetings.ts';
import type { Claim, DecisionRef, Manifest, NodeId } from './messages.ts';
import type { Plan, ScaleOrder, ShardId } from './plan-types.ts';
import type { Rng } from './rng.ts';

/** sync.ts: what one neighbour was told and has told us. */
export interface PeerSync {
  /** Highest seq by author that the peer is known to hold. */
  readonly known: Map<NodeId, number>;
  /** Authors whose progress has not been announced to it. */
  readonly unannounced: Set<NodeId>;
  /** True while this node chose it as neighbour; others are served as long as they ask. */
  chosen: boolean;
  lastHeardMs: number;
  lastSentMs: number;
}

export interface SyncState {
  readonly connected: Set<NodeId>;
  readonly peers: Map<NodeId, PeerSync>;
  /** Ranges asked for and not yet here, by author: nobody else is asked for them until then. */
  readonly asked: Map<NodeId, { seq: number; untilMs: number }>;
  announceAtMs: number;
  idleAtMs: number;
  neighboursDirty: boolean;
  /** Chosen, dialled and silent: others are chosen in their place until then. */
  readonly unreachable: Map<NodeId, number>;
}

/** election.ts */
export interface ElectionState {
  /** Voters promise nobody else their vote until then. */
  promisedUntilMs: number;
  /** Last beat heard: of which term, its number, when. */
  heardTerm: number;
  heardBeat: number;
  heardMs: number;
  /** When to canvass next unless a beat is heard. */
  canvassAtMs: number;
  /** Canvasses since a beat was last heard: candidates that keep colliding spread out. */
  attempts: number;
  /** A running canvass: pre first, then real. */
  canvass: { term: number; pre: boolean; sentMs: number; readonly granted: Set<NodeId> } | null;
  /** Highest term that this node has voted in or seen refused ballots name. */
  termMax: number;
  votedTerm: number;
}

/** leader.ts: exists while this node leads a term. */
export interface LeaderState {
  readonly term: number;
  readonly sinceMs: number;
  /** Leases of earlier terms have run out by then: from now on decisions may move shards and load may start. */
  readonly settledAtMs: number;
  /** Last term whose coordinator's clock this node had read (or was) when it took the lead: what it knows of swarm time. */
  readonly clockTerm: number;
  beat: number;
  nextBeatMs: number;
  /** When the last beats were sent, by number; bounded. */
  readonly beatSentMs: Map<number, number>;
  /** By node: when the beat it last echoed was sent. */
  readonly echoedMs: Map<NodeId, number>;
  /** By node: when its last pulse that was granted a lease arrived. */
  readonly grantedMs: Map<NodeId, number>;
  /** By lost node: the most windows of it that anybody said to hold. */
  readonly custodyMax: Map<NodeId, number>;
  /** When this coordinator last counted a node out, or took the lead: whoever keeps windows of the lost has not told it yet. */
  lostMs: number;
  /** Acts at least until then, for this electorate. */
  actsUntilMs: number;
  actsFor: Electorate | null;
  /** lifecycle.ts looks at the whole swarm again at this time. */
  nextReviewMs: number;
  resigned: boolean;
  abort: { reason: NonNullable<ChainView['endReason']>; message: string } | null;
  judge: 'no' | 'asked' | 'done';
  judged: { exit: ExitName; message: string } | null;
  /** Since when this coordinator has been waiting for everything to be ready, and for the drain. */
  /** When all expected load nodes were there. */
  gatheredSinceMs: number;
  claimingSinceMs: number;
  drainSinceMs: number;
  sealedMs: number;
}

export type ClaimStage = 'claimed' | 'ready' | 'running' | 'stopping' | 'finished';

/** owner.ts: a shard that this node owns by the effective chain. */
export interface OwnedShard {
  readonly claim: Claim;
  stage: ClaimStage;
  /** Meeting shards: provisioning was asked for. */
  provisioning: boolean;
  torndown: boolean;
  /** Load of this claim has been started once: a further start is a restart through the ramp limiter. */
  started: boolean;
}

export interface OwnerState {
  readonly owned: Map<ShardId, OwnedShard>;
  /** Claims whose load is still being stopped although the shard is no longer owned. */
  readonly leaving: Set<string>;
  /** Load may run until then (own clock). */
  grantUntilMs: number;
  /** The last lease was given by a coordinator whose predecessors' leases have run out, in this term. */
  settledTerm: number;
  /** Assignment, phase and releases that `owned` was last made to match. */
  reconciledFor: string;
  /** Decision for which `ready` was written. */
  readyFor: string;
  problem: string | null;
  /** T0 by which load was started. */
  startedT0SwarmMs: number | null;
  /** Scale orders already handed to the workers. */
  scalesKnown: number;
  /** Window bookkeeping. */
  windowLast: number;
  windowsAcked: number;
  windowsAckedTerm: number;
  nextPulseMs: number;
  /** Draining: number of the first window that may be the last one; 0 = load has not stopped. */
  lastWindowAfter: number;
  doneWritten: boolean;
  teardownFailures: number;
  lapsed: boolean;
}

/** clock.ts */
export interface ClockState {
  /** swarm time = own clock + offsetMs. */
  offsetMs: number;
  /** Bound of the offset's error: half the round trip of the sample in use, and drift since. */
  errorMs: number;
  /** Samples are against the coordinator of this term: those against another's clock are worthless. */
  term: number;
  readonly samples: { rttMs: number; receivedMs: number; offsetMs: number }[];
}

export interface NodeState {
  readonly config: NodeConfig;
  readonly rng: Rng;
  nowMs: number;
  /** The runtime steps (tick) no later than this. */
  wakeAtMs: number;
  readonly log: LogState;
  readonly facts: Facts;
  readonly sync: SyncState;
  readonly election: ElectionState;
  readonly owner: OwnerState;
  readonly clock: ClockState;
  leader: LeaderState | null;

  /** Derived from facts; refreshed when facts.version changes. */
  derivedVersion: number;
  electorate: Electorate;
  coordinator: Coordinator | null;
  chain: ChainView;
  /** False while part of the effective chain has not arrived: then `chain` is the last complete one and nothing new is started. */
  chainComplete: boolean;
  assignment: Assignment | null;
  /** Names the decision that last changed the assignment; `assignmentFor` the one that it was last computed for, from `fold`. */
  assignmentKey: string;
  assignmentFor: string;
  fold: AssignmentFold | null;

  plan: Plan | null;
  planRequestedHash: string;
  planFailed: string | null;
  readonly bootedMs: number;
  manifestSeenMs: number;
  drainingSinceMs: number;
  /** Without an acting coordinator since. */
  orphanSinceMs: number;
  /** Newest term known to be led: learning of a newer one is hearing of a coordinator. */
  ledTerm: number;
  /** Windows of other nodes in this node's store: highest contiguous number. */
  readonly held: Map<NodeId, number>;
  /** meetings.ts */
  meetings: MeetingsCache | null;
  leave: 'no' | 'wanted' | 'released' | 'now';
  /** Why this node was told to leave; null = nobody said. */
  departure: Departure | null;
  exitAtMs: number;
  exitAs: { exit: ExitName; message: string } | null;
  exited: boolean;
  readonly refused: Map<string, number>;
  readonly told: ToldState;
}

export const swarmNow = (state: NodeState): number => state.nowMs + state.clock.offsetMs;

/** Orders of the operator for this run, in log order. */
export function ordersOf(state: NodeState, runId: string): { stop: 'no' | 'drain' | 'now'; scales: ScaleOrder[] } {
  let stop = 'no' as 'no' | 'drain' | 'now';
  const scales: ScaleOrder[] = [];
  for (const { signed } of state.facts.orders) {
    const order = signed.order;
    if (order.order === 'manifest' || order.runId !== runId) continue;
    if (order.order === 'stop') stop = order.mode === 'now' || stop === 'now' ? 'now' : 'drain';
    if (order.order === 'scale') scales.push(order.scale);
  }
  return { stop, scales };
}

/** The manifest that a roster would be sealed for: the first one in log order. */
export function firstManifest(state: NodeState): { ref: DecisionRef; manifest: Manifest } | null {
  for (const { entry, signed } of state.facts.orders) {
    if (signed.order.order === 'manifest') return { ref: { author: entry.author, seq: entry.seq }, manifest: signed.order.manifest };
  }
  return null;
}

export function countRefused(state: NodeState, what: string): void {
  state.refused.set(what, (state.refused.get(what) ?? 0) + 1);
}
