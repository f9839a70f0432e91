// Writing and receiving entries: the only way into the log. An own entry is sealed, folded in, persisted and announced; kinds that everybody waits for
// also go by gossip at once, and what the coordinator counts is sent to it directly. Entries of others are judged by log.ts, folded in and kept.

import { assignmentOf, chainOf, coordinatorIn, electorateOf } from './chain.ts';
import type { Effects } from './events.ts';
import { absorb, refKey } from './facts.ts';
import { appendOwn, ingest, nextHeader } from './log.ts';
import type { Entry, EntryBodies, EntryDraft, EntryKind, NodeId } from './messages.ts';
import { countRefused, type NodeState } from './state.ts';
import { noteProgress } from './sync.ts';

/** Waiting one anti-entropy round for these would delay the whole swarm; all others are spread in batches (cost: messages flat in swarm size). A `release`
 * is rare, and a successor must know of it when it decides whether its predecessor was lost. */
const GOSSIPED: ReadonlySet<EntryKind> = new Set(['lead', 'roster', 'down', 'phase', 'manifest', 'stop', 'scale', 'fault', 'release']);
/** The coordinator counts these; it gets them directly. */
const FOR_COORDINATOR: ReadonlySet<EntryKind> = new Set([
  'hello',
  'claim',
  'release',
  'meeting',
  'ready',
  'done',
  'bye',
  'manifest',
  'stop',
  'scale',
]);

/** Who is there to exchange logs with. */
const CHANGES_NEIGHBOURS: ReadonlySet<EntryKind> = new Set(['hello', 'down', 'roster', 'bye']);

function gossip(effects: Effects, entry: Entry): void {
  const last = effects.publish[effects.publish.length - 1];
  if (last?.type === 'entries') (last.entries as Entry[]).push(entry);
  else effects.publish.push({ type: 'entries', entries: [entry] });
}

/** Sends entries directly; several in one step to one node become one message. */
export function sendEntries(effects: Effects, to: NodeId, entries: readonly Entry[]): void {
  const open = effects.send.find((sent) => sent.to === to && sent.message.type === 'entries');
  if (open?.message.type === 'entries') (open.message.entries as Entry[]).push(...entries);
  else effects.send.push({ to, message: { type: 'entries', entries: [...entries] } });
}

/** Appends one own entry and announces it. */
export function append<K extends EntryKind>(state: NodeState, effects: Effects, kind: K, body: EntryBodies[K]): Entry {
  const self = state.config.self;
  const entry = state.config.seal({ ...nextHeader(state.log, self), kind, body } as EntryDraft);
  appendOwn(state.log, entry);
  absorb(state.facts, entry, state.config.verifyOrder);
  effects.persist.push(entry);
  noteProgress(state, self, null);
  refreshDerived(state);
  if (GOSSIPED.has(kind)) gossip(effects, entry);
  const coordinator = state.coordinator?.node;
  if (coordinator !== undefined && coordinator !== self && FOR_COORDINATOR.has(kind)) sendEntries(effects, coordinator, [entry]);
  return entry;
}

/** Takes entries of others (verified outside). `from` already holds them. Returns how many were new and fitted. */
export function receive(state: NodeState, effects: Effects, entries: readonly Entry[], from: NodeId | null): number {
  const accepted: Entry[] = [];
  for (const entry of entries) {
    const refusal = ingest(state.log, entry, accepted);
    if (refusal !== null) countRefused(state, refusal);
  }
  for (const entry of accepted) {
    absorb(state.facts, entry, state.config.verifyOrder);
    effects.keep.push(entry);
    if (entry.kind === 'hello') {
      effects.dial.push({ peer: entry.author, addresses: entry.body.addresses, connect: false });
      effects.report.push({ event: 'joined', node: entry.author });
    }
    if (entry.kind === 'release')
      effects.report.push({ event: 'left', node: entry.author, claims: entry.body.claims.length, reason: entry.body.reason });
    if (CHANGES_NEIGHBOURS.has(entry.kind)) state.sync.neighboursDirty = true;
    noteProgress(state, entry.author, from);
  }
  if (accepted.length > 0) refreshDerived(state);
  return accepted.length;
}

/** Recomputes coordinator, chain and assignment when entries that matter to them have come. */
export function refreshDerived(state: NodeState): void {
  if (state.derivedVersion !== state.facts.version) {
    state.derivedVersion = state.facts.version;
    state.electorate = electorateOf(state.facts, state.config);
    state.coordinator = coordinatorIn(state.facts, state.electorate);
    const chain = chainOf(state.facts, state.coordinator);
    state.chainComplete = chain !== null;
    if (chain !== null) state.chain = chain;
  }
  const { plan, chain } = state;
  if (plan === null || chain.manifest === null || plan.hash !== chain.manifest.planHash) return;
  const { tip } = chain;
  const key = tip === null ? '' : `${refKey(tip)}#${chain.length}`;
  if (key === state.assignmentFor) return;
  state.assignmentFor = key;
  const before = state.assignment;
  state.fold = assignmentOf(plan, chain, chain.manifest.onNodeLoss, state.fold);
  state.assignment = state.fold.assignment;
  if (state.assignment !== before) state.assignmentKey = key;
}
