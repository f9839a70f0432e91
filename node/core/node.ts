// One node as a pure machine: step(state, event) -> effects. The order inside a step is the contract: time first (a lease that lapsed while this process slept
// lapses before anything is believed), then the event, then what follows from the new picture (election, coordination, run, owned shards, guards).
// State is mutated in place; the only outputs are the effects, performed by the runtime in their order. Same events, same effects, anywhere.

import { append, receive, refreshDerived } from './append.ts';
import { unreachable } from './assert.ts';
import { EMPTY_CHAIN, electorateOf } from './chain.ts';
import { createTold, reportChanges } from './changes.ts';
import { createClock } from './clock.ts';
import type { NodeConfig } from './config.ts';
import { createElection, electionTick, heardBeat, onBallot, onCanvass } from './election.ts';
import { type Departure, type Effects, type NodeEvent, noEffects, type Restored } from './events.ts';
import { absorb, createFacts } from './facts.ts';
import { guardTick } from './guards.ts';
import { acceptWindows, leaderTick, onPulse } from './leader.ts';
import { lifecycleTick } from './lifecycle.ts';
import { createLog, ingest } from './log.ts';
import type { Gossip, Message, NodeId, SignedOrder } from './messages.ts';
import { createOwner, lapseIfDue } from './owned.ts';
import { onLocal, ownerTick } from './owner.ts';
import { onPulseAck, pulseNow, pulseTick } from './pulse.ts';
import { createRng } from './rng.ts';
import { countRefused, firstManifest, type NodeState } from './state.ts';
import { askMore, createSync, onSyncMessage, peerDown, peerUp, syncTick } from './sync.ts';

/** The longest a node sleeps: bounds how late a deadline that nobody announced is noticed. */
const TICK_MS_MAX = 250;

function restore(state: NodeState, restored: Restored): void {
  const entries = [...restored.entries].sort((a, b) => (a.author === b.author ? a.seq - b.seq : a.author < b.author ? -1 : 1));
  for (const entry of entries) {
    const accepted: typeof entries = [];
    const refusal = ingest(state.log, entry, accepted);
    if (refusal !== null) countRefused(state, refusal);
    for (const one of accepted) absorb(state.facts, one, state.config.verifyOrder);
  }
  for (const [node, upTo] of Object.entries(restored.held)) state.held.set(node, upTo);
  for (const [term, votes] of state.facts.votes)
    if (votes.has(state.config.self)) state.election.votedTerm = Math.max(state.election.votedTerm, term);
}

/** A node at its start. `restored` is what its data folder held; the first step announces it. */
export function createNode(config: NodeConfig, nowMs: number, restored?: Restored): NodeState {
  const facts = createFacts();
  const known = restored !== undefined && restored.entries.length > 0;
  const state: NodeState = {
    config,
    rng: createRng(config.randomSeed),
    nowMs,
    wakeAtMs: nowMs,
    log: createLog(),
    facts,
    sync: createSync(),
    election: createElection(nowMs, known, config.timing.leaseMs),
    owner: createOwner(restored?.windowLast ?? 0),
    clock: createClock(),
    leader: null,
    derivedVersion: -1,
    electorate: electorateOf(facts, config),
    coordinator: null,
    chain: EMPTY_CHAIN,
    chainComplete: true,
    assignment: null,
    assignmentKey: '',
    assignmentFor: '',
    fold: null,
    plan: null,
    planRequestedHash: '',
    planFailed: null,
    bootedMs: nowMs,
    manifestSeenMs: Number.POSITIVE_INFINITY,
    drainingSinceMs: Number.POSITIVE_INFINITY,
    orphanSinceMs: nowMs,
    ledTerm: 0,
    held: new Map(),
    meetings: null,
    leave: 'no',
    departure: null,
    exitAtMs: Number.POSITIVE_INFINITY,
    exitAs: null,
    exited: false,
    refused: new Map(),
    told: createTold(),
  };
  if (restored !== undefined) restore(state, restored);
  refreshDerived(state);
  state.election.canvassAtMs =
    nowMs +
    config.timing.syncMs +
    config.electionRank * config.timing.electionJitterMs +
    state.rng.float() * config.timing.electionJitterMs;
  return state;
}

/** First entry, and again when this node came back changed or was counted out. */
function maybeHello(state: NodeState, effects: Effects): void {
  const { config, facts } = state;
  const known = facts.hellos.get(config.self);
  if (known !== undefined && known.body.incarnation >= config.incarnation) return;
  const { incarnation, voter, load, capabilities, addresses, version } = config;
  append(state, effects, 'hello', { incarnation, voter, load, capabilities, addresses, version });
  state.sync.neighboursDirty = true;
}

function onOrder(state: NodeState, effects: Effects, order: SignedOrder): void {
  if (!state.config.verifyOrder(order)) return countRefused(state, 'order-without-operator-signature');
  switch (order.order.order) {
    case 'manifest':
      append(state, effects, 'manifest', order);
      return;
    case 'stop':
      append(state, effects, 'stop', order);
      return;
    case 'scale':
      append(state, effects, 'scale', order);
      return;
    case 'fault':
      append(state, effects, 'fault', order);
      return;
    default:
      unreachable(order.order);
  }
}

