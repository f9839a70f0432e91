// Everything that goes into the node's core and everything that comes out: step(state, event) -> effects (node.ts).
// Every event carries `nowMs`, the node's own monotonic clock. Effects are one record whose fields are performed in the order written:
// nothing is published or sent before what it promises is on disk (etcd/raft's rule).

import type { ExitName } from './errors.ts';
import type {
  Claim,
  EndReason,
  Entry,
  Gossip,
  Manifest,
  MeetingFacts,
  Message,
  NodeId,
  Phase,
  SignedOrder,
  WindowFrame,
} from './messages.ts';
import type { Plan, ScaleOrder } from './plan-types.ts';

export type NodeEvent =
  /** The runtime calls at least every 50 ms, and no later than State.wakeAtMs when it can. */
  | { readonly type: 'tick'; readonly nowMs: number }
  | { readonly type: 'peer-up'; readonly nowMs: number; readonly peer: NodeId }
  | { readonly type: 'peer-down'; readonly nowMs: number; readonly peer: NodeId }
  /** Entries in gossip and messages have been decoded and their signatures verified; what failed was counted by the runtime. */
  | { readonly type: 'gossip'; readonly nowMs: number; readonly from: NodeId; readonly gossip: Gossip }
  | { readonly type: 'message'; readonly nowMs: number; readonly from: NodeId; readonly message: Message }
  /** The scenario bundle was fetched, verified and expanded (answer to start 'load-plan'). */
  | { readonly type: 'plan-loaded'; readonly nowMs: number; readonly plan: Plan }
  | { readonly type: 'plan-failed'; readonly nowMs: number; readonly message: string }
  /** Answers to start 'provision'. */
  | { readonly type: 'meetings-provisioned'; readonly nowMs: number; readonly claim: Claim; readonly facts: readonly MeetingFacts[] }
  | { readonly type: 'provision-failed'; readonly nowMs: number; readonly claim: Claim; readonly message: string }
  /** Answer to start 'prepare': workers are up and every endpoint type of these claims can run (or the reason why not). */
  | { readonly type: 'prepared'; readonly nowMs: number; readonly claims: readonly Claim[]; readonly problem: string | null }
  /** The load of these claims has stopped: after stop, after a lapse, or because all their endpoints are done (`finished`). */
  | { readonly type: 'load-stopped'; readonly nowMs: number; readonly claims: readonly Claim[]; readonly finished: boolean }
  | {
      readonly type: 'torn-down';
      readonly nowMs: number;
      readonly claim: Claim;
      readonly meetings: readonly number[];
      readonly failures: number;
    }
  /** A window was closed and is in the spool. */
  | { readonly type: 'window-closed'; readonly nowMs: number; readonly window: WindowFrame }
  /** An order from this machine's operator (control socket), or one that a peer forwarded. */
  | { readonly type: 'order'; readonly nowMs: number; readonly order: SignedOrder }
  /** Coordinator only: merged statistics crossed a threshold with abortOnFail, or a scenario asked to abort. */
  | { readonly type: 'abort-wanted'; readonly nowMs: number; readonly reason: EndReason; readonly message: string }
  /** Coordinator only: answer to start 'judge'. */
  | { readonly type: 'judged'; readonly nowMs: number; readonly exit: ExitName; readonly message: string }
  /** SIGINT/SIGTERM: 'leave' = say bye and go (a node); second signal = 'now'. */
  | { readonly type: 'signal'; readonly nowMs: number; readonly mode: 'leave' | 'now'; readonly why?: Departure }
  | { readonly type: 'storage-failed'; readonly nowMs: number; readonly message: string }
  | { readonly type: 'clock-jumped'; readonly nowMs: number; readonly byMs: number };

export type Start =
  /** Fetch the bundle from these peers (or find it locally), verify both hashes, answer plan-loaded or plan-failed. */
  | { readonly what: 'load-plan'; readonly manifest: Manifest; readonly from: readonly NodeId[] }
  /** Bring workers up for these claims; answer 'prepared'. */
  | { readonly what: 'prepare'; readonly claims: readonly Claim[] }
  /** Provision these meetings of a meeting shard (those without facts yet); answer meetings-provisioned (in pieces if large) or provision-failed. */
  | { readonly what: 'provision'; readonly claim: Claim; readonly meetings: readonly number[] }
  /** Run the claim's endpoints: T0 in this node's own clock; lives before `fromMs` (from T0) are skipped, those active then restart at `restartRatePerS` (this node's share). */
  | { readonly what: 'load'; readonly claim: Claim; readonly t0Ms: number; readonly fromMs: number; readonly restartRatePerS: number }
  /** Load may run until this moment of the node's own clock; the workers stop by themselves when it passes. Renewed by every acknowledged pulse. */
  | { readonly what: 'grant'; readonly untilMs: number }
  /** A scale order became effective: pass it to every running claim. */
  | { readonly what: 'scale'; readonly scale: ScaleOrder }
  | { readonly what: 'teardown'; readonly claim: Claim; readonly meetings: readonly number[] }
  /** Coordinator: merge every window that this node's store holds (own spool, custody, earlier terms); more will come through `store`. Idempotent. */
  | { readonly what: 'collect'; readonly term: number }
  /** Coordinator: all windows that will come are here; write the report, answer 'judged'. */
  | { readonly what: 'judge'; readonly reason: EndReason; readonly message: string; readonly missing: readonly MissingWindows[] };

