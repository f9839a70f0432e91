// Pulses and leases from a node's side. The lease runs from the moment the acknowledged pulse was SENT, so it always ends before the coordinator may give
// a shard away (P3); workers get the same deadline and keep it also while this process is paused. It is renewed only for a node that knows
// the coordinator's last decision. Windows travel with pulses and are repeated until they are acknowledged (P6).

import { observe } from './clock.ts';
import { BOUNDS } from './config.ts';
import { heardBeat } from './election.ts';
import type { Effects } from './events.ts';
import { isActingLeader } from './leader.ts';
import type { DecisionRef, Message, NodeId } from './messages.ts';
import type { NodeState } from './state.ts';
import { askAuthor } from './sync.ts';

/** A grant is handed to the workers only when it moved by this much: once a beat, not once an event. */
const GRANT_STEP_MS = 400;

/** Good enough to start by: timers are no better. */
const CLOCK_ERROR_MS_ENOUGH = 0.5;

const sameRef = (a: DecisionRef | null, b: DecisionRef | null): boolean =>
  a === null ? b === null : b !== null && a.author === b.author && a.seq === b.seq;

/** Between the decision to start and T0 nothing else happens, and load starts as exactly together as swarm time is known. */
function isSettingClock({ chain, clock, nowMs }: NodeState): boolean {
  if (chain.phase !== 'running' || chain.t0SwarmMs === null) return false;
  return nowMs + clock.offsetMs < chain.t0SwarmMs && clock.errorMs > CLOCK_ERROR_MS_ENOUGH;
}

/** 100 to 200 ms, another period for each node: pulses that answer the same beat wait for each other, and that wait is what makes a round trip inexact. */
const clockPulseMs = ({ config }: NodeState): number => config.timing.syncMs * (1 + (config.randomSeed % 97) / 97);

function sendPulse(state: NodeState, effects: Effects, to: NodeId, term: number): void {
  const { owner, election, config, nowMs } = state;
  owner.nextPulseMs = nowMs + (isSettingClock(state) ? clockPulseMs(state) : config.timing.beatMs * 1.2);
  const custody: Record<NodeId, number> = {};
  for (const node of state.chain.down) {
    const held = state.held.get(node);
    if (held !== undefined) custody[node] = held;
  }
  const beat = election.heardTerm === term ? election.heardBeat : 0;
  const pulse = { type: 'pulse' as const, term, beat, sentMs: nowMs, windows: [], custody };
  const first = owner.windowsAcked + 1;
  const last = Math.min(owner.windowLast, owner.windowsAcked + BOUNDS.windowsPerPulseMax);
  if (owner.windowsAckedTerm === term && first <= last) effects.sendWindows.push({ to, node: config.self, first, last, as: { pulse } });
  else effects.send.push({ to, message: pulse });
}

function extendGrant(state: NodeState, effects: Effects, untilMs: number): void {
  const { owner } = state;
  if (untilMs < owner.grantUntilMs + GRANT_STEP_MS || untilMs <= state.nowMs) return;
  owner.grantUntilMs = untilMs;
  owner.lapsed = false;
  if (state.config.load) effects.start.push({ what: 'grant', untilMs });
}

export function onPulseAck(state: NodeState, effects: Effects, from: NodeId, ack: Extract<Message, { type: 'pulse-ack' }>): void {
  const { owner, coordinator, nowMs, config } = state;
  if (coordinator === null || coordinator.node !== from || coordinator.term !== ack.term || ack.pulseSentMs > nowMs) return;
  const isNews = ack.term > state.election.heardTerm || ack.beat > state.election.heardBeat;
  if (!heardBeat(state, ack.term, ack.beat)) return;
  observe(state.clock, ack.term, ack.pulseSentMs, nowMs, ack.swarmMs);
  const acked = owner.windowsAckedTerm === ack.term ? Math.max(owner.windowsAcked, ack.windowsUpTo) : ack.windowsUpTo;
  const progressed = owner.windowsAckedTerm !== ack.term || acked > owner.windowsAcked;
  owner.windowsAcked = acked;
  owner.windowsAckedTerm = ack.term;
  const upToDate = state.chainComplete && sameRef(ack.decision, state.chain.tip);
  if (ack.granted && upToDate) {
    extendGrant(state, effects, ack.pulseSentMs + config.timing.ownerLeaseMs);
    if (ack.settled) owner.settledTerm = ack.term;
  }
  if (!upToDate) askAuthor(state, effects, from);
  const member = state.chain.roster.has(config.self) && !state.chain.down.has(config.self);
  // Gossip lost the beat that this answer names: echoing it at once keeps the coordinator's lease, which two lost beats would end.
  if (isNews || (progressed && acked < owner.windowLast)) owner.nextPulseMs = nowMs;
  else if (member && (!ack.granted || !upToDate)) owner.nextPulseMs = Math.min(owner.nextPulseMs, nowMs + config.timing.syncMs);
  for (const [node, held] of Object.entries(ack.custody)) {
    const has = state.held.get(node) ?? 0;
    if (has <= held) continue;
    effects.sendWindows.push({ to: from, node, first: held + 1, last: Math.min(has, held + BOUNDS.windowsPerPulseMax), as: 'custody' });
  }
}

/** A coordinator that acts has its majority's word: its own load runs under the same lease as everybody's. */
function grantSelf(state: NodeState, effects: Effects): void {
  const { leader } = state;
  if (leader === null || !isActingLeader(state)) return;
  if (!state.chain.roster.has(state.config.self) || state.chain.down.has(state.config.self)) return;
  extendGrant(state, effects, state.nowMs + state.config.timing.ownerLeaseMs);
  if (state.nowMs >= leader.settledAtMs) state.owner.settledTerm = leader.term;
}

/** A beat was heard: answering at once keeps the coordinator's lease young. */
export function pulseNow(state: NodeState): void {
  state.owner.nextPulseMs = state.nowMs;
}

/** Sends a pulse when it is due, or renews the own lease of an acting coordinator. Returns when it wants to be called next. */
export function pulseTick(state: NodeState, effects: Effects): number {
  const { owner, coordinator, config } = state;
  const lapseMs = owner.lapsed ? Number.POSITIVE_INFINITY : owner.grantUntilMs;
  if (state.leader !== null && !state.leader.resigned) {
    grantSelf(state, effects);
    return lapseMs;
  }
  if (coordinator === null || coordinator.node === config.self) return lapseMs;
  if (state.nowMs >= owner.nextPulseMs) sendPulse(state, effects, coordinator.node, coordinator.term);
  return Math.min(owner.nextPulseMs, lapseMs);
}
