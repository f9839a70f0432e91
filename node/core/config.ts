// A node's settings, split as TigerBeetle splits them: Timing must be equal on every node of a swarm (it is part of the ticket's wire version),
// NodeConfig may differ. Functions that need keys (seal, verifyOrder) are synchronous and deterministic and come from outside.

import type { Capabilities, Entry, EntryDraft, NodeId, SignedOrder } from './messages.ts';

export interface Timing {
  /** Period of the coordinator's beats and of every node's pulses. Smaller costs N messages more a second at the coordinator. */
  readonly beatMs: number;
  /** A heard beat keeps a voter from electing anyone else for this long, and lets the coordinator act this long after it SENT the beat. */
  readonly leaseMs: number;
  /** Random extra before a follower canvasses: smaller means more split votes, larger a later successor. */
  readonly electionJitterMs: number;
  /** An owner runs load this long after it SENT the last acknowledged pulse. Longer than an election, so that load outlives a coordinator. */
  readonly ownerLeaseMs: number;
  /** An owner that lapsed has stopped its load within this time; the owner's own workers guard it. */
  readonly stopMs: number;
  /** Added to ownerLeaseMs + stopMs before `down`: clock drift (1 % of both) plus scheduling. */
  readonly downMarginMs: number;
  /** How long new entries wait before they are announced to neighbours: more batching, later convergence. */
  readonly syncMs: number;
  /** Neighbours exchange digests this often even when nothing is new. */
  readonly syncIdleMs: number;
  /** From `phase running` being written to T0: every node must have heard of it by then. */
  readonly startLeadMs: number;
  /** A node that has no coordinator for this long ends itself with exit 112. */
  readonly graceMs: number;
  /** The coordinator waits at most this long for `done` entries and windows after drain. */
  readonly flushMs: number;
  /** The seeds' nodes must have joined within this time, else exit 113. */
  readonly formMsMax: number;
}

export const DEFAULT_TIMING: Timing = {
  beatMs: 1000,
  leaseMs: 2500,
  electionJitterMs: 800,
  ownerLeaseMs: 5500,
  stopMs: 1000,
  downMarginMs: 300,
  syncMs: 100,
  syncIdleMs: 5000,
  startLeadMs: 1500,
  graceMs: 12000,
  flushMs: 10000,
  formMsMax: 60000,
};

export interface NodeConfig {
  readonly self: NodeId;
  /** Claims load when true; witnesses (seed, console, scout) do not. */
  readonly load: boolean;
  readonly voter: boolean;
  /** Witnesses canvass first, so that a machine without load coordinates whenever it can. 0 = first, 1 = after them. */
  readonly electionRank: number;
  readonly capabilities: Capabilities;
  readonly addresses: readonly string[];
  readonly version: string;
  /** From the ticket: load nodes that the roster waits for, and voting witnesses beside them. */
  readonly expectNodes: number;
  readonly expectWitnesses: number;
  readonly timing: Timing;
  /** Seeds this node's randomness (election jitter, neighbour choice). */
  readonly randomSeed: number;
  /** 1 at first start, counted up (and persisted by the runtime) at every start with the same data folder. */
  readonly incarnation: number;
  /** Hashes and signs. Pure: same draft, same entry. */
  readonly seal: (draft: EntryDraft) => Entry;
  /** Whether the operator of this swarm signed the order. */
  readonly verifyOrder: (order: SignedOrder) => boolean;
}

/** Bounds (STYLE.md rule 6). Overflow is counted in the node's `refused` counters and shown. */
export const BOUNDS = {
  /** Authors in the log; more would let anyone with the swarm key exhaust memory with fresh identities. */
  authorsMax: 4096,
  entriesPerAuthorMax: 20_000,
  /** Entries that arrived before their predecessor, waiting. */
  pendingEntriesMax: 10_000,
  /** Entries in one direct message. */
  entriesPerMessageMax: 400,
  /** Windows in one pulse: limits what a returning node sends at once. */
  windowsPerPulseMax: 30,
  /** Direct neighbours that a node dials for anti-entropy; more only costs messages. */
  neighboursMax: 4,
  termMax: 1_000_000,
  meetingFactsPerEntryMax: 64,
  /** Nodes that keep a lost node's windows. */
  custodiansMax: 2,
} as const;
