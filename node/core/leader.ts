// What a coordinator does each beat: beats, answers pulses, keeps its own lease, notices silence. It acts only while a majority echoed beats that it sent
// within the lease (Gray, Cheriton 1989; Raft 6.4.1), and resigns when they stop. It is the failure detector: a node is down when the last lease
// granted to it has run out, with its stop time. Decisions about shards wait until the leases of earlier terms have run out ("settled").
// What the run needs next (roster, phases, judging) is lifecycle.ts.

import { append } from './append.ts';
import { isElector } from './chain.ts';
import { lead } from './clock.ts';
import { BOUNDS } from './config.ts';
import type { Effects } from './events.ts';
import { GAVE_BACK, type Message, type NodeId } from './messages.ts';
import { type LeaderState, type NodeState, swarmNow } from './state.ts';

/** Clocks may run 1 % apart on both ends: the lease a coordinator relies on is that much shorter than what its voters promise. */
const LEASE_SAFETY = 0.97;
/** Beats remembered for echoes; at one a second more than any lease. */
const BEATS_KEPT = 64;

export function becomeLeader(state: NodeState, effects: Effects, term: number, canvassSentMs: number): void {
  const { nowMs, config, chain } = state;
  const { ownerLeaseMs, stopMs, downMarginMs } = config.timing;
  // The first term has no earlier leases. Later ones may, also where this node has heard of no decision: its predecessor's last may have reached others only.
  const settledAtMs = chain.tip === null && term === 1 ? nowMs : nowMs + ownerLeaseMs + stopMs + downMarginMs;
  const echoedMs = new Map<NodeId, number>();
  // Votes were promises made after the canvass was sent: they are the first acknowledgements.
  for (const [voter, vote] of state.facts.votes.get(term) ?? []) if (vote.candidate === config.self) echoedMs.set(voter, canvassSentMs);
  state.leader = {
    term,
    sinceMs: nowMs,
    settledAtMs,
    clockTerm: state.clock.term,
    beat: 0,
    nextBeatMs: nowMs,
    beatSentMs: new Map(),
    echoedMs,
    grantedMs: new Map(),
    custodyMax: new Map(),
    lostMs: nowMs,
    actsUntilMs: Number.NEGATIVE_INFINITY,
    actsFor: null,
    nextReviewMs: nowMs,
    resigned: false,
    abort: null,
    judge: 'no',
    judged: null,
    gatheredSinceMs: Number.POSITIVE_INFINITY,
    claimingSinceMs: Number.POSITIVE_INFINITY,
    drainSinceMs: Number.POSITIVE_INFINITY,
    sealedMs: Number.POSITIVE_INFINITY,
  };
  // Its own spool is part of what it holds; 'collect' merges it.
  state.held.set(config.self, Math.max(state.held.get(config.self) ?? 0, state.owner.windowLast));
  lead(state.clock, term);
  effects.report.push({ event: 'became-coordinator', term });
  effects.start.push({ what: 'collect', term });
}

/** Until when this coordinator may act: the majority's oldest echo plus the lease. */
export function actingUntilMs(state: NodeState, leader: LeaderState): number {
  const echoes: number[] = [];
  for (const [node, sentMs] of leader.echoedMs) {
    if (node !== state.config.self && isElector(state.facts, state.electorate, node)) echoes.push(sentMs);
  }
  const others = state.electorate.quorum - 1;
  if (others <= 0) return Number.POSITIVE_INFINITY;
  if (echoes.length < others) return Number.NEGATIVE_INFINITY;
  echoes.sort((a, b) => b - a);
  return (echoes[others - 1] ?? Number.NEGATIVE_INFINITY) + state.config.timing.leaseMs * LEASE_SAFETY;
}

