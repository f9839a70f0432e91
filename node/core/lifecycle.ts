// The run as the coordinator moves it on (DESIGN.md sections 3 and 5): seal the roster when everybody expected is there and a manifest is, start when all
// claims are ready, admit joiners, end for one of the listed reasons, wait for every window that will come, have the verdict written, seal. Every
// wait here has an end (P5). Decisions are entries; what nodes do about them is owner.ts.

import { append } from './append.ts';
import { votesFor } from './chain.ts';
import type { ExitName } from './errors.ts';
import type { Effects } from './events.ts';
import { type DecisionEntry, refKey } from './facts.ts';
import { declareDown, hasLeft, isActingLeader, noteAdmitted } from './leader.ts';
import { meetingsIn } from './meetings.ts';
import { type EndReason, GAVE_BACK, type NodeId, type Phase, type RosterMember } from './messages.ts';
import { decisiveTip } from './owned.ts';
import { firstManifest, type LeaderState, type NodeState, ordersOf, swarmNow } from './state.ts';

/** The coordinator looks through all nodes this often at most: once an event would be most of its work when 700 of them pulse. Later decisions if longer. */
const REVIEW_MS = 20;

/** Exit that a reason implies; 'completed' is judged by thresholds and health (verdict.ts). */
export const EXIT_OF_REASON: Readonly<Record<EndReason, ExitName>> = {
  completed: 'pass',
  stopped: 'stoppedByOperator',
  'aborted-by-threshold': 'thresholdFailed',
  'aborted-by-scenario': 'abortedByScenario',
  'node-lost': 'abortedBySwarm',
  'coordinator-lost': 'quorumLost',
  'quorum-lost': 'quorumLost',
  'setup-failed': 'setupFailed',
  unplaceable: 'capacityNeverReached',
  'capacity-never-reached': 'capacityNeverReached',
  'wall-limit': 'budgetReached',
  'cost-limit': 'budgetReached',
  'contract-broken': 'simulatorBrokeContract',
  'internal-fault': 'internalFault',
};

function decidePhase(
  state: NodeState,
  effects: Effects,
  leader: LeaderState,
  phase: Phase,
  atSwarmMs: number,
  reason: EndReason | null,
  message: string,
  exit: ExitName | null,
): void {
  append(state, effects, 'phase', { term: leader.term, previous: state.chain.tip, phase, atSwarmMs, reason, message, exit });
}

function end(state: NodeState, effects: Effects, leader: LeaderState, reason: EndReason, message: string): void {
  decidePhase(state, effects, leader, 'draining', swarmNow(state), reason, message, null);
}

/** Nodes whose hello is in the log and that neither said bye nor are in the roster and up. */
function candidates(state: NodeState): RosterMember[] {
  const members: RosterMember[] = [];
  for (const [node, hello] of state.facts.hellos) {
    if (hasLeft(state, node)) continue;
    if (state.chain.roster.has(node) && !state.chain.down.has(node)) continue;
    members.push({ node, voter: hello.body.voter, load: hello.body.load, capabilities: hello.body.capabilities });
  }
  return members.sort((a, b) => (a.node < b.node ? -1 : 1));
}

/** As many voters as the ticket announced, those first who elected this coordinator: with more, the majority that made it one would be none any more. */
function withVoters(state: NodeState, leader: LeaderState, members: readonly RosterMember[]): RosterMember[] {
  const { self, expectNodes, expectWitnesses } = state.config;
  const votes = state.facts.votes.get(leader.term);
  const rank = ({ node }: RosterMember): number => (votes?.get(node)?.candidate === self ? 0 : 1);
  const able = members.filter((member) => member.voter).sort((a, b) => rank(a) - rank(b));
  const voters = new Set(able.slice(0, expectNodes + expectWitnesses).map((member) => member.node));
  return members.map((member) => ({ ...member, voter: voters.has(member.node) }));
}

/** How long expected load nodes wait for expected seeds. */
const SEED_WAIT_MS = 30_000;

