// Everything nodes say to one another: log entries (DESIGN.md section 5, "Assignment log"), what goes by gossip, and what goes on direct streams.
// Plain data only; node/wire encodes it, node/adapters carries it, log.ts and its neighbours judge it. Times named swarmMs are in the coordinator's
// clock; all others belong to the sender's clock and are only ever echoed back to it. A change here is a wire change: bump WIRE_VERSION.

import type { ExitName } from './errors.ts';
import type { ScaleOrder, ShardId } from './plan-types.ts';

export const WIRE_VERSION = 1;

/** libp2p PeerId in its string form; in the simulator any short string. */
export type NodeId = string;
/** Lower-case hex sha-256 of an entry's content (without its signature). */
export type EntryHash = string;

export interface Capabilities {
  readonly types: readonly string[];
  readonly cores: number;
  readonly memoryMb: number;
  /** Load the node accepts at once, in thousandths of a core, over all its workers. 0 for witnesses. */
  readonly capacityMillicores: number;
  /** region, vendor, and whatever --label gave; scenarios constrain on them and reports break down by them. */
  readonly labels: Readonly<Record<string, string>>;
}

/** A decision is a coordinator's entry (roster, down, phase) that changes who may run what; decisions form one chain across terms (see chain.ts). */
export interface DecisionRef {
  readonly author: NodeId;
  readonly seq: number;
}

export interface RosterMember {
  readonly node: NodeId;
  /** Voters are fixed when the roster is first sealed; joiners never vote, so that majorities always overlap. */
  readonly voter: boolean;
  /** Witnesses (seed, console, scout) claim no load. */
  readonly load: boolean;
  readonly capabilities: Capabilities;
}

export interface Manifest {
  readonly runId: string;
  readonly scenarioName: string;
  /** Content address of the scenario bundle (blob), and of the plan it must expand to. */
  readonly bundleHash: string;
  readonly planHash: string;
  /** host:port patterns the nodes may send load to; a node refuses any other (P7). */
  readonly targets: readonly string[];
  readonly onNodeLoss: NodeLossPolicy;
  readonly onCoordinatorLoss: 'terminate' | 'reelect';
  /** The whole run, from manifest to sealed, ends within this many ms: guarded locally on every node (exit 115). */
  readonly wallMsMax: number;
  /** The coordinator ends the run before the machines have cost more, US dollars (exit 115). Left out = no limit. */
  readonly costUsdMax?: number;
  /** Meetings and data must be ready within this time after the roster is sealed, else exit 100. */
  readonly setupMsMax: number;
  readonly submittedWallMs: number;
}

export type NodeLossPolicy =
  | { readonly kind: 'reassign' }
  | { readonly kind: 'tolerate'; readonly percent: number }
  | { readonly kind: 'fail' };

/** What only the operator may order; signed with the operator's key over its dag-cbor. */
export type Order =
  | { readonly order: 'manifest'; readonly manifest: Manifest }
  | { readonly order: 'stop'; readonly runId: string; readonly mode: 'drain' | 'now'; readonly reason: string }
  | { readonly order: 'scale'; readonly runId: string; readonly scale: ScaleOrder }
  | { readonly order: 'fault'; readonly runId: string; readonly fault: unknown };
export interface SignedOrder {
  readonly order: Order;
  readonly signature: Uint8Array;
}

/** Phases in the order they are passed; 'forming' is the absence of a roster. */
export const PHASES = ['forming', 'claiming', 'running', 'draining', 'sealed'] as const;
export type Phase = (typeof PHASES)[number];

/** Why a run ended; the verdict is computed from it and from the thresholds. */
export type EndReason =
  | 'completed'
  | 'stopped'
  | 'aborted-by-threshold'
  | 'aborted-by-scenario'
  | 'node-lost'
  | 'coordinator-lost'
  | 'quorum-lost'
  | 'setup-failed'
  | 'unplaceable'
  | 'capacity-never-reached'
  | 'wall-limit'
  | 'cost-limit'
  | 'contract-broken'
  | 'internal-fault';

export interface Claim {
  readonly shard: ShardId;
  readonly epoch: number;
}

export interface MeetingFacts {
  readonly meeting: number;
  /** Values saved from the provisioning response, by the names the scenario gave. */
  readonly values: Readonly<Record<string, string>>;
}

/** In a `down`: the node stopped its load, released its claims and left. That is no loss, so its shards move on under any loss policy. */
export const GAVE_BACK = -1;

