// What every benchmark shares: the shape of its result, the sentence about the machine, and the final JSON line of DESIGN 9.
// A figure is compared with a baseline measured in the same run on the same machine, so that the ratio means something
// where the figure alone does not. Whether a figure reaches its goal is a fact in the line, not an exit code.

import { arch, availableParallelism, cpus, freemem, loadavg, platform, release, totalmem } from 'node:os';

export interface BenchOptions {
  /** Under 30 seconds, with a coarser figure. */
  quick: boolean;
}

export interface BenchResult {
  figure: number;
  unit: string;
  /** The same quantity from the thing compared with, in this run; null when there is nothing fair to compare with. */
  baseline: number | null;
  /** What is to be reached, in `unit`, or as a ratio to the baseline when `reachIs` says so. */
  reach: number;
  reachIs?: 'figure' | 'ratio';
  better: 'higher' | 'lower';
}

/** A file of tools/bench/. */
export interface BenchModule {
  /** One line for the list: what is measured, against what. */
  about: string;
  bench: (options: BenchOptions) => Promise<BenchResult>;
}

const gibibyte = 1024 ** 3;

/** One sentence on the machine, its load included: a busy machine makes every figure worse than it is. */
export function describeMachine(): string {
  const memory = `${(totalmem() / gibibyte).toFixed(0)} GiB (${(freemem() / gibibyte).toFixed(0)} free)`;
  const model = cpus()[0]?.model.trim() || 'unknown model';
  const load = loadavg()
    .map((each) => each.toFixed(1))
    .join(' ');
  return `${availableParallelism()} cores (${model}), ${memory}, ${platform()} ${release()} ${arch()}, Node ${process.version}, load ${load}`;
}

/** Four significant digits: more would pretend a precision that a shared machine does not have. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

/** The final line. A figure that is not a finite number means that nothing was measured, and throws. */
export function resultLine(name: string, result: BenchResult): string {
  const { figure, unit, baseline, reach, better } = result;
  if (!Number.isFinite(figure)) throw new Error(`${name} measured ${figure} ${unit}`);
  const ratio = baseline === null || baseline === 0 ? null : figure / baseline;
  const judged = result.reachIs === 'ratio' ? ratio : figure;
  const isReached = judged !== null && (better === 'higher' ? judged >= reach : judged <= reach);
  return JSON.stringify({
    bench: name,
    figure: rounded(figure),
    unit,
    baseline: baseline === null ? null : rounded(baseline),
    ratio: ratio === null ? null : rounded(ratio),
    reach,
    ok: isReached,
  });
}

/** The value below which the given share (0..1) of the values lies: nearest rank, no interpolation. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.max(0, Math.ceil(share * sorted.length) - 1))] ?? Number.NaN;
}
