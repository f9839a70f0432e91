// What became different in a node's picture of the swarm, told once each, for people: who leads, who is lost or back, which shards change hands and
// when the new owners have claimed them, what the operator ordered. Every node tells it from its own copy of the log, so that a successor's list of
// what happened does not begin with its own term. Reports are told to nobody else, and decide nothing.

import type { Assignment } from './assign.ts';
import type { Effects } from './events.ts';
import { claimKey, refKey, refOf } from './facts.ts';
import { GAVE_BACK, type NodeId } from './messages.ts';
import type { ShardId } from './plan-types.ts';
import { pulseNow } from './pulse.ts';
import { type NodeState, swarmNow } from './state.ts';

/** Shards that one decision gave to others, until they have claimed them. */
interface Handover {
  readonly id: number;
  readonly beganMs: number;
  readonly count: number;
  readonly from: ReadonlySet<NodeId>;
  /** Not seen claimed yet. */
  readonly pending: { readonly shard: ShardId; readonly epoch: number; readonly to: NodeId }[];
}

/** Reported once each. */
export interface ToldState {
  phase: string;
  assignment: Assignment | null;
  coordinator: string;
  /** Since when this one is known (own clock): it cannot have been silent for longer. */
  coordinatorSinceMs: number;
  isSilent: boolean;
  /** Coordinators that were not heard, and since when. */
  readonly silentSinceMs: Map<NodeId, number>;
  /** Null before the first picture: who comes late is told of no old losses. */
  down: ReadonlySet<NodeId> | null;
  readonly orders: Set<string>;
  handovers: number;
  readonly open: Set<Handover>;
  /** By shard: whose it was, and when it moved (this node's clock). */
  readonly moved: Map<ShardId, { readonly from: NodeId; readonly atMs: number }>;
}

export const createTold = (): ToldState => ({
  phase: 'forming',
  assignment: null,
  coordinator: '',
  coordinatorSinceMs: Number.NEGATIVE_INFINITY,
  isSilent: false,
  silentSinceMs: new Map(),
  down: null,
  orders: new Set(),
  handovers: 0,
  open: new Set(),
  moved: new Map(),
});

/** A decision's moves are told pair by pair up to here; a wave of joiners takes from everybody. */
const PAIRS_TOLD_MAX = 12;

interface Moves {
  readonly id: number;
  readonly pairs: Map<string, { shards: number; from: NodeId; to: NodeId }>;
}

function reportPairs(effects: Effects, { id, pairs }: Moves): void {
  const all = [...pairs.values()];
  const isMany = all.length > PAIRS_TOLD_MAX;
  const told = isMany ? all.slice(0, PAIRS_TOLD_MAX - 1) : all;
  for (const pair of told) effects.report.push({ event: 'moved', ...pair, handover: id, isFirst: pair === told[0] });
  if (!isMany) return;
  const rest = all.slice(told.length);
  const shards = rest.reduce((sum, pair) => sum + pair.shards, 0);
  effects.report.push({ event: 'moved-more', shards, pairs: rest.length, handover: id });
}

/** Shards that changed hands since the last report. */
function reportMoves(state: NodeState, effects: Effects): void {
  const { told, assignment } = state;
  const before = told.assignment;
  if (before === assignment) return;
  told.assignment = assignment;
  if (before === null || assignment === null || before.owners.length !== assignment.owners.length) return;
  const moves: Moves = { id: told.handovers + 1, pairs: new Map() };
  const pending: Handover['pending'][number][] = [];
  assignment.owners.forEach((to, shard) => {
    const from = before.owners[shard] ?? null;
    if (from === null || to === null || from === to) return;
    const move = moves.pairs.get(`${from} ${to}`) ?? { shards: 0, from, to };
    move.shards += 1;
    moves.pairs.set(`${from} ${to}`, move);
    pending.push({ shard, epoch: assignment.epochs[shard] ?? 0, to });
    told.moved.set(shard, { from, atMs: state.nowMs });
  });
  if (pending.length > 0) {
    told.handovers = moves.id;
    const from = new Set([...moves.pairs.values()].map((move) => move.from));
    told.open.add({ id: moves.id, beganMs: state.nowMs, count: pending.length, from, pending });
    reportPairs(effects, moves);
  }
  // In a run that goes on, a shard without a place is a hole in the load: the coordinator says so, once.
  const [misfit, ...more] = assignment.unplaceable.filter(({ shard }) => before.owners[shard] !== null);
  if (misfit === undefined || state.leader === null || state.leader.resigned) return;
  const others = more.length > 0 ? ` (and ${more.length} more)` : '';
  effects.report.push({ event: 'problem', message: `shard ${misfit.shard} has no place any more: ${misfit.reason}${others}` });
}

