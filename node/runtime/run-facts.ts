// What the summary and the live board want to know of a run beside its statistics, read from the node's picture of the log, the plan and the
// scenario. Nothing is decided here; how it is judged and drawn is core/summary.ts and core/board-view.ts.

import type { Aggregate } from '../core/aggregate.ts';
import { select } from '../core/aggregate-read.ts';
import type { BoardFacts } from '../core/board-view.ts';
import { METRIC } from '../core/builtin-metrics.ts';
import type { MissingWindows } from '../core/events.ts';
import { valueAtPercentile } from '../core/histogram.ts';
import { forEachLife, WHOLE } from '../core/lives.ts';
import { meetingsIn } from '../core/meetings.ts';
import type { EndReason, NodeId, Phase } from '../core/messages.ts';
import type { Plan, ScaleOrder } from '../core/plan-types.ts';
import { curve, plannedActive } from '../core/planned.ts';
import type { ValidGroup, ValidScenario } from '../core/scenario-types.ts';
import { WIND_DOWN_MS } from '../core/spending.ts';
import { type NodeState, ordersOf, swarmNow } from '../core/state.ts';
import type { GroupFacts, NodeFacts, SummaryFacts } from '../core/summary-facts.ts';
import type { FileSummary, ThresholdResult } from '../core/summary-types.ts';
import type { PlannedAt } from '../core/timeline-report.ts';
import type { LoadedRun } from './load-run.ts';
import { type EventNote, nodeName } from './node-names.ts';

/** Moments of the planned curve. */
const CURVE_SAMPLES = 121;

export interface RunFactsInit {
  readonly state: NodeState;
  readonly run: LoadedRun;
  readonly aggregate: Aggregate;
  readonly version: string;
  readonly wallMs: number;
  readonly end: EndReason;
  readonly endMessage: string;
  readonly missing: readonly MissingWindows[];
  readonly notes: readonly EventNote[];
  /** When this node, coordinating, counted others out. */
  readonly lostAtSwarmMs: ReadonlyMap<NodeId, number>;
  readonly files: readonly FileSummary[];
}

/** Swarm time of the change to `phase`; null while it has not come. */
function phaseAtMs(state: NodeState, phase: string): number | null {
  const entry = state.chain.decisions.find((decision) => decision.kind === 'phase' && decision.body.phase === phase);
  return entry?.kind === 'phase' ? entry.body.atSwarmMs : null;
}

const scalesOf = (state: NodeState): ScaleOrder[] => ordersOf(state, state.chain.manifest?.runId ?? '').scales;

/** Lives due before `endMs` from T0, and the most that were planned at once until then. */
function groupFacts(scenario: ValidScenario, group: ValidGroup, scales: readonly ScaleOrder[], endMs: number): GroupFacts {
  const changes: { atMs: number; by: number }[] = [];
  let livesDue = 0;
  forEachLife(scenario, group, scales, WHOLE, (_slot, _life, startMs, stopMs) => {
    if (startMs >= endMs) return;
    livesDue += 1;
    changes.push({ atMs: startMs, by: 1 }, { atMs: stopMs, by: -1 });
  });
  changes.sort((a, b) => a.atMs - b.atMs || a.by - b.by);
  let active = 0;
  let activePeakPlanned = 0;
  for (const { by } of changes) {
    active += by;
    activePeakPlanned = Math.max(activePeakPlanned, active);
  }
  return { group: group.name, type: group.type, livesDue, activePeakPlanned };
}

function nodeFacts(state: NodeState, lostAtSwarmMs: ReadonlyMap<NodeId, number>): NodeFacts[] {
  const { chain, facts, config, coordinator } = state;
  return [...chain.roster.values()].map(({ node, load, capabilities }): NodeFacts => {
    const hasLeft = facts.leaving.has(node) || (facts.byes.has(node) && node !== config.self && !facts.done.has(node));
    return {
      node,
      name: nodeName(state, node),
      role: load ? 'load' : 'witness',
      state: hasLeft ? 'left' : chain.down.has(node) ? 'lost' : 'finished',
      isCoordinator: coordinator?.node === node,
      labels: capabilities.labels,
      cores: capabilities.cores,
      windowLast: facts.done.get(node)?.windowLast ?? 0,
      lostAtSwarmMs: lostAtSwarmMs.get(node) ?? null,
    };
  });
}

