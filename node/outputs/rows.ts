// A merged window as rows for files: one row a series, node and second, in k6's words (metric, type, value, tags). A trend's second is its count, sum, extremes and percentiles; a rate's
// its share with both counts; a counter's what was added. Rows add up: sums over all rows are the run's totals (percentiles do not add up; the summary merges them).

import { METRIC } from '../core/builtin-metrics.ts';
import { createHistogram, mergeEncoded, valueAtPercentile } from '../core/histogram.ts';
import type { Series, SeriesData, Window } from '../core/stats-types.ts';
import type { MergedWindow } from './output.ts';

export interface Row {
  readonly metric: string;
  readonly kind: SeriesData['kind'];
  readonly tags: Readonly<Record<string, string>>;
  /** The one figure for who wants one: what was added, the share, the level, the mean. */
  readonly value: number;
  /** All of them. */
  readonly figures: Readonly<Record<string, number>>;
}

const PERCENTILES = [50, 90, 95, 99] as const;

function figuresOf(data: SeriesData): Readonly<Record<string, number>> & { readonly value: number } {
  switch (data.kind) {
    case 'counter':
      return { value: data.sum };
    case 'rate':
      return { value: data.total === 0 ? 0 : data.pass / data.total, pass: data.pass, total: data.total };
    case 'gauge':
      return { value: data.last, min: data.min, max: data.max };
    case 'trend': {
      const histogram = createHistogram();
      mergeEncoded(histogram, data.histogram, data);
      const { count, sum, min, max } = data;
      const percentiles = PERCENTILES.map((percentile) => [`p${percentile}`, valueAtPercentile(histogram, percentile)]);
      return { value: count === 0 ? 0 : sum / count, count, sum, min, max, ...Object.fromEntries(percentiles) };
    }
  }
}

/** What the window's tables of load and errors say, as the series that they are in thresholds. */
function derived({ load, errors }: Window): Series[] {
  const level = (value: number): SeriesData => ({ kind: 'gauge', last: value, min: value, max: value });
  const added = (sum: number): SeriesData => ({ kind: 'counter', sum });
  const ofLoad = load.flatMap(({ group, active, owned, started, finished, failed }) => {
    const tags = { group };
    return [
      { metric: METRIC.active, tags, data: level(active) },
      { metric: METRIC.planned, tags, data: level(owned) },
      { metric: METRIC.started, tags, data: added(started) },
      { metric: METRIC.finished, tags, data: added(finished) },
      { metric: METRIC.failed, tags, data: added(failed) },
    ].filter(({ data }) => data.kind === 'gauge' || (data.kind === 'counter' && data.sum > 0));
  });
  const ofErrors = errors.map(({ group, side, cause, count }) => ({
    metric: METRIC.errors,
    tags: { group, side, cause },
    data: added(count),
  }));
  return [...ofLoad, ...ofErrors];
}

export function rowsOf({ source, window }: MergedWindow): Row[] {
  const { name: node, vendor, region } = source;
  const place = { node, ...(vendor === '' ? {} : { vendor }), ...(region === '' ? {} : { region }) };
  return [...derived(window), ...window.series].map(({ metric, tags, data }) => {
    const figures = figuresOf(data);
    return { metric, kind: data.kind, tags: { ...tags, ...place }, value: figures.value, figures };
  });
}