/** Handovers that are over: each shard is claimed by its new owner, or has moved on. Looks at the last of the pending only, so it costs nothing while one is open. */
function reportHandovers(state: NodeState, effects: Effects): void {
  const { told, facts, assignment } = state;
  for (const handover of told.open) {
    const { id, pending, from, count, beganMs } = handover;
    for (let last = pending.at(-1); last !== undefined; last = pending.at(-1)) {
      const { shard, epoch, to } = last;
      const isPast = assignment?.epochs[shard] !== epoch;
      if (!isPast && facts.claims.get(claimKey(shard, epoch))?.has(to) !== true) break;
      pending.pop();
    }
    if (pending.length > 0) continue;
    told.open.delete(handover);
    const lost = [...from].filter((node) => state.chain.down.has(node));
    effects.report.push({ event: 'taken-over', handover: id, shards: count, lost, tookMs: Math.round(state.nowMs - beganMs) });
  }
}

/** Shards of `node` in what was told last. */
const ownedBefore = ({ told }: NodeState, node: NodeId): number =>
  (told.assignment?.owners ?? []).reduce((count, owner) => count + (owner === node ? 1 : 0), 0);

/** Who was counted out, and who is back. Before the moves that follow from it. */
function reportDown(state: NodeState, effects: Effects): void {
  const { told, chain, facts } = state;
  if (told.down === chain.down || !state.chainComplete || chain.tip === null) return;
  const before = told.down;
  told.down = chain.down;
  if (before === null) return;
  for (const entry of chain.decisions) {
    if (entry.kind !== 'down' || before.has(entry.body.node) || !chain.down.has(entry.body.node)) continue;
    const { node, silentMs } = entry.body;
    // Who gave its shards back, or said bye, was told of when it did.
    if (silentMs === GAVE_BACK || facts.leaving.has(node) || facts.byes.has(node)) continue;
    if (chain.decisions.findLast((other) => other.kind === 'down' && other.body.node === node) !== entry) continue;
    // A successor counts from when it took the lead; whoever missed the lost coordinator's beats knows better.
    const missedMs = Math.round(state.nowMs - (told.silentSinceMs.get(node) ?? state.nowMs));
    effects.report.push({ event: 'down', node, silentMs: Math.max(silentMs, missedMs), shards: ownedBefore(state, node) });
  }
  for (const node of before) if (!chain.down.has(node)) effects.report.push({ event: 'back', node });
}

const FAULT_TEXT_MAX = 200;

function reportOrders(state: NodeState, effects: Effects): void {
  const { told, facts, chain } = state;
  const runId = chain.manifest?.runId;
  if (runId === undefined || told.orders.size === facts.orders.length) return;
  const sinceT0Ms = chain.t0SwarmMs === null ? null : swarmNow(state) - chain.t0SwarmMs;
  for (const { entry, signed } of facts.orders) {
    const key = refKey(refOf(entry));
    if (told.orders.has(key)) continue;
    told.orders.add(key);
    const { order } = signed;
    if (order.order === 'manifest' || order.runId !== runId) continue;
    if (order.order === 'scale') {
      const { group, factor, atMs } = order.scale;
      const agoMs = sinceT0Ms === null ? 0 : Math.round(sinceT0Ms - atMs);
      effects.report.push({ event: 'scaled', group, factor, fromMs: atMs, agoMs });
    }
    if (order.order === 'fault') {
      effects.report.push({ event: 'fault-ordered', text: JSON.stringify(order.fault ?? null).slice(0, FAULT_TEXT_MAX) });
    }
  }
}

function reportSilence(state: NodeState, effects: Effects, isNew: boolean): void {
  const { told, coordinator, config } = state;
  const sinceMs = Math.max(state.election.heardMs, told.coordinatorSinceMs);
  const silentMs = state.nowMs - sinceMs;
  const isSilent = coordinator !== null && coordinator.node !== config.self && silentMs > config.timing.leaseMs;
  const wasSilent = told.isSilent;
  told.isSilent = isSilent;
  if (coordinator === null || isSilent === wasSilent) return;
  if (isSilent) {
    told.silentSinceMs.set(coordinator.node, sinceMs);
    effects.report.push({ event: 'coordinator-silent', node: coordinator.node, silentMs: Math.round(silentMs) });
  } else if (!isNew) {
    told.silentSinceMs.delete(coordinator.node);
    effects.report.push({ event: 'coordinator-heard', node: coordinator.node });
  }
}

/** Changes of the picture, told once each. */
export function reportChanges(state: NodeState, effects: Effects): void {
  reportDown(state, effects);
  reportMoves(state, effects);
  reportHandovers(state, effects);
  const { chain, coordinator, told } = state;
  const phase = `${chain.phase} ${chain.endReason ?? ''}`;
  if (phase !== told.phase && state.chainComplete) {
    told.phase = phase;
    effects.report.push({ event: 'phase', phase: chain.phase, reason: chain.endReason, message: chain.endMessage });
  }
  const who = coordinator === null ? '' : `${coordinator.node} ${coordinator.term}`;
  const isNew = who !== told.coordinator && coordinator !== null;
  if (isNew) {
    told.coordinator = who;
    told.coordinatorSinceMs = state.nowMs;
    pulseNow(state);
    effects.report.push({ event: 'coordinator', node: coordinator.node, term: coordinator.term });
  }
  reportSilence(state, effects, isNew);
  reportOrders(state, effects);
}
