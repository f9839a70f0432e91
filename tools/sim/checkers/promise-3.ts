// P3, one owner: no shard's load runs on two nodes at the same true time, and a node runs only what it claimed in the log. In a run
// without faults every shard is claimed exactly once.

import type { Claim } from '../../../node/core/messages.ts';
import type { SimNode, World } from '../world.ts';
import { alarm, type Checker } from './checker.ts';

export function checkOneOwner(world: World): Checker {
  const running = new Map<number, { node: SimNode; claim: Claim }>();
  /** `node shard.epoch` of every claim written; and how often each shard was claimed. */
  const claimed = new Set<string>();
  const timesClaimed = new Map<number, number>();
  const keyOf = (node: SimNode, claim: Claim): string => `${node.id} ${claim.shard}.${claim.epoch}`;
  return {
    afterStep(node, _event, effects) {
      for (const entry of effects.persist) {
        if (entry.kind !== 'claim') continue;
        for (const claim of entry.body.claims) {
          claimed.add(keyOf(node, claim));
          timesClaimed.set(claim.shard, (timesClaimed.get(claim.shard) ?? 0) + 1);
        }
      }
    },
    runBegins(node, claim) {
      world.trace.note(world.agenda.nowMs, `load ${claim.shard}.${claim.epoch} runs on ${node.id}`);
      const other = running.get(claim.shard);
      if (other !== undefined)
        alarm('P3', `shard ${claim.shard} runs on ${other.node.id} (epoch ${other.claim.epoch}) and on ${node.id} (epoch ${claim.epoch})`);
      if (!claimed.has(keyOf(node, claim))) alarm('P3', `${node.id} runs ${claim.shard}.${claim.epoch} without having claimed it`);
      running.set(claim.shard, { node, claim });
    },
    runEnds(node, claim) {
      world.trace.note(world.agenda.nowMs, `load ${claim.shard}.${claim.epoch} ended on ${node.id}`);
      if (running.get(claim.shard)?.node === node) running.delete(claim.shard);
    },
    atEnd() {
      if (!world.spec.isFaultFree) return;
      for (const shard of world.spec.plan.shards) {
        const times = timesClaimed.get(shard.id) ?? 0;
        if (times !== 1) alarm('P3', `shard ${shard.id} was claimed ${times} times in a run without faults`);
      }
    },
  };
}
