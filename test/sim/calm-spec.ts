// A small cluster in which nothing goes wrong by itself, drawn from a fixed seed, to which a test adds exactly the faults it wants.
// All its endpoint shards run from T0 (about 6 s) for half a minute, so that whatever strikes meets running load.

import type { Shard } from '../../node/core/plan-types.ts';
import { drawSpec } from '../../tools/sim/draw.ts';
import type { FaultKind, FaultSpec, SimSpec, Target } from '../../tools/sim/spec.ts';

const DURATION_MS = 30_000;

function firstCalmSeed(): number {
  for (let seed = 1; ; seed++) {
    const { isFaultFree, nodes, expectWitnesses, plan } = drawSpec(seed);
    if (isFaultFree && nodes.length >= 6 && nodes.length <= 9 && expectWitnesses === 0 && plan.shards.length < 60) return seed;
  }
}

export function calmSpec(changes: Partial<SimSpec> = {}): SimSpec {
  const spec = drawSpec(firstCalmSeed());
  const isChanged = (changes.faults?.length ?? 0) > 0;
  const shards = spec.plan.shards.map((shard): Shard => ({ ...shard, startMs: 0, stopMs: DURATION_MS }));
  const plan = { ...spec.plan, shards, durationMs: DURATION_MS };
  return {
    ...spec,
    plan,
    isFaultFree: !isChanged,
    isHarmless: !isChanged,
    manifest: { ...spec.manifest, onNodeLoss: { kind: 'reassign' }, onCoordinatorLoss: 'reelect' },
    ...changes,
  };
}

export const fault = (kind: FaultKind, atMs: number, target: Target, durationMs = 0, amount = 0): FaultSpec => ({
  kind,
  atMs,
  target,
  durationMs,
  amount,
});
