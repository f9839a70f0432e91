// From the aggregate and the facts of the run to its summary: selection and arithmetic, no judgement of its own (verdict.ts) and no layout
// (tools/scoreboard). The same windows and facts give the same summary, whoever computes it and whenever: `report` rebuilds it from a run folder.

import type { Aggregate } from './aggregate.ts';
import { type Gap, gapsOf, select, taintedShare } from './aggregate-read.ts';
import { BUILTIN_METRICS, METRIC } from './builtin-metrics.ts';
import type { NodeId } from './messages.ts';
import { spendingOf } from './spending.ts';
import type { GroupFacts, NodeFacts, SummaryFacts } from './summary-facts.ts';
import { categoriesOf } from './summary-metrics.ts';
import { placesSummary } from './summary-places.ts';
import {
  type EventSummary,
  type GroupSummary,
  type IntegritySummary,
  type LoadSummary,
  type NodeSummary,
  SUMMARY_VERSION,
  type Summary,
} from './summary-types.ts';
import { evaluateThresholds } from './threshold-eval.ts';
import { judge } from './verdict.ts';

/** Moments in the small picture of the load. */
const CURVE_SAMPLES = 60;
/** Causes listed; the totals count all. */
const CAUSES_SHOWN = 100;

const durationOf = ({ t0SwarmMs, endSwarmMs }: SummaryFacts): number =>
  t0SwarmMs === null || endSwarmMs === null ? 0 : Math.max(0, endSwarmMs - t0SwarmMs);

function peak(aggregate: Aggregate, metric: string, group?: string): number {
  const selected = select(aggregate, metric, group === undefined ? {} : { group });
  return selected?.kind === 'gauge' ? selected.max : 0;
}

function groupSummary(aggregate: Aggregate, facts: GroupFacts): GroupSummary {
  const counted = aggregate.groups.get(facts.group) ?? { started: 0, finished: 0, failed: 0 };
  return {
    ...facts,
    started: counted.started,
    finished: counted.finished,
    failed: counted.failed,
    ownedPeak: peak(aggregate, METRIC.planned, facts.group),
    activePeak: peak(aggregate, METRIC.active, facts.group),
  };
}

function loadSummary(aggregate: Aggregate, facts: SummaryFacts): LoadSummary {
  const groups = facts.groups.map((group) => groupSummary(aggregate, group));
  const sum = (field: 'livesDue' | 'started' | 'finished' | 'failed'): number => groups.reduce((total, group) => total + group[field], 0);
  const plannedPeak =
    facts.plannedCurve.total.length > 0
      ? Math.max(...facts.plannedCurve.total)
      : groups.reduce((total, { activePeakPlanned }) => total + activePeakPlanned, 0);
  return {
    groups,
    total: {
      group: 'all',
      type: '',
      livesDue: sum('livesDue'),
      started: sum('started'),
      finished: sum('finished'),
      failed: sum('failed'),
      activePeakPlanned: plannedPeak,
      ownedPeak: peak(aggregate, METRIC.planned),
      activePeak: peak(aggregate, METRIC.active),
    },
    curve: loadCurve(aggregate, facts),
    meetingsPlanned: facts.meetingsPlanned,
    meetingsProvisioned: facts.meetingsProvisioned,
  };
}

/** Planned and delivered at the same moments over the planned length of the run. */
function loadCurve(aggregate: Aggregate, facts: SummaryFacts): LoadSummary['curve'] {
  const { timeline } = aggregate;
  const lengthMs = Math.max(durationOf(facts), facts.plannedDurationMs);
  if (facts.t0SwarmMs === null || lengthMs === 0) return { stepMs: 0, planned: [], active: [] };
  const stepMs = lengthMs / CURVE_SAMPLES;
  const active: number[] = [];
  const planned: number[] = [];
  for (let sample = 0; sample < CURVE_SAMPLES; sample++) {
    const atMs = (sample + 0.5) * stepMs;
    const point = timeline.points.get(Math.floor((facts.t0SwarmMs + atMs) / (1000 * timeline.stepS)));
    let activeMs = 0;
    for (const load of point?.load.values() ?? []) activeMs += load.activeMs;
    active.push(Math.round(activeMs / (1000 * timeline.stepS)));
    const { total, stepMs: plannedStepMs } = facts.plannedCurve;
    planned.push(total[Math.min(total.length - 1, Math.round(atMs / Math.max(1, plannedStepMs)))] ?? 0);
  }
  return { stepMs, planned, active };
}

function nodeSummary(aggregate: Aggregate, facts: NodeFacts): NodeSummary {
  const fold = aggregate.nodes.get(facts.node);
  const { windowLast: _windowLast, lostAtSwarmMs: _lostAtSwarmMs, ...shown } = facts;
  return {
    ...shown,
    windows: fold?.windows ?? 0,
    windowsTainted: fold?.taintedWindows ?? 0,
    started: fold?.started ?? null,
    cpuCoresMean: fold === undefined || fold.windows === 0 ? 0 : fold.cpuMillicoresSum / 1000 / fold.windows,
    cpuCoresMax: fold?.worst.cpuCores ?? 0,
    memoryMbMax: fold?.worst.memoryMb ?? 0,
    loopDelayMsMax: fold?.worst.loopDelayMs ?? 0,
    latenessMsP99Max: fold?.worst.latenessMs ?? 0,
    socketDrops: fold?.worst.socketDrops ?? 0,
  };
}

