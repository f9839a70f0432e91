// What a node is in its swarm - phase, term, shards - and, while it coordinates, how the run stands - nodes, load, thresholds, money - as metric families beside those of its windows. Of the
// run only its coordinator tells: sums over all nodes count nothing twice. What is not known is left out, since zero would be a statement. Pure.

import { PHASES } from '../core/messages.ts';
import type { Family } from '../core/metric-families.ts';
import { type Label, labelsOf } from '../core/metric-names.ts';
import type { StatusView } from './node-status.ts';

interface Value {
  readonly tags?: Readonly<Record<string, string>>;
  readonly value: number | null | undefined;
}

const MS_PER_S = 1000;

function family(type: 'gauge' | 'counter', name: string, unit: string, help: string, values: readonly Value[]): Family[] {
  const series = values.flatMap(({ tags = {}, value }) => {
    if (typeof value !== 'number' || !Number.isFinite(value)) return [];
    const labels: Label[] = labelsOf(tags);
    return [[JSON.stringify(labels), { labels, value, buckets: null }] as const];
  });
  const full = `quilt_${name}`;
  return series.length === 0
    ? []
    : [{ name: full, type, unit, help, scale: 1, bounds: [], boundsUnits: [], origin: full, series: new Map(series) }];
}

function ofNode({ node, phase, isCoordinator, term, nodes, workerPids, counters }: StatusView): Family[] {
  const own = nodes.find((one) => one.node === node);
  const phases = PHASES.map((each) => ({ tags: { phase: each }, value: each === phase ? 1 : 0 }));
  const events = Object.entries(counters).map(([event, value]) => ({ tags: { event }, value }));
  return [
    ...family('gauge', 'node_phase', '', 'phase of the run as this node knows it: 1 for the one it is in', phases),
    ...family('gauge', 'node_coordinator', '', '1 while this node coordinates', [{ value: isCoordinator ? 1 : 0 }]),
    ...family('gauge', 'node_term', '', 'term of the coordinator that this node follows', [{ value: term }]),
    ...family('gauge', 'node_shards', '', 'shards that this node owns', [{ value: own?.shards }]),
    ...family('gauge', 'node_workers', '', 'worker processes of this node', [{ value: workerPids.length }]),
    ...family('counter', 'node_events', '', 'bytes, messages, and what was refused or dropped, by name', events),
  ];
}

function ofRun({ board, nodes, thresholds, sinceT0Ms }: StatusView): Family[] {
  const states = [...new Set(nodes.map(({ state }) => state))];
  const countOf = (wanted: string): number => nodes.filter(({ state }) => state === wanted).length;
  const rows = thresholds.map(({ selector: metric, expression, observed, state }) => ({ tags: { metric, expression }, observed, state }));
  return [
    ...family('gauge', 'run_elapsed_seconds', 'seconds', 'since T0', [{ value: sinceT0Ms === null ? null : sinceT0Ms / MS_PER_S }]),
    ...family(
      ...(['gauge', 'run_nodes', '', 'nodes of the run by state'] as const),
      states.map((state) => ({ tags: { state }, value: countOf(state) })),
    ),
    ...family(
      ...(['gauge', 'run_endpoints_planned', '', 'endpoints that the plan has now'] as const),
      board.groups.map(({ group, planned }) => ({ tags: { group }, value: planned })),
    ),
    ...family(
      ...(['gauge', 'run_threshold_observed', '', "in the metric's own unit (ms, share, count)"] as const),
      rows.map(({ tags, observed }) => ({ tags, value: observed })),
    ),
    ...family(
      ...(['gauge', 'run_threshold_met', '', '1 = met, 0 = not; left out while there are no samples'] as const),
      rows.map(({ tags, state }) => ({ tags, value: state === 'no-samples' ? null : state === 'pass' ? 1 : 0 })),
    ),
    ...family('gauge', 'run_cost_usd', 'usd', 'spent so far, where prices are known', [{ value: board.spending?.usd }]),
  ];
}

export const statusFamilies = (status: StatusView): Family[] => [...ofNode(status), ...(status.isCoordinator ? ofRun(status) : [])];
