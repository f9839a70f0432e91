// The fold of the log (DESIGN.md section 5): what the swarm's entries, taken together, say. Every rule here is a join - a maximum, a union, a
// first-by-(lamport, author, seq) - so that the order of arrival cannot matter (P2) and one entry costs one small update. Who may say what is judged
// later, from the complete picture (chain.ts): an entry that does not count stays in the log and is ignored by everybody alike.

import type { DecisionRef, Entry, EntryBodies, EntryOf, NodeId, SignedOrder } from './messages.ts';

/** Entries of kinds that a coordinator uses to decide; only those on the effective chain count. */
export type DecisionEntry = EntryOf<'roster'> | EntryOf<'down'> | EntryOf<'phase'>;

export interface Facts {
  readonly hellos: Map<NodeId, EntryOf<'hello'>>;
  /** term -> voter -> candidate: the voter's first vote of that term. */
  readonly votes: Map<number, Map<NodeId, { candidate: NodeId; seq: number }>>;
  /** term -> claimants of that term; one, unless somebody is broken. */
  readonly leads: Map<number, EntryOf<'lead'>[]>;
  readonly decisions: Map<string, DecisionEntry>;
  /** Last decision of one author in one term, by `${term}/${author}`. */
  readonly decisionLast: Map<string, DecisionEntry>;
  /** `${shard}.${epoch}` -> authors who claimed it. */
  readonly claims: Map<string, Set<NodeId>>;
  /** `${shard}.${epoch}/${author}` given up. */
  readonly releases: Set<string>;
  /** All of them, in any order: who of their authors counts is for the chain to say (meetings.ts). */
  readonly meetings: EntryOf<'meeting'>[];
  /** author -> decision key -> problem or null. */
  readonly ready: Map<NodeId, Map<string, EntryBodies['ready']['problem']>>;
  readonly done: Map<NodeId, EntryBodies['done']>;
  /** Orders whose operator signature holds, in (lamport, author, seq) order. */
  readonly orders: { entry: EntryOf<'manifest' | 'stop' | 'scale' | 'fault'>; signed: SignedOrder }[];
  /** Nodes that gave their claims back in order to leave. */
  readonly leaving: Set<NodeId>;
  readonly byes: Set<NodeId>;
  /** Bumped by anything that can change coordinator, chain or orders; caches compare it. */
  version: number;
  ignored: number;
}

export const createFacts = (): Facts => ({
  hellos: new Map(),
  votes: new Map(),
  leads: new Map(),
  decisions: new Map(),
  decisionLast: new Map(),
  claims: new Map(),
  releases: new Set(),
  meetings: [],
  ready: new Map(),
  done: new Map(),
  orders: [],
  leaving: new Set(),
  byes: new Set(),
  version: 0,
  ignored: 0,
});

export const refKey = (ref: DecisionRef): string => `${ref.author}/${ref.seq}`;
export const refOf = (entry: Entry): DecisionRef => ({ author: entry.author, seq: entry.seq });
export const claimKey = (shard: number, epoch: number): string => `${shard}.${epoch}`;

/** The order in which entries of different authors count: (lamport, author, seq). Total, and the same everywhere. */
export function compareEntries(a: Entry, b: Entry): number {
  if (a.lamport !== b.lamport) return a.lamport - b.lamport;
  if (a.author !== b.author) return a.author < b.author ? -1 : 1;
  return a.seq - b.seq;
}

function absorbVote(facts: Facts, entry: EntryOf<'vote'>): void {
  const votes = facts.votes.get(entry.body.term) ?? new Map<NodeId, { candidate: NodeId; seq: number }>();
  facts.votes.set(entry.body.term, votes);
  const known = votes.get(entry.author);
  if (known === undefined || entry.seq < known.seq) votes.set(entry.author, { candidate: entry.body.candidate, seq: entry.seq });
  facts.version += 1;
}

function absorbLead(facts: Facts, entry: EntryOf<'lead'>): void {
  const leads = facts.leads.get(entry.body.term) ?? [];
  leads.push(entry);
  leads.sort(compareEntries);
  facts.leads.set(entry.body.term, leads);
  facts.version += 1;
}

function absorbDecision(facts: Facts, entry: DecisionEntry): void {
  facts.decisions.set(refKey(refOf(entry)), entry);
  const key = `${entry.body.term}/${entry.author}`;
  const last = facts.decisionLast.get(key);
  if (last === undefined || entry.seq > last.seq) facts.decisionLast.set(key, entry);
  facts.version += 1;
}

function absorbOrder(
  facts: Facts,
  entry: EntryOf<'manifest' | 'stop' | 'scale' | 'fault'>,
  isOrder: (order: SignedOrder) => boolean,
): void {
  if (entry.body.order.order !== entry.kind || !isOrder(entry.body)) {
    facts.ignored += 1;
    return;
  }
  facts.orders.push({ entry, signed: entry.body });
  facts.orders.sort((a, b) => compareEntries(a.entry, b.entry));
  facts.version += 1;
}

/** Folds one accepted entry in. Each author's entries come in chain order; authors interleave in any order. */
export function absorb(facts: Facts, entry: Entry, isOrder: (order: SignedOrder) => boolean): void {
  switch (entry.kind) {
    case 'hello':
      facts.hellos.set(entry.author, entry);
      // Back before anybody counted it out: what it gave up is its own again. Otherwise its shards have moved on in a later epoch.
      if (facts.leaving.delete(entry.author))
        for (const release of facts.releases) if (release.endsWith(`/${entry.author}`)) facts.releases.delete(release);
      facts.byes.delete(entry.author);
      facts.version += 1;
      return;
    case 'vote':
      return absorbVote(facts, entry);
    case 'lead':
      return absorbLead(facts, entry);
    case 'roster':
    case 'down':
    case 'phase':
      return absorbDecision(facts, entry);
    case 'claim':
      for (const claim of entry.body.claims) {
        const key = claimKey(claim.shard, claim.epoch);
        const owners = facts.claims.get(key);
        if (owners === undefined) facts.claims.set(key, new Set([entry.author]));
        else owners.add(entry.author);
      }
      return;
    case 'release':
      for (const claim of entry.body.claims) facts.releases.add(`${claimKey(claim.shard, claim.epoch)}/${entry.author}`);
      facts.leaving.add(entry.author);
      facts.version += 1;
      return;
    case 'meeting':
      facts.meetings.push(entry);
      return;
    case 'ready': {
      const byDecision = facts.ready.get(entry.author) ?? new Map<string, EntryBodies['ready']['problem']>();
      facts.ready.set(entry.author, byDecision);
      byDecision.set(refKey(entry.body.decision), entry.body.problem);
      return;
    }
    case 'done':
      facts.done.set(entry.author, entry.body);
      return;
    case 'bye':
      facts.byes.add(entry.author);
      return;
    default:
      return absorbOrder(facts, entry, isOrder);
  }
}
