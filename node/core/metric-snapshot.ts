// One moment of a node's metric families, with what tells its series from those of other nodes: what every output that sends or shows a node's own figures is given,
// and the flat list of samples that text and remote write have in common (histograms as Prometheus has them: cumulative buckets, count, sum).

import { type Family, sumOf } from './metric-families.ts';
import type { Label } from './metric-names.ts';

export interface MetricSource {
  /** PeerId: unique. */
  readonly id: string;
  /** What people call it; may be the same for two nodes. */
  readonly name: string;
  /** Empty when not known. */
  readonly vendor: string;
  readonly region: string;
}

export interface MetricSnapshot {
  readonly families: readonly Family[];
  readonly source: MetricSource;
  /** Empty until the node knows its run. */
  readonly run: string;
  readonly version: string;
  /** Wall clock, ms: when counting began, and now. */
  readonly startWallMs: number;
  readonly wallMs: number;
}

/** Labels of every series of a node; what is not known is left out. */
export const sourceLabels = ({ source, run }: Pick<MetricSnapshot, 'source' | 'run'>): Label[] =>
  (
    [
      ['node', source.name],
      ['region', source.region],
      ['run', run],
      ['vendor', source.vendor],
    ] as const
  ).filter(([, value]) => value !== '');

export interface Sample {
  readonly name: string;
  readonly labels: readonly Label[];
  readonly value: number;
}

/** 0.5, 1, 1000000 - and `+Inf`, as the text formats spell it. */
export function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? '+Inf' : '-Inf';
}

export function* samplesOf(family: Family): Generator<Sample, void, undefined> {
  for (const { labels, value, buckets } of family.series.values()) {
    if (buckets === null) {
      yield { name: family.type === 'counter' ? `${family.name}_total` : family.name, labels, value };
      continue;
    }
    let below = 0;
    for (const [index, count] of buckets.counts.entries()) {
      below += count;
      const le = numberText(family.bounds[index] ?? Number.POSITIVE_INFINITY);
      yield { name: `${family.name}_bucket`, labels: [...labels, ['le', le]], value: below };
    }
    yield { name: `${family.name}_sum`, labels, value: sumOf(family, buckets) };
    yield { name: `${family.name}_count`, labels, value: buckets.count };
  }
}
