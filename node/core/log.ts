// The assignment log's storage rules (DESIGN.md section 5): one hash-chained log per author, their union is the swarm's log. Decides what is
// accepted, what waits for its predecessor and what is refused; never looks into bodies (view.ts does). Signatures were checked outside.
// Every rule is independent of arrival order, so equal sets stay equal (P2); the one exception, a forked author, is a broken node and is counted.

import { assert } from './assert.ts';
import { BOUNDS } from './config.ts';
import type { Entry, NodeId } from './messages.ts';

export interface LogState {
  /** entries[seq - 1]; contiguous by construction. */
  readonly authors: Map<NodeId, Entry[]>;
  /** Entries that arrived before their predecessor, by author and seq. */
  readonly pending: Map<NodeId, Map<number, Entry>>;
  pendingCount: number;
  lamport: number;
  size: number;
  /** XOR over all entries' hashes: equal sets have equal digests; 32 bits are enough for a hint that is checked again. */
  digest: number;
}

/** Nobody gets here honestly. An entry beyond is kept but does not set this node's clock, or one hostile author could push it to where nobody accepts it. */
const LAMPORT_FOLLOWED_MAX = 2 ** 48;

export type Refusal = 'too-many-authors' | 'too-many-entries' | 'broken-chain' | 'fork' | 'pending-full' | 'bad-lamport';

export const createLog = (): LogState => ({ authors: new Map(), pending: new Map(), pendingCount: 0, lamport: 0, size: 0, digest: 0 });

/** Highest contiguous seq held of `author`; 0 when nothing is held. */
export const heldSeq = (log: LogState, author: NodeId): number => log.authors.get(author)?.length ?? 0;

export const entryAt = (log: LogState, author: NodeId, seq: number): Entry | undefined => log.authors.get(author)?.[seq - 1];

const digestOf = (entry: Entry): number => Number.parseInt(entry.hash.slice(0, 8), 16) | 0;

function chainRefusal(entries: readonly Entry[], entry: Entry): Refusal | null {
  const last = entries[entries.length - 1];
  if (entry.prev !== (last?.hash ?? '')) return 'broken-chain';
  if (entry.lamport <= (last?.lamport ?? 0) || entry.lamport > Number.MAX_SAFE_INTEGER / 2) return 'bad-lamport';
  return null;
}

function push(log: LogState, entries: Entry[], entry: Entry): void {
  entries.push(entry);
  log.size += 1;
  log.digest ^= digestOf(entry);
  if (entry.lamport > log.lamport && entry.lamport <= LAMPORT_FOLLOWED_MAX) log.lamport = entry.lamport;
}

function hold(log: LogState, entry: Entry): Refusal | null {
  if (log.pendingCount >= BOUNDS.pendingEntriesMax) return 'pending-full';
  const waiting = log.pending.get(entry.author) ?? new Map<number, Entry>();
  log.pending.set(entry.author, waiting);
  const held = waiting.get(entry.seq);
  if (held !== undefined) return held.hash === entry.hash ? null : 'fork';
  waiting.set(entry.seq, entry);
  log.pendingCount += 1;
  return null;
}

/** Moves what waited for its predecessor into the log. Returns a refusal when a waiting entry turns out not to fit. */
function drain(log: LogState, author: NodeId, entries: Entry[], accepted: Entry[]): Refusal | null {
  const waiting = log.pending.get(author);
  if (waiting === undefined) return null;
  let refusal: Refusal | null = null;
  for (let next = waiting.get(entries.length + 1); next !== undefined; next = waiting.get(entries.length + 1)) {
    waiting.delete(next.seq);
    log.pendingCount -= 1;
    refusal = chainRefusal(entries, next);
    if (refusal !== null) break;
    push(log, entries, next);
    accepted.push(next);
  }
  for (const seq of waiting.keys()) {
    if (seq > entries.length) continue;
    waiting.delete(seq);
    log.pendingCount -= 1;
  }
  if (waiting.size === 0) log.pending.delete(author);
  return refusal;
}

/** Adds one entry. Appends to `accepted` everything that became part of the log by it, in chain order. Duplicates are silent. */
export function ingest(log: LogState, entry: Entry, accepted: Entry[]): Refusal | null {
  let entries = log.authors.get(entry.author);
  if (entries === undefined) {
    if (log.authors.size >= BOUNDS.authorsMax) return 'too-many-authors';
    if (entry.seq > 1) return hold(log, entry);
    entries = [];
    log.authors.set(entry.author, entries);
  }
  if (entry.seq > BOUNDS.entriesPerAuthorMax) return 'too-many-entries';
  const held = entries[entry.seq - 1];
  if (held !== undefined) return held.hash === entry.hash ? null : 'fork';
  if (entry.seq > entries.length + 1) return hold(log, entry);
  const refusal = chainRefusal(entries, entry);
  if (refusal !== null) {
    if (entries.length === 0) log.authors.delete(entry.author);
    return refusal;
  }
  push(log, entries, entry);
  accepted.push(entry);
  return drain(log, entry.author, entries, accepted);
}

/** Header of the author's next own entry: chained to its last one, later than everything it has seen. */
export function nextHeader(log: LogState, author: NodeId): { author: NodeId; seq: number; prev: string; lamport: number } {
  const entries = log.authors.get(author);
  const last = entries?.[entries.length - 1];
  return { author, seq: (last?.seq ?? 0) + 1, prev: last?.hash ?? '', lamport: Math.max(log.lamport, last?.lamport ?? 0) + 1 };
}

/** Adds an own, freshly sealed entry; it must fit. */
export function appendOwn(log: LogState, entry: Entry): void {
  const entries = log.authors.get(entry.author) ?? [];
  log.authors.set(entry.author, entries);
  assert(entry.seq === entries.length + 1 && chainRefusal(entries, entry) === null, 'own entry does not continue own log');
  push(log, entries, entry);
}
