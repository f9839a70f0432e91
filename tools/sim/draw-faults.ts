// The fault script of a seed: what strikes, when, whom and for how long. Weights favour what breaks protocols in practice
// (partitions, pauses, crashes at the coordinator); things that merely end a run early are rare, or few runs would get far.

import { type Chance, createChance, PURPOSE } from './chance.ts';
import type { FaultKind, FaultSpec } from './spec.ts';

interface FaultShape {
  readonly kind: FaultKind;
  readonly weight: number;
  readonly durationMs: readonly [number, number];
  readonly amount: readonly [number, number];
}

const NONE = [0, 0] as const;

/** `amount`: share of nodes on one side; sync delay in ms; loss share; factor of a scale order ... by kind, see faults.ts. */
const SHAPES: readonly FaultShape[] = [
  { kind: 'partition', weight: 10, durationMs: [300, 25_000], amount: [0.05, 0.6] },
  { kind: 'one-way', weight: 6, durationMs: [300, 20_000], amount: [0.05, 0.6] },
  { kind: 'isolate', weight: 8, durationMs: [300, 25_000], amount: NONE },
  { kind: 'collect-garbage', weight: 10, durationMs: [50, 500], amount: NONE },
  { kind: 'sigstop', weight: 10, durationMs: [1_000, 30_000], amount: NONE },
  { kind: 'crash-restart', weight: 12, durationMs: [200, 12_000], amount: NONE },
  { kind: 'crash-for-good', weight: 6, durationMs: NONE, amount: NONE },
  { kind: 'slow-disk', weight: 6, durationMs: [1_000, 12_000], amount: [50, 1_500] },
  { kind: 'lossy', weight: 6, durationMs: [1_000, 15_000], amount: [0.05, 0.4] },
  { kind: 'stop-order', weight: 1.5, durationMs: NONE, amount: [0, 1] },
  { kind: 'scale-order', weight: 3, durationMs: NONE, amount: [0, 3] },
  { kind: 'forged-order', weight: 3, durationMs: NONE, amount: [0, 1] },
  { kind: 'intruder', weight: 3, durationMs: NONE, amount: [0, 1] },
  { kind: 'abort-wanted', weight: 0.7, durationMs: NONE, amount: NONE },
  { kind: 'signal-leave', weight: 0.8, durationMs: NONE, amount: [0, 1] },
  { kind: 'storage-failed', weight: 0.7, durationMs: NONE, amount: NONE },
  { kind: 'clock-jumped', weight: 2, durationMs: NONE, amount: [-5_000, 5_000] },
];

const HARMLESS_KINDS: ReadonlySet<FaultKind> = new Set(['collect-garbage', 'forged-order', 'intruder', 'clock-jumped']);
export const ALL: readonly FaultShape[] = SHAPES;
/** A run with these faults only must end as one without. */
export const HARMLESS: readonly FaultShape[] = SHAPES.filter((shape) => HARMLESS_KINDS.has(shape.kind));

function drawShape(chance: Chance, shapes: readonly FaultShape[]): FaultShape {
  let left = chance.between(
    0,
    shapes.reduce((sum, shape) => sum + shape.weight, 0),
  );
  for (const shape of shapes) {
    left -= shape.weight;
    if (left < 0) return shape;
  }
  return shapes[0]!;
}

/** From a stream of its own, so that seeds noted before these faults existed still draw what they drew; later additions should do the same. */
function drawWorkerCrashes(seed: number, nodeCount: number, healMs: number): FaultSpec[] {
  const chance = createChance(seed, PURPOSE.workerFaults);
  const count = chance.yes(0.25) ? chance.whole(1, 3) : 0;
  return Array.from(
    { length: count },
    (): FaultSpec => ({
      kind: 'worker-crash',
      atMs: Math.round(chance.between(200, healMs)),
      durationMs: Math.round(chance.between(100, 1_500)),
      target: chance.whole(0, nodeCount - 1),
      amount: 0,
    }),
  );
}

/** From a stream of its own too. A vendor takes several machines of one kind back at once, so they come close together. */
function drawSpotNotices(seed: number, nodeCount: number, healMs: number): FaultSpec[] {
  const chance = createChance(seed, PURPOSE.spotNotices);
  const count = chance.yes(0.15) ? chance.whole(1, 2) : 0;
  const firstMs = chance.between(200, healMs);
  return Array.from(
    { length: count },
    (): FaultSpec => ({
      kind: 'spot-notice',
      atMs: Math.round(Math.min(healMs, firstMs + chance.between(0, 5_000))),
      durationMs: chance.yes(0.5) ? 25_000 : 110_000,
      target: chance.yes(0.3) ? 'coordinator' : chance.whole(0, nodeCount - 1),
      amount: Math.round(chance.between(0, 8_000)),
    }),
  );
}

export function drawFaults(seed: number, nodeCount: number, healMs: number, shapes: readonly FaultShape[]): FaultSpec[] {
  const chance = createChance(seed, PURPOSE.faults);
  const count = Math.round(chance.mostlyLow(1, 14));
  const faults = Array.from({ length: count }, (): FaultSpec => {
    const shape = drawShape(chance, shapes);
    return {
      kind: shape.kind,
      atMs: Math.round(chance.between(200, healMs)),
      durationMs: Math.round(chance.mostlyLow(...shape.durationMs)),
      target: chance.yes(0.35) ? 'coordinator' : chance.whole(0, nodeCount - 1),
      amount: chance.between(...shape.amount),
    };
  });
  if (shapes === ALL) faults.push(...drawWorkerCrashes(seed, nodeCount, healMs), ...drawSpotNotices(seed, nodeCount, healMs));
  return faults.sort((a, b) => a.atMs - b.atMs);
}
