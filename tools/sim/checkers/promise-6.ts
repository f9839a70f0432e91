// P6, nothing lost: nobody acknowledges a window that is not on its disk; at judgement every window of every node is either merged
// or listed as missing, never both; no window of a node that said `done` is missing; and what a lost node had acknowledged is in, as
// long as anybody who can still be asked has it. A node's last window closes after its last load.

import type { MissingWindows } from '../../../node/core/events.ts';
import type { NodeId } from '../../../node/core/messages.ts';
import { heldWindowsOf } from '../disk.ts';
import { isUp, type SimNode, type World } from '../world.ts';
import { alarm, type Checker } from './checker.ts';

/** Holders of a lost node's windows that came back or were cut off this recently need not have delivered them yet. */
const HANDOVER_MS = 12_000;

const covers = (gaps: readonly MissingWindows[], number: number): boolean =>
  gaps.some((gap) => number >= gap.from && (gap.to === null || number <= gap.to));

export function checkNothingLost(world: World): Checker {
  const { agenda } = world;
  /** Highest window number that a node was told is stored. */
  const acknowledged = new Map<NodeId, number>();
  /** Nodes that ever claimed a shard: the windows of all others hold no load. */
  const claimers = new Set<NodeId>();

  const mergedAt = (judge: SimNode, node: SimNode): ReadonlySet<number> => heldWindowsOf(judge.disk, node.id).merged;
  /** Whether somebody else who has been up and reachable for long enough holds it. */
  const isElsewhere = (judge: SimNode, node: SimNode, number: number): boolean => {
    if (!world.isHealed || agenda.nowMs - world.spec.healMs < HANDOVER_MS) return false;
    return world.nodes.some(
      (peer) =>
        peer !== judge &&
        peer.status === 'live' &&
        agenda.nowMs - peer.bornMs > HANDOVER_MS &&
        peer.disk.held.get(node.id)?.stored.has(number) === true,
    );
  };
  /** Up and led for long: whatever it recorded has had its time to arrive. */
  const isSurvivor = (node: SimNode): boolean =>
    node.status === 'live' &&
    world.isHealed &&
    agenda.nowMs - world.spec.healMs > HANDOVER_MS + world.spec.timing.flushMs &&
    node.bornMs <= world.spec.healMs + 1 &&
    agenda.nowMs - node.ghost.contactMs < world.spec.timing.leaseMs;
  const checkNode = (judge: SimNode, node: SimNode, gaps: readonly MissingWindows[]): void => {
    const merged = mergedAt(judge, node);
    const isDone = (judge.ghost.held.get(node.id) ?? 0) > 0 && node.ghost.doneMs >= 0 && isUp(node) && world.isHealed;
    // Windows after `done` hold no load.
    const last = node.ghost.doneMs >= 0 ? node.ghost.doneWindowLast : node.disk.windowLast;
    for (let number = 1; number <= last; number++) {
      const isListed = covers(gaps, number);
      if (merged.has(number)) {
        if (isListed) alarm('P6', `window ${number} of ${node.id} is in the report and listed as missing`);
        continue;
      }
      if (!isListed) alarm('P6', `window ${number} of ${node.id} is neither in the report of ${judge.id} nor listed as missing`);
      world.counts.windowsOfLostNodes += 1;
      if ((isDone && agenda.nowMs - world.spec.healMs > HANDOVER_MS) || isSurvivor(node))
        alarm('P6', `window ${number} of surviving ${node.id} is missing in the report of ${judge.id}`);
      if (number <= (acknowledged.get(node.id) ?? 0) && isElsewhere(judge, node, number)) {
        alarm('P6', `window ${number} of lost ${node.id} was acknowledged and is still held, but missing in the report of ${judge.id}`);
      }
    }
  };
  return {
    afterStep(node, event, effects) {
      if (event.type === 'message' && event.message.type === 'pulse-ack') {
        acknowledged.set(node.id, Math.max(acknowledged.get(node.id) ?? 0, event.message.windowsUpTo));
      }
      for (const entry of effects.persist) {
        if (entry.kind === 'claim') claimers.add(node.id);
        if (entry.kind !== 'done') continue;
        const closedMs = node.ghost.windowMs[entry.body.windowLast] ?? -1;
        if (closedMs < node.ghost.loadEndedMs)
          alarm('P6', `${node.id} is done with window ${entry.body.windowLast}, which closed before its last load stopped`);
      }
    },
    acknowledges(node, to, upTo) {
      const stored = heldWindowsOf(node.disk, to).contiguous;
      if (upTo > stored) alarm('P6', `${node.id} acknowledges ${to}'s windows up to ${upTo} but has stored them up to ${stored}`);
    },
    judges(judge, { missing }) {
      for (const node of world.nodes) {
        if (!judge.ghost.held.has(node.id) || !claimers.has(node.id)) continue;
        const gaps = missing.filter((gap) => gap.node === node.id);
        checkNode(judge, node, gaps);
      }
    },
  };
}
