// Results by category: distributions first, with their percentiles in columns, then shares, sums and levels. A metric that several groups recorded
// has a line for each group below it.

import type { MetricSummary, MetricValues, Summary } from '../../node/core/summary-types.ts';
import { formatCount, formatPercent, formatRate, formatValue } from '../../node/core/units.ts';
import { heading, type Page } from './page.ts';
import { type Cell, type Column, renderTables } from './table.ts';
import { clean, displayWidth } from './text.ts';

/** More group lines than this would bury the metric: the rest is in summary.json. */
const GROUPS_SHOWN = 8;

const TREND_COLUMNS: readonly Column[] = [
  { title: '', align: 'left', isFlexible: true },
  { title: 'count', align: 'right', optional: 2 },
  { title: 'per s', align: 'right', optional: 4 },
  { title: 'avg', align: 'right', optional: 5 },
  { title: 'p50', align: 'right' },
  { title: 'p90', align: 'right', optional: 6 },
  { title: 'p95', align: 'right' },
  { title: 'p99', align: 'right' },
  { title: 'max', align: 'right' },
];
const PLAIN_COLUMNS: readonly Column[] = [
  { title: '', align: 'left', isFlexible: true },
  { title: '', align: 'right' },
  { title: '', align: 'left' },
];

function trendCells(name: Cell, values: Extract<MetricValues, { kind: 'trend' }>, unit: MetricSummary['unit'], { style }: Page): Cell[] {
  const value = (number: number): Cell => ({ text: formatValue(number, unit) });
  return [
    name,
    { text: formatCount(values.count), paint: style.dim },
    { text: formatRate(values.ratePerS), paint: style.dim },
    { ...value(values.avg), paint: style.dim },
    value(values.p50),
    { ...value(values.p90), paint: style.dim },
    { ...value(values.p95), paint: style.bold },
    value(values.p99),
    { ...value(values.max), paint: style.dim },
  ];
}

function plainCells(name: Cell, values: Exclude<MetricValues, { kind: 'trend' }>, metric: MetricSummary, { style }: Page): Cell[] {
  switch (values.kind) {
    case 'counter':
      return [
        name,
        { text: formatValue(values.sum, metric.unit) },
        {
          text: `${metric.unit === 'count' ? formatRate(values.ratePerS) : formatValue(values.ratePerS, metric.unit)}/s`,
          paint: style.dim,
        },
      ];
    case 'rate': {
      const isBadCheck = metric.metric === 'checks' && values.pass < values.total;
      const share = values.total === 0 ? 0 : values.pass / values.total;
      return [
        name,
        { text: formatPercent(share), paint: isBadCheck ? style.bad : (text) => text },
        { text: `${formatCount(values.pass)} of ${formatCount(values.total)}`, paint: style.dim },
      ];
    }
    case 'gauge':
      return [
        name,
        { text: formatValue(values.value, metric.unit) },
        { text: `peak ${formatValue(values.max, metric.unit)}`, paint: style.dim },
      ];
  }
}

/** The metric's line and those of its groups. `isWhole` lines stand out, group lines are set in. */
function linesOf(metric: MetricSummary, page: Page): { name: Cell; values: MetricValues }[] {
  const tags = Object.values(metric.tags);
  const label = tags.length === 0 ? metric.metric : `  ${tags.join(' ')}`;
  const groups = metric.groups
    .slice(0, GROUPS_SHOWN)
    .map(({ group, values }) => ({ name: { text: `  ${clean(group)}`, paint: page.style.name }, values }));
  return [{ name: { text: clean(label) }, values: metric.values }, ...groups];
}

/** All categories with their columns in the same places. */
export function categoryLines({ categories }: Summary, page: Page): string[][] {
  const trends: Cell[][][] = [];
  const plain: Cell[][][] = [];
  for (const { metrics } of categories) {
    const lines = metrics.flatMap((metric) => linesOf(metric, page).map((line) => ({ ...line, metric })));
    trends.push(
      lines.flatMap(({ name, values, metric }) => (values.kind === 'trend' ? [trendCells(name, values, metric.unit, page)] : [])),
    );
    plain.push(lines.flatMap(({ name, values, metric }) => (values.kind === 'trend' ? [] : [plainCells(name, values, metric, page)])));
  }
  const nameWidth = [...trends, ...plain].flat().reduce((widest, row) => Math.max(widest, displayWidth(row[0]!.text)), 0);
  const table = { width: page.width - 2, indent: 4, paintTitle: page.style.dim, flexibleWidthMin: nameWidth };
  const trendLines = renderTables({ ...table, columns: TREND_COLUMNS, hasTitles: true }, trends);
  const plainLines = renderTables({ ...table, columns: PLAIN_COLUMNS, hasTitles: false }, plain);
  return categories.map(({ category }, index) => [
    heading(clean(category).toUpperCase(), '', page),
    ...trendLines[index]!,
    ...plainLines[index]!,
  ]);
}
