// What a node does for the shards it owns: claims exactly what the assignment gives it, prepares, provisions, starts load when the phase and its lease allow,
// stops when the lease lapses, the shard moves or the run drains. The lease runs from the moment the acknowledged pulse was SENT, so it always ends
// before the coordinator may give the shard away (P3); workers get the same deadline and keep it also while this process is paused. Load
// that runs may go on under a new coordinator; load STARTS only once that coordinator says that all earlier leases have run out.

import { append } from './append.ts';
import { observe } from './clock.ts';
import { BOUNDS } from './config.ts';
import { heardBeat } from './election.ts';
import type { Effects, NodeEvent } from './events.ts';
import { claimKey, refKey } from './facts.ts';
import { acceptWindows, isActingLeader } from './leader.ts';
import { heldSeq } from './log.ts';
import type { Claim, DecisionRef, EndReason, MeetingFacts, Message, NodeId } from './messages.ts';
import type { Plan } from './plan-types.ts';
import { type NodeState, type OwnedShard, type OwnerState, ordersOf, swarmNow } from './state.ts';

/** A first start that is later than this is a restart: its endpoints come back through the ramp limiter instead of all at once. */
const LATE_START_MS = 2000;
/** A grant is handed to the workers only when it moved by this much: once a beat, not once an event. */
const GRANT_STEP_MS = 400;

export const createOwner = (windowLast: number): OwnerState => ({
  owned: new Map(),
  leaving: new Set(),
  grantUntilMs: Number.NEGATIVE_INFINITY,
  settledTerm: 0,
  reconciledFor: '',
  readyFor: '',
  problem: null,
  scalesKnown: 0,
  windowLast,
  windowsAcked: 0,
  windowsAckedTerm: 0,
  nextPulseMs: 0,
  lastWindowAfter: 0,
  doneWritten: false,
  teardownFailures: 0,
  lapsed: false,
});

const sameRef = (a: DecisionRef | null, b: DecisionRef | null): boolean =>
  a === null ? b === null : b !== null && a.author === b.author && a.seq === b.seq;

/** Last decision that changes owners: `ready` refers to it, phases do not count. */
export function decisiveTip(state: NodeState): DecisionRef | null {
  for (let index = state.chain.decisions.length - 1; index >= 0; index--) {
    const entry = state.chain.decisions[index];
    if (entry !== undefined && entry.kind !== 'phase') return { author: entry.author, seq: entry.seq };
  }
  return null;
}

// --- pulses and leases -------------------------------------------------------------------------------------------------------------------------

function sendPulse(state: NodeState, effects: Effects, to: NodeId, term: number): void {
  const { owner, election, config, nowMs } = state;
  owner.nextPulseMs = nowMs + config.timing.beatMs * 1.2;
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
  if (untilMs < owner.grantUntilMs + GRANT_STEP_MS) return;
  owner.grantUntilMs = untilMs;
  owner.lapsed = false;
  if (state.config.load) effects.start.push({ what: 'grant', untilMs });
}

