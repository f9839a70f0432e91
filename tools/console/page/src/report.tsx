// The report of a run as a page to read: verdict and reasons first, then thresholds, load, metrics, errors, nodes and what happened. Everything is from summary.json.

import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import type { MetricSummary, Summary } from '../../../../node/core/summary-types.ts';
import { Card, Chip, Text, type Tone } from './parts.tsx';
import { SmallCurve } from './small-curve.tsx';
import { formatBytes, formatClock, formatCount, formatMs, formatShare, formatUnit, formatUsd, shown } from './text.ts';
import { Thresholds } from './thresholds.tsx';

export const verdictTone: Readonly<Record<string, Tone>> = {
  pass: 'good',
  fail: 'bad',
  tainted: 'warn',
  running: 'accent',
  unknown: 'calm',
};

const ROWS_FIRST = 24;

export function Grid(props: { caption: string; head: readonly string[]; rows: readonly (readonly string[])[]; texts?: number }) {
  const { caption, head, rows, texts = 1 } = props;
  const [isAll, setAll] = useState(false);
  const shownRows = isAll ? rows : rows.slice(0, ROWS_FIRST);
  return (
    <div class="scroll">
      <table>
        <caption class="hidden">{caption}</caption>
        <thead>
          <tr>
            {head.map((name, column) => (
              <th scope="col" key={name} class={column < texts ? '' : 'number'}>
                {name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shownRows.map((cells, row) => (
            // Rows of a report stay where they are
            <tr key={row}>
              {cells.map((cell, column) => (
                <td key={head[column]} class={column < texts ? '' : 'number'}>
                  <Text text={cell} max={column < texts ? 80 : 40} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > shownRows.length && (
        <button type="button" class="link" onClick={() => setAll(true)}>
          Show all {rows.length}
        </button>
      )}
    </div>
  );
}

/** `children` stand below the verdict and its reasons. */
export function ReportView({ summary, children }: { summary: Summary; children?: ComponentChildren }) {
  const { run, verdict, load, errors, integrity, spending } = summary;
  return (
    <article class="report" aria-label={`Report of run ${shown(run.runId)}`}>
      <section class="card overview">
        <div class="clock">
          <div class="clock-head">
            <Chip tone={verdictTone[verdict.verdict] ?? 'calm'}>{verdict.verdict}</Chip>
            <span class="dim">
              {verdict.exit}, exit code {verdict.exitCode}
            </span>
          </div>
          <p class="time">
            {formatClock(run.durationMs)}
            <small> / {formatClock(run.plannedDurationMs)}</small>
          </p>
          <p class="dim scenario">
            <Text text={run.scenario} max={60} /> · run <Text text={run.runId} max={24} />
            {run.startedWallMs === null ? '' : ` · ${new Date(run.startedWallMs).toLocaleString()}`}
          </p>
        </div>
        <dl class="figures">
          {[
            ['Active peak', formatCount(load.total.activePeak), `of ${formatCount(load.total.activePeakPlanned)} planned`],
            ['Started', formatCount(load.total.started), `${formatCount(load.total.failed)} failed`],
            ['Errors', formatCount(errors.targetTotal), `${formatCount(errors.generatorTotal)} own`],
            ['Tainted', formatShare(integrity.taintedShare), 'of windows'],
            ['Start skew', formatMs(integrity.startSkewMsP99), 'p99'],
            ['Cost', formatUsd(spending?.usd), ''],
          ].map(([name, value, of]) => (
            <div class="figure" key={name}>
              <dt>{name}</dt>
              <dd>
                {value} <small>{of}</small>
              </dd>
            </div>
          ))}
        </dl>
      </section>
      {verdict.reasons.length > 0 && (
        <ul class="troubles" aria-label="Reasons">
          {verdict.reasons.map(({ code, message, level }) => (
            <li key={code} class={level === 'fail' ? 'bad' : level === 'taint' ? 'warn' : 'note'}>
              <Text text={message} max={300} />
            </li>
          ))}
        </ul>
      )}
      {children}
      <div class="columns">
        <Card title="Load delivered">
          <SmallCurve
            label="Endpoints over the run"
            stepMs={load.curve.stepMs}
            main={load.curve.active}
            other={load.curve.planned}
            mainName="active"
            otherName="planned"
          />
          <Grid
            caption="Load by group"
            head={['Group', 'Type', 'Due', 'Started', 'Finished', 'Failed', 'Planned', 'Owned', 'Active']}
            texts={2}
            rows={[...load.groups, load.total].map((group) => [
              ...[group.group, group.type],
              ...[
                group.livesDue,
                group.started,
                group.finished,
                group.failed,
                group.activePeakPlanned,
                group.ownedPeak,
                group.activePeak,
              ].map(formatCount),
            ])}
          />
        </Card>
        <Thresholds thresholds={summary.thresholds} when="measured" />
      </div>
      {summary.categories.map(({ category, metrics }) => (
        <Category key={category} category={category} metrics={metrics} />
      ))}
      <Rest summary={summary} />
    </article>
  );
}

function Category({ category, metrics }: { category: string; metrics: readonly MetricSummary[] }) {
  const nameOf = ({ metric, tags }: MetricSummary): string => {
    const pairs = Object.entries(tags).map(([name, value]) => `${name}:${value}`);
    return pairs.length === 0 ? metric : `${metric}{${pairs.join(',')}}`;
  };
  const trends = metrics.flatMap((metric) => {
    const { values, unit } = metric;
    if (values.kind !== 'trend') return [];
    const figures = [values.avg, values.min, values.p50, values.p90, values.p95, values.p99, values.max].map((value) =>
      formatUnit(value, unit),
    );
    return [[nameOf(metric), formatCount(values.count), ...figures]];
  });
  const others = metrics.flatMap((metric) => {
    const { values, unit, help } = metric;
    if (values.kind === 'trend') return [];
    if (values.kind === 'rate')
      return [
        [nameOf(metric), help, formatShare(values.total === 0 ? null : values.pass / values.total), `of ${formatCount(values.total)}`],
      ];
    if (values.kind === 'counter') return [[nameOf(metric), help, formatUnit(values.sum, unit), `${formatUnit(values.ratePerS, unit)}/s`]];
    return [[nameOf(metric), help, formatUnit(values.value, unit), `${formatUnit(values.min, unit)} to ${formatUnit(values.max, unit)}`]];
  });
  return (
    <Card title={`Metrics: ${shown(category)}`} id={`metrics-${category.replace(/\W+/g, '-')}`}>
      {trends.length > 0 && (
        <Grid caption="Latencies" head={['Metric', 'Count', 'Mean', 'Min', 'p50', 'p90', 'p95', 'p99', 'Max']} rows={trends} />
      )}
      {others.length > 0 && (
        <Grid caption="Counters and rates" head={['Metric', 'What it is', 'Value', 'Detail']} texts={2} rows={others} />
      )}
    </Card>
  );
}

function Rest({ summary }: { summary: Summary }) {
  const { errors, nodes, places, events, files, artifacts } = summary;
  return (
    <>
      {errors.causes.length > 0 && (
        <Card title="Errors">
          <Grid
            caption="Errors by cause"
            head={['Side', 'Group', 'Cause', 'Example', 'Count']}
            texts={4}
            rows={errors.causes.map(({ side, group, cause, example, count }) => [side, group, cause, example, formatCount(count)])}
          />
        </Card>
      )}
      <Card title="Nodes of the run" id="run-nodes">
        <Grid
          caption="Nodes"
          head={['Node', 'Role', 'State', 'Started', 'CPU mean', 'CPU max', 'Memory', 'Loop delay', 'Lateness', 'Tainted']}
          texts={3}
          rows={nodes.map((node) => [
            ...[node.name, node.isCoordinator ? 'coordinator' : node.role, node.state, formatCount(node.started)],
            ...[`${node.cpuCoresMean.toFixed(2)} cores`, `${node.cpuCoresMax.toFixed(2)} cores`, formatBytes(node.memoryMbMax * 1e6)],
            ...[formatMs(node.loopDelayMsMax), formatMs(node.latenessMsP99Max), `${node.windowsTainted} of ${node.windows}`],
          ])}
        />
      </Card>
      {places.length > 0 && (
        <Card title="By place" id="run-places">
          <Grid
            caption="By vendor and region"
            head={['Label', 'Value', 'Nodes', 'Lost', 'Started', 'Failed', 'Errors']}
            texts={2}
            rows={places.map(({ label, value, nodes: count, nodesLost, started, failed, errorsTarget }) => [
              label,
              value,
              ...[count, nodesLost, started, failed, errorsTarget].map(formatCount),
            ])}
          />
        </Card>
      )}
      {events.length > 0 && (
        <Card title="What happened" id="run-events">
          <Grid
            caption="Events"
            head={['Time', 'Level', 'Event']}
            texts={3}
            rows={events.map(({ atMs, level, text }) => [formatClock(atMs), level, text])}
          />
        </Card>
      )}
      <Card title="Files" id="run-files">
        <Grid caption="Files" head={['What', 'Where']} texts={2} rows={files.map(({ what, path }) => [what, path])} />
        {artifacts !== undefined && (
          <p class="dim">
            <Text text={artifacts.store} />: {artifacts.files} files, {formatBytes(artifacts.bytes)},{' '}
            {artifacts.gaps.length + artifacts.gapsLeftOut} gaps
          </p>
        )}
      </Card>
    </>
  );
}
