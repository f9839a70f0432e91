// A node's owned shards as a small state machine: claimed -> ready -> running -> stopping -> ready or finished. Shared vocabulary of owner.ts (claiming and
// running), drain.ts (ending) and lifecycle.ts (what `ready` refers to). Stages change only here and there; workers obey effects.

import type { Effects } from './events.ts';
import { claimKey } from './facts.ts';
import type { Claim, DecisionRef } from './messages.ts';
import type { Plan } from './plan-types.ts';
import { type NodeState, type OwnedShard, type OwnerState, swarmNow } from './state.ts';

export const createOwner = (windowLast: number): OwnerState => ({
  owned: new Map(),
  leaving: new Set(),
  grantUntilMs: Number.NEGATIVE_INFINITY,
  settledTerm: 0,
  reconciledFor: '',
  readyFor: '',
  problem: null,
  startedT0SwarmMs: null,
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

/** Last decision that changes owners: `ready` refers to it, phases do not count. */
export function decisiveTip(state: NodeState): DecisionRef | null {
  for (let index = state.chain.decisions.length - 1; index >= 0; index--) {
    const entry = state.chain.decisions[index];
    if (entry !== undefined && entry.kind !== 'phase') return { author: entry.author, seq: entry.seq };
  }
  return null;
}

/** Stops the load of these shards; the workers answer with load-stopped. */
export function stopShards(state: NodeState, effects: Effects, shards: readonly OwnedShard[], graceMs: number, reason: string): void {
  if (shards.length === 0) return;
  for (const shard of shards) shard.stage = 'stopping';
  effects.stop.push({ what: 'load', claims: shards.map((shard) => shard.claim), graceMs, reason });
}

/** Whether the effective chain gives exactly this claim to this node and the node has not given it back. */
export function isWanted(state: NodeState, claim: Claim): boolean {
  const { assignment, config, facts } = state;
  if (assignment === null || assignment.owners[claim.shard] !== config.self || assignment.epochs[claim.shard] !== claim.epoch) return false;
  return !facts.releases.has(`${claimKey(claim.shard, claim.epoch)}/${config.self}`) && !state.chain.down.has(config.self);
}

/** Meeting indexes of a claimed meeting shard; empty for endpoint shards. */
export function meetingsOf(plan: Plan, claim: Claim): number[] {
  const shard = plan.shards[claim.shard];
  return shard?.kind === 'meetings' ? Array.from({ length: shard.meetingCount }, (_, index) => shard.meetingFirst + index) : [];
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

/** Milliseconds since T0 in swarm time; negative before, null while T0 is unknown. */
export const sinceT0Ms = (state: NodeState): number | null =>
  state.chain.t0SwarmMs === null ? null : swarmNow(state) - state.chain.t0SwarmMs;
