// What orders to scale have come to, group by group: the factor that was ordered last, and the last one that was not a pause. Both follow from the orders in the swarm's log, so that they are
// the same on every page and after every reload. Pure.

import type { ScaleOrder } from '../../../node/core/plan-types.ts';
import { ordersFor } from '../../../node/core/shape.ts';
import type { GroupFactor } from '../protocol.ts';

export function factorsOf(groups: readonly string[], scales: readonly ScaleOrder[]): GroupFactor[] {
  return groups.map((group) => {
    const factors = [1, ...ordersFor(group, scales).map(({ factor }) => factor)];
    return { group, factor: factors.at(-1) ?? 1, resumeFactor: factors.findLast((factor) => factor > 0) ?? 1 };
  });
}
