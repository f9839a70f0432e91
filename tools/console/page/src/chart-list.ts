// Which charts a run has: load, starts and failures of any run; latency of the chosen metric; loss, jitter and MOS where there are such metrics. What a metric is about is told by its name,
// as the endpoint types name theirs. Pure but for reading the history.

import type { ChartInit, Line } from './chart-init.ts';
import { ALL, type CauseSeries, causeKey, type History, loadKey, type MetricColumn, type MetricSeries, metricKey } from './history.ts';
import { formatCount, formatMs, formatShare } from './text.ts';
import { sumOf } from './thin.ts';

const tones = ['series-1', 'series-2', 'series-3', 'series-4', 'series-5'];

const groupsOf = (history: History, group: string): string[] => (group === ALL ? history.groups : [group]);

function sumLine(
  history: History,
  group: string,
  column: 'owned' | 'active' | 'started' | 'failed' | 'planned',
  isPerS: boolean,
): Line['read'] {
  return () => {
    const columns = groupsOf(history, group).map((name) => history.column(loadKey(name, column)));
    const sum = columns.length === 1 && !isPerS ? (columns[0] ?? null) : sumOf(columns, history.length);
    if (sum === null || !isPerS || history.stepMs === 1000) return sum;
    return sum.map((value) => (value * 1000) / history.stepMs);
  };
}

export function loadCharts(history: History, group: string): ChartInit[] {
  const sum = (column: Parameters<typeof sumLine>[2], isPerS = false): Line['read'] => sumLine(history, group, column, isPerS);
  const joins = history.metrics.filter(({ metric, kind }) => /join/.test(metric) && kind !== 'rate');
  const joinNames = [...new Set(joins.map(({ metric }) => metric))].slice(0, 2);
  return [
    {
      title: 'Endpoints',
      format: formatCount,
      lines: [
        { label: 'owned', tone: 'series-3', read: sum('owned') },
        { label: 'planned', tone: 'dim', isDashed: true, read: sum('planned') },
        // Last, and so on top.
        { label: 'active', tone: 'series-1', isFilled: true, read: sum('active') },
      ],
    },
    {
      title: 'Arrivals and joins per second',
      format: formatCount,
      lines: [
        { label: 'started', tone: 'series-1', isFilled: true, read: sum('started', true) },
        ...joinNames.map(
          (metric, index): Line => ({
            label: metric === 'ep_join_duration' ? 'joined' : metric,
            tone: tones[index + 1] ?? 'dim',
            read: metricSum(history, metric, group),
          }),
        ),
      ],
    },
    {
      title: 'Failures per second',
      format: formatCount,
      lines: [{ label: 'failed', tone: 'bad', isFilled: true, read: sum('failed', true) }],
    },
    ...causeChart(history, group),
  ];
}

const CAUSES_SHOWN = 5;

/** Causes by name, the commonest of this group; those of the generator are the test's own fault, and say so. */
export function commonCauses(history: History, group: string): { label: string; parts: CauseSeries[] }[] {
  const byLabel = new Map<string, { label: string; parts: CauseSeries[]; sum: number }>();
  for (const series of history.causes) {
    if (group !== ALL && series.group !== group) continue;
    const label = series.side === 'generator' ? `own: ${series.cause}` : series.cause;
    const known = byLabel.get(label) ?? { label, parts: [], sum: 0 };
    known.parts.push(series);
    known.sum += history.column(causeKey(series))?.reduce((sum, count) => sum + count, 0) ?? 0;
    byLabel.set(label, known);
  }
  const common = [...byLabel.values()].sort((left, right) => right.sum - left.sum).slice(0, CAUSES_SHOWN);
  // By name, so that lines keep their colours while two causes race.
  return common.sort((left, right) => (left.label < right.label ? -1 : 1));
}

