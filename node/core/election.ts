// Who coordinates: terms, pre-vote and majority votes as in Raft (Ongaro 2014, sections 3.4, 4.2.3, 9.6), for leadership only. A vote is an entry: durable
// before it is sent, and proof for everybody. Voters that heard a beat within the lease refuse (leader stickiness), which is what lets a
// coordinator rely on its lease; voters also refuse whoever knows a shorter chain of decisions.

import { append, sendEntries } from './append.ts';
import { isElector, votesFor } from './chain.ts';
import { knowsSwarmTime } from './clock.ts';
import { BOUNDS } from './config.ts';
import type { Effects } from './events.ts';
import { becomeLeader } from './leader.ts';
import { entryAt, heldSeq } from './log.ts';
import type { Canvass, Entry, Message, NodeId } from './messages.ts';
import type { ElectionState, NodeState } from './state.ts';

/** Candidates that collided wait up to this many times longer: with 25 of them and slow links 800 ms are too short for anybody to get through. */
const JITTER_FACTOR_MAX = 5;
/** How far a peer's word may push the term; beyond it is nonsense or malice. */
const TERM_JUMP_MAX = 1000;

export function createElection(nowMs: number, restored: boolean, leaseMs: number): ElectionState {
  return {
    // A restarted node may have promised its vote away just before it died.
    promisedUntilMs: restored ? nowMs + leaseMs : nowMs,
    heardTerm: 0,
    heardBeat: 0,
    heardMs: Number.NEGATIVE_INFINITY,
    canvassAtMs: nowMs,
    attempts: 0,
    canvass: null,
    termMax: 0,
    votedTerm: 0,
  };
}

const termKnown = (state: NodeState): number => Math.max(state.election.termMax, state.coordinator?.term ?? 0, state.election.votedTerm);

/** Random delay before the next canvass; witnesses go first. While a lease may be running nobody would answer anyway. */
export function rescheduleCanvass(state: NodeState, afterMs: number): void {
  const { electionJitterMs, leaseMs } = state.config.timing;
  // While the swarm gathers there is no hurry and everything is slow (hundreds of handshakes): witnesses get the time to be elected.
  const rank = state.config.electionRank * (state.chain.phase === 'forming' ? leaseMs * 2 : electionJitterMs * 0.5);
  const factor = Math.min(JITTER_FACTOR_MAX, 1 + state.election.attempts);
  state.election.canvassAtMs = state.nowMs + afterMs + rank + state.rng.float() * electionJitterMs * factor;
}

/** A beat (or an acknowledged pulse) of this term was heard. Returns false when it is of an older term than one already heard. */
export function heardBeat(state: NodeState, term: number, beat: number): boolean {
  const { election, config, nowMs } = state;
  if (term < election.heardTerm || term < (state.coordinator?.term ?? 0)) return false;
  if (term > election.heardTerm) [election.heardTerm, election.heardBeat] = [term, 0];
  if (beat < election.heardBeat) return true;
  election.heardBeat = beat;
  election.heardMs = nowMs;
  election.promisedUntilMs = Math.max(election.promisedUntilMs, nowMs + config.timing.leaseMs);
  election.canvass = null;
  election.attempts = 0;
  rescheduleCanvass(state, config.timing.leaseMs);
  return true;
}

function canvassOut(state: NodeState, effects: Effects, term: number, pre: boolean): void {
  const message: Canvass = { type: 'canvass', term, pre, chainTerm: state.chain.tipTerm, chainLength: state.chain.length };
  effects.publish.push(message);
  // Gossip is lossy while the mesh is young; those already connected are also asked directly.
  let asked = 0;
  for (const peer of state.sync.connected) {
    if (asked >= BOUNDS.neighboursMax * 2) break;
    effects.send.push({ to: peer, message });
    asked += 1;
  }
}

function startCanvass(state: NodeState, effects: Effects, pre: boolean): void {
  const term = termKnown(state) + 1;
  if (term > BOUNDS.termMax) return;
  const before = state.election.canvass;
  // Asked again before all have answered (a busy machine, hundreds of voters): who said yes to the same question need not say it twice.
  const isSame = pre && before?.pre === true && before.term === term;
  state.election.canvass = { term, pre, sentMs: state.nowMs, granted: isSame ? before.granted : new Set([state.config.self]) };
  if (!pre) {
    vote(state, effects, term, state.config.self);
    // Whoever votes now promises itself away for a lease: asking for another term before that would throw these votes away for nothing.
    rescheduleCanvass(state, state.config.timing.leaseMs);
  }
  canvassOut(state, effects, term, pre);
}

/** Writes the vote; at most one a term, because votedTerm is restored from the own log. */
function vote(state: NodeState, effects: Effects, term: number, candidate: NodeId): Entry {
  state.election.votedTerm = term;
  return append(state, effects, 'vote', { term, candidate });
}

