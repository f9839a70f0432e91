// What the live board shows, once a second, from the aggregate and the facts of the moment. Level figures are the last that nodes reported; rates
// and p95 are over the last ten whole seconds. Troubles appear only while there is something wrong: that is the board's way of being quiet.

import type { Aggregate } from './aggregate.ts';
import { LEVEL_STALE_MS, liveLoad, recent } from './aggregate-read.ts';
import { METRIC } from './builtin-metrics.ts';
import { valueAtPercentile } from './histogram.ts';
import type { NodeId } from './messages.ts';
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
  /** `planned`: what the plan wants active now. */
  readonly groups: readonly { readonly group: string; readonly type: string; readonly planned: number; readonly peak: number }[];
  readonly types: readonly TypeMetrics[];
  /** Short names of nodes that are down, and of all nodes. */
  readonly nodesLost: readonly string[];
  readonly nodeNames: ReadonlyMap<NodeId, string>;
  /** As evaluated this second; only failing ones are shown. */
  readonly thresholds: readonly ThresholdResult[];
  readonly note: string | null;
}

/** The metric that a group's rate and p95 are of: the first trend in ms that its type declares. */
export function mainLatency(types: readonly TypeMetrics[], type: string): string | null {
  const declared = types.find((one) => one.type === type)?.metrics ?? [];
  return declared.find(({ kind, unit }) => kind === 'trend' && unit === 'ms')?.name ?? null;
}

function boardGroup(aggregate: Aggregate, facts: BoardFacts, { group, type, planned, peak }: BoardFacts['groups'][number]): BoardGroup {
  const metric = mainLatency(facts.types, type);
  const samples = metric === null ? null : recent(aggregate, metric, group, RECENT_S);
  const hasSamples = samples !== null && samples.histogram.count > 0;
  // In the first seconds the span is mostly empty: divide by what there was.
  const spanS = Math.max(1, Math.min(RECENT_S, facts.elapsedMs / 1000 - 2));
  return {
    group,
    type,
    active: liveLoad(aggregate, new Set([group])).active,
    planned,
    peak,
    ratePerS: hasSamples ? samples.histogram.count / Math.max(spanS, 1) : null,
    p95Ms: hasSamples ? valueAtPercentile(samples.histogram, 95) : null,
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
  const planned = facts.groups.reduce((sum, group) => sum + group.planned, 0);
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

export function boardView(aggregate: Aggregate, facts: BoardFacts): BoardView {
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
  };
}