function integritySummary(aggregate: Aggregate, facts: SummaryFacts, gaps: readonly Gap[]): IntegritySummary {
  const names = new Map(facts.nodes.map(({ node, name }) => [node, name]));
  const counter = (metric: string): number => {
    const selected = select(aggregate, metric, {});
    return selected?.kind === 'counter' ? selected.sum : 0;
  };
  let windows = 0;
  for (const fold of aggregate.nodes.values()) windows += fold.windows;
  return {
    windows,
    duplicates: aggregate.duplicates,
    windowsTainted: aggregate.taintedCount,
    taintedShare: taintedShare(aggregate),
    taintedReasons: Object.fromEntries([...aggregate.taintedReasons].sort(([left], [right]) => (left < right ? -1 : 1))),
    gaps: gaps.map((gap) => ({ ...gap, name: names.get(gap.node) ?? gap.node })),
    discardedWindows: aggregate.discarded.windows,
    discardedStarted: aggregate.discarded.started,
    overflow: {
      series: counter(METRIC.seriesOverflow) + aggregate.seriesOverflowed,
      errors: counter(METRIC.errorOverflow),
      outOfRange: counter(METRIC.outOfRange),
      timeline: aggregate.timeline.rollupsRefused,
    },
    startSkewMsP99: facts.startSkewMsP99,
  };
}

function errorsSummary(aggregate: Aggregate): Summary['errors'] {
  const causes = [...aggregate.errors.values()].sort(
    (left, right) =>
      right.count - left.count || (`${left.side} ${left.group} ${left.cause}` < `${right.side} ${right.group} ${right.cause}` ? -1 : 1),
  );
  const total = (side: string): number => causes.reduce((sum, cause) => sum + (cause.side === side ? cause.count : 0), 0);
  return { targetTotal: total('target'), generatorTotal: total('generator'), causes: causes.slice(0, CAUSES_SHOWN) };
}

function eventsOf(facts: SummaryFacts): EventSummary[] {
  const origin = facts.t0SwarmMs ?? facts.events[0]?.atSwarmMs ?? 0;
  return [...facts.events]
    .sort((left, right) => left.atSwarmMs - right.atSwarmMs)
    .map(({ atSwarmMs, level, text, kind, spans }) => ({
      ...{ atMs: Math.round(atSwarmMs - origin), level, text },
      ...(kind === undefined ? {} : { kind }),
      ...(spans === undefined ? {} : { spans }),
    }));
}

/** Seconds missing from nodes that survived (a broken promise) and from lost ones (a gap that is shown). */
function missingOf(gaps: readonly Gap[], lost: ReadonlySet<NodeId>): { windowsMissing: number; lostSeconds: number | null } {
  let windowsMissing = 0;
  let lostSeconds: number | null = 0;
  for (const { node, seconds } of gaps) {
    if (!lost.has(node)) windowsMissing += seconds ?? 0;
    else lostSeconds = lostSeconds === null || seconds === null ? null : lostSeconds + seconds;
  }
  return { windowsMissing, lostSeconds };
}

export function summarize(aggregate: Aggregate, facts: SummaryFacts): Summary {
  const durationMs = durationOf(facts);
  const metrics = [...facts.types.flatMap((type) => type.metrics), ...BUILTIN_METRICS];
  const thresholds = evaluateThresholds(aggregate, facts.thresholds, { elapsedMs: durationMs, metrics });
  const load = loadSummary(aggregate, facts);
  const windowLast = Object.fromEntries(facts.nodes.map(({ node, windowLast }) => [node, windowLast]));
  // Nobody heard a lost node after its `down`, or at the latest after the end.
  const lostAtSwarmMs = new Map<NodeId, number>();
  for (const { node, state, lostAtSwarmMs: atMs } of facts.nodes) {
    const latestMs = atMs ?? facts.endSwarmMs;
    if (state === 'lost' && latestMs !== null) lostAtSwarmMs.set(node, latestMs);
  }
  const gaps = gapsOf(aggregate, { windowLast, missing: facts.missing, lostAtSwarmMs });
  const integrity = integritySummary(aggregate, facts, gaps);
  const lost = new Set(facts.nodes.filter(({ state }) => state === 'lost').map(({ node }) => node));
  const verdict = judge({
    end: facts.end,
    endMessage: facts.endMessage,
    thresholds,
    livesDue: load.total.livesDue,
    livesStarted: load.total.started,
    onNodeLoss: facts.onNodeLoss,
    nodesLoad: facts.nodes.filter(({ role }) => role === 'load').length,
    nodesLost: lost.size,
    windows: integrity.windows,
    taintedShare: integrity.taintedShare,
    ...missingOf(gaps, lost),
    contractBreaks: facts.contractBreaks,
    teardownFailures: facts.teardownFailures,
    faultsNotReverted: facts.faultsNotReverted,
  });
  return {
    summaryVersion: SUMMARY_VERSION,
    run: {
      runId: facts.runId,
      scenario: facts.scenario,
      version: facts.version,
      planHash: facts.planHash,
      tags: facts.tags,
      startedWallMs: facts.startedWallMs,
      durationMs,
      plannedDurationMs: facts.plannedDurationMs,
      end: facts.end,
      endMessage: facts.endMessage,
    },
    verdict,
    thresholds,
    load,
    categories: categoriesOf(aggregate, facts.types, durationMs),
    errors: errorsSummary(aggregate),
    nodes: facts.nodes.map((node) => nodeSummary(aggregate, node)),
    places: placesSummary(aggregate.places, facts.nodes, facts.types, durationMs),
    events: eventsOf(facts),
    integrity,
    spending: spendingOf(aggregate, facts.costUsdMax ?? null),
    files: facts.files,
  };
}