function onGossip(state: NodeState, effects: Effects, from: NodeId, gossip: Gossip): void {
  switch (gossip.type) {
    case 'entries':
      receive(state, effects, gossip.entries, null);
      return;
    case 'beat':
      // Only who was elected, by the votes in the log, is heard: a beat of anybody else, with whatever term, must not drown the coordinator's.
      if (state.coordinator?.node !== from || state.coordinator.term !== gossip.term) return countRefused(state, 'beat-of-no-coordinator');
      if (heardBeat(state, gossip.term, gossip.beat)) pulseNow(state);
      return;
    case 'canvass':
      onCanvass(state, effects, from, gossip);
      return;
    default:
      unreachable(gossip);
  }
}

function onMessage(state: NodeState, effects: Effects, from: NodeId, message: Message): void {
  switch (message.type) {
    case 'have':
    case 'want':
      return onSyncMessage(state, effects, from, message);
    case 'entries':
      return askMore(state, effects, from, receive(state, effects, message.entries, from));
    case 'canvass':
      return onCanvass(state, effects, from, message);
    case 'ballot':
      return onBallot(state, effects, from, message);
    case 'pulse':
      return onPulse(state, effects, from, message);
    case 'pulse-ack':
      return onPulseAck(state, effects, from, message);
    case 'custody':
      if (!state.chain.down.has(message.node)) return countRefused(state, 'custody-of-a-live-node');
      acceptWindows(state, effects, message.node, message.windows);
      return;
    default:
      unreachable(message);
  }
}

function onSignal(state: NodeState, mode: 'leave' | 'now', why: Departure | undefined): void {
  if (mode === 'leave' && state.config.load && state.leave === 'no' && state.exitAs === null) {
    state.leave = 'wanted';
    state.departure = why ?? null;
    return;
  }
  state.leave = 'now';
  state.exitAs = { exit: 'stoppedByOperator', message: 'stopped by a signal' };
  state.exitAtMs = state.nowMs;
}

function handle(state: NodeState, effects: Effects, event: NodeEvent): void {
  switch (event.type) {
    case 'tick':
      return;
    case 'peer-up':
      return peerUp(state, effects, event.peer);
    case 'peer-down':
      return peerDown(state, event.peer);
    case 'gossip':
      return onGossip(state, effects, event.from, event.gossip);
    case 'message':
      return onMessage(state, effects, event.from, event.message);
    case 'plan-loaded':
      state.plan = event.plan;
      state.assignmentFor = '';
      return refreshDerived(state);
    case 'plan-failed':
      state.planFailed = event.message;
      return;
    case 'order':
      return onOrder(state, effects, event.order);
    case 'abort-wanted':
      if (state.leader !== null) state.leader.abort = { reason: event.reason, message: event.message };
      return;
    case 'judged':
      if (state.leader !== null) state.leader.judged = { exit: event.exit, message: event.message };
      return;
    case 'signal':
      return onSignal(state, event.mode, event.why);
    case 'storage-failed':
      state.exitAs = { exit: 'internalFault', message: event.message };
      state.exitAtMs = state.nowMs;
      return;
    case 'clock-jumped':
      effects.report.push({ event: 'clock-jumped', byMs: event.byMs });
      return;
    case 'prepared':
    case 'meetings-provisioned':
    case 'provision-failed':
    case 'load-stopped':
    case 'torn-down':
    case 'window-closed':
      return onLocal(state, effects, event);
    default:
      unreachable(event);
  }
}

/** Asks for the scenario as soon as a manifest is known: the roster's, or the one that a roster would be sealed for. */
function maybeLoadPlan(state: NodeState, effects: Effects): void {
  const manifest = state.chain.manifest ?? firstManifest(state)?.manifest ?? null;
  if (manifest === null) return;
  state.manifestSeenMs = Math.min(state.manifestSeenMs, state.nowMs);
  if (state.planRequestedHash === manifest.planHash) return;
  state.planRequestedHash = manifest.planHash;
  const author = state.facts.orders.find(({ signed }) => signed.order.order === 'manifest')?.entry.author;
  const from = [author, state.coordinator?.node, ...state.sync.peers.keys()].filter(
    (node) => node !== undefined && node !== state.config.self,
  );
  effects.start.push({ what: 'load-plan', manifest, from: [...new Set(from as NodeId[])] });
}

/** Advances the node by one event. Never throws for what others send; throws AssertionFailure when its own invariants break. */
export function step(state: NodeState, event: NodeEvent): Effects {
  const effects = noEffects();
  if (state.exited) return effects;
  state.nowMs = Math.max(state.nowMs, event.nowMs);
  lapseIfDue(state, effects);
  maybeHello(state, effects);
  handle(state, effects, event);
  maybeLoadPlan(state, effects);
  const canvassMs = electionTick(state, effects);
  const beatMs = leaderTick(state, effects);
  const reviewMs = lifecycleTick(state, effects);
  reportChanges(state, effects);
  const pulseMs = pulseTick(state, effects);
  if (state.config.load) ownerTick(state, effects);
  const syncMs = syncTick(state, effects);
  const guardMs = guardTick(state, effects);
  state.wakeAtMs = Math.max(state.nowMs + 1, Math.min(state.nowMs + TICK_MS_MAX, canvassMs, beatMs, reviewMs, pulseMs, syncMs, guardMs));
  return effects;
}
