// Anti-entropy: how the union of the authors' logs becomes the same everywhere (P2). Neighbours tell each other which authors have advanced ("have", a delta of
// the version vector, after Demers et al. 1987 and delta-state CRDTs), ask for what they miss ("want") and get it once. A digest of the whole set
// rides along; when digests stay apart with nothing left to tell, whole vectors are exchanged. Messages per node depend on its
// few neighbours, not on the size of the swarm. Neighbours: the ring's successor, so that the graph is connected, and the best of a rendezvous ranking.

import { BOUNDS } from './config.ts';
import type { Effects } from './events.ts';
import { heldSeq } from './log.ts';
import type { Entry, Message, NodeId } from './messages.ts';
import { hashString } from './rng.ts';
import type { NodeState, PeerSync, SyncState } from './state.ts';

/** A range asked for is not asked of anybody else for this long. Shorter than an answer takes on a busy machine, everything would come twice. */
const ASK_AGAIN_MS = 1500;
/** Peers told of news in one round. A seed that hundreds joined through takes turns, so that its messages a second stay bounded. */
const TOLD_PER_ROUND_MAX = BOUNDS.neighboursMax * 2;
/** While a larger swarm gathers, neighbours are chosen among at least half of the expected nodes or this many: chosen at once, all would choose the first few. */
const CHOICE_MIN = 64;
const SMALL_SWARM = 16;
/** A peer that has not been heard for this many idle periods is no longer told things. */
const FORGET_PERIODS = 4;
/** A neighbour that is neither connected nor heard for this many idle periods is replaced, and tried again after that many. */
const UNREACHABLE_PERIODS = 2;
const TRY_AGAIN_PERIODS = 12;

export const createSync = (): SyncState => ({
  connected: new Set(),
  peers: new Map(),
  asked: new Map(),
  announceAtMs: Number.POSITIVE_INFINITY,
  idleAtMs: 0,
  neighboursDirty: true,
  unreachable: new Map(),
});

function peerOf(state: NodeState, peer: NodeId): PeerSync {
  let sync = state.sync.peers.get(peer);
  if (sync === undefined) {
    sync = { known: new Map(), unannounced: new Set(), chosen: false, lastHeardMs: state.nowMs, lastSentMs: Number.NEGATIVE_INFINITY };
    state.sync.peers.set(peer, sync);
  }
  return sync;
}

/** An author's log has grown: neighbours will be told, except whoever told us. */
export function noteProgress(state: NodeState, author: NodeId, from: NodeId | null): void {
  const seq = heldSeq(state.log, author);
  for (const [peer, sync] of state.sync.peers) {
    if (peer === from) sync.known.set(author, Math.max(seq, sync.known.get(author) ?? 0));
    else if ((sync.known.get(author) ?? 0) < seq) sync.unannounced.add(author);
  }
  state.sync.announceAtMs = Math.min(state.sync.announceAtMs, state.nowMs + state.config.timing.syncMs);
}

function vectorOf(state: NodeState, authors: Iterable<NodeId>): Record<NodeId, number> {
  const vector: Record<NodeId, number> = {};
  for (const author of authors) vector[author] = heldSeq(state.log, author);
  return vector;
}

function announce(state: NodeState, effects: Effects, peer: NodeId, sync: PeerSync, full: boolean): void {
  const authors = full ? state.log.authors.keys() : sync.unannounced;
  effects.send.push({ to: peer, message: { type: 'have', have: vectorOf(state, authors), digest: state.log.digest, full } });
  sync.unannounced.clear();
  sync.lastSentMs = state.nowMs;
}

/** Nodes worth exchanging logs with, sorted. */
function candidates(state: NodeState): NodeId[] {
  const isGone = (node: NodeId): boolean => state.facts.byes.has(node) || state.chain.down.has(node);
  const known = [...state.facts.hellos.keys()].filter((node) => node !== state.config.self && !isGone(node)).sort();
  // Machines die without a word: with only such neighbours a node would stay cut off among the living.
  const reachable = known.filter((node) => (state.sync.unreachable.get(node) ?? 0) <= state.nowMs);
  return reachable.length > 0 ? reachable : known;
}

/** The ring's successor, then those it has, then the best of the ranking: every change is a connection more, so only the successor displaces anybody. */
function chooseNeighbours(state: NodeState, others: readonly NodeId[]): Set<NodeId> {
  const self = state.config.self;
  const successor = others.find((node) => node > self) ?? others[0];
  const chosen = new Set<NodeId>(successor === undefined ? [] : [successor]);
  const there = new Set(others);
  for (const [peer, sync] of state.sync.peers) if (sync.chosen && there.has(peer) && chosen.size < BOUNDS.neighboursMax) chosen.add(peer);
  if (chosen.size >= BOUNDS.neighboursMax) return chosen;
  const seed = hashString(self);
  const ranked = others.map((node) => ({ node, rank: hashString(node, seed) })).sort((a, b) => a.rank - b.rank);
  for (const { node } of ranked) {
    if (chosen.size >= BOUNDS.neighboursMax) break;
    chosen.add(node);
  }
  return chosen;
}