/** Generator errors that say that a simulator or a worker broke its contract. */
const CONTRACT_CAUSES = /^(contract-broken|overstayed|simulator-)/;

function contractBreaks(aggregate: Aggregate): number {
  let count = 0;
  for (const error of aggregate.errors.values()) if (error.side === 'generator' && CONTRACT_CAUSES.test(error.cause)) count += error.count;
  return count;
}

/** How far apart nodes start what is due at one moment: every node's lateness against swarm time, p99 over all. */
function startSkewMs(aggregate: Aggregate): number | null {
  const found = select(aggregate, METRIC.startLateness, {});
  return found?.kind === 'trend' && found.histogram.count > 0 ? valueAtPercentile(found.histogram, 99) : null;
}

/** The plan under the operator's orders; nothing is planned after the load was ended. */
export function plannedOf(state: NodeState, { scenario }: LoadedRun): PlannedAt {
  const scales = scalesOf(state);
  const { t0SwarmMs } = state.chain;
  const drainedMs = phaseAtMs(state, 'draining');
  const endMs = t0SwarmMs === null || drainedMs === null ? Number.POSITIVE_INFINITY : drainedMs - t0SwarmMs;
  return (group, atMs) => (atMs < 0 || atMs >= endMs ? 0 : plannedActive(scenario, group, atMs, scales));
}

export function summaryFacts(init: RunFactsInit): SummaryFacts {
  const { state, run, aggregate } = init;
  const { scenario, plan, manifest } = run;
  const { t0SwarmMs } = state.chain;
  const drainedMs = phaseAtMs(state, 'draining');
  const endSwarmMs = t0SwarmMs === null ? null : Math.max(t0SwarmMs, drainedMs ?? swarmNow(state));
  const isWhole = init.end === 'completed' || t0SwarmMs === null || endSwarmMs === null;
  const endMs = isWhole ? Number.POSITIVE_INFINITY : endSwarmMs - t0SwarmMs;
  const scales = scalesOf(state);
  let teardownFailures = 0;
  // Whoever holds the ticket can write into the log; only members of the run count.
  for (const [node, done] of state.facts.done) if (state.chain.roster.has(node)) teardownFailures += done.teardownFailures;
  return {
    runId: manifest.runId,
    scenario: scenario.name,
    version: init.version,
    planHash: plan.hash,
    tags: { ...scenario.tags, ...run.bundle.tags },
    startedWallMs: t0SwarmMs === null ? null : Math.round(init.wallMs - (swarmNow(state) - t0SwarmMs)),
    t0SwarmMs,
    endSwarmMs,
    plannedDurationMs: plan.durationMs,
    end: init.end,
    endMessage: init.endMessage,
    onNodeLoss: manifest.onNodeLoss,
    groups: scenario.groups.map((group) => groupFacts(scenario, group, scales, t0SwarmMs === null ? 0 : endMs)),
    meetingsPlanned: plan.meetingCount,
    meetingsProvisioned: meetingsIn(state).facts.size,
    plannedCurve: curve(scenario, plan.durationMs, CURVE_SAMPLES, scales),
    types: run.types,
    thresholds: scenario.thresholds,
    nodes: nodeFacts(state, init.lostAtSwarmMs),
    missing: init.missing,
    events: init.notes,
    contractBreaks: contractBreaks(aggregate),
    teardownFailures,
    faultsNotReverted: 0,
    startSkewMsP99: startSkewMs(aggregate),
    costUsdMax: manifest.costUsdMax ?? null,
    files: init.files,
  };
}