function wouldVote(state: NodeState, canvass: Canvass, candidate: NodeId): boolean {
  if (canvass.term <= termKnown(state) || canvass.term > termKnown(state) + TERM_JUMP_MAX) return false;
  if (state.nowMs < state.election.promisedUntilMs || (state.leader !== null && !state.leader.resigned)) return false;
  if (!isElector(state.facts, state.electorate, state.config.self)) return false;
  if (state.electorate.voters !== null && !state.electorate.voters.has(candidate)) return false;
  const { tipTerm, length } = state.chain;
  return canvass.chainTerm > tipTerm || (canvass.chainTerm === tipTerm && canvass.chainLength >= length);
}

export function onCanvass(state: NodeState, effects: Effects, from: NodeId, canvass: Canvass): void {
  if (from === state.config.self) return;
  const termMax = termKnown(state);
  const granted = wouldVote(state, canvass, from);
  if (!canvass.pre && granted) {
    const entry = vote(state, effects, canvass.term, from);
    // The candidate's predecessor of this entry may be missing there: send the whole short tail that a young log is.
    const tail: Entry[] = [];
    for (let seq = Math.max(1, entry.seq - 2); seq <= heldSeq(state.log, entry.author); seq++) {
      const own = entryAt(state.log, entry.author, seq);
      if (own !== undefined) tail.push(own);
    }
    sendEntries(effects, from, tail);
    state.election.promisedUntilMs = Math.max(state.election.promisedUntilMs, state.nowMs + state.config.timing.leaseMs);
    state.election.canvass = null;
    rescheduleCanvass(state, state.config.timing.leaseMs);
  }
  if (canvass.pre && granted && state.election.attempts === 0) {
    // Somebody is about to be elected. It gets a lease's time, once until a coordinator is heard again: with hundreds of voters that all canvass as
    // soon as they may, nobody would get through.
    state.election.attempts = 1;
    rescheduleCanvass(state, state.config.timing.leaseMs);
  }
  effects.send.push({ to: from, message: { type: 'ballot', term: canvass.term, pre: canvass.pre, granted, termMax } });
}

export function onBallot(state: NodeState, effects: Effects, from: NodeId, ballot: Extract<Message, { type: 'ballot' }>): void {
  const { canvass } = state.election;
  // Only electors' words count, else a stranger could push terms to their bound and nobody could canvass any more.
  if (!isElector(state.facts, state.electorate, from)) return;
  if (!ballot.granted && ballot.termMax <= termKnown(state) + TERM_JUMP_MAX)
    state.election.termMax = Math.max(state.election.termMax, ballot.termMax);
  if (canvass === null || canvass.term !== ballot.term || canvass.pre !== ballot.pre || !ballot.granted) return;
  canvass.granted.add(from);
  if (canvass.pre && canvass.granted.size >= state.electorate.quorum) startCanvass(state, effects, false);
}

/** Counts votes in the log; on a majority takes the lead. */
function maybeWin(state: NodeState, effects: Effects): void {
  const { canvass } = state.election;
  const self = state.config.self;
  if (canvass === null || canvass.pre || !state.chainComplete) return;
  if (votesFor(state.facts, state.electorate, canvass.term, self) < state.electorate.quorum) return;
  state.election.canvass = null;
  const proof: Entry[] = [];
  for (const [voter, { candidate, seq }] of state.facts.votes.get(canvass.term) ?? []) {
    const entry = candidate === self ? entryAt(state.log, voter, seq) : undefined;
    if (entry !== undefined) proof.push(entry);
  }
  effects.publish.push({ type: 'entries', entries: proof });
  append(state, effects, 'lead', { term: canvass.term, base: state.chain.tip });
  becomeLeader(state, effects, canvass.term, canvass.sentMs);
}

/** Not a node that is about to go, nor one that came back without knowing the time (T0 would mean another moment under it) or has no plan to carry out. */
function mayStand(state: NodeState): boolean {
  const { chain } = state;
  if (!isElector(state.facts, state.electorate, state.config.self) || chain.phase === 'sealed' || state.leave !== 'no') return false;
  if (chain.phase === 'running' && state.planFailed !== null) return false;
  return chain.t0SwarmMs === null || knowsSwarmTime(state.clock);
}

/** Only voters whose hello is here can be counted: with fewer than a majority of them canvassing would be noise. */
function knowsMajority(state: NodeState): boolean {
  const { electorate, facts } = state;
  if (electorate.voters !== null) return true;
  let count = 0;
  for (const hello of facts.hellos.values()) if (hello.body.voter) count += 1;
  return count >= electorate.quorum;
}

/** Periodic part. Returns when it wants to be called next. */
export function electionTick(state: NodeState, effects: Effects): number {
  const { election, nowMs, config } = state;
  maybeWin(state, effects);
  const leading = state.leader !== null && !state.leader.resigned;
  if (leading || state.leave !== 'no' || !mayStand(state)) return Number.POSITIVE_INFINITY;
  if (nowMs < election.promisedUntilMs) return Math.max(election.promisedUntilMs, election.canvassAtMs);
  if (nowMs >= election.canvassAtMs && !knowsMajority(state)) {
    rescheduleCanvass(state, 0);
  } else if (nowMs >= election.canvassAtMs) {
    election.attempts += 1;
    rescheduleCanvass(state, config.timing.electionJitterMs);
    startCanvass(state, effects, true);
  }
  return election.canvassAtMs;
}
