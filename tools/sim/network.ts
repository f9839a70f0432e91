// The modelled mesh. A link is a connection; direct messages open one when there is none. Messages keep their order on a link
// unless the seed says that one overtakes; a lost one is a stream that was reset. Gossip reaches every node connected through
// links, each delivery with its own delay and loss. `blocked` is directed, so partitions may be one-way; a link across a
// partition breaks after a while, and then both ends are told.

import type { NodeEvent } from '../../node/core/events.ts';
import type { Gossip, Message, NodeId } from '../../node/core/messages.ts';
import { isUp, type SimNode, type World } from './world.ts';

export interface Network {
  readonly size: number;
  /** links[a * size + b] = 1: connected; symmetric. */
  readonly links: Uint8Array;
  /** blocked[a * size + b] > 0: nothing passes from a to b; counts the partitions that say so. */
  readonly blocked: Uint8Array;
  /** True time of the last delivery scheduled from a to b. */
  readonly lastArrivalMs: Float64Array;
  /** Which nodes gossip of a node reaches, computed when first needed after a change. */
  readonly reach: (readonly number[] | null)[];
}

const JOINING_MS = 5000;

export const createNetwork = (size: number): Network => ({
  size,
  links: new Uint8Array(size * size),
  blocked: new Uint8Array(size * size),
  lastArrivalMs: new Float64Array(size * size),
  reach: new Array<readonly number[] | null>(size).fill(null),
});

export const topologyChanged = (network: Network): void => {
  network.reach.fill(null);
};

function bring(world: World, node: SimNode, delayMs: number, event: NodeEvent): void {
  const life = node.life;
  world.agenda.after(delayMs, () => {
    if (node.life === life) world.deliver(node, event);
  });
}

const isLinked = (network: Network, a: number, b: number): boolean => network.links[a * network.size + b] === 1;
export const isBlocked = (network: Network, a: number, b: number): boolean => network.blocked[a * network.size + b]! > 0;

/** Connects two nodes when nothing is in the way. True when they are connected afterwards. */
export function connect(world: World, a: SimNode, b: SimNode): boolean {
  const { network } = world;
  if (a === b || isLinked(network, a.index, b.index)) return a !== b;
  if (!isUp(a) || b.status !== 'live' || isBlocked(network, a.index, b.index) || isBlocked(network, b.index, a.index)) return false;
  network.links[a.index * network.size + b.index] = 1;
  network.links[b.index * network.size + a.index] = 1;
  topologyChanged(network);
  bring(world, a, world.chance.network.between(0.5, 5), { type: 'peer-up', nowMs: 0, peer: b.id });
  bring(world, b, world.chance.network.between(0.5, 5), { type: 'peer-up', nowMs: 0, peer: a.id });
  return true;
}

export function disconnect(world: World, a: SimNode, b: SimNode, noticeMs: number): void {
  const { network } = world;
  if (!isLinked(network, a.index, b.index)) return;
  network.links[a.index * network.size + b.index] = 0;
  network.links[b.index * network.size + a.index] = 0;
  topologyChanged(network);
  bring(world, a, world.chance.network.between(0, noticeMs), { type: 'peer-down', nowMs: 0, peer: b.id });
  bring(world, b, world.chance.network.between(0, noticeMs), { type: 'peer-down', nowMs: 0, peer: a.id });
}

/** A machine that died is noticed at once when its system closes the connections, late when it vanished whole. */
export function dropLinks(world: World, node: SimNode, noticeMs: number): void {
  for (const peer of world.nodes) disconnect(world, node, peer, noticeMs);
}

function delayMs(world: World): number {
  const { network, chance } = { network: world.spec.network, chance: world.chance.network };
  const base = chance.mostlyLow(network.delayMsMin, network.delayMsMax);
  return chance.yes(0.005) ? base * 5 : base;
}

export function sendMessage(world: World, from: SimNode, to: NodeId, message: Message): void {
  const target = world.nodeById.get(to);
  if (target === undefined || target === from || !isUp(target)) return;
  const { network, chance, counts } = { network: world.network, chance: world.chance.network, counts: world.counts };
  let openMs = 0;
  if (!isLinked(network, from.index, target.index)) {
    if (!connect(world, from, target)) return;
    openMs = 2 * delayMs(world);
  }
  const loss = world.isHealed ? 0 : world.spec.network.loss + world.extraLoss;
  if (isBlocked(network, from.index, target.index) || chance.yes(loss)) {
    counts.lostMessages += 1;
    return;
  }
  const pair = from.index * network.size + target.index;
  const { agenda } = world;
  let arrivalMs = agenda.nowMs + openMs + delayMs(world);
  if (!world.isHealed && chance.yes(world.spec.network.overtaking)) counts.overtakings += 1;
  else if (arrivalMs <= network.lastArrivalMs[pair]!) arrivalMs = network.lastArrivalMs[pair]! + 0.001;
  if (arrivalMs > network.lastArrivalMs[pair]!) network.lastArrivalMs[pair] = arrivalMs;
  bring(world, target, arrivalMs - agenda.nowMs, { type: 'message', nowMs: 0, from: from.id, message });
  if (world.isHealed || !chance.yes(world.spec.network.duplicates)) return;
  counts.duplicates += 1;
  bring(world, target, arrivalMs - agenda.nowMs + delayMs(world), { type: 'message', nowMs: 0, from: from.id, message });
}

/** Nodes that gossip of `source` can reach over links that pass in that direction; a paused node forwards nothing. */
function reachOf(world: World, source: SimNode): readonly number[] {
  const { network, nodes } = world;
  const known = network.reach[source.index];
  if (known) return known;
  const seen = new Uint8Array(network.size);
  seen[source.index] = 1;
  const reached: number[] = [source.index];
  for (let at = 0; at < reached.length; at++) {
    const hop = reached[at]!;
    if (at > 0 && nodes[hop]!.status !== 'live') continue;
    for (let next = 0; next < network.size; next++) {
      if (seen[next] === 1 || network.links[hop * network.size + next] === 0 || isBlocked(network, hop, next)) continue;
      seen[next] = 1;
      reached.push(next);
    }
  }
  reached.shift();
  network.reach[source.index] = reached;
  return reached;
}

export function publishGossip(world: World, from: SimNode, gossip: Gossip): void {
  const { agenda, spec, chance } = { agenda: world.agenda, spec: world.spec.network, chance: world.chance.network };
  for (const index of reachOf(world, from)) {
    const target = world.nodes[index]!;
    if (!isUp(target)) continue;
    const isJoining = agenda.nowMs - target.bornMs < JOINING_MS || agenda.nowMs - from.bornMs < JOINING_MS;
    const loss = isJoining ? spec.gossipLossJoining : world.isHealed ? 0.002 : spec.gossipLoss + world.extraLoss;
    if (chance.yes(loss)) continue;
    bring(world, target, delayMs(world) * 1.5, { type: 'gossip', nowMs: 0, from: from.id, gossip });
  }
}