/** Why a node leaves in the middle of a run: its machine is being taken back. */
export interface Departure {
  readonly reason: string;
  /** Endpoints that are slower in leaving are stopped. */
  readonly graceMsMax: number;
}

export interface MissingWindows {
  readonly node: NodeId;
  /** Numbers that will not come; `null` = unknown how many (the node died without saying). */
  readonly from: number;
  readonly to: number | null;
}

export type Stop =
  /** Stop these claims' endpoints; `graceMs` for leaving politely, then hard. Answer load-stopped. */
  { readonly what: 'load'; readonly claims: readonly Claim[]; readonly graceMs: number; readonly reason: string };

/** Facts for people: scoreboard lines, log lines, the event band of a report. */
export type Report =
  | { readonly event: 'became-coordinator'; readonly term: number }
  | { readonly event: 'lost-coordination'; readonly term: number; readonly reason: string }
  | { readonly event: 'coordinator'; readonly node: NodeId; readonly term: number }
  | { readonly event: 'coordinator-silent'; readonly node: NodeId; readonly silentMs: number }
  /** The same again, without an election. */
  | { readonly event: 'coordinator-heard'; readonly node: NodeId }
  | { readonly event: 'joined'; readonly node: NodeId }
  /** `shards`: how many it owned. */
  | { readonly event: 'down'; readonly node: NodeId; readonly silentMs: number; readonly shards: number }
  /** Counted out, and a member again. */
  | { readonly event: 'back'; readonly node: NodeId }
  /** Not a loss: it gave its claims back before it went. */
  | { readonly event: 'left'; readonly node: NodeId; readonly claims: number; readonly reason: string }
  /** `handover` numbers, on this node, the decision that moved them. */
  | {
      readonly event: 'moved';
      readonly shards: number;
      readonly from: NodeId;
      readonly to: NodeId;
      readonly handover: number;
      readonly isFirst: boolean;
    }
  /** What the lines before left out. */
  | { readonly event: 'moved-more'; readonly shards: number; readonly pairs: number; readonly handover: number }
  /** All of a handover's shards are claimed by who got them; `lost`: those of their former owners that are lost. */
  | {
      readonly event: 'taken-over';
      readonly handover: number;
      readonly shards: number;
      readonly lost: readonly NodeId[];
      readonly tookMs: number;
    }
  | { readonly event: 'phase'; readonly phase: Phase; readonly reason: EndReason | null; readonly message: string }
  | { readonly event: 'lapsed'; readonly claims: number }
  | { readonly event: 'refused'; readonly what: string; readonly count: number }
  | { readonly event: 'clock-jumped'; readonly byMs: number }
  /** `fromMs` from T0 on, which was `agoMs` ago. */
  | { readonly event: 'scaled'; readonly group: string; readonly factor: number; readonly fromMs: number; readonly agoMs: number }
  | { readonly event: 'fault-ordered'; readonly text: string }
  | { readonly event: 'problem'; readonly message: string };

export interface Effects {
  /** 1. Own entries: on disk and synced before anything below happens. */
  persist: Entry[];
  /** 1b. Entries of others: on disk some time; anti-entropy repairs what a crash loses. */
  keep: Entry[];
  /** 1c. Coordinator or custodian: windows to store (synced) and, when `merge`, to fold into the run's series. Idempotent by (node, number). */
  store: { node: NodeId; windows: readonly WindowFrame[]; merge: boolean }[];
  /** 2. */
  publish: Gossip[];
  /** 3. `dial` first: address book entries and neighbours to keep connected. */
  dial: { peer: NodeId; addresses: readonly string[]; connect: boolean }[];
  send: { to: NodeId; message: Message }[];
  /** 3b. Read windows [first, last] of `node` (this node's spool, or custody) from the store and send them within a pulse / as custody. */
  sendWindows: { to: NodeId; node: NodeId; first: number; last: number; as: 'custody' | { pulse: Extract<Message, { type: 'pulse' }> } }[];
  /** 4. */
  start: Start[];
  /** 5. */
  stop: Stop[];
  /** 6. */
  report: Report[];
  /** 7. The node is finished; the runtime flushes, closes and leaves with this exit. */
  exit: { exit: ExitName; message: string } | null;
}

export const noEffects = (): Effects => ({
  persist: [],
  keep: [],
  store: [],
  publish: [],
  dial: [],
  send: [],
  sendWindows: [],
  start: [],
  stop: [],
  report: [],
  exit: null,
});

/** What a restarted node hands to createNode: its own and others' entries, verified, any order; windows in its spool. */
export interface Restored {
  readonly entries: readonly Entry[];
  /** Highest window number in the node's own spool. */
  readonly windowLast: number;
  /** Windows of others held (as coordinator or custodian): highest contiguous number by node. */
  readonly held: Readonly<Record<NodeId, number>>;
}