/** P1: leading, not resigned, not superseded, and within the majority's lease. */
export function isActingLeader(state: NodeState): boolean {
  const { leader, coordinator } = state;
  if (leader === null || leader.resigned || coordinator === null) return false;
  if (coordinator.node !== state.config.self || coordinator.term !== leader.term) return false;
  // Echoes only get younger, so what was worked out for this electorate holds until it has passed: a look at every node once a lease, not once an event.
  if (leader.actsFor === state.electorate && state.nowMs < leader.actsUntilMs) return true;
  leader.actsFor = state.electorate;
  leader.actsUntilMs = actingUntilMs(state, leader);
  return state.nowMs < leader.actsUntilMs;
}

/** Leads no longer: beats stop, the others elect a successor when the lease that they promised has run out. */
export function resign(state: NodeState, effects: Effects, leader: LeaderState, reason: string): void {
  leader.resigned = true;
  effects.report.push({ event: 'lost-coordination', term: leader.term, reason });
}

function beat(state: NodeState, effects: Effects, leader: LeaderState): void {
  leader.beat += 1;
  leader.beatSentMs.set(leader.beat, state.nowMs);
  leader.beatSentMs.delete(leader.beat - BEATS_KEPT);
  leader.nextBeatMs = state.nowMs + state.config.timing.beatMs;
  effects.publish.push({ type: 'beat', term: leader.term, beat: leader.beat, swarmMs: swarmNow(state) });
}

/** Whether this pulse's sender may run load for another lease. */
function grants(state: NodeState, leader: LeaderState, from: NodeId, echoedMs: number): boolean {
  if (!state.chain.roster.has(from) || state.chain.down.has(from)) return false;
  // Whoever does not hear us gets no lease, so that its silence ends in `down` although we hear it (one-way partition).
  return echoedMs >= state.nowMs - state.config.timing.leaseMs && leader.term === state.coordinator?.term;
}

/** Windows of `node` arrived: as a pulse, as custody, or as this coordinator's own. Contiguous numbers only; the sender repeats the rest.
 * Returns the highest number held. */
export function acceptWindows(
  state: NodeState,
  effects: Effects,
  node: NodeId,
  windows: readonly { number: number; payload: Uint8Array }[],
): number {
  let upTo = state.held.get(node) ?? 0;
  const fresh = [];
  for (const window of windows) {
    if (window.number !== upTo + 1) continue;
    fresh.push(window);
    upTo = window.number;
  }
  if (fresh.length > 0) {
    effects.store.push({ node, windows: fresh, merge: isActingLeader(state) });
    state.held.set(node, upTo);
  }
  return upTo;
}

function answerCustody(
  state: NodeState,
  effects: Effects,
  from: NodeId,
  custody: Readonly<Record<NodeId, number>>,
): Record<NodeId, number> {
  const answer: Record<NodeId, number> = {};
  for (const [node, has] of Object.entries(custody)) {
    answer[node] = state.held.get(node) ?? 0;
    if (has > (state.leader?.custodyMax.get(node) ?? 0)) state.leader?.custodyMax.set(node, has);
  }
  if (state.chain.down.size === 0 || !isCustodian(state, from)) return answer;
  for (const node of state.chain.down) {
    const held = state.held.get(node) ?? 0;
    const has = custody[node] ?? 0;
    if (has >= held) continue;
    effects.sendWindows.push({ to: from, node, first: has + 1, last: Math.min(held, has + BOUNDS.windowsPerPulseMax), as: 'custody' });
  }
  return answer;
}

/** The first live voters by id keep the windows of nodes that are down, so that losing the coordinator does not lose them too (P6). */
function isCustodian(state: NodeState, node: NodeId): boolean {
  const { voters, down } = state.chain;
  const isLive = (voter: NodeId): boolean => voter !== state.config.self && !down.has(voter) && !state.facts.byes.has(voter);
  if (!voters.has(node) || !isLive(node)) return false;
  let before = 0;
  for (const voter of voters) {
    if (voter < node && isLive(voter)) before += 1;
    if (before >= BOUNDS.custodiansMax) return false;
  }
  return true;
}

