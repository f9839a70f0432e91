// How a node ends its part: stop what runs, wait until it has stopped, tear meetings down, close one more window, say done; or, when it is told to leave
// in the middle of a run, hand its claims back and say bye, so that the others take over at once instead of missing it first.

import { append } from './append.ts';
import type { Effects } from './events.ts';
import { resign } from './leader.ts';
import { meetingsIn } from './meetings.ts';
import { meetingsOf, stopShards } from './owned.ts';
import { type NodeState, type OwnerState, ordersOf } from './state.ts';

const isBusy = (owner: OwnerState): boolean =>
  owner.leaving.size > 0 || [...owner.owned.values()].some((shard) => shard.stage === 'running' || shard.stage === 'stopping');

/** After its last word a node lingers this long, so that the word gets out. */
export const LINGER_MS = 400;

/** One step of draining; repeated until `done` can be written (owner.ts does, at the next window). */
export function drain(state: NodeState, effects: Effects): void {
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
  const { facts, torndown } = meetingsIn(state);
  let waiting = false;
  for (const shard of owner.owned.values()) {
    if (plan === null || plan.shards[shard.claim.shard]?.kind !== 'meetings' || shard.torndown) continue;
    waiting = true;
    if (shard.stage === 'finished') continue;
    shard.stage = 'finished';
    const meetings = meetingsOf(plan, shard.claim).filter((meeting) => facts.has(meeting) && !torndown.has(meeting));
    effects.start.push({ what: 'teardown', claim: shard.claim, meetings });
  }
  if (!waiting && owner.lastWindowAfter === 0) owner.lastWindowAfter = owner.windowLast + 1;
}

/** Gives everything back and leaves: a machine that is being reclaimed hands over at once instead of being missed. */
export function leave(state: NodeState, effects: Effects): void {
  const { owner } = state;
  const reason = state.departure?.reason ?? 'this node leaves';
  stopShards(
    state,
    effects,
    [...owner.owned.values()].filter((shard) => shard.stage === 'running'),
    Math.min(state.plan?.gracefulStopMs ?? 0, state.departure?.graceMsMax ?? Number.POSITIVE_INFINITY),
    reason,
  );
  if (isBusy(owner)) return;
  if (state.leave === 'wanted') {
    const claims = [...owner.owned.values()].filter((shard) => shard.stage !== 'finished').map((shard) => shard.claim);
    append(state, effects, 'release', { claims, reason });
    owner.lastWindowAfter = owner.windowLast + 1;
    state.leave = 'released';
    // A coordinator that leaves hands over first: only a successor can take its last windows, and give its shards to others.
    if (state.leader !== null && !state.leader.resigned) resign(state, effects, state.leader, reason);
    state.exitAtMs = state.nowMs + state.config.timing.flushMs;
    state.exitAs = {
      exit: 'stoppedByOperator',
      message: state.departure === null ? 'told to leave' : `told to leave: ${state.departure.reason}`,
    };
  }
  if (!owner.doneWritten || owner.windowsAcked < owner.windowLast || state.facts.byes.has(state.config.self)) return;
  append(state, effects, 'bye', { reason: 'told to leave' });
  state.exitAtMs = state.nowMs + LINGER_MS;
}