/** Whether the choice can wait for the next idle round: the swarm is still gathering, or there are as many live neighbours as there should be. */
function canChooseLater(state: NodeState): boolean {
  const { config, sync, facts, chain } = state;
  const expected = config.expectNodes + config.expectWitnesses;
  const isGathering = chain.roster.size === 0 && facts.hellos.size < Math.min(CHOICE_MIN, expected / 2);
  if (expected > SMALL_SWARM && isGathering) return true;
  let live = 0;
  for (const [peer, { chosen }] of sync.peers) if (chosen && !facts.byes.has(peer) && !chain.down.has(peer)) live += 1;
  return live >= BOUNDS.neighboursMax;
}

function dial(state: NodeState, effects: Effects, peer: NodeId): void {
  effects.dial.push({ peer, addresses: state.facts.hellos.get(peer)?.body.addresses ?? [], connect: true });
}

function refreshNeighbours(state: NodeState, effects: Effects): void {
  state.sync.neighboursDirty = false;
  const chosen = chooseNeighbours(state, candidates(state));
  for (const [peer, sync] of state.sync.peers) sync.chosen = chosen.has(peer);
  for (const peer of chosen) {
    const known = state.sync.peers.has(peer);
    const sync = peerOf(state, peer);
    sync.chosen = true;
    if (!known || !state.sync.connected.has(peer)) dial(state, effects, peer);
    if (!known) announce(state, effects, peer, sync, false);
  }
}

function replace(state: NodeState, peer: NodeId): void {
  state.sync.unreachable.set(peer, state.nowMs + state.config.timing.syncIdleMs * TRY_AGAIN_PERIODS);
  state.sync.peers.delete(peer);
  state.sync.neighboursDirty = true;
}

export function peerUp(state: NodeState, effects: Effects, peer: NodeId): void {
  state.sync.connected.add(peer);
  if (state.sync.unreachable.delete(peer)) state.sync.neighboursDirty = true;
  // Whoever dialled us, or whom we dialled before knowing anybody (a seed): one digest tells whether there is anything to say. A peer whose hello is not here
  // may belong to a part of the swarm that has filled its neighbours among itself, as we have: without a word now the two parts would never meet.
  const isStranger = !state.facts.hellos.has(peer);
  if (state.sync.peers.size < BOUNDS.neighboursMax || state.sync.peers.has(peer) || isStranger)
    announce(state, effects, peer, peerOf(state, peer), false);
}

export function peerDown(state: NodeState, peer: NodeId): void {
  state.sync.connected.delete(peer);
  state.sync.peers.delete(peer);
  state.sync.neighboursDirty = true;
}

/** Asks `peer` for everything it is known to hold beyond ours that nobody else was just asked for. */
function ask(state: NodeState, effects: Effects, peer: NodeId, sync: PeerSync, full: boolean): void {
  const after: Record<NodeId, number> = {};
  let any = full;
  for (const [author, seq] of sync.known) {
    const held = heldSeq(state.log, author);
    if (seq <= held) continue;
    const asked = state.sync.asked.get(author);
    // What is on its way already is not asked for twice, also when more has been written since.
    const comingSeq = asked !== undefined && asked.untilMs > state.nowMs ? asked.seq : 0;
    if (comingSeq >= seq) continue;
    state.sync.asked.set(author, { seq, untilMs: state.nowMs + ASK_AGAIN_MS });
    after[author] = Math.max(held, comingSeq);
    any = true;
  }
  if (any) effects.send.push({ to: peer, message: { type: 'want', after, full } });
}

/** Asks `author` itself for what follows its entries here, unless that was just asked for. */
export function askAuthor(state: NodeState, effects: Effects, author: NodeId): void {
  const held = heldSeq(state.log, author);
  const asked = state.sync.asked.get(author);
  if (asked !== undefined && asked.seq > held && asked.untilMs > state.nowMs) return;
  state.sync.asked.set(author, { seq: held + 1, untilMs: state.nowMs + ASK_AGAIN_MS });
  effects.send.push({ to: author, message: { type: 'want', after: { [author]: held }, full: false } });
}

function onHave(state: NodeState, effects: Effects, from: NodeId, message: Extract<Message, { type: 'have' }>): void {
  const sync = peerOf(state, from);
  sync.lastHeardMs = state.nowMs;
  if (message.full) sync.known.clear();
  for (const [author, seq] of Object.entries(message.have)) {
    sync.known.set(author, Math.max(seq, sync.known.get(author) ?? 0));
    if (seq >= heldSeq(state.log, author)) sync.unannounced.delete(author);
  }
  const quiet = Object.keys(message.have).length === 0;
  const differs = message.digest !== state.log.digest;
  ask(state, effects, from, sync, differs && quiet && !message.full);
  if (!message.full || !differs) return;
  // The peer told all it has: whatever of ours it lacks has to be announced.
  for (const author of state.log.authors.keys())
    if ((sync.known.get(author) ?? 0) < heldSeq(state.log, author)) sync.unannounced.add(author);
  if (sync.unannounced.size > 0) announce(state, effects, from, sync, false);
}

