// P2, convergence: nodes with the same set of entries have the same view, and once the links are healed all live nodes come to
// hold the same set. Views are compared whenever two nodes happen to hold the same set, at a few moments of the run and among
// all nodes that were there at the end, whatever they hold of it.

import type { NodeId } from '../../../node/core/messages.ts';
import { toNodeMs } from '../clock.ts';
import type { SimNode, World } from '../world.ts';
import { alarm, type Checker } from './checker.ts';

/** Computing a view digest costs more than a thousand steps, so views are compared this seldom. */
const COMPARE_EVERY_S = 12;
const COMPARED_MAX = 4;

/** After a heal: links are dialled again, and two rounds of anti-entropy pass. */
const settleMs = (world: World): number => 3000 + 2 * world.spec.timing.syncIdleMs;

function compareViews(world: World, nodes: readonly SimNode[]): void {
  const bySet = new Map<string, SimNode[]>();
  for (const node of nodes) {
    const set = world.core.entrySetDigest(node.state!);
    const same = bySet.get(set);
    if (same === undefined) bySet.set(set, [node]);
    else if (same.length < COMPARED_MAX) same.push(node);
  }
  for (const same of bySet.values()) {
    if (same.length < 2) continue;
    const [first, ...others] = same;
    const expected = world.core.viewDigest(first!.state!);
    for (const other of others) {
      world.counts.viewsCompared += 1;
      if (world.core.viewDigest(other.state!) !== expected)
        alarm('P2', `${first!.id} and ${other.id} hold the same entries and differ in their view`);
    }
  }
}

interface Snapshot {
  readonly atMs: number;
  /** What each live node held: highest seq by author. */
  readonly held: readonly { readonly node: SimNode; readonly life: number; readonly seqs: ReadonlyMap<NodeId, number> }[];
}

const isListening = (node: SimNode): boolean => node.status === 'live' && node.state !== null;

function takeSnapshot(world: World): Snapshot {
  const live = world.nodes.filter(isListening);
  return { atMs: world.agenda.nowMs, held: live.map((node) => ({ node, life: node.life, seqs: new Map(node.ghost.held) })) };
}

/** Left over of a run that is gone: nobody it knows is there any more, and it leaves within the grace period (P5). */
const isOrphaned = (world: World, node: SimNode): boolean =>
  world.core.phaseOf(node.state!) !== 'forming' && world.agenda.nowMs - node.ghost.contactMs > 2 * world.spec.timing.leaseMs;

/** Of those that are still there, whoever is connected by now must hold what any of them held then. */
function checkSnapshot(world: World, snapshot: Snapshot): void {
  const there = snapshot.held.filter(({ node, life }) => isListening(node) && node.life === life && !isOrphaned(world, node));
  const unions = new Map<number, Map<NodeId, number>>();
  const islandOf = islandsOf(world);
  for (const { node, seqs } of there) {
    const island = islandOf[node.index]!;
    const union = unions.get(island) ?? new Map<NodeId, number>();
    unions.set(island, union);
    for (const [author, seq] of seqs) if (seq > (union.get(author) ?? 0)) union.set(author, seq);
  }
  for (const { node } of there) {
    for (const [author, seq] of unions.get(islandOf[node.index]!)!) {
      const held = node.ghost.held.get(author) ?? 0;
      if (held < seq)
        alarm(
          'P2',
          `${node.id} holds ${author}'s entries up to ${held} of ${seq}, which others held ${Math.round(world.agenda.nowMs - snapshot.atMs)} ms ago`,
        );
    }
  }
  world.counts.converged += 1;
}

/** By node index: the lowest index that it is connected with. Once the seeds have left, late joiners have no way to meet. */
function islandsOf(world: World): number[] {
  const { network, nodes } = world;
  const island = nodes.map((_, index) => index);
  for (let changed = true; changed; ) {
    changed = false;
    for (let a = 0; a < nodes.length; a++) {
      for (let b = 0; b < nodes.length; b++) {
        if (network.links[a * network.size + b] === 0 || island[b]! >= island[a]!) continue;
        island[a] = island[b]!;
        changed = true;
      }
    }
  }
  return island;
}

export function checkConvergence(world: World): Checker {
  let audits = 0;
  let snapshot: Snapshot | null = null;
  return {
    afterStep(node, _event, effects) {
      if (
        effects.exit?.exit !== 'quorumLost' ||
        !world.isHealed ||
        world.agenda.nowMs - world.spec.healMs < settleMs(world) + world.spec.timing.graceMs
      )
        return;
      if (world.agenda.nowMs - node.ghost.contactMs < world.spec.timing.graceMs) return;
      const acting = world.nodes.find(
        (other) =>
          other !== node && other.status === 'live' && world.core.isActing(other.state!, toNodeMs(other.clock, world.agenda.nowMs)),
      );
      if (acting !== undefined && node.bornMs <= world.spec.healMs)
        alarm('P2', `${node.id} gave up long after the heal, and ${acting.id} leads`);
    },
    audit() {
      audits += 1;
      if (audits % COMPARE_EVERY_S === 0) compareViews(world, world.nodes.filter(isListening));
      if (!world.isHealed) return;
      if (snapshot === null) snapshot = takeSnapshot(world);
      else if (world.agenda.nowMs - snapshot.atMs >= settleMs(world)) {
        checkSnapshot(world, snapshot);
        snapshot = takeSnapshot(world);
      }
    },
    atEnd() {
      compareViews(
        world,
        world.nodes.filter((node) => node.state !== null),
      );
    },
  };
}
