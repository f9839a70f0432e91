// Carries out the fault script: each fault strikes at its time and, where it lasts, ends by itself or at the heal, whichever comes
// first. `heal` ends everything at once: links whole, disks fast, paused nodes resumed, crashed ones that were to come back, back.

import { unreachable } from '../../node/core/assert.ts';
import { signOrder } from './authority.ts';
import { forgedOrderFor, intrude } from './intruder.ts';
import { connect, disconnect, topologyChanged } from './network.ts';
import { crashNode, pauseNode, resumeNode, startNode } from './node-runner.ts';
import type { FaultSpec } from './spec.ts';
import { crashWorkers } from './workers.ts';
import { isUp, type SimNode, type World } from './world.ts';

/** A broken connection is noticed within this time (keep-alive); the longest paused process keeps its connections. */
const NOTICE_MS = 9000;

function targetOf(world: World, fault: FaultSpec): SimNode {
  if (fault.target !== 'coordinator') return world.nodes[fault.target]!;
  const { agenda } = world;
  const acting = world.nodes.find(
    (node) => isUp(node) && node.state !== null && world.core.isActing(node.state, node.clock.offsetMs + agenda.nowMs * node.clock.rate),
  );
  return acting ?? world.nodes[Math.floor(fault.atMs) % world.nodes.length]!;
}

/** Blocks every pair (from, to) that `isCut` names, and breaks their links after a while; undone after the fault's duration. */
function cut(world: World, fault: FaultSpec, isCut: (from: SimNode, to: SimNode) => boolean): void {
  const { network, nodes, agenda, chance } = world;
  const pairs: (readonly [SimNode, SimNode])[] = [];
  for (const from of nodes) for (const to of nodes) if (from !== to && isCut(from, to)) pairs.push([from, to]);
  const change = (by: number): void => {
    for (const [from, to] of pairs) network.blocked[from.index * network.size + to.index]! += by;
    topologyChanged(network);
  };
  change(1);
  let isOver = false;
  for (const [from, to] of pairs) {
    agenda.after(chance.network.between(300, NOTICE_MS), () => {
      if (!isOver) disconnect(world, from, to, 50);
    });
  }
  const end = (): void => {
    if (isOver) return;
    isOver = true;
    change(-1);
    world.trace.note(agenda.nowMs, `${fault.kind} ends`);
  };
  agenda.at(Math.min(agenda.nowMs + fault.durationMs, world.spec.healMs), end);
}

function partition(world: World, fault: FaultSpec): void {
  const side = new Set<SimNode>();
  const wanted = Math.max(1, Math.round(world.nodes.length * fault.amount));
  side.add(targetOf(world, fault));
  while (side.size < wanted) side.add(world.chance.network.pick(world.nodes));
  world.trace.note(world.agenda.nowMs, `${fault.kind}: ${[...side].map((node) => node.id).join(' ')} | the rest`);
  const isOneWay = fault.kind === 'one-way';
  if (isOneWay) world.counts.oneWays += 1;
  else world.counts.partitions += 1;
  cut(world, fault, (from, to) => side.has(from) !== side.has(to) && (!isOneWay || side.has(from)));
}

function isolate(world: World, fault: FaultSpec, target: SimNode): void {
  world.counts.partitions += 1;
  cut(world, fault, (from, to) => from === target || to === target);
}

function crash(world: World, fault: FaultSpec, target: SimNode): void {
  const isForGood = fault.kind === 'crash-for-good';
  crashNode(world, target, isForGood && world.chance.nodes.yes(0.5));
  if (isForGood) {
    target.isGone = true;
    return;
  }
  world.agenda.at(Math.min(world.agenda.nowMs + fault.durationMs, world.spec.healMs), () => {
    if (target.status === 'crashed' && !target.isGone) startNode(world, target);
  });
}

/** The machine goes after the notice's time, at the latest with the heal (no fault strikes later), whatever its node has done until then. */
function spotNotice(world: World, fault: FaultSpec, target: SimNode): void {
  world.counts.spotNotices += 1;
  world.deliver(target, {
    type: 'signal',
    nowMs: 0,
    mode: 'leave',
    why: { reason: 'its machine is taken back', graceMsMax: fault.amount },
  });
  world.agenda.at(Math.min(world.agenda.nowMs + fault.durationMs, world.spec.healMs), () => {
    if (isUp(target)) crashNode(world, target, false);
    target.isGone = true;
  });
}

