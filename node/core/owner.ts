// What a node does for the shards it owns: claims exactly what the assignment gives it, prepares, provisions, starts load when the phase and its lease
// allow, stops it when the shard moves. Load that runs may go on under a new coordinator; load STARTS only once that coordinator says that all
// leases of earlier terms have run out (P3). Leases are pulse.ts, ending is drain.ts.

import { append } from './append.ts';
import { BOUNDS } from './config.ts';
import { drain, leave } from './drain.ts';
import type { Effects, NodeEvent } from './events.ts';
import { claimKey, refKey } from './facts.ts';
import { acceptWindows, isActingLeader } from './leader.ts';
import { meetingsIn } from './meetings.ts';
import type { Claim, DecisionRef, MeetingFacts } from './messages.ts';
import { decisiveTip, isWanted, meetingsOf, stopShards } from './owned.ts';
import type { Plan } from './plan-types.ts';
import { type NodeState, type OwnedShard, ordersOf } from './state.ts';

/** A first start that is later than this is a restart: its endpoints come back through the ramp limiter instead of all at once. */
const LATE_START_MS = 2000;
/**
 * Load is handed to the workers this long before T0 and not earlier: until then every round trip makes T0 more exact on this node. Shorter, and a worker
 * that has thousands of endpoints to lay out would be late.
 */
const HAND_OVER_MS = 500;

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

const lacking = (state: NodeState, plan: Plan, claim: Claim): number[] =>
  meetingsOf(plan, claim).filter((meeting) => !meetingsIn(state).facts.has(meeting));

function provision(state: NodeState, effects: Effects, plan: Plan): void {
  for (const shard of state.owner.owned.values()) {
    if (shard.stage !== 'ready' || shard.provisioning || plan.shards[shard.claim.shard]?.kind !== 'meetings') continue;
    const meetings = lacking(state, plan, shard.claim);
    if (meetings.length === 0) continue;
    shard.provisioning = true;
    effects.start.push({ what: 'provision', claim: shard.claim, meetings });
  }
}

function writeReady(state: NodeState, effects: Effects, decision: DecisionRef, problem: string | null): void {
  state.owner.readyFor = refKey(decision);
  append(state, effects, 'ready', { decision, problem: problem === null ? null : { reason: 'setup-failed', message: problem } });
}

function announceReady(state: NodeState, effects: Effects): void {
  const { plan, owner, chain } = state;
  if (!chain.roster.has(state.config.self) || chain.phase !== 'claiming') return;
  const tip = decisiveTip(state);
  if (tip === null || owner.readyFor === refKey(tip)) return;
  const problem = state.planFailed ?? owner.problem;
  if (problem !== null) return writeReady(state, effects, tip, problem);
  if (plan === null || state.assignment === null) return;
  for (const shard of owner.owned.values()) {
    if (shard.stage === 'claimed' || lacking(state, plan, shard.claim).length > 0) return;
  }
  writeReady(state, effects, tip, null);
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
  if (lateMs < -HAND_OVER_MS) return;
  const isDue = (shard: OwnedShard): boolean => shard.stage === 'ready' && plan.shards[shard.claim.shard]?.kind === 'endpoints';
  const due = [...owner.owned.values()].filter(isDue);
  if (due.length === 0) return;
  const nodes = [...chain.roster.values()].filter((member) => member.load && !chain.down.has(member.node)).length;
  for (const shard of due) {
    if (owner.leaving.size > 0 && [...owner.leaving].some((key) => key.startsWith(`${shard.claim.shard}.`))) continue;
    const restart = shard.started || shard.claim.epoch > 1 || lateMs > LATE_START_MS;
    shard.stage = 'running';
    shard.started = true;
    owner.startedT0SwarmMs = chain.t0SwarmMs;
    const restartRatePerS = Math.max(1, plan.restartRatePerS / Math.max(1, nodes));
    effects.start.push({ what: 'load', claim: shard.claim, t0Ms, fromMs: restart ? Math.max(0, lateMs) : 0, restartRatePerS });
  }
}

function passScales(state: NodeState, effects: Effects): void {
  const runId = state.chain.manifest?.runId;
  if (runId === undefined) return;
  const { scales } = ordersOf(state, runId);
  for (const scale of scales.slice(state.owner.scalesKnown)) effects.start.push({ what: 'scale', scale });
  state.owner.scalesKnown = scales.length;
}

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
      if (event.problem === null) return;
      owner.problem = event.problem;
      effects.report.push({ event: 'problem', message: event.problem });
      return;
    case 'meetings-provisioned':
      return writeMeetings(state, effects, event.facts);
    case 'provision-failed':
      owner.problem = event.message;
      effects.report.push({ event: 'problem', message: event.message });
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

/** Load that runs by a T0 that is void (its coordinator's successor never heard of it) stops: the same shards start again with everybody else's. */
function stopVoidStart(state: NodeState, effects: Effects): void {
  const { owner, chain } = state;
  if (owner.startedT0SwarmMs === null || owner.startedT0SwarmMs === chain.t0SwarmMs || !state.chainComplete) return;
  owner.startedT0SwarmMs = null;
  const running = [...owner.owned.values()].filter((shard) => shard.stage === 'running');
  stopShards(state, effects, running, 0, 'another coordinator starts the run');
}

/** Periodic part for nodes that claim load. */
export function ownerTick(state: NodeState, effects: Effects): void {
  const { phase } = state.chain;
  if (state.leave !== 'no') return leave(state, effects);
  if (phase !== 'claiming' && phase !== 'running' && phase !== 'draining') return;
  stopVoidStart(state, effects);
  reconcile(state, effects);
  if (phase === 'draining') return drain(state, effects);
  if (state.plan === null) return;
  provision(state, effects, state.plan);
  announceReady(state, effects);
  passScales(state, effects);
  startLoad(state, effects, state.plan);
}