function forming(state: NodeState, effects: Effects, leader: LeaderState): void {
  const members = withVoters(state, leader, candidates(state));
  const load = members.filter((member) => member.load).length;
  const first = firstManifest(state);
  const { expectNodes, expectWitnesses, timing } = state.config;
  if (first !== null && ordersOf(state, first.manifest.runId).stop !== 'no') {
    return decidePhase(state, effects, leader, 'sealed', swarmNow(state), 'stopped', 'stopped by the operator', 'stoppedByOperator');
  }
  if (load >= expectNodes) leader.gatheredSinceMs = Math.min(leader.gatheredSinceMs, state.nowMs);
  // A seed that comes after the sealing has no vote. One that was lost meanwhile must not hold up the others.
  const hasSeeds = members.length - load >= expectWitnesses || state.nowMs - leader.gatheredSinceMs > SEED_WAIT_MS;
  if (load >= expectNodes && hasSeeds && first !== null) {
    append(state, effects, 'roster', { term: leader.term, previous: null, manifest: first.ref, add: members, movableFromMs: 0 });
    noteAdmitted(
      state,
      leader,
      members.map((member) => member.node),
    );
    return;
  }
  if (state.nowMs - state.bootedMs <= timing.formMsMax) return;
  const message = first === null ? 'no scenario was submitted' : `${load} of ${expectNodes} expected nodes joined`;
  decidePhase(state, effects, leader, 'sealed', swarmNow(state), 'capacity-never-reached', message, 'capacityNeverReached');
}

const liveLoadNodes = (state: NodeState): NodeId[] =>
  [...state.chain.roster.values()].filter((member) => member.load && !state.chain.down.has(member.node)).map((member) => member.node);

/** What ends a run in any phase before draining: the operator, the clock, an abort, lost nodes under a strict policy. */
function commonEnd(state: NodeState, leader: LeaderState): { reason: EndReason; message: string } | null {
  const { manifest } = state.chain;
  if (manifest === null) return null;
  if (leader.abort !== null) return leader.abort;
  if (ordersOf(state, manifest.runId).stop !== 'no') return { reason: 'stopped', message: 'stopped by the operator' };
  if (state.nowMs - state.manifestSeenMs > manifest.wallMsMax) {
    return { reason: 'wall-limit', message: `the run's limit of ${Math.round(manifest.wallMsMax / 1000)} s has passed` };
  }
  return lossEnd(state, manifest.onNodeLoss);
}

/** Whether this node, that is down, gave its claims back before it was counted out. */
function hasGivenBack({ chain }: NodeState, node: NodeId): boolean {
  const last = chain.decisions.findLast((entry) => entry.kind === 'down' && entry.body.node === node);
  return last?.kind === 'down' && last.body.silentMs === GAVE_BACK;
}

function lossEnd(
  state: NodeState,
  policy: NonNullable<NodeState['chain']['manifest']>['onNodeLoss'],
): { reason: EndReason; message: string } | null {
  const lost = [...state.chain.down].filter((node) => state.chain.roster.get(node)?.load === true);
  if (lost.length === 0) return null;
  if (liveLoadNodes(state).length === 0) return { reason: 'node-lost', message: 'every load node was lost' };
  // Who gave its shards back before it went took nothing with it, also once it says hello again and its release is void.
  const missed = lost.filter((node) => !hasGivenBack(state, node));
  if (missed.length === 0) return null;
  if (policy.kind === 'fail') return { reason: 'node-lost', message: `${missed.length} node(s) lost, the policy is to fail` };
  if (policy.kind === 'reassign' || state.assignment === null || state.plan === null) return null;
  let lostCount = 0;
  let count = 0;
  for (const shard of state.plan.shards) {
    if (shard.kind !== 'endpoints') continue;
    count += shard.count;
    if (state.assignment.owners[shard.id] === null) lostCount += shard.count;
  }
  const percent = count === 0 ? 0 : (lostCount / count) * 100;
  return percent > policy.percent
    ? { reason: 'node-lost', message: `${percent.toFixed(1)} % of the load is lost, ${policy.percent} % is tolerated` }
    : null;
}

/** Null when every live load node has everything it owns ready for the latest decision. */
function notReady(state: NodeState): { reason: EndReason; message: string } | 'waiting' | null {
  const { plan, assignment } = state;
  if (state.planFailed !== null) return { reason: 'setup-failed', message: state.planFailed };
  if (plan === null || assignment === null) return 'waiting';
  const misfit = assignment.unplaceable[0];
  if (misfit !== undefined) {
    const more = assignment.unplaceable.length - 1;
    return {
      reason: 'unplaceable',
      message: `shard ${misfit.shard} cannot be placed: ${misfit.reason}${more > 0 ? ` (and ${more} more)` : ''}`,
    };
  }
  const tip = decisiveTip(state);
  if (tip === null) return 'waiting';
  let waiting = meetingsIn(state).facts.size < plan.meetingCount;
  const key = refKey(tip);
  for (const node of liveLoadNodes(state)) {
    const problem = state.facts.ready.get(node)?.get(key);
    if (problem === undefined) waiting = true;
    else if (problem !== null) return problem;
  }
  return waiting ? 'waiting' : null;
}

