// Drawing from a seeded generator: the few shapes the simulator needs, so that every draw reads as what it means.

import { createRng, hashInts, type Rng } from '../../node/core/rng.ts';

export interface Chance {
  /** True with probability `p`. */
  yes(p: number): boolean;
  /** Uniform in [low, high). */
  between(low: number, high: number): number;
  /** Uniform integer in [low, high]. */
  whole(low: number, high: number): number;
  /** Skewed towards `low` (square of a uniform): few large values among many small ones. */
  mostlyLow(low: number, high: number): number;
  pick<T>(items: readonly T[]): T;
}

/** One independent stream per `purpose`, so that a new draw in one part does not change what all others draw. */
export function createChance(seed: number, purpose: number): Chance {
  const rng: Rng = createRng(hashInts(seed, purpose));
  const between = (low: number, high: number): number => low + rng.float() * (high - low);
  return {
    yes: (p) => p > 0 && rng.float() < p,
    between,
    whole: (low, high) => low + rng.below(high - low + 1),
    mostlyLow: (low, high) => low + rng.float() ** 2 * (high - low),
    pick: (items) => items[rng.below(items.length)]!,
  };
}

export const PURPOSE = { draw: 1, plan: 2, faults: 3, network: 4, disk: 5, workers: 6, nodes: 7, workerFaults: 8, spotNotices: 9 } as const;
