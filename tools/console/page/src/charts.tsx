// The charts of the scoreboard with what steers them all: how much of the run, which group, which metric, and what the marks mean.

import { useEffect, useMemo, useState } from 'preact/hooks';
import type { ThresholdResult } from '../../../../node/core/summary-types.ts';
import { Chart } from './chart.tsx';
import { commonCauses, latencyChart, latencyMetrics, loadCharts, mediaCharts } from './chart-list.ts';
import { HeatChart } from './heat-map.tsx';
import { ALL } from './history.ts';
import { MarkLegend } from './mark-legend.tsx';
import { chartWindow, history } from './model.ts';
import { formatClock, shown } from './text.ts';

const spans: ReadonlyArray<readonly [name: string, ms: number | null]> = [
  ['2 min', 120_000],
  ['10 min', 600_000],
  ['1 h', 3_600_000],
  ['All', null],
];

/** What there is to choose from, and the lines that there are: counted anew only when there are other points. */
const known = new WeakMap<object, { readonly version: number; readonly names: string }>();
function choices(): string {
  const last = known.get(history);
  if (last?.version === history.version) return last.names;
  const causes = history.groups.map((group) => commonCauses(history, group).map(({ label }) => label));
  const names = `${history.metrics.length} ${history.groups.length} ${history.heatMetrics.length} ${causes.join()}`;
  known.set(history, { version: history.version, names });
  return names;
}

/** Counts up when the stretch is another, and when there is more to choose from. */
function useWindow(): void {
  const [, show] = useState('');
  useEffect(() => {
    const listener = (): void => {
      const { spanMs, isFollowing } = chartWindow;
      const names = choices();
      // While it is dragged, the time shown changes with each step; while it follows, nothing here does.
      show(`${spanMs} ${isFollowing} ${names} ${isFollowing ? '' : Math.round(chartWindow.stretch.toMs / 1000)}`);
    };
    listener();
    return chartWindow.listen(listener);
  }, []);
}

function Choice(props: { label: string; value: string; all?: string; names: readonly string[]; onChoose: (name: string) => void }) {
  return (
    <label class="choice">
      <span>{props.label}</span>
      <select value={props.value} onChange={(event) => props.onChoose(event.currentTarget.value)}>
        {props.all !== undefined && <option value={ALL}>{props.all}</option>}
        {props.names.map((name) => (
          <option value={name} key={name}>
            {shown(name)}
          </option>
        ))}
      </select>
    </label>
  );
}

/** The smallest limit of a percentile threshold on this metric. */
function limitOf(thresholds: readonly ThresholdResult[], metric: string, group: string): number | undefined {
  const limits = thresholds
    .filter(({ selector, unit, expression }) => unit === 'ms' && /^p\(|^max|^med/.test(expression) && selector.split('{')[0] === metric)
    .filter(({ selector }) => group === ALL || !selector.includes('{') || selector.includes(`group:${group}`))
    .map(({ limit }) => limit);
  return limits.length === 0 ? undefined : Math.min(...limits);
}

/** What people look for first: a metric that a threshold is on, then what the endpoint types say is their latency, joining last. */
const likely = (thresholds: readonly ThresholdResult[]): string[] => [
  ...thresholds.filter(({ unit }) => unit === 'ms').map(({ selector }) => selector.split('{')[0] ?? ''),
  ...history.heatMetrics.filter((name) => !name.startsWith('ep_')),
  ...history.heatMetrics,
];

export function Charts({ thresholds }: { thresholds: readonly ThresholdResult[] }) {
  useWindow();
  const [group, setGroup] = useState<string>(ALL);
  const [metric, setMetric] = useState('');
  const names = latencyMetrics(history);
  const chosen = [metric, ...likely(thresholds)].find((name) => names.includes(name)) ?? names[0] ?? '';
  const limit = limitOf(thresholds, chosen, group);
  const shape = `${group}|${chosen}|${limit}|${choices()}`;
  // Which charts there are depends on what `shape` names
  const lists = useMemo(
    () => ({
      load: loadCharts(history, group),
      latency: chosen === '' ? [] : [latencyChart(history, chosen, group, limit)],
      media: mediaCharts(history, group),
    }),
    [shape],
  );
  const heat = history.heatMetrics.includes(chosen) ? chosen : undefined;
  const { isFollowing, spanMs } = chartWindow;
  return (
    <section class="charts" aria-labelledby="charts-title">
      <h2 class="hidden" id="charts-title">
        Charts over time
      </h2>
      <div class="toolbar">
        <fieldset class="segments">
          <legend class="hidden">How much of the run</legend>
          {spans.map(([name, ms]) => (
            <button type="button" key={name} aria-pressed={isFollowing && spanMs === ms} onClick={() => chartWindow.show(ms)}>
              {name}
            </button>
          ))}
        </fieldset>
        <button type="button" disabled={isFollowing} onClick={() => chartWindow.follow()}>
          {isFollowing ? 'Following' : `Follow (now at ${formatClock(chartWindow.stretch.toMs)})`}
        </button>
        <Choice label="Group" value={group} all="all groups" names={history.groups} onChoose={setGroup} />
        {names.length > 0 && <Choice label="Latency" value={chosen} names={names} onChoose={setMetric} />}
        <MarkLegend />
      </div>
      <div class="chart-grid">
        {[...lists.load, ...lists.latency].map((chart) => (
          <Chart key={`${group}${chart.title}`} {...chart} />
        ))}
        {heat !== undefined && <HeatChart metric={heat} group={group} title={`${heat}, heat map`} />}
        {lists.media.map((chart) => (
          <Chart key={`${group}${chart.title}`} {...chart} />
        ))}
      </div>
    </section>
  );
}
