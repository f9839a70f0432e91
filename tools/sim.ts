// `npm run sim`: plays seeds of the whole-cluster simulator (tools/sim). `--seeds N [--from S]` plays N seeds from S on, spread over
// `--jobs` threads, at most `--seconds` long; `--seed S` plays one, `--trace` with its full transcript. On failure it prints the seed, the
// promise that was broken and the last lines of the transcript; the same seed always fails in the same way. Exit 0 = all clean.

import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { EXIT } from '../node/core/errors.ts';
import { drawSpec } from './sim/draw.ts';
import { runSeeds } from './sim/many.ts';
import { runSeed } from './sim/run-seed.ts';
import { describeFailure, describeSummary } from './sim/summary.ts';

const USAGE = 'usage: npm run sim -- [--seeds N] [--from S] [--seconds N] [--jobs N] [--failures N] | --seed S [--trace]';

const OPTIONS = {
  seeds: { type: 'string', default: '200' },
  from: { type: 'string', default: '1' },
  seconds: { type: 'string', default: '3600' },
  jobs: { type: 'string', default: String(availableParallelism()) },
  /** Stop after so many failures in one thread. */
  failures: { type: 'string', default: '5' },
  seed: { type: 'string' },
  trace: { type: 'boolean', default: false },
} as const;

interface Wanted {
  readonly seeds: number;
  readonly from: number;
  readonly seconds: number;
  readonly jobs: number;
  readonly failures: number;
  readonly seed: number | null;
  readonly trace: boolean;
}

const print = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** What the arguments ask for, or what is wrong with them. */
function readArguments(args: readonly string[]): Wanted | string {
  try {
    const { values } = parseArgs({ args: [...args], options: OPTIONS });
    const whole = (name: 'seeds' | 'from' | 'seconds' | 'jobs' | 'failures' | 'seed'): number => {
      const text = values[name] ?? '';
      if (!/^\d+$/.test(text)) throw new Error(`--${name} needs a whole number, not '${text}'`);
      return Number(text);
    };
    const many = {
      seeds: whole('seeds'),
      from: whole('from'),
      seconds: whole('seconds'),
      jobs: whole('jobs'),
      failures: whole('failures'),
    };
    return { ...many, seed: values.seed === undefined ? null : whole('seed'), trace: values.trace };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function playOne(seed: number, trace: boolean): number {
  const { manifest, nodes, plan, faults, healMs, isFaultFree } = drawSpec(seed);
  const faultsText = isFaultFree ? 'no faults' : faults.map((fault) => `${fault.kind}@${fault.atMs / 1000}`).join(' ');
  print(
    `seed ${seed}: ${nodes.length} nodes, ${plan.shards.length} shards over ${plan.durationMs / 1000} s, onNodeLoss ${manifest.onNodeLoss.kind}, ` +
      `onCoordinatorLoss ${manifest.onCoordinatorLoss}, ${faultsText}, heal at ${healMs / 1000} s`,
  );
  const outcome = runSeed(seed, trace ? { write: print } : {});
  print(outcome.failure === null ? `clean, trace hash ${outcome.traceHash.toString(16)}` : describeFailure(outcome.failure, !trace));
  return outcome.failure === null ? 0 : 1;
}

async function playMany(wanted: Wanted): Promise<number> {
  const { from, seeds, seconds, jobs, failures } = wanted;
  const onFailure = (failure: Parameters<typeof describeFailure>[0]): void => print(describeFailure(failure, true));
  const result = await runSeeds({ from, count: seeds, secondsMax: seconds, jobs, failuresMax: failures, onFailure });
  print(describeSummary(result));
  return result.failures.length === 0 ? 0 : 1;
}

const wanted = readArguments(process.argv.slice(2));
if (typeof wanted === 'string') {
  process.stderr.write(`${wanted}\n${USAGE}\n`);
  process.exitCode = EXIT.badConfiguration;
} else {
  process.exitCode = wanted.seed === null ? await playMany(wanted) : playOne(wanted.seed, wanted.trace);
}
