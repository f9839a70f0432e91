// sim-speed: how many whole clusters of 5 to 30 nodes the simulator plays a second on one core, faults, checkers and all. The baseline
// is the same runs in real time, so the ratio says how many times faster than life a protocol bug is looked for.

import { monotonicNowMs } from '../../node/adapters/clock.ts';
import type { BenchOptions, BenchResult } from '../bench-kit.ts';
import { drawSpec } from '../sim/draw.ts';
import { runSeed } from '../sim/run-seed.ts';

export const about = 'whole-cluster simulator: seeds of 5 to 30 nodes a second on one core, against real time';

const NODES_MIN = 5;
const NODES_MAX = 30;
/** Another range than the tests play; any range would do. */
const FIRST_SEED = 500_000;
/** The first seeds compile the code. */
const WARM_UP_SEEDS = 15;

export async function bench(options: BenchOptions): Promise<BenchResult> {
  const untilS = options.quick ? 10 : 60;
  let seed = FIRST_SEED;
  const playNext = (): number => {
    for (;;) {
      const spec = drawSpec(seed++);
      if (spec.nodes.length < NODES_MIN || spec.nodes.length > NODES_MAX) continue;
      const outcome = runSeed(spec.seed, { spec });
      if (outcome.failure !== null) throw new Error(`seed ${spec.seed} failed: ${outcome.failure.message}`);
      return outcome.counts.virtualSeconds;
    }
  };
  for (let warm = 0; warm < WARM_UP_SEEDS; warm++) playNext();
  let played = 0;
  let virtualS = 0;
  const startedMs = monotonicNowMs();
  while (monotonicNowMs() - startedMs < untilS * 1000) {
    virtualS += playNext();
    played += 1;
  }
  const elapsedS = (monotonicNowMs() - startedMs) / 1000;
  process.stdout.write(`${played} seeds, ${virtualS} s of cluster time in ${elapsedS.toFixed(1)} s\n`);
  return { figure: played / elapsedS, unit: 'seeds/s', baseline: played / virtualS, reach: 20, better: 'higher' };
}