/** Decides T0. Nobody may start load before the leases of earlier terms have run out: T0 any earlier would be a late start for everybody. */
function start(state: NodeState, effects: Effects, leader: LeaderState, message: string): void {
  const unsettledMs = Math.max(0, leader.settledAtMs - state.nowMs);
  const t0SwarmMs = swarmNow(state) + unsettledMs + state.config.timing.startLeadMs;
  decidePhase(state, effects, leader, 'running', t0SwarmMs, null, message, null);
}

function claiming(state: NodeState, effects: Effects, leader: LeaderState): void {
  const ended = commonEnd(state, leader);
  if (ended !== null) return end(state, effects, leader, ended.reason, ended.message);
  const obstacle = notReady(state);
  const { manifest } = state.chain;
  if (obstacle === null) return start(state, effects, leader, 'everything is claimed and ready');
  if (obstacle !== 'waiting') return end(state, effects, leader, obstacle.reason, obstacle.message);
  leader.claimingSinceMs = Math.min(leader.claimingSinceMs, state.nowMs);
  const setupMs = state.nowMs - leader.claimingSinceMs;
  if (manifest !== null && setupMs > manifest.setupMsMax) {
    end(state, effects, leader, 'setup-failed', `not everything was ready within ${Math.round(manifest.setupMsMax / 1000)} s`);
  }
}

/** Joiners get what has not started, far enough ahead that no lease of an older decision can still cover it. */
function admitJoiners(state: NodeState, effects: Effects, leader: LeaderState): void {
  const joiners = candidates(state).filter((member) => isWorthAdmitting(state, leader, member.node));
  if (joiners.length === 0) return;
  const { ownerLeaseMs, stopMs, downMarginMs, startLeadMs } = state.config.timing;
  const t0SwarmMs = state.chain.t0SwarmMs;
  const aheadMs = (ownerLeaseMs + stopMs + downMarginMs) * 2 + startLeadMs;
  const movableFromMs = t0SwarmMs === null ? 0 : Math.max(0, swarmNow(state) - t0SwarmMs + aheadMs);
  const add = joiners.map((member) => ({ ...member, voter: state.chain.voters.has(member.node) }));
  append(state, effects, 'roster', { term: leader.term, previous: state.chain.tip, manifest: null, add, movableFromMs });
  noteAdmitted(
    state,
    leader,
    joiners.map((member) => member.node),
  );
}

/** A node returns to the roster only while it is heard from: its last pulse answered the last beats. */
function isWorthAdmitting(state: NodeState, leader: LeaderState, node: NodeId): boolean {
  const echoedMs = leader.echoedMs.get(node) ?? Number.NEGATIVE_INFINITY;
  return node !== state.config.self && echoedMs >= state.nowMs - state.config.timing.beatMs * 1.5;
}

/** The first term since the start whose coordinator was lost, and did not give its claims back and resign; null when none was. */
function termLost(state: NodeState, started: DecisionEntry, before: number): number | null {
  const { facts, chain, electorate } = state;
  const led = new Map<number, NodeId>([[started.body.term, started.author]]);
  for (const [term, leads] of facts.leads) {
    const lead = leads.find(({ author }) => votesFor(facts, electorate, term, author) >= electorate.quorum);
    if (lead !== undefined && term > started.body.term) led.set(term, lead.author);
  }
  const wasLost = ([term, node]: [number, NodeId]): boolean => {
    // Its release is void when it comes back: then the decision that counted it out still tells.
    const out = chain.decisions.find(({ kind, body }) => kind === 'down' && body.node === node && body.term > term);
    return out?.kind === 'down' ? out.body.silentMs !== GAVE_BACK : !facts.leaving.has(node);
  };
  const lost = [...led].filter((one) => one[0] < before && wasLost(one)).map(([term]) => term);
  return lost.length === 0 ? null : Math.min(...lost);
}