function scaleNote(scales: readonly ScaleOrder[]): string | null {
  const last = scales.at(-1);
  return last === undefined ? null : `${last.group === '*' ? 'load' : last.group} scaled to ${Math.round(last.factor * 100)} %`;
}

/** What is planned is compared with what the newest windows say, so it is asked for their middle: a ramp would look like a shortfall else. */
const WINDOW_AGE_MS = 500;
/** How much older other nodes' newest windows may be. */
const WINDOWS_APART_MS = 2000;

export function boardFacts(
  state: NodeState,
  run: LoadedRun | null,
  aggregate: Aggregate,
  thresholds: readonly ThresholdResult[],
  nowMs: number,
): BoardFacts {
  const { chain, facts, coordinator, config } = state;
  const scales = scalesOf(state);
  const swarmMs = nowMs + state.clock.offsetMs;
  const t0Ms = chain.t0SwarmMs;
  const sinceT0Ms = t0Ms === null ? -1 : swarmMs - t0Ms;
  const shownMs = t0Ms === null || !Number.isFinite(aggregate.newestStartMs) ? -1 : aggregate.newestStartMs + WINDOW_AGE_MS - t0Ms;
  const members = [...chain.roster.values()].filter(({ load }) => load);
  const hellos = [...facts.hellos.values()].filter(({ author, body }) => body.load && !facts.byes.has(author));
  const live = members.filter(({ node }) => !chain.down.has(node) && !facts.byes.has(node));
  const isOver = chain.phase === 'draining' || chain.phase === 'sealed';
  return {
    scenario: run?.scenario.name ?? chain.manifest?.scenarioName ?? '',
    phase: chain.phase,
    elapsedMs: t0Ms === null ? nowMs - state.bootedMs : Math.max(0, sinceT0Ms),
    totalMs: run?.plan.durationMs ?? null,
    endpointsPeak: run?.plan.activeMax ?? 0,
    nodesLive: chain.roster.size === 0 ? hellos.length : live.length,
    nodesExpected: Math.max(config.expectNodes, members.length),
    coordinator: coordinator === null ? null : nodeName(state, coordinator.node),
    term: coordinator?.term ?? 0,
    groups: (run?.scenario.groups ?? []).map(({ name, type }) => {
      const plannedAt = (atMs: number): number =>
        run === null || isOver || atMs < 0 ? 0 : plannedActive(run.scenario, name, atMs, scales);
      const planned = plannedAt(shownMs);
      return {
        group: name,
        type,
        planned,
        plannedLately: Math.min(planned, plannedAt(shownMs - WINDOWS_APART_MS)),
        peak: peakOf(run!, name),
      };
    }),
    types: run?.types ?? [],
    nodesLost: members.filter(({ node }) => chain.down.has(node)).map(({ node }) => nodeName(state, node)),
    nodeNames: new Map<NodeId, string>([...facts.hellos.keys()].map((node) => [node, nodeName(state, node)])),
    thresholds,
    note: scaleNote(scales),
    leftMs: run === null ? null : leftMs(chain.phase, run.plan, sinceT0Ms),
  };
}

/** Until the machines are off. A paused load costs as much: its time goes on. */
function leftMs(phase: Phase, { durationMs, gracefulStopMs }: Plan, sinceT0Ms: number): number | null {
  if (phase === 'sealed') return null;
  const ofPlanMs = phase === 'draining' ? 0 : Math.max(0, durationMs - Math.max(0, sinceT0Ms));
  return ofPlanMs + gracefulStopMs + WIND_DOWN_MS;
}

/** The group's highest planned number: the sum over its shards bounds it and is at hand. */
function peakOf({ plan, scenario }: LoadedRun, name: string): number {
  const index = scenario.groups.findIndex((group) => group.name === name);
  return plan.shards.reduce((sum, shard) => sum + (shard.groupIndex === index ? shard.activeMax : 0), 0);
}