export function onPulse(state: NodeState, effects: Effects, from: NodeId, pulse: Extract<Message, { type: 'pulse' }>): void {
  const { leader } = state;
  if (leader === null || pulse.term !== leader.term || leader.resigned || !state.facts.hellos.has(from)) return;
  const echoed = leader.beatSentMs.get(pulse.beat) ?? Number.NEGATIVE_INFINITY;
  if (echoed > (leader.echoedMs.get(from) ?? Number.NEGATIVE_INFINITY)) leader.echoedMs.set(from, echoed);
  if (!isActingLeader(state)) return;
  const granted = grants(state, leader, from, echoed);
  if (granted) leader.grantedMs.set(from, state.nowMs);
  const windowsUpTo = acceptWindows(state, effects, from, pulse.windows);
  effects.send.push({
    to: from,
    message: {
      type: 'pulse-ack',
      term: leader.term,
      beat: leader.beat,
      pulseSentMs: pulse.sentMs,
      swarmMs: swarmNow(state),
      windowsUpTo,
      decision: state.chain.tip,
      granted,
      settled: state.nowMs >= leader.settledAtMs,
      custody: answerCustody(state, effects, from, pulse.custody),
    },
  });
}

/** How long `node` has been without a lease beyond the point where it must have stopped; negative while it may be running. */
function overdueMs(state: NodeState, leader: LeaderState, node: NodeId): number {
  const { ownerLeaseMs, stopMs, downMarginMs } = state.config.timing;
  const grantedMs = leader.grantedMs.get(node) ?? leader.sinceMs;
  return state.nowMs - grantedMs - (ownerLeaseMs + stopMs + downMarginMs);
}

/** A node that released its claims or said bye has stopped its load by its own word. */
export const hasLeft = (state: NodeState, node: NodeId): boolean => state.facts.leaving.has(node) || state.facts.byes.has(node);

/** Members that were just added count as granted a lease now: only later silence makes them overdue. */
export function noteAdmitted(state: NodeState, leader: LeaderState, nodes: readonly NodeId[]): void {
  for (const node of nodes) leader.grantedMs.set(node, state.nowMs);
}

/** Counts out who is overdue or has left, once the leases of earlier terms have run out. */
export function declareDown(state: NodeState, effects: Effects, leader: LeaderState): void {
  if (state.nowMs < leader.settledAtMs || state.chain.phase === 'sealed') return;
  for (const member of state.chain.roster.values()) {
    if (member.node === state.config.self || state.chain.down.has(member.node)) continue;
    const overdue = overdueMs(state, leader, member.node);
    if (overdue < 0 && !hasLeft(state, member.node)) continue;
    const sinceMs = Math.max(0, Math.round(state.nowMs - (leader.grantedMs.get(member.node) ?? leader.sinceMs)));
    const silentMs = state.facts.leaving.has(member.node) ? GAVE_BACK : sinceMs;
    leader.lostMs = state.nowMs;
    append(state, effects, 'down', { term: leader.term, previous: state.chain.tip, node: member.node, silentMs });
  }
}

/** Periodic part of coordination. Returns when it wants to be called next. */
export function leaderTick(state: NodeState, effects: Effects): number {
  const { leader } = state;
  if (leader === null || leader.resigned) return Number.POSITIVE_INFINITY;
  if (state.coordinator !== null && state.coordinator.term > leader.term) {
    resign(state, effects, leader, `node ${state.coordinator.node} leads term ${state.coordinator.term}`);
    return Number.POSITIVE_INFINITY;
  }
  if (state.planFailed !== null && state.chain.phase === 'running') {
    resign(state, effects, leader, `the scenario cannot be loaded here: ${state.planFailed}`);
    return Number.POSITIVE_INFINITY;
  }
  if (!isActingLeader(state)) {
    resign(state, effects, leader, 'no majority answered within the lease');
    return Number.POSITIVE_INFINITY;
  }
  if (state.nowMs >= leader.nextBeatMs) beat(state, effects, leader);
  return leader.nextBeatMs;
}