function running(state: NodeState, effects: Effects, leader: LeaderState): void {
  const { chain, plan } = state;
  const started = chain.decisions.findLast((entry) => entry.kind === 'phase' && entry.body.phase === 'running');
  const lostTerm =
    chain.manifest?.onCoordinatorLoss === 'terminate' && started !== undefined ? termLost(state, started, leader.term) : null;
  if (lostTerm !== null) return end(state, effects, leader, 'coordinator-lost', `the coordinator of term ${lostTerm} was lost`);
  const ended = commonEnd(state, leader);
  if (ended !== null) return end(state, effects, leader, ended.reason, ended.message);
  // T0 was decided on the clock of a coordinator that was lost before this node could read it: on this node's it may be any moment, hours off.
  if (started !== undefined && started.body.term < leader.term && started.body.term > leader.clockTerm) {
    return start(state, effects, leader, 'the clock that T0 was decided on was lost with its coordinator');
  }
  if (plan !== null && chain.t0SwarmMs !== null && swarmNow(state) >= chain.t0SwarmMs + plan.durationMs) {
    end(state, effects, leader, 'completed', 'the plan has been carried out');
  }
}

/** Beats within which everybody has said what it keeps of the lost, and sent the first of it. */
const CUSTODY_BEATS = 3;

/** Windows of a lost node may be in somebody's keeping: its former coordinator's, a custodian's. */
function mayStillCome(state: NodeState, leader: LeaderState, lost: NodeId, held: number): boolean {
  return state.nowMs - leader.lostMs < state.config.timing.beatMs * CUSTODY_BEATS || held < (leader.custodyMax.get(lost) ?? 0);
}

/** Windows that will not come, by node; null while some may still. */
function windowsMissing(state: NodeState, leader: LeaderState): { node: NodeId; from: number; to: number | null }[] | null {
  const { flushMs, stopMs } = state.config.timing;
  const waitMs = (state.plan?.gracefulStopMs ?? 0) + stopMs + flushMs;
  const late = state.nowMs - leader.drainSinceMs > waitMs;
  const missing: { node: NodeId; from: number; to: number | null }[] = [];
  for (const member of state.chain.roster.values()) {
    if (!member.load) continue;
    const held = state.held.get(member.node) ?? 0;
    const done = state.facts.done.get(member.node);
    const gone = state.chain.down.has(member.node) || state.facts.byes.has(member.node);
    if (done !== undefined && held >= done.windowLast) continue;
    if (!late && (!gone || mayStillCome(state, leader, member.node, held))) return null;
    missing.push({ node: member.node, from: held + 1, to: done?.windowLast ?? null });
  }
  return missing;
}

function draining(state: NodeState, effects: Effects, leader: LeaderState): void {
  leader.drainSinceMs = Math.min(leader.drainSinceMs, state.nowMs);
  const reason = state.chain.endReason ?? 'completed';
  if (leader.judge === 'no') {
    const missing = windowsMissing(state, leader);
    if (missing === null) return;
    leader.judge = 'asked';
    effects.start.push({ what: 'judge', reason, message: state.chain.endMessage, missing });
  }
  if (leader.judged !== null && leader.judge !== 'done') {
    leader.judge = 'done';
    decidePhase(state, effects, leader, 'sealed', swarmNow(state), reason, leader.judged.message, leader.judged.exit);
  }
}

/** Moves the run on while this node acts as coordinator; one decision at a time, so that each builds on the one before. Returns when it wants to be called next. */
export function lifecycleTick(state: NodeState, effects: Effects): number {
  const { leader } = state;
  if (leader === null || !isActingLeader(state) || !state.chainComplete) return Number.POSITIVE_INFINITY;
  if (state.nowMs < leader.nextReviewMs) return leader.nextReviewMs;
  leader.nextReviewMs = state.nowMs + REVIEW_MS;
  declareDown(state, effects, leader);
  if (state.leave === 'no') moveOn(state, effects, leader);
  return Number.POSITIVE_INFINITY;
}

function moveOn(state: NodeState, effects: Effects, leader: LeaderState): void {
  const { phase } = state.chain;
  if (phase === 'forming') forming(state, effects, leader);
  else if (phase === 'claiming') claiming(state, effects, leader);
  else if (phase === 'running') running(state, effects, leader);
  else if (phase === 'draining') draining(state, effects, leader);
  const open = state.chain.phase === 'claiming' || state.chain.phase === 'running';
  if (open && state.nowMs >= leader.settledAtMs) admitJoiners(state, effects, leader);
}
