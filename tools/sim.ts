// `npm run sim`: plays seeds of the whole-cluster simulator (tools/sim). `--seeds N [--from S]` plays N seeds from S on, spread over
// `--jobs` processes, at most `--seconds` long; `--seed S` plays one, `--trace` with its full transcript. On failure it prints the seed, the
// promise that was broken and the last lines of the transcript; the same seed always fails in the same way. Exit 0 = all clean.

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { drawSpec } from './sim/draw.ts';
import { runSeeds } from './sim/many.ts';
import { runSeed } from './sim/run-seed.ts';
import { describeFailure, describeSummary } from './sim/summary.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '200' },
    from: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '3600' },
    jobs: { type: 'string', default: String(availableParallelism()) },
    seed: { type: 'string' },
    trace: { type: 'boolean', default: false },
    failures: { type: 'string', default: '5' },
  },
});

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

function playOne(seed: number): number {
  const { manifest, nodes, plan, faults, healMs, isFaultFree } = drawSpec(seed);
  print(
    `seed ${seed}: ${nodes.length} nodes, ${plan.shards.length} shards over ${plan.durationMs / 1000} s, onNodeLoss ${manifest.onNodeLoss.kind}, onCoordinatorLoss ${manifest.onCoordinatorLoss}, ` +
      `${isFaultFree ? 'no faults' : faults.map((fault) => `${fault.kind}@${fault.atMs / 1000}`).join(' ')}, heal at ${healMs / 1000} s`,
  );
  const outcome = runSeed(seed, values.trace ? { write: print } : {});
  print(outcome.failure === null ? `clean, trace hash ${outcome.traceHash.toString(16)}` : describeFailure(outcome.failure, !values.trace));
  return outcome.failure === null ? 0 : 1;
}

async function playMany(): Promise<number> {
  const result = await runSeeds({
    from: Number(values.from),
    count: Number(values.seeds),
    secondsMax: Number(values.seconds),
    jobs: Number(values.jobs),
    failuresMax: Number(values.failures),
    onFailure: (failure) => print(describeFailure(failure, true)),
  });
  print(describeSummary(result));
  return result.failures.length === 0 ? 0 : 1;
}

process.exitCode = values.seed === undefined ? await playMany() : playOne(Number(values.seed));