function causeChart(history: History, group: string): ChartInit[] {
  const lines = commonCauses(history, group).map(
    ({ label, parts }, index): Line => ({
      ...{ label, tone: tones[index] ?? 'dim' },
      read: () =>
        sumOf(
          parts.map((series) => history.column(causeKey(series))),
          history.length,
        ),
    }),
  );
  return lines.length === 0 ? [] : [{ title: 'Errors per second by cause', format: formatCount, lines }];
}

function metricSum(history: History, metric: string, group: string): Line['read'] {
  return () =>
    sumOf(
      seriesFor(history, metric, group).map((series) => history.column(metricKey(metric, series.group, 'perS'))),
      history.length,
    );
}

const seriesFor = (history: History, metric: string, group: string): MetricSeries[] =>
  history.metrics.filter((series) => series.metric === metric && (group === ALL || series.group === group));

/** Percentiles and shares do not add up: those of all groups come from the swarm, made of all samples. */
function figure(history: History, metric: string, group: string, column: MetricColumn): Line['read'] {
  return () => {
    const series = seriesFor(history, metric, group);
    const of = group !== ALL || series.length > 1 ? group : series[0]?.group;
    return of === undefined ? null : history.column(metricKey(metric, of, column));
  };
}

const isMedia = /mos|jitter|lost|loss|plc|conceal/i;

/** Trends that are shown as latencies, busiest names first as they came. */
export const latencyMetrics = (history: History): string[] => [
  ...new Set(history.metrics.filter(({ metric, kind }) => kind === 'trend' && !isMedia.test(metric)).map(({ metric }) => metric)),
];

export function latencyChart(history: History, metric: string, group: string, limit: number | undefined): ChartInit {
  // What is drawn last is on top.
  const columns = ['max', 'p99', 'p95', 'p50'] as const;
  return {
    title: metric,
    format: formatMs,
    ...(limit === undefined ? {} : { limit }),
    lines: columns.map(
      (column, index): Line => ({ label: column, tone: `latency-${columns.length - index}`, read: figure(history, metric, group, column) }),
    ),
  };
}

/** One chart for each metric of media quality. */
export function mediaCharts(history: History, group: string): ChartInit[] {
  const names = [...new Set(history.metrics.filter(({ metric }) => isMedia.test(metric)).map(({ metric }) => metric))];
  return names.slice(0, 6).map((metric): ChartInit => {
    const kind = history.metrics.find((series) => series.metric === metric)?.kind;
    if (/mos/i.test(metric)) {
      const isMany = group === ALL && seriesFor(history, metric, ALL).length > 1;
      const worst: Line = { label: 'worst group', tone: 'warn', read: lowest(history, metric, group) };
      return {
        title: `${metric}, median`,
        format: (value) => value.toFixed(2),
        range: [1, 5],
        lines: [...(isMany ? [worst] : []), { label: 'median', tone: 'series-2', read: figure(history, metric, group, 'p50') }],
      };
    }
    if (kind === 'rate')
      return {
        title: metric,
        format: formatShare,
        lines: [{ label: 'share', tone: 'series-4', isFilled: true, read: figure(history, metric, group, 'share') }],
      };
    if (kind === 'counter')
      return {
        title: `${metric} per second`,
        format: formatCount,
        lines: [{ label: 'per second', tone: 'series-4', read: metricSum(history, metric, group) }],
      };
    const [p50, p95] = [figure(history, metric, group, 'p50'), figure(history, metric, group, 'p95')];
    return {
      title: metric,
      format: formatMs,
      lines: [
        { label: 'p50', tone: 'latency-1', read: p50 },
        { label: 'p95', tone: 'latency-2', read: p95 },
      ],
    };
  });
}

/** The least of all groups' medians: of a MOS that is the worst. */
function lowest(history: History, metric: string, group: string): Line['read'] {
  return () => {
    const least = new Float32Array(history.length).fill(Number.NaN);
    for (const series of seriesFor(history, metric, group))
      history.column(metricKey(metric, series.group, 'p50'))?.forEach((value, index) => {
        if (!Number.isNaN(value) && !(value >= (least[index] as number))) least[index] = value;
      });
    return least;
  };
}