export function onPulseAck(state: NodeState, effects: Effects, from: NodeId, ack: Extract<Message, { type: 'pulse-ack' }>): void {
  const { owner, coordinator, nowMs, config } = state;
  if (coordinator === null || coordinator.node !== from || coordinator.term !== ack.term || ack.pulseSentMs > nowMs) return;
  if (!heardBeat(state, ack.term, ack.beat)) return;
  observe(state.clock, ack.pulseSentMs, nowMs, ack.swarmMs);
  const acked = owner.windowsAckedTerm === ack.term ? Math.max(owner.windowsAcked, ack.windowsUpTo) : ack.windowsUpTo;
  const progressed = owner.windowsAckedTerm !== ack.term || acked > owner.windowsAcked;
  owner.windowsAcked = acked;
  owner.windowsAckedTerm = ack.term;
  const upToDate = state.chainComplete && sameRef(ack.decision, state.chain.tip);
  if (ack.granted && upToDate) {
    extendGrant(state, effects, ack.pulseSentMs + config.timing.ownerLeaseMs);
    if (ack.settled) owner.settledTerm = ack.term;
  }
  if (!upToDate) effects.send.push({ to: from, message: { type: 'want', after: { [from]: heldSeq(state.log, from) }, full: false } });
  const member = state.chain.roster.has(config.self) && !state.chain.down.has(config.self);
  if (progressed && acked < owner.windowLast) owner.nextPulseMs = nowMs;
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

/** First thing in every step, so that a node that was paused stops before it believes anything it is told. */
export function lapseIfDue(state: NodeState, effects: Effects): void {
  const { owner } = state;
  if (owner.lapsed || state.nowMs < owner.grantUntilMs) return;
  owner.lapsed = true;
  const running = [...owner.owned.values()].filter((shard) => shard.stage === 'running');
  if (running.length === 0) return;
  stopShards(state, effects, running, 0, 'the lease lapsed');
  effects.report.push({ event: 'lapsed', claims: running.length });
}

// --- claims ------------------------------------------------------------------------------------------------------------------------------------

export function stopShards(state: NodeState, effects: Effects, shards: readonly OwnedShard[], graceMs: number, reason: string): void {
  if (shards.length === 0) return;
  for (const shard of shards) shard.stage = 'stopping';
  effects.stop.push({ what: 'load', claims: shards.map((shard) => shard.claim), graceMs, reason });
}

function isWanted(state: NodeState, claim: Claim): boolean {
  const { assignment, config, facts } = state;
  if (assignment === null || assignment.owners[claim.shard] !== config.self || assignment.epochs[claim.shard] !== claim.epoch) return false;
  return !facts.releases.has(`${claimKey(claim.shard, claim.epoch)}/${config.self}`) && !state.chain.down.has(config.self);
}

/** Makes what is owned what the assignment says: drops what moved away, claims what is new. */
function reconcile(state: NodeState, effects: Effects): void {
  const { owner, assignment, config } = state;
  if (assignment === null || !state.chainComplete) return;
  const key = `${state.assignmentKey} ${state.chain.phase} ${state.chain.down.size} ${state.facts.releases.size}`;
  if (owner.reconciledFor === key) return;
  owner.reconciledFor = key;
  const moved = [...owner.owned.values()].filter((shard) => !isWanted(state, shard.claim));
  for (const shard of moved) {
    owner.owned.delete(shard.claim.shard);
    if (shard.stage === 'running' || shard.stage === 'stopping') owner.leaving.add(claimKey(shard.claim.shard, shard.claim.epoch));
  }
  stopShards(
    state,
    effects,
    moved.filter((shard) => shard.stage === 'running'),
    0,
    'the shard moved to another node',
  );
  if (state.chain.phase !== 'claiming' && state.chain.phase !== 'running') return;
  const fresh: Claim[] = [];
  assignment.owners.forEach((node, shard) => {
    const claim = { shard, epoch: assignment.epochs[shard] ?? 0 };
    if (node === config.self && !owner.owned.has(shard) && isWanted(state, claim)) fresh.push(claim);
  });
  const tip = decisiveTip(state);
  if (fresh.length === 0 || tip === null) return;
  for (const claim of fresh)
    owner.owned.set(claim.shard, { claim, stage: 'claimed', provisioning: false, torndown: false, started: false });
  append(state, effects, 'claim', { decision: tip, claims: fresh });
  effects.start.push({ what: 'prepare', claims: fresh });
}

function meetingsOf(plan: Plan, claim: Claim): number[] {
  const shard = plan.shards[claim.shard];
  return shard?.kind === 'meetings' ? Array.from({ length: shard.meetingCount }, (_, index) => shard.meetingFirst + index) : [];
}

const lacking = (state: NodeState, plan: Plan, claim: Claim): number[] =>
  meetingsOf(plan, claim).filter((meeting) => !state.facts.meetings.has(meeting));

function provision(state: NodeState, effects: Effects, plan: Plan): void {
  for (const shard of state.owner.owned.values()) {
    if (shard.stage !== 'ready' || shard.provisioning || plan.shards[shard.claim.shard]?.kind !== 'meetings') continue;
    const meetings = lacking(state, plan, shard.claim);
    if (meetings.length === 0) continue;
    shard.provisioning = true;
    effects.start.push({ what: 'provision', claim: shard.claim, meetings });
  }
}

function writeReady(state: NodeState, effects: Effects, reason: EndReason, problem: string | null): void {
  const tip = decisiveTip(state);
  if (tip === null || state.owner.readyFor === refKey(tip)) return;
  state.owner.readyFor = refKey(tip);
  append(state, effects, 'ready', { decision: tip, problem: problem === null ? null : { reason, message: problem } });
}

function announceReady(state: NodeState, effects: Effects): void {
  const { plan, owner, chain } = state;
  if (!chain.roster.has(state.config.self) || chain.phase !== 'claiming') return;
  const problem = state.planFailed ?? owner.problem;
  if (problem !== null) return writeReady(state, effects, 'setup-failed', problem);
  if (plan === null || state.assignment === null) return;
  for (const shard of owner.owned.values()) {
    if (shard.stage === 'claimed' || lacking(state, plan, shard.claim).length > 0) return;
  }
  writeReady(state, effects, 'setup-failed', null);
}

function mayStart(state: NodeState): boolean {
  const { owner, coordinator, chain } = state;
  return (
    chain.phase === 'running' &&
    state.chainComplete &&
    state.leave === 'no' &&
    state.nowMs < owner.grantUntilMs &&
    coordinator !== null &&
    owner.settledTerm === coordinator.term
  );
}

function startLoad(state: NodeState, effects: Effects, plan: Plan): void {
  const { owner, chain, clock } = state;
  if (!mayStart(state) || chain.t0SwarmMs === null) return;
  const t0Ms = chain.t0SwarmMs - clock.offsetMs;
  const lateMs = state.nowMs - t0Ms;
  const nodes = [...chain.roster.values()].filter((member) => member.load && !chain.down.has(member.node)).length;
  for (const shard of owner.owned.values()) {
    if (shard.stage !== 'ready' || plan.shards[shard.claim.shard]?.kind !== 'endpoints') continue;
    if (owner.leaving.size > 0 && [...owner.leaving].some((key) => key.startsWith(`${shard.claim.shard}.`))) continue;
    const restart = shard.started || shard.claim.epoch > 1 || lateMs > LATE_START_MS;
    shard.stage = 'running';
    shard.started = true;
    const restartRatePerS = Math.max(1, plan.restartRatePerS / Math.max(1, nodes));
    effects.start.push({ what: 'load', claim: shard.claim, t0Ms, fromMs: restart ? Math.max(0, lateMs) : 0, restartRatePerS });
  }
}

function passScales(state: NodeState, effects: Effects): void {
  const runId = state.chain.manifest?.runId;
  if (runId === undefined) return;
  const { scales } = ordersOf(state, runId);
  for (const scale of scales.slice(state.owner.scalesKnown)) {
    effects.start.push({ what: 'scale', scale });
    effects.report.push({
      event: 'order',
      order: 'scale',
      text: `${scale.group} x${scale.factor} from ${Math.round(scale.atMs / 1000)} s`,
    });
  }
  state.owner.scalesKnown = scales.length;
}

// --- draining ----------------------------------------------------------------------------------------------------------------------------------

const isBusy = (owner: OwnerState): boolean =>
  owner.leaving.size > 0 || [...owner.owned.values()].some((shard) => shard.stage === 'running' || shard.stage === 'stopping');

function drain(state: NodeState, effects: Effects): void {
  const { owner, plan, chain } = state;
  const runId = chain.manifest?.runId ?? '';
  const graceMs = ordersOf(state, runId).stop === 'now' ? 0 : (plan?.gracefulStopMs ?? 0);
  stopShards(
    state,
    effects,
    [...owner.owned.values()].filter((shard) => shard.stage === 'running'),
    graceMs,
    `draining: ${chain.endReason}`,
  );
  if (isBusy(owner)) return;
  let waiting = false;
  for (const shard of owner.owned.values()) {
    if (plan === null || plan.shards[shard.claim.shard]?.kind !== 'meetings' || shard.torndown) continue;
    waiting = true;
    if (shard.stage === 'finished') continue;
    shard.stage = 'finished';
    const meetings = meetingsOf(plan, shard.claim).filter(
      (meeting) => state.facts.meetings.has(meeting) && !state.facts.torndown.has(meeting),
    );
    effects.start.push({ what: 'teardown', claim: shard.claim, meetings });
  }
  if (!waiting && owner.lastWindowAfter === 0) owner.lastWindowAfter = owner.windowLast + 1;
}

/** Gives everything back and leaves: a machine that is being reclaimed hands over at once instead of being missed. */
function leave(state: NodeState, effects: Effects): void {
  const { owner } = state;
  stopShards(
    state,
    effects,
    [...owner.owned.values()].filter((shard) => shard.stage === 'running'),
    state.plan?.gracefulStopMs ?? 0,
    'this node leaves',
  );
  if (isBusy(owner)) return;
  const claims = [...owner.owned.values()].filter((shard) => shard.stage !== 'finished').map((shard) => shard.claim);
  if (claims.length > 0) append(state, effects, 'release', { claims, reason: 'this node leaves' });
  append(state, effects, 'bye', { reason: 'told to leave' });
  state.leave = 'released';
  state.exitAtMs = state.nowMs + state.config.timing.beatMs * 3;
  state.exitAs = { exit: 'stoppedByOperator', message: 'told to leave' };
}

// --- events ------------------------------------------------------------------------------------------------------------------------------------

function ownedBy(state: NodeState, claim: Claim): OwnedShard | undefined {
  const shard = state.owner.owned.get(claim.shard);
  return shard?.claim.epoch === claim.epoch ? shard : undefined;
}

function writeMeetings(state: NodeState, effects: Effects, facts: readonly MeetingFacts[]): void {
  for (let first = 0; first < facts.length; first += BOUNDS.meetingFactsPerEntryMax) {
    append(state, effects, 'meeting', { facts: facts.slice(first, first + BOUNDS.meetingFactsPerEntryMax), torndown: [] });
  }
}

/** Events from this node's own workers and spool. */
export function onLocal(state: NodeState, effects: Effects, event: NodeEvent): void {
  const { owner } = state;
  switch (event.type) {
    case 'prepared':
      for (const claim of event.claims) {
        const shard = ownedBy(state, claim);
        if (shard?.stage === 'claimed' && event.problem === null) shard.stage = 'ready';
      }
      if (event.problem !== null) owner.problem = event.problem;
      return;
    case 'meetings-provisioned':
      return writeMeetings(state, effects, event.facts);
    case 'provision-failed':
      owner.problem = event.message;
      return;
    case 'load-stopped':
      for (const claim of event.claims) {
        owner.leaving.delete(claimKey(claim.shard, claim.epoch));
        const shard = ownedBy(state, claim);
        if (shard !== undefined) shard.stage = event.finished || state.chain.phase === 'draining' ? 'finished' : 'ready';
      }
      return;
    case 'torn-down': {
      const shard = ownedBy(state, event.claim);
      if (shard !== undefined) shard.torndown = true;
      owner.teardownFailures += event.failures;
      if (event.meetings.length > 0) append(state, effects, 'meeting', { facts: [], torndown: event.meetings });
      return;
    }
    case 'window-closed':
      if (owner.doneWritten) return;
      owner.windowLast = event.window.number;
      if (state.leader !== null && isActingLeader(state)) acceptWindows(state, effects, state.config.self, [event.window]);
      if (owner.lastWindowAfter === 0 || event.window.number < owner.lastWindowAfter) return;
      owner.doneWritten = true;
      append(state, effects, 'done', { windowLast: event.window.number, teardownFailures: owner.teardownFailures });
      return;
    default:
      return;
  }
}

/** A beat was heard: answering at once keeps the coordinator's lease young. */
export function pulseNow(state: NodeState): void {
  state.owner.nextPulseMs = state.nowMs;
}

/** Periodic part. Returns when it wants to be called next. */
export function ownerTick(state: NodeState, effects: Effects): number {
  const { owner, coordinator, config } = state;
  const leads = state.leader !== null && !state.leader.resigned;
  if (leads) grantSelf(state, effects);
  else if (coordinator !== null && coordinator.node !== config.self && state.nowMs >= owner.nextPulseMs) {
    sendPulse(state, effects, coordinator.node, coordinator.term);
  }
  if (config.load) {
    if (state.leave === 'wanted') leave(state, effects);
    else if (state.chain.phase === 'claiming' || state.chain.phase === 'running') {
      reconcile(state, effects);
      if (state.plan !== null) {
        provision(state, effects, state.plan);
        announceReady(state, effects);
        passScales(state, effects);
        startLoad(state, effects, state.plan);
      }
    } else if (state.chain.phase === 'draining') {
      reconcile(state, effects);
      drain(state, effects);
    }
  }
  return Math.min(owner.nextPulseMs, owner.lapsed ? Number.POSITIVE_INFINITY : owner.grantUntilMs);
}

/** Milliseconds since T0 in swarm time; negative before, null while T0 is unknown. */
export const sinceT0Ms = (state: NodeState): number | null =>
  state.chain.t0SwarmMs === null ? null : swarmNow(state) - state.chain.t0SwarmMs;
