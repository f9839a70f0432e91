// Which charts a run has: load, starts and failures of any run; latency of the chosen metric; loss, jitter and MOS where there are such metrics. What a metric is about is told by its name,
// as the endpoint types name theirs. Pure but for reading the history.

import type { ChartInit, Line } from './chart.tsx';
import { type History, loadKey, type MetricColumn, type MetricSeries, metricKey } from './history.ts';
import { formatCount, formatMs, formatShare } from './text.ts';
import { sumOf } from './thin.ts';

export const ALL = '*';

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
          (metric, index): Line => ({ label: metric, tone: tones[index + 1] ?? 'dim', read: metricSum(history, metric, group) }),
        ),
      ],
    },
    {
      title: 'Failures per second',
      format: formatCount,
      lines: [{ label: 'failed', tone: 'bad', isFilled: true, read: sum('failed', true) }],
    },
  ];
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

/** Percentiles do not add up: over all groups the worst of them is shown. */
function worst(history: History, metric: string, group: string, column: MetricColumn): Line['read'] {
  return () => {
    const columns = seriesFor(history, metric, group).flatMap((series) => history.column(metricKey(metric, series.group, column)) ?? []);
    if (columns.length <= 1) return columns[0] ?? null;
    const most = new Float64Array(history.length).fill(Number.NaN);
    for (const values of columns)
      for (let index = 0; index < most.length; index++) {
        const value = values[index] as number;
        if (!(value <= (most[index] as number))) most[index] = Number.isNaN(value) ? (most[index] as number) : value;
      }
    return most;
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
  const isMany = group === ALL && seriesFor(history, metric, ALL).length > 1;
  return {
    title: `${metric}${isMany ? ', worst group' : ''}`,
    format: formatMs,
    ...(limit === undefined ? {} : { limit }),
    lines: columns.map(
      (column, index): Line => ({ label: column, tone: `latency-${columns.length - index}`, read: worst(history, metric, group, column) }),
    ),
  };
}

/** One chart for each metric of media quality. */
export function mediaCharts(history: History, group: string): ChartInit[] {
  const names = [...new Set(history.metrics.filter(({ metric }) => isMedia.test(metric)).map(({ metric }) => metric))];
  return names.slice(0, 6).map((metric): ChartInit => {
    const kind = history.metrics.find((series) => series.metric === metric)?.kind;
    if (/mos/i.test(metric)) {
      const read = lowest(history, metric, group);
      return {
        title: `${metric}, worst group`,
        format: (value) => value.toFixed(2),
        range: [1, 5],
        lines: [{ label: 'median', tone: 'series-2', read }],
      };
    }
    if (kind === 'rate')
      return {
        title: metric,
        format: formatShare,
        lines: [{ label: 'share', tone: 'series-4', isFilled: true, read: worst(history, metric, group, 'share') }],
      };
    if (kind === 'counter')
      return {
        title: `${metric} per second`,
        format: formatCount,
        lines: [{ label: 'per second', tone: 'series-4', read: metricSum(history, metric, group) }],
      };
    const [p50, p95] = [worst(history, metric, group, 'p50'), worst(history, metric, group, 'p95')];
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
    const least = new Float64Array(history.length).fill(Number.NaN);
    for (const series of seriesFor(history, metric, group))
      history.column(metricKey(metric, series.group, 'p50'))?.forEach((value, index) => {
        if (!Number.isNaN(value) && !(value >= (least[index] as number))) least[index] = value;
      });
    return least;
  };
}
