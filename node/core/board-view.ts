// What the live board shows, once a second, from the aggregate and the facts of the moment. Level figures are the last that nodes reported; rates
// and p95 are over the last ten whole seconds. Troubles appear only while there is something wrong: that is the board's way of being quiet.

import type { Aggregate } from './aggregate.ts';
import { LEVEL_STALE_MS, liveLoad, type Recent, recent } from './aggregate-read.ts';
import { METRIC } from './builtin-metrics.ts';
import { valueAtPercentile } from './histogram.ts';
import type { NodeId } from './messages.ts';
import { type Spending, withEnd } from './spending.ts';
import type { TypeMetrics } from './summary-facts.ts';
import type { BoardGroup, BoardTrouble, BoardView, ThresholdResult } from './summary-types.ts';
import { formatCount } from './units.ts';

const RECENT_S = 10;
const CAUSES_SHOWN = 4;
const NODES_SHOWN = 4;

export interface BoardFacts {
  readonly scenario: string;
  readonly phase: BoardView['phase'];
  readonly elapsedMs: number;
  readonly totalMs: number | null;
  readonly endpointsPeak: number;
  readonly nodesLive: number;
  readonly nodesExpected: number;
  readonly coordinator: string | null;
  readonly term: number;
  readonly groups: readonly {
    readonly group: string;
    readonly type: string;
    /** What the plan wants active now. */
    readonly planned: number;
    /** The least that it wanted in the last two seconds: nodes' windows are of different age, and on a ramp that is no shortfall. */
    readonly plannedLately: number;
    readonly peak: number;
  }[];
  readonly types: readonly TypeMetrics[];
  /** Short names of nodes that are down, and of all nodes. */
  readonly nodesLost: readonly string[];
  readonly nodeNames: ReadonlyMap<NodeId, string>;
  /** As evaluated this second; only failing ones are shown. */
  readonly thresholds: readonly ThresholdResult[];
  readonly note: string | null;
  /** Until the plan is carried out and the machines are off; null = not known, or over. */
  readonly leftMs: number | null;
}

/** What a group's rate and p95 are of: the latency of its type with most samples lately, the first declared of equals (the whole before its parts). */
function mainLatency(aggregate: Aggregate, types: readonly TypeMetrics[], type: string, group: string): Recent | null {
  const declared = types.find((one) => one.type === type)?.metrics ?? [];
  let main: Recent | null = null;
  for (const { name, kind, unit } of declared) {
    if (kind !== 'trend' || unit !== 'ms') continue;
    const samples = recent(aggregate, name, group, RECENT_S);
    if (samples.histogram.count > (main?.histogram.count ?? 0)) main = samples;
  }
  return main;
}

function boardGroup(aggregate: Aggregate, facts: BoardFacts, { group, type, planned, peak }: BoardFacts['groups'][number]): BoardGroup {
  const samples = mainLatency(aggregate, facts.types, type, group);
  // In the first seconds most of the span lies before T0: divide by what there was.
  const spanS = Math.max(1, Math.min(RECENT_S, facts.elapsedMs / 1000 - 2));
  return {
    group,
    type,
    active: liveLoad(aggregate, new Set([group])).active,
    planned,
    peak,
    ratePerS: samples === null ? null : samples.histogram.count / spanS,
    p95Ms: samples === null ? null : valueAtPercentile(samples.histogram, 95),
    errorsPerS: recent(aggregate, METRIC.errors, group, RECENT_S).count / spanS,
  };
}

function errorTrouble(aggregate: Aggregate, side: 'target' | 'generator'): BoardTrouble[] {
  const byCause = new Map<string, number>();
  for (const error of aggregate.errors.values())
    if (error.side === side) byCause.set(error.cause, (byCause.get(error.cause) ?? 0) + error.count);
  if (byCause.size === 0) return [];
  const sorted = [...byCause].sort(([leftCause, left], [rightCause, right]) => right - left || (leftCause < rightCause ? -1 : 1));
  const total = sorted.reduce((sum, [, count]) => sum + count, 0);
  const shown = sorted.slice(0, CAUSES_SHOWN).map(([cause, count]) => `${cause} ${formatCount(count)}`);
  const more = sorted.length > CAUSES_SHOWN ? `, ${sorted.length - CAUSES_SHOWN} more causes` : '';
  const what = side === 'target' ? 'errors' : 'generator errors';
  return [{ level: 'error', text: `${what} ${formatCount(total)}: ${shown.join(', ')}${more}` }];
}

function taintTrouble(aggregate: Aggregate, names: ReadonlyMap<NodeId, string>): BoardTrouble[] {
  const tainted: string[] = [];
  for (const [node, fold] of aggregate.nodes) {
    const isNow = fold.newestStartMs >= aggregate.newestStartMs - LEVEL_STALE_MS && (fold.health?.tainted.length ?? 0) > 0;
    if (isNow) tainted.push(`${names.get(node) ?? node} (${fold.health!.tainted.join(', ')})`);
  }
  if (tainted.length === 0) return [];
  const more = tainted.length > NODES_SHOWN ? `, ${tainted.length - NODES_SHOWN} more` : '';
  return [{ level: 'warning', text: `overloaded, measurements tainted: ${tainted.sort().slice(0, NODES_SHOWN).join(', ')}${more}` }];
}

function troublesOf(aggregate: Aggregate, facts: BoardFacts): BoardTrouble[] {
  const troubles: BoardTrouble[] = [];
  if (facts.nodesLost.length > 0) troubles.push({ level: 'error', text: `lost: ${facts.nodesLost.slice(0, NODES_SHOWN * 2).join(', ')}` });
  const planned = facts.groups.reduce((sum, group) => sum + group.plannedLately, 0);
  const { owned } = liveLoad(aggregate);
  // Two per cent and two endpoints: ramps are sampled at slightly different moments on every node.
  if (facts.phase === 'running' && facts.elapsedMs > LEVEL_STALE_MS && planned - owned > Math.max(2, planned * 0.02)) {
    troubles.push({
      level: 'warning',
      text: `${formatCount(planned - owned)} of ${formatCount(planned)} planned endpoints are owned by no node`,
    });
  }
  troubles.push(...errorTrouble(aggregate, 'target'), ...errorTrouble(aggregate, 'generator'), ...taintTrouble(aggregate, facts.nodeNames));
  for (const { selector, expression, state } of facts.thresholds) {
    if (state === 'fail') troubles.push({ level: 'warning', text: `threshold not met: ${selector} ${expression}` });
  }
  if (aggregate.discarded.windows > 0) {
    troubles.push({ level: 'warning', text: `${formatCount(aggregate.discarded.windows)} windows under claims that lost are not counted` });
  }
  return troubles;
}

export function boardView(aggregate: Aggregate, facts: BoardFacts, spending: Spending | null = null): BoardView {
  const { scenario, phase, elapsedMs, totalMs, endpointsPeak, nodesLive, nodesExpected, coordinator, term, note } = facts;
  return {
    boardVersion: 1,
    scenario,
    phase,
    elapsedMs,
    totalMs,
    endpointsActive: liveLoad(aggregate).active,
    endpointsPlanned: facts.groups.reduce((sum, group) => sum + group.planned, 0),
    endpointsPeak,
    nodesLive,
    nodesExpected,
    coordinator,
    term,
    groups: facts.groups.map((group) => boardGroup(aggregate, facts, group)),
    troubles: troublesOf(aggregate, facts),
    note,
    spending: spending === null || facts.leftMs === null ? spending : withEnd(spending, facts.leftMs),
  };
}