function operatorOrders(world: World, fault: FaultSpec, target: SimNode): void {
  const { runId } = world.spec.manifest;
  if (fault.kind === 'forged-order') {
    world.counts.forgedOrders += 1;
    world.deliver(target, { type: 'order', nowMs: 0, order: forgedOrderFor(world, fault.amount) });
    return;
  }
  if (!isUp(target)) return;
  if (fault.kind === 'stop-order') {
    world.orders.stops += 1;
    world.counts.stops += 1;
    world.deliver(target, {
      type: 'order',
      nowMs: 0,
      order: signOrder({ order: 'stop', runId, mode: fault.amount < 0.5 ? 'drain' : 'now', reason: 'operator' }),
    });
    return;
  }
  world.orders.scales += 1;
  world.counts.scales += 1;
  world.deliver(target, {
    type: 'order',
    nowMs: 0,
    order: signOrder({ order: 'scale', runId, scale: { group: '*', factor: fault.amount, atMs: 0 } }),
  });
}

export function strike(world: World, fault: FaultSpec): void {
  const target = targetOf(world, fault);
  const { agenda } = world;
  const endMs = Math.min(agenda.nowMs + fault.durationMs, world.spec.healMs);
  world.trace.note(agenda.nowMs, `fault ${fault.kind} at ${target.id} for ${fault.durationMs} ms`);
  switch (fault.kind) {
    case 'partition':
    case 'one-way':
      return partition(world, fault);
    case 'isolate':
      return isolate(world, fault, target);
    case 'collect-garbage':
    case 'sigstop':
      pauseNode(world, target);
      return agenda.at(endMs, () => resumeNode(world, target));
    case 'crash-restart':
    case 'crash-for-good':
      return crash(world, fault, target);
    case 'worker-crash':
      world.counts.workerCrashes += 1;
      return crashWorkers(world, target.workers, fault.durationMs);
    case 'slow-disk':
      world.counts.slowDisks += 1;
      target.slowDiskUntilMs = endMs;
      target.slowDiskSyncMs = fault.amount;
      return;
    case 'lossy':
      world.extraLoss += fault.amount;
      return agenda.at(endMs, () => {
        world.extraLoss -= fault.amount;
      });
    case 'stop-order':
    case 'scale-order':
    case 'forged-order':
      return operatorOrders(world, fault, target);
    case 'intruder':
      return intrude(world, fault.amount);
    case 'abort-wanted':
      world.orders.aborts += 1;
      return world.deliver(target, { type: 'abort-wanted', nowMs: 0, reason: 'aborted-by-threshold', message: 'p95 above 500 ms' });
    case 'signal-leave':
      return world.deliver(target, { type: 'signal', nowMs: 0, mode: fault.amount < 0.7 ? 'leave' : 'now' });
    case 'spot-notice':
      return spotNotice(world, fault, target);
    case 'storage-failed':
      return world.deliver(target, { type: 'storage-failed', nowMs: 0, message: 'no space left on device' });
    case 'clock-jumped':
      return world.deliver(target, { type: 'clock-jumped', nowMs: 0, byMs: fault.amount });
    default:
      return unreachable(fault.kind);
  }
}

/** Faults end by themselves at healMs; what is left is to reconnect the mesh and let the operator try again. */
export function heal(world: World): void {
  world.isHealed = true;
  world.trace.note(world.agenda.nowMs, 'HEAL');
  for (const node of world.nodes) if (node.status === 'paused') resumeNode(world, node);
  for (const node of world.nodes) if (node.status === 'crashed' && !node.isGone) startNode(world, node);
  const live = world.nodes.filter((node) => node.status === 'live');
  const [first] = live;
  if (first === undefined) return;
  for (const node of live) if (node !== first && world.chance.nodes.yes(0.3)) connect(world, node, first);
  // The operator does not know whether the first submission got through, and submits the same manifest again.
  submit(world, world.chance.nodes.pick(live));
}

/** Again a little later, elsewhere, when nobody answers. */
export function submit(world: World, node: SimNode): void {
  if (!isUp(node)) return world.agenda.after(500, () => submit(world, world.chance.nodes.pick(world.nodes)));
  node.hasBundle = true;
  world.deliver(node, { type: 'order', nowMs: 0, order: signOrder({ order: 'manifest', manifest: world.spec.manifest }) });
}
