// What a generator's process measured between two moments: its deltas (worker-protocol.ts) added up from the encoded series, as a coordinator does, so that a
// benchmark sees what a report would say; and beside them what the kernel says of its CPU and memory. Spans begin and end with a delta, and counts and CPU
// belong together to within the time that a message takes.

import { createHistogram, type Histogram, mergeEncoded, valueAtPercentile } from '../../../node/core/histogram.ts';
import type { ErrorCount, Series } from '../../../node/core/stats-types.ts';
import { reasonsOf } from '../../../node/runtime/health.ts';
import type { FromWorker, WorkerHealth } from '../../../node/runtime/worker-protocol.ts';
import { message, type Program } from './lab.ts';

export type Delta = Extract<FromWorker, { type: 'delta' }>;

/** Series of a span, each over all its tags. */
export interface Tally {
  /** Of a counter; 0 when there is none. */
  readonly sum: (metric: string) => number;
  /** Last level of a gauge, summed over its tags; 0 when there is none. */
  readonly level: (metric: string) => number;
  /** How often a rate was true, and of how many. */
  readonly rate: (metric: string) => { readonly pass: number; readonly total: number };
  /** Of a trend, `percentile` from 0 to 100; NaN when nothing was recorded. */
  readonly percentile: (metric: string, percentile: number) => number;
  readonly errors: readonly ErrorCount[];
  readonly health: readonly WorkerHealth[];
}

export interface Span {
  readonly elapsedMs: number;
  /** User and system, all threads. */
  readonly cpuSeconds: number;
  /** At the end. */
  readonly residentBytes: number;
  /** Deltas, and how many of them the generator marked as not to be trusted, with its reasons. */
  readonly deltas: number;
  readonly deltasTainted: number;
  readonly taints: readonly string[];
  readonly tally: Tally;
}

export function tallyOf(deltas: readonly Delta[]): Tally {
  const sums = new Map<string, number>();
  const rates = new Map<string, { pass: number; total: number }>();
  const histograms = new Map<string, Histogram>();
  const add = ({ metric, data }: Series): void => {
    if (data.kind === 'counter') sums.set(metric, (sums.get(metric) ?? 0) + data.sum);
    if (data.kind === 'rate') {
      const { pass, total } = rates.get(metric) ?? { pass: 0, total: 0 };
      rates.set(metric, { pass: pass + data.pass, total: total + data.total });
    }
    if (data.kind !== 'trend') return;
    const histogram = histograms.get(metric) ?? createHistogram();
    histograms.set(metric, histogram);
    mergeEncoded(histogram, data.histogram, data);
  };
  for (const { series } of deltas) for (const each of series) add(each);
  return {
    sum: (metric) => sums.get(metric) ?? 0,
    level: (metric) =>
      (deltas.at(-1)?.series ?? []).reduce(
        (sum, each) => (each.metric === metric && each.data.kind === 'gauge' ? sum + each.data.last : sum),
        0,
      ),
    rate: (metric) => rates.get(metric) ?? { pass: 0, total: 0 },
    percentile(metric, percentile) {
      const histogram = histograms.get(metric);
      return histogram === undefined ? Number.NaN : valueAtPercentile(histogram, percentile);
    },
    errors: deltas.flatMap(({ errors }) => errors),
    health: deltas.map(({ health }) => health),
  };
}

const asDelta = (received: unknown): Delta | null => ((received as FromWorker).type === 'delta' ? (received as Delta) : null);

/** From the next delta on, over so many of them (one a second). */
export async function measureDeltas(program: Program, seconds: number): Promise<Span> {
  await message(program, asDelta);
  const [startMs, startCpu] = [performance.now(), program.cpuSeconds()];
  const deltas: Delta[] = [];
  while (deltas.length < seconds) deltas.push(await message(program, asDelta));
  // As the node judges them (runtime/health.ts), not only what the engine says of itself.
  const reasons = deltas.map(({ health }) => reasonsOf([health]));
  return {
    elapsedMs: performance.now() - startMs,
    cpuSeconds: program.cpuSeconds() - startCpu,
    residentBytes: program.residentBytes(),
    deltas: deltas.length,
    deltasTainted: reasons.filter((each) => each.length > 0).length,
    taints: [...new Set(reasons.flat())],
    tally: tallyOf(deltas),
  };
}