function onWant(state: NodeState, effects: Effects, from: NodeId, message: Extract<Message, { type: 'want' }>): void {
  const sync = peerOf(state, from);
  sync.lastHeardMs = state.nowMs;
  if (message.full) announce(state, effects, from, sync, true);
  const entries: Entry[] = [];
  for (const [author, after] of Object.entries(message.after)) {
    const held = state.log.authors.get(author) ?? [];
    for (let index = Math.max(0, after); index < held.length && entries.length < BOUNDS.entriesPerMessageMax; index++) {
      const entry = held[index];
      if (entry !== undefined) entries.push(entry);
    }
  }
  if (entries.length > 0) effects.send.push({ to: from, message: { type: 'entries', entries } });
  for (const entry of entries) sync.known.set(entry.author, Math.max(entry.seq, sync.known.get(entry.author) ?? 0));
}

/** have, want; `entries` is handled by append.receive, followed by `askMore`. */
export function onSyncMessage(
  state: NodeState,
  effects: Effects,
  from: NodeId,
  message: Extract<Message, { type: 'have' | 'want' }>,
): void {
  if (message.type === 'have') onHave(state, effects, from, message);
  else onWant(state, effects, from, message);
}

/** After a batch that brought `news` entries: what was bounded away is asked for again. A batch without news is not: the same would come back at once and be
 * refused again, as fast as the network carries it (an author whose log exists in two versions). */
export function askMore(state: NodeState, effects: Effects, from: NodeId, news: number): void {
  const sync = state.sync.peers.get(from);
  if (sync === undefined || news === 0) return;
  for (const [author, { seq }] of state.sync.asked)
    if (heldSeq(state.log, author) >= seq || (sync.known.get(author) ?? 0) > heldSeq(state.log, author)) state.sync.asked.delete(author);
  ask(state, effects, from, sync, false);
}

/** Tells peers of news, those first who have waited longest. */
function tellNews(state: NodeState, effects: Effects): void {
  const { sync, nowMs, config } = state;
  let waiting = [...sync.peers].filter(([, peerSync]) => peerSync.unannounced.size > 0);
  if (waiting.length > TOLD_PER_ROUND_MAX) {
    waiting = waiting.sort(([, a], [, b]) => a.lastSentMs - b.lastSentMs).slice(0, TOLD_PER_ROUND_MAX);
    sync.announceAtMs = nowMs + config.timing.syncMs;
  }
  for (const [peer, peerSync] of waiting) announce(state, effects, peer, peerSync, false);
}

/** Periodic part: neighbours, announcements, idle digests. Returns when it wants to be called next. */
export function syncTick(state: NodeState, effects: Effects): number {
  const { sync, nowMs, config } = state;
  if (sync.announceAtMs <= nowMs) {
    sync.announceAtMs = Number.POSITIVE_INFINITY;
    if (sync.neighboursDirty && !canChooseLater(state)) refreshNeighbours(state, effects);
    tellNews(state, effects);
  }
  if (sync.idleAtMs <= nowMs) {
    sync.idleAtMs = nowMs + config.timing.syncIdleMs;
    if (sync.neighboursDirty) refreshNeighbours(state, effects);
    const recentMs = config.timing.syncIdleMs * UNREACHABLE_PERIODS;
    const isHeard = [...sync.peers.values()].some(({ chosen, lastHeardMs }) => chosen && nowMs - lastHeardMs < recentMs);
    for (const [peer, peerSync] of sync.peers) {
      const silentMs = nowMs - peerSync.lastHeardMs;
      if (!peerSync.chosen && silentMs > config.timing.syncIdleMs * FORGET_PERIODS) sync.peers.delete(peer);
      // One digest of a pair is enough, and none when neither chose the other and neighbours answer: a seed's would grow with the swarm.
      else if ((peerSync.chosen || !isHeard) && nowMs - peerSync.lastSentMs >= config.timing.syncIdleMs / 2)
        announce(state, effects, peer, peerSync, false);
      if (peerSync.chosen && !sync.connected.has(peer)) {
        dial(state, effects, peer);
        if (silentMs > recentMs) replace(state, peer);
      }
      // A question to somebody who is gone would keep it from being asked of the living.
      if (sync.connected.has(peer)) ask(state, effects, peer, peerSync, false);
    }
    if (sync.neighboursDirty) refreshNeighbours(state, effects);
  }
  return Math.min(sync.announceAtMs, sync.idleAtMs);
}
