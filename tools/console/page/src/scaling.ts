// What a press of a button on the steering card comes to as orders: one for all groups where all go to the same factor, else one for each, because an order for all would make them the same.
// Pause and Resume follow from what was ordered before (GroupFactor), so that they outlive a reload. Pure.

import type { GroupFactor, OrderRequest } from '../../protocol.ts';
import { FACTOR_MAX } from '../../protocol.ts';

export const ALL = '*';

type Scale = Extract<OrderRequest, { order: 'scale' }>;

/** What the choice stands at: a factor, or null where its groups differ. */
export function factorOf(factors: readonly GroupFactor[], chosen: string): number | null {
  const own = chosenOf(factors, chosen);
  const first = own[0]?.factor ?? 1;
  return own.every(({ factor }) => factor === first) ? first : null;
}

const chosenOf = (factors: readonly GroupFactor[], chosen: string): readonly GroupFactor[] =>
  chosen === ALL ? factors : factors.filter(({ group }) => group === chosen);

export const isPaused = (factors: readonly GroupFactor[], chosen: string): boolean => {
  const own = chosenOf(factors, chosen);
  return own.length > 0 && own.every(({ factor }) => factor === 0);
};

/** To the thousandth: a tenth less and a tenth more a few times is no number to read. */
const rounded = (factor: number): number => Math.round(Math.min(FACTOR_MAX, Math.max(0, factor)) * 1000) / 1000;

export function ordersTo(factors: readonly GroupFactor[], chosen: string, to: (now: GroupFactor) => number): Scale[] {
  const own = chosenOf(factors, chosen).map((now) => ({ order: 'scale' as const, group: now.group, factor: rounded(to(now)) }));
  const first = own[0];
  if (chosen !== ALL || first === undefined) return own;
  return own.every(({ factor }) => factor === first.factor) ? [{ ...first, group: ALL }] : own;
}

/** What the factors are once the swarm has taken this order. */
export function afterOrder(factors: readonly GroupFactor[], { group, factor }: Pick<Scale, 'group' | 'factor'>): readonly GroupFactor[] {
  return factors.map((now) =>
    group === ALL || group === now.group ? { ...now, factor, resumeFactor: factor === 0 ? now.resumeFactor : factor } : now,
  );
}
