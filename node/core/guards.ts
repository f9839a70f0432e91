// The ends that a node reaches by itself, whatever the others do (P5): no coordinator for the grace period, the run's wall limit, a swarm that never formed,
// a seal, a signal. Every bound here is local arithmetic on this node's own clock; nothing waits for the network.

import { append } from './append.ts';
import { LINGER_MS } from './drain.ts';
import type { ExitName } from './errors.ts';
import type { Effects } from './events.ts';
import { isActingLeader } from './leader.ts';
import { EXIT_OF_REASON } from './lifecycle.ts';
import type { NodeState } from './state.ts';

/** When a node exits although nobody sealed the run: everything a drain may take, and then the grace period. */
function hardLimitMs(state: NodeState): number {
  const { flushMs, graceMs, stopMs } = state.config.timing;
  return (state.plan?.gracefulStopMs ?? 0) + stopMs + flushMs + graceMs;
}

function leaveWith(state: NodeState, exit: ExitName, message: string, atMs: number): void {
  if (state.exitAs !== null && state.exitAtMs <= atMs) return;
  state.exitAs = { exit, message };
  state.exitAtMs = atMs;
}

function sealed(state: NodeState, effects: Effects): void {
  const { chain, facts, config, leader, nowMs, coordinator } = state;
  if (state.exitAs !== null) return;
  const exit = chain.exit ?? 'internalFault';
  if (!facts.byes.has(config.self)) {
    append(state, effects, 'bye', { reason: 'sealed' });
  }
  if (leader === null || coordinator?.node !== config.self) return leaveWith(state, exit, chain.endMessage, nowMs + LINGER_MS);
  leader.sealedMs = Math.min(leader.sealedMs, nowMs);
  // The coordinator goes last: it waits for everybody who still answers to have said bye.
  const waiting = [...leader.echoedMs].some(([node, echoedMs]) => !facts.byes.has(node) && echoedMs >= nowMs - config.timing.leaseMs);
  const late = nowMs - leader.sealedMs > config.timing.graceMs / 2;
  if (!waiting || late) leaveWith(state, exit, chain.endMessage, nowMs + LINGER_MS);
}

function hearsCoordinator(state: NodeState): boolean {
  return isActingLeader(state) || state.nowMs - state.election.heardMs < state.config.timing.leaseMs;
}

function localLimits(state: NodeState): void {
  const { chain, config, nowMs } = state;
  const { graceMs, formMsMax } = config.timing;
  // A swarm that took long to elect must not lose everybody at the moment it succeeds, before the first beat is heard.
  const led = state.coordinator?.term ?? 0;
  if (led > state.ledTerm || hearsCoordinator(state)) state.orphanSinceMs = nowMs;
  state.ledTerm = led;
  const orphanMs = nowMs - state.orphanSinceMs;
  if (chain.phase === 'forming') {
    if (nowMs - state.bootedMs > formMsMax + graceMs && orphanMs > graceMs) {
      leaveWith(state, 'capacityNeverReached', 'the swarm never formed: no majority of the expected nodes was reached', nowMs);
    }
    return;
  }
  if (orphanMs > graceMs) {
    const exit = chain.endReason === null ? 'quorumLost' : EXIT_OF_REASON[chain.endReason];
    leaveWith(state, exit === 'pass' ? 'quorumLost' : exit, `no coordinator with a majority for ${Math.round(orphanMs / 1000)} s`, nowMs);
  }
  const wallMs = chain.manifest?.wallMsMax ?? Number.POSITIVE_INFINITY;
  if (nowMs - state.manifestSeenMs > wallMs + hardLimitMs(state))
    leaveWith(state, 'budgetReached', 'the limit of the run has passed', nowMs);
  if (chain.phase === 'draining' && nowMs - state.drainingSinceMs > hardLimitMs(state)) {
    const exit = EXIT_OF_REASON[chain.endReason ?? 'quorum-lost'];
    leaveWith(state, exit === 'pass' ? 'quorumLost' : exit, 'the run was drained but nobody sealed it', nowMs);
  }
}

/** Evaluates every local end. Returns when it wants to be called next. */
export function guardTick(state: NodeState, effects: Effects): number {
  if (state.chain.phase === 'draining') state.drainingSinceMs = Math.min(state.drainingSinceMs, state.nowMs);
  if (state.chain.phase === 'sealed') sealed(state, effects);
  else localLimits(state);
  if (state.exitAs !== null && state.nowMs >= state.exitAtMs && !state.exited) {
    state.exited = true;
    effects.exit = state.exitAs;
  }
  return state.exitAs === null ? Number.POSITIVE_INFINITY : state.exitAtMs;
}
