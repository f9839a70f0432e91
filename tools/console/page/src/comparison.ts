// Two runs side by side: the main figures of each, and how the second differs from the first. What better means depends on the figure: less time, fewer errors, more delivered. Pure.

import type { MetricSummary, Summary } from '../../../../node/core/summary-types.ts';
import { formatClock, formatCount, formatMs, formatShare, formatUnit, formatUsd, NONE } from './text.ts';

export interface ComparedRow {
  readonly what: string;
  readonly left: string;
  readonly right: string;
  /** Change as a share of the first, where both are known. */
  readonly change: number | null;
  readonly verdict: 'better' | 'worse' | 'same' | null;
}

export interface ComparedSection {
  readonly title: string;
  readonly rows: readonly ComparedRow[];
}

/** Changes below this are noise. */
const SAME_SHARE = 0.02;

type Better = 'less' | 'more' | null;

function row(
  what: string,
  left: number | null,
  right: number | null,
  format: (value: number | null) => string,
  better: Better,
): ComparedRow {
  const change = left === null || right === null || left === 0 ? null : (right - left) / Math.abs(left);
  const isSame = left === right || (change !== null && Math.abs(change) < SAME_SHARE);
  const isLess = left !== null && right !== null && right < left;
  const verdict =
    left === null || right === null || better === null ? null : isSame ? 'same' : isLess === (better === 'less') ? 'better' : 'worse';
  return { what, left: format(left), right: format(right), change: isSame ? 0 : change, verdict };
}

const mainMetrics = (summary: Summary | null): Map<string, MetricSummary> =>
  new Map(
    (summary?.categories ?? [])
      .flatMap(({ metrics }) => metrics)
      .filter(({ tags }) => Object.keys(tags).length === 0)
      .map((metric) => [metric.metric, metric]),
  );

function metricRows(name: string, left: MetricSummary | undefined, right: MetricSummary | undefined): ComparedRow[] {
  const [one, other] = [left?.values, right?.values];
  const unit = (left ?? right)?.unit ?? 'count';
  const format = (value: number | null): string => formatUnit(value, unit);
  const better: Better = unit === 'mos' ? 'more' : 'less';
  const kind = (one ?? other)?.kind;
  if (kind === 'trend') {
    const of = (values: typeof one, key: 'p50' | 'p95' | 'p99' | 'count'): number | null => (values?.kind === 'trend' ? values[key] : null);
    const percentiles = (['p50', 'p95', 'p99'] as const).map((key) => row(`${name} ${key}`, of(one, key), of(other, key), format, better));
    return [row(`${name} count`, of(one, 'count'), of(other, 'count'), formatCount, null), ...percentiles];
  }
  if (kind === 'rate') {
    const share = (values: typeof one): number | null => (values?.kind === 'rate' && values.total > 0 ? values.pass / values.total : null);
    const isBad = /fail|lost|error|blocked|drop/.test(name);
    return [row(name, share(one), share(other), formatShare, isBad ? 'less' : 'more')];
  }
  if (kind === 'counter') {
    const sum = (values: typeof one): number | null => (values?.kind === 'counter' ? values.sum : null);
    return [row(name, sum(one), sum(other), format, null)];
  }
  const level = (values: typeof one): number | null => (values?.kind === 'gauge' ? values.value : null);
  return [row(name, level(one), level(other), format, null)];
}

export function compare(left: Summary, right: Summary): ComparedSection[] {
  const number = (what: string, of: (summary: Summary) => number | null, format: (value: number | null) => string, better: Better) =>
    row(what, of(left), of(right), format, better);
  const text = (what: string, of: (summary: Summary) => string): ComparedRow => {
    const [one, other] = [of(left), of(right)];
    return { what, left: one, right: other, change: null, verdict: one === other ? 'same' : null };
  };
  const run = [
    text('Verdict', ({ verdict }) => verdict.verdict),
    text('Scenario', (summary) => summary.run.scenario),
    text('Plan', (summary) => summary.run.planHash.slice(0, 12) || NONE),
    number('Duration', (summary) => summary.run.durationMs, formatClock, null),
    number('Nodes', (summary) => summary.nodes.length, formatCount, null),
    number('Cost', (summary) => summary.spending?.usd ?? null, formatUsd, 'less'),
  ];
  const load = [
    number('Active peak', (summary) => summary.load.total.activePeak, formatCount, 'more'),
    number('Started', (summary) => summary.load.total.started, formatCount, 'more'),
    number('Finished', (summary) => summary.load.total.finished, formatCount, 'more'),
    number('Failed', (summary) => summary.load.total.failed, formatCount, 'less'),
    number('Errors of the target', (summary) => summary.errors.targetTotal, formatCount, 'less'),
    number('Errors of the generator', (summary) => summary.errors.generatorTotal, formatCount, 'less'),
    number('Tainted windows', (summary) => summary.integrity.taintedShare, formatShare, 'less'),
    number('Start skew p99', (summary) => summary.integrity.startSkewMsP99, formatMs, 'less'),
  ];
  const [one, other] = [mainMetrics(left), mainMetrics(right)];
  const names = [...new Set([...one.keys(), ...other.keys()])];
  const metrics = names.flatMap((name) => metricRows(name, one.get(name), other.get(name)));
  return [
    { title: 'Run', rows: run },
    { title: 'Load', rows: load },
    { title: 'Metrics', rows: metrics },
  ];
}
