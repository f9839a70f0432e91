// Two summaries side by side: verdicts, load, and every figure that both or either have, with the change from the first to the second. Changes of at
// least a tenth stand out; whether they are good or bad is said only where it is certain (latencies and failures: less is better).

import type { MetricSummary, MetricValues, Summary } from '../../node/core/summary-types.ts';
import { formatCount, formatPercent, formatRate, formatValue } from '../../node/core/units.ts';
import { heading, type Page } from './page.ts';
import { createStyle, type Style } from './style.ts';
import { type Cell, type Column, type Row, renderTables } from './table.ts';
import { clean, displayWidth } from './text.ts';

const NOTABLE = 0.1;

const COLUMNS: readonly Column[] = [
  { title: '', align: 'left', isFlexible: true },
  { title: '', align: 'left' },
  { title: 'first', align: 'right' },
  { title: 'second', align: 'right' },
  { title: 'change', align: 'right' },
];

interface Figure {
  readonly what: string;
  readonly value: number;
  readonly text: string;
  readonly isLessBetter: boolean | null;
}

function figuresOf(values: MetricValues, { metric, unit }: MetricSummary): Figure[] {
  switch (values.kind) {
    case 'trend': {
      const isLessBetter = unit === 'ms' ? true : unit === 'mos' ? false : null;
      const at = (what: string, value: number): Figure => ({ what, value, text: formatValue(value, unit), isLessBetter });
      const rate: Figure = { what: 'per s', value: values.ratePerS, text: formatRate(values.ratePerS), isLessBetter: null };
      return [rate, at('p50', values.p50), at('p95', values.p95), at('p99', values.p99), at('max', values.max)];
    }
    case 'counter':
      return [
        {
          what: 'per s',
          value: values.ratePerS,
          text: `${unit === 'count' ? formatRate(values.ratePerS) : formatValue(values.ratePerS, unit)}`,
          isLessBetter: null,
        },
      ];
    case 'rate': {
      const value = values.total === 0 ? 0 : values.pass / values.total;
      return [
        {
          what: 'share',
          value,
          text: formatPercent(value),
          isLessBetter: metric === 'checks' ? false : /fail|error/.test(metric) ? true : null,
        },
      ];
    }
    case 'gauge':
      return [{ what: 'peak', value: values.max, text: formatValue(values.max, unit), isLessBetter: null }];
  }
}

function changeCell(first: Figure | undefined, second: Figure | undefined, style: Style): Cell {
  if (first === undefined || second === undefined || first.value === second.value)
    return { text: first?.value === second?.value ? '' : 'new' };
  if (first.value === 0) return { text: '', paint: style.warn };
  const change = second.value / first.value - 1;
  const percent = Math.abs(change) * 100;
  const text = `${change > 0 ? '+' : '-'}${percent < 10 ? percent.toFixed(1) : formatCount(percent)} %`;
  if (Math.abs(change) < NOTABLE) return { text, paint: style.dim };
  const isLessBetter = second.isLessBetter;
  return { text, paint: isLessBetter === null ? style.bold : change < 0 === isLessBetter ? style.good : style.bad };
}

function metricRows(first: MetricSummary | undefined, second: MetricSummary | undefined, style: Style): Row[] {
  const known = (second ?? first)!;
  const before = first === undefined ? [] : figuresOf(first.values, first);
  const after = second === undefined ? [] : figuresOf(second.values, second);
  const names = [...new Set([...before, ...after].map(({ what }) => what))];
  const label = Object.keys(known.tags).length === 0 ? known.metric : `  ${Object.values(known.tags).join(' ')}`;
  return names.map((what, index) => {
    const left = before.find((figure) => figure.what === what);
    const right = after.find((figure) => figure.what === what);
    return [
      { text: index === 0 ? clean(label) : '', paint: style.name },
      { text: what, paint: style.dim },
      { text: left?.text ?? '-' },
      { text: right?.text ?? '-' },
      left === undefined || right === undefined ? { text: '' } : changeCell(left, right, style),
    ];
  });
}

const keyOf = ({ metric, tags }: MetricSummary): string => `${metric} ${JSON.stringify(tags)}`;

function loadRows(first: Summary, second: Summary, style: Style): Row[] {
  const row = (label: string, what: string, left: number, right: number, isLessBetter: boolean | null): Row => {
    const figure = (value: number): Figure => ({ what, value, text: formatCount(value), isLessBetter });
    return [
      { text: label, paint: style.name },
      { text: what, paint: style.dim },
      { text: formatCount(left) },
      { text: formatCount(right) },
      changeCell(figure(left), figure(right), style),
    ];
  };
  return [
    row('endpoints', 'started', first.load.total.started, second.load.total.started, null),
    row('', 'peak', first.load.total.activePeak, second.load.total.activePeak, null),
    row('', 'failed', first.load.total.failed, second.load.total.failed, true),
    row('errors', 'target', first.errors.targetTotal, second.errors.targetTotal, true),
    row('', 'generator', first.errors.generatorTotal, second.errors.generatorTotal, true),
  ];
}

const verdictText = ({ run, verdict }: Summary): string =>
  `${verdict.verdict.toUpperCase()}  exit ${verdict.exitCode}  ${clean(run.scenario)}  run ${clean(run.runId)}`;

/** Lines that tell what changed from `first` to `second`. */
export function renderComparison(first: Summary, second: Summary, format: { readonly color: boolean; readonly columns: number }): string[] {
  const style = createStyle(format.color);
  const page: Page = { width: Math.max(64, Math.min(format.columns, 120)), style };
  const names = [...new Set([...first.categories, ...second.categories].map(({ category }) => category))];
  const tables = names.map((name) => {
    const before = first.categories.find(({ category }) => category === name)?.metrics ?? [];
    const after = second.categories.find(({ category }) => category === name)?.metrics ?? [];
    const keys = [...new Set([...after, ...before].map(keyOf))];
    return keys.flatMap((key) =>
      metricRows(
        before.find((one) => keyOf(one) === key),
        after.find((one) => keyOf(one) === key),
        style,
      ),
    );
  });
  const rows = [loadRows(first, second, style), ...tables];
  const nameWidth = rows.flat().reduce((widest, row) => Math.max(widest, displayWidth(row[0]!.text)), 0);
  const drawn = renderTables(
    { columns: COLUMNS, width: page.width - 2, indent: 4, paintTitle: style.dim, hasTitles: true, flexibleWidthMin: nameWidth },
    rows,
  );
  const sections = ['load', ...names].map((name, index) => [heading(clean(name).toUpperCase(), '', page), ...drawn[index]!]);
  const notes =
    first.run.planHash === second.run.planHash
      ? []
      : [`  ${style.warn('!')} ${style.warn('the plans differ: these runs did not put the same load on')}`];
  return [
    '',
    `  ${style.dim('first ')}  ${verdictText(first)}`,
    `  ${style.dim('second')}  ${verdictText(second)}`,
    ...notes,
    '',
    ...sections.flatMap((lines) => [...lines, '']),
  ];
}
