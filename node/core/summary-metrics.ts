// Results by category: one category for each endpoint type, then the endpoints themselves, checks, and whatever else was recorded. Each metric is
// shown as a whole and, when several groups recorded it, by group. What is declared comes first and in its declared order.

import type { Aggregate, SeriesFold } from './aggregate.ts';
import { type Selected, select } from './aggregate-read.ts';
import { BUILTIN_METRICS, METRIC } from './builtin-metrics.ts';
import { UNITS_PER_VALUE, valueAtPercentile } from './histogram.ts';
import type { MetricDeclaration } from './stats-types.ts';
import type { TypeMetrics } from './summary-facts.ts';
import type { CategorySummary, MetricSummary, MetricValues } from './summary-types.ts';

const ENDPOINT_METRICS: readonly string[] = [METRIC.joinDuration, METRIC.startLateness];
/** Shown under load, errors, integrity or spending instead. */
const HIDDEN: readonly string[] = [
  METRIC.active,
  METRIC.planned,
  METRIC.started,
  METRIC.finished,
  METRIC.failed,
  METRIC.errors,
  METRIC.seriesOverflow,
  METRIC.errorOverflow,
  METRIC.outOfRange,
  METRIC.cost,
  METRIC.costPerHour,
];

/** Figures of a selection; null when nothing was recorded. */
export function valuesOf(selected: Selected | null, durationMs: number): MetricValues | null {
  if (selected === null) return null;
  const seconds = Math.max(durationMs / 1000, 0.001);
  switch (selected.kind) {
    case 'trend': {
      const { histogram } = selected;
      if (histogram.count === 0) return null;
      const at = (percentile: number): number => valueAtPercentile(histogram, percentile);
      return {
        kind: 'trend',
        count: histogram.count,
        ratePerS: histogram.count / seconds,
        avg: histogram.sumUnits / histogram.count / UNITS_PER_VALUE,
        min: histogram.minUnits / UNITS_PER_VALUE,
        p50: at(50),
        p90: at(90),
        p95: at(95),
        p99: at(99),
        max: histogram.maxUnits / UNITS_PER_VALUE,
      };
    }
    case 'counter':
      return { kind: 'counter', sum: selected.sum, ratePerS: selected.sum / seconds };
    case 'rate':
      return selected.total === 0 ? null : { kind: 'rate', pass: selected.pass, total: selected.total };
    case 'gauge':
      return { kind: 'gauge', value: selected.value, min: selected.min, max: selected.max };
  }
}

/** Groups by metric, found in one pass over the series. */
function groupsByMetric(aggregate: Aggregate): Map<string, Set<string>> {
  const found = new Map<string, Set<string>>();
  for (const { metric, tags } of aggregate.series.values()) {
    const groups = found.get(metric) ?? new Set<string>();
    if (tags.group !== undefined) groups.add(tags.group);
    found.set(metric, groups);
  }
  return found;
}

function metricSummary(
  aggregate: Aggregate,
  declared: MetricDeclaration,
  groups: readonly string[],
  durationMs: number,
): MetricSummary | null {
  const whole = valuesOf(select(aggregate, declared.name, {}), durationMs);
  if (whole === null) return null;
  const byGroup =
    groups.length < 2
      ? []
      : groups.flatMap((group) => {
          const values = valuesOf(select(aggregate, declared.name, { group }), durationMs);
          return values === null ? [] : [{ group, values }];
        });
  return { metric: declared.name, tags: {}, kind: whole.kind, unit: declared.unit, help: declared.help, values: whole, groups: byGroup };
}

/** checks by name: each is a line of its own, the failing ones are what a reader looks for. */
function checkSummaries(aggregate: Aggregate, durationMs: number): MetricSummary[] {
  const names = new Set<string>();
  for (const { metric, tags } of aggregate.series.values()) if (metric === METRIC.checks && tags.check !== undefined) names.add(tags.check);
  return [...names].sort().flatMap((check) => {
    const values = valuesOf(select(aggregate, METRIC.checks, { check }), durationMs);
    return values === null
      ? []
      : [{ metric: METRIC.checks, tags: { check }, kind: 'rate' as const, unit: 'percent' as const, help: '', values, groups: [] }];
  });
}

const undeclared = ({ metric, kind }: SeriesFold): MetricDeclaration => ({
  name: metric,
  kind,
  unit: kind === 'rate' ? 'percent' : 'count',
  help: '',
});

export function categoriesOf(aggregate: Aggregate, types: readonly TypeMetrics[], durationMs: number): CategorySummary[] {
  const groups = groupsByMetric(aggregate);
  const loadGroups = [...aggregate.groups.keys()].sort();
  const shown = new Set<string>(HIDDEN);
  const categories: CategorySummary[] = [];
  const add = (category: string, declarations: readonly MetricDeclaration[], extra: readonly MetricSummary[] = []): void => {
    const metrics = declarations.flatMap((declared) => {
      if (shown.has(declared.name)) return [];
      shown.add(declared.name);
      const isDerived = !groups.has(declared.name);
      const summary = metricSummary(aggregate, declared, isDerived ? loadGroups : [...groups.get(declared.name)!].sort(), durationMs);
      return summary === null ? [] : [summary];
    });
    if (metrics.length + extra.length > 0) categories.push({ category, metrics: [...metrics, ...extra] });
  };
  const builtin = (names: readonly string[]): MetricDeclaration[] => BUILTIN_METRICS.filter(({ name }) => names.includes(name));

  // An endpoint type may declare a built-in metric again (checks, data_sent): it still has its place here, not there.
  const reserved = new Set(BUILTIN_METRICS.map(({ name }) => name));
  for (const { type, metrics } of types)
    add(
      type,
      metrics.filter(({ name }) => !reserved.has(name)),
    );
  add(
    'endpoints',
    ENDPOINT_METRICS.flatMap((name) => builtin([name])),
  );
  add('checks', builtin([METRIC.checks]), checkSummaries(aggregate, durationMs));
  add('traffic', builtin([METRIC.dataSent, METRIC.dataReceived]));
  const rest = new Map<string, MetricDeclaration>();
  for (const fold of aggregate.series.values()) if (!shown.has(fold.metric)) rest.set(fold.metric, undeclared(fold));
  add(
    'other',
    [...rest.values()].sort((left, right) => (left.name < right.name ? -1 : 1)),
  );
  return categories;
}