/** Entry bodies by kind. */
export interface EntryBodies {
  /** First entry of every author, and again when its addresses or capabilities change or it comes back after `down`. */
  readonly hello: {
    readonly incarnation: number;
    readonly voter: boolean;
    readonly load: boolean;
    readonly capabilities: Capabilities;
    readonly addresses: readonly string[];
    readonly version: string;
  };
  /** A durable promise: at most one a term and author. */
  readonly vote: { readonly term: number; readonly candidate: NodeId };
  /** The author won `term`; effective once a majority of matching votes is in the log. `base` is the last decision of earlier terms that it builds on. */
  readonly lead: { readonly term: number; readonly base: DecisionRef | null };
  /** Decision: the first one seals the run's members and names its manifest entry; later ones add joiners or let `down` nodes return. */
  readonly roster: {
    readonly term: number;
    readonly previous: DecisionRef | null;
    readonly manifest: DecisionRef | null;
    readonly add: readonly RosterMember[];
    /** Shards starting before this moment (ms from T0) stay where they are; Infinity is written as -1 = none move. */
    readonly movableFromMs: number;
  };
  /** Decision: `node` has not been heard for its owner lease plus stop time, or gave its claims back (`silentMs` is GAVE_BACK); its shards move on. */
  readonly down: { readonly term: number; readonly previous: DecisionRef | null; readonly node: NodeId; readonly silentMs: number };
  readonly manifest: SignedOrder;
  readonly stop: SignedOrder;
  readonly scale: SignedOrder;
  readonly fault: SignedOrder;
  /** "I own these, by that decision." */
  readonly claim: { readonly decision: DecisionRef; readonly claims: readonly Claim[] };
  /** A node that leaves before the end gave these up: their load has stopped. */
  readonly release: { readonly claims: readonly Claim[]; readonly reason: string };
  /** `token` is the value of the provisioning owner's claim epoch; teardown is its duty. */
  readonly meeting: { readonly facts: readonly MeetingFacts[]; readonly torndown: readonly number[] };
  /** Everything this node claimed under `decision` can start (or cannot: problem). */
  readonly ready: { readonly decision: DecisionRef; readonly problem: { readonly reason: EndReason; readonly message: string } | null };
  /** The node's load has stopped for good, its last window is numbered `windowLast` (0 = none). */
  readonly done: { readonly windowLast: number; readonly teardownFailures: number };
  /** Decision, so that a phase that a successor never heard of is void for everybody. */
  readonly phase: {
    readonly term: number;
    readonly previous: DecisionRef | null;
    readonly phase: Phase;
    /** running: T0 in swarm time. Other phases: the moment of the change, in swarm time. */
    readonly atSwarmMs: number;
    readonly reason: EndReason | null;
    readonly message: string;
    /** sealed: the exit the whole swarm leaves with. */
    readonly exit: ExitName | null;
  };
  readonly bye: { readonly reason: string };
}

export type EntryKind = keyof EntryBodies;
export const ENTRY_KINDS = [
  'hello',
  'vote',
  'lead',
  'roster',
  'manifest',
  'stop',
  'scale',
  'fault',
  'claim',
  'release',
  'meeting',
  'ready',
  'done',
  'down',
  'phase',
  'bye',
] as const satisfies readonly EntryKind[];

export interface EntryHeader {
  readonly author: NodeId;
  /** 1-based, without gaps. */
  readonly seq: number;
  /** Hash of the author's previous entry; '' for the first. */
  readonly prev: EntryHash;
  readonly lamport: number;
}
export type EntryDraft = { [K in EntryKind]: EntryHeader & { readonly kind: K; readonly body: EntryBodies[K] } }[EntryKind];
export type Entry = EntryDraft & { readonly hash: EntryHash; readonly sig: Uint8Array };
export type EntryOf<K extends EntryKind> = Extract<Entry, { kind: K }>;

/** Highest contiguous seq held, by author. */
export type VersionVector = Readonly<Record<NodeId, number>>;

/** By gossip: never bulk. */
export type Gossip =
  | { readonly type: 'entries'; readonly entries: readonly Entry[] }
  | { readonly type: 'beat'; readonly term: number; readonly beat: number; readonly swarmMs: number }
  | Canvass;

/** "Would you (pre) / do you vote for me in this term?" Voters refuse whoever knows a shorter chain of decisions than they do. */
export interface Canvass {
  readonly type: 'canvass';
  readonly term: number;
  readonly pre: boolean;
  readonly chainTerm: number;
  readonly chainLength: number;
}

/** On direct streams, one sender to one receiver, in order while the stream lives. */
export type Message =
  /** Anti-entropy, step 1: "since I last told you, I hold these" (all of them when `full`). `digest` covers the whole vector. */
  | { readonly type: 'have'; readonly have: VersionVector; readonly digest: number; readonly full: boolean }
  /** Step 2: "send me, per author, what follows this seq"; step 3 is `entries`. `full` asks for the whole vector, digests differ. */
  | { readonly type: 'want'; readonly after: VersionVector; readonly full: boolean }
  | { readonly type: 'entries'; readonly entries: readonly Entry[] }
  /** Election. `canvass` goes by gossip and directly; the (pre-)vote's answer directly. A granted real vote is an entry, sent with `entries`. */
  | Canvass
  | { readonly type: 'ballot'; readonly term: number; readonly pre: boolean; readonly granted: boolean; readonly termMax: number }
  /** Every beat, every node to its coordinator: acknowledges the last beat heard and delivers windows. */
  | {
      readonly type: 'pulse';
      readonly term: number;
      /** Last beat of that term that this node has heard. */
      readonly beat: number;
      readonly sentMs: number;
      readonly windows: readonly WindowFrame[];
      /** Windows of lost nodes that this node keeps: highest contiguous number by node. */
      readonly custody: Readonly<Record<NodeId, number>>;
    }
  /** The answer: renews the owner's lease from the moment the pulse was SENT, acknowledges windows, gives the time. */
  | {
      readonly type: 'pulse-ack';
      readonly term: number;
      readonly beat: number;
      readonly pulseSentMs: number;
      readonly swarmMs: number;
      /** Highest contiguous window number of this node that the coordinator has stored. */
      readonly windowsUpTo: number;
      /** Last decision of the coordinator's chain: a lease is renewed only for an owner that knows it. */
      readonly decision: DecisionRef | null;
      /** False: heard, but no lease (stale echo, not in the roster, down). */
      readonly granted: boolean;
      /** True once every lease of earlier terms has run out: only then may load START; running load may go on before. */
      readonly settled: boolean;
      /** What the coordinator holds of the nodes listed in the pulse's custody. */
      readonly custody: Readonly<Record<NodeId, number>>;
    }
  /** Windows of a node that is down, handed to other nodes for safe keeping (P6), and back to a new coordinator. */
  | { readonly type: 'custody'; readonly node: NodeId; readonly windows: readonly WindowFrame[] };

/** One closed window: `payload` is opaque to the core (stats.ts encodes and merges it). */
export interface WindowFrame {
  readonly number: number;
  readonly payload: Uint8Array;
}
