// A machine that its vendor takes back: its node is told, hands over and is gone before the machine is. Whatever the loss policies say, nothing was lost:
// the run completes, every shard is carried to its end by somebody, never by two at once (P3, by the simulator's checkers), and the gap of a shard that
// moves is bounded: by the stop and a round for an ordinary node's, by an election and the old leases for the coordinator's own.

import { describe, expect, it } from 'vitest';
import { GAVE_BACK, type Manifest } from '../../node/core/messages.ts';
import { runSeed } from '../../tools/sim/run-seed.ts';
import type { Target } from '../../tools/sim/spec.ts';
import type { World } from '../../tools/sim/world.ts';
import { calmSpec, fault } from './calm-spec.ts';

const NOTICE_MS = 15_000;
/** The shortest that a vendor gives: Google's 30 s, less the time until the node asks. */
const MACHINE_MS = 25_000;
const GRACE_MS = 2_000;
const ORDINARY = 3;

type Policies = Pick<Manifest, 'onNodeLoss' | 'onCoordinatorLoss'>;
const POLICIES: readonly [string, Policies][] = [
  ['losses end the run', { onNodeLoss: { kind: 'fail' }, onCoordinatorLoss: 'terminate' }],
  ['losses are tolerated', { onNodeLoss: { kind: 'tolerate', percent: 0 }, onCoordinatorLoss: 'terminate' }],
  ['losses are made good', { onNodeLoss: { kind: 'reassign' }, onCoordinatorLoss: 'reelect' }],
];

function play(target: Target, policies: Policies, seed: number): { world: World; failure: string } {
  const calm = calmSpec({ faults: [fault('spot-notice', NOTICE_MS, target, MACHINE_MS, GRACE_MS)], healMs: NOTICE_MS + MACHINE_MS });
  const spec = { ...calm, seed, manifest: { ...calm.manifest, ...policies } };
  let world: World | undefined;
  const watch = {
    event: <Event>(event: Event, _node: unknown, seen: World): Event => {
      world = seen;
      return event;
    },
  };
  const { failure } = runSeed(seed, { spec, sabotage: watch });
  if (world === undefined) throw new Error('nothing was played');
  return { world, failure: failure === null ? 'clean' : `${failure.promise} ${failure.message}` };
}

/** Longest time that a shard ran nowhere between its first start and its end. */
function gapMsMax(world: World): number {
  let longest = 0;
  for (const runs of world.runs) {
    runs.slice(1).forEach(({ beginMs }, index) => {
      longest = Math.max(longest, beginMs - runs[index]!.endMs);
    });
  }
  return longest;
}

const finalChain = ({ nodes }: World) => nodes.find(({ state }) => state?.chain.phase === 'sealed')?.state?.chain;

const undelivered = ({ spec, runs }: World): number[] =>
  spec.plan.shards.filter(({ id, kind }) => kind === 'endpoints' && !runs[id]!.some(({ isFinished }) => isFinished)).map(({ id }) => id);

describe.each(POLICIES)('a planned departure where %s', (_, policies) => {
  it.each<[string, Target, number]>([
    ['of an ordinary node', ORDINARY, 4_000],
    ['of the coordinator', 'coordinator', 16_000],
  ])('%s', (_who, target, gapBoundMs) => {
    for (let seed = 1; seed <= 12; seed++) {
      const { world, failure } = play(target, policies, seed);
      const told = `seed ${seed}`;
      expect(failure, told).toBe('clean');
      expect(Object.keys(world.counts.endings), told).toEqual(['completed']);
      expect(undelivered(world), told).toEqual([]);
      const left = world.nodes.filter(({ exit }) => exit === 'stoppedByOperator');
      expect(left, told).toHaveLength(1);
      // Nobody was counted out as lost.
      const downs = (finalChain(world)?.decisions ?? []).flatMap((entry) => (entry.kind === 'down' ? [entry.body] : []));
      expect(
        downs.map(({ node, silentMs }) => [node, silentMs]),
        told,
      ).toEqual([[left[0]!.id, GAVE_BACK]]);
      expect(left[0]!.exitMs - NOTICE_MS, told).toBeLessThan(MACHINE_MS);
      const moved = world.runs.filter((runs) => runs.some(({ nodeIndex }) => nodeIndex === left[0]!.index) && runs.length > 1);
      expect(moved.length, told).toBeGreaterThan(0);
      expect(gapMsMax(world), told).toBeGreaterThan(0);
      expect(gapMsMax(world), told).toBeLessThan(gapBoundMs);
    }
  });
});

it('a machine that goes in the middle of handing over is a lost node, by its policy', () => {
  const calm = calmSpec({ faults: [fault('spot-notice', NOTICE_MS, ORDINARY, 100, GRACE_MS)], healMs: NOTICE_MS + MACHINE_MS });
  const manifest: Manifest = { ...calm.manifest, onNodeLoss: { kind: 'fail' } };
  const { failure, counts } = runSeed(1, { spec: { ...calm, manifest } });
  expect(failure?.message ?? 'clean').toBe('clean');
  expect(Object.keys(counts.endings)).toEqual(['node-lost']);
});
