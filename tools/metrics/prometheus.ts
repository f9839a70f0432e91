// What a node tells Prometheus, in its text format: of itself always; of the run - groups, thresholds, the health of all nodes, money - only while it coordinates, so that sums over all
// nodes that are scraped count nothing twice. Names and units follow the Prometheus naming practices (base units, `_total` for what only grows).

import { Counter, Gauge, Registry } from 'prom-client';
import { PHASES } from '../../node/core/messages.ts';
import type { StatusView } from '../../node/runtime/node-status.ts';

export const PROMETHEUS_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

type Labels = Readonly<Record<string, string>>;
interface Sample {
  readonly labels?: Labels;
  readonly value: number | null | undefined;
}

const MS_PER_S = 1000;
const BYTES_PER_MB = 1e6;

export function prometheusText(status: StatusView): Promise<string> {
  const registry = new Registry();
  const names = (samples: readonly Sample[]): string[] => [...new Set(samples.flatMap(({ labels }) => Object.keys(labels ?? {})))];
  /** What is not known is left out: zero would be a statement. */
  const known = (samples: readonly Sample[]): { labels: Labels; value: number }[] =>
    samples.flatMap(({ labels = {}, value }) => (typeof value === 'number' && Number.isFinite(value) ? [{ labels, value }] : []));
  // A metric without a sample is not made: without labels it would be told as zero.
  const gauge: Add = (name, help, samples) => {
    if (known(samples).length === 0) return;
    const metric = new Gauge({ name: `quilt_${name}`, help, labelNames: names(samples), registers: [registry] });
    for (const { labels, value } of known(samples)) metric.set({ ...labels }, value);
  };
  const counter: Add = (name, help, samples) => {
    if (known(samples).length === 0) return;
    const metric = new Counter({ name: `quilt_${name}_total`, help, labelNames: names(samples), registers: [registry] });
    for (const { labels, value } of known(samples)) metric.inc({ ...labels }, value);
  };
  ownMetrics(status, gauge, counter);
  if (status.isCoordinator) runMetrics(status, gauge);
  return registry.metrics();
}

type Add = (name: string, help: string, samples: readonly Sample[]) => void;

function ownMetrics(
  { node, swarmId, runId, phase, isCoordinator, term, nodes, workerPids, counters }: StatusView,
  gauge: Add,
  counter: Add,
): void {
  const own = nodes.find((one) => one.node === node);
  gauge('node_info', 'This node, its swarm and run; always 1', [
    { labels: { node, name: own?.name ?? '', swarm: swarmId, run: runId ?? '', ...prefixed(own?.labels ?? {}) }, value: 1 },
  ]);
  gauge(
    'node_phase',
    'Phase of the run as this node knows it: 1 for the one it is in',
    PHASES.map((each) => ({ labels: { phase: each }, value: each === phase ? 1 : 0 })),
  );
  gauge('node_coordinator', '1 while this node coordinates', [{ value: isCoordinator ? 1 : 0 }]);
  gauge('node_term', 'Term of the coordinator that this node follows', [{ value: term }]);
  gauge('node_shards', 'Shards that this node owns', [{ value: own?.shards }]);
  gauge('node_workers', 'Worker processes of this node', [{ value: workerPids.length }]);
  counter(
    'node_events',
    'Bytes, messages, and what was refused or dropped, by name',
    Object.entries(counters).map(([name, value]) => ({ labels: { event: name }, value })),
  );
}

/** Labels of nodes are free text: as label names they get a prefix and plain characters. */
const prefixed = (labels: Labels): Labels =>
  Object.fromEntries(Object.entries(labels).map(([name, value]) => [`label_${name.replace(/\W/g, '_')}`, value]));

function runMetrics({ board, nodes, thresholds, sinceT0Ms }: StatusView, gauge: Add): void {
  const perGroup = (read: (group: (typeof board.groups)[number]) => number | null): Sample[] =>
    board.groups.map((group) => ({ labels: { group: group.group, type: group.type }, value: read(group) }));
  gauge('run_elapsed_seconds', 'Since T0', [{ value: sinceT0Ms === null ? null : sinceT0Ms / MS_PER_S }]);
  gauge('run_nodes', 'Nodes of the run by state', countBy(nodes.map(({ state }) => state)));
  gauge(
    'run_endpoints_planned',
    'Endpoints that the plan has now',
    perGroup(({ planned }) => planned),
  );
  gauge(
    'run_endpoints_active',
    'Endpoints that are active now',
    perGroup(({ active }) => active),
  );
  gauge(
    'run_rate_per_second',
    "Samples a second of the group's main latency, over the last seconds",
    perGroup(({ ratePerS }) => ratePerS),
  );
  gauge(
    'run_latency_p95_seconds',
    'Of that latency',
    perGroup(({ p95Ms }) => (p95Ms === null ? null : p95Ms / MS_PER_S)),
  );
  gauge(
    'run_errors_per_second',
    'Failures a second, over the last seconds',
    perGroup(({ errorsPerS }) => errorsPerS),
  );
  const ofThreshold = (read: (threshold: (typeof thresholds)[number]) => number | null): Sample[] =>
    thresholds.map((threshold) => ({ labels: { metric: threshold.selector, expression: threshold.expression }, value: read(threshold) }));
  gauge(
    'run_threshold_observed',
    "In the metric's unit (ms, share, count)",
    ofThreshold(({ observed }) => observed),
  );
  gauge(
    'run_threshold_met',
    '1 = met, 0 = not; left out while there are no samples',
    ofThreshold(({ state }) => metOf(state)),
  );
  const perNode = (read: (health: NonNullable<(typeof nodes)[number]['health']>) => number): Sample[] =>
    nodes.map(({ name, node, health }) => ({ labels: { name, node }, value: health === null ? null : read(health) }));
  gauge(
    'run_node_cpu_cores',
    'Cores that a node takes',
    perNode(({ cpuCores }) => cpuCores),
  );
  gauge(
    'run_node_memory_bytes',
    'Memory that a node takes',
    perNode(({ memoryMb }) => memoryMb * BYTES_PER_MB),
  );
  gauge(
    'run_node_lateness_seconds',
    'How late its endpoints act, p99',
    perNode(({ latenessMs }) => latenessMs / MS_PER_S),
  );
  gauge(
    'run_node_tainted',
    '1 = its last window is not to be trusted',
    perNode(({ tainted }) => (tainted.length > 0 ? 1 : 0)),
  );
  gauge('run_cost_usd', 'Spent so far, where prices are known', [{ value: board.spending?.usd }]);
}

const metOf = (state: 'pass' | 'fail' | 'no-samples'): number | null => (state === 'no-samples' ? null : state === 'pass' ? 1 : 0);

function countBy(states: readonly string[]): Sample[] {
  const counts = new Map<string, number>();
  for (const state of states) counts.set(state, (counts.get(state) ?? 0) + 1);
  return [...counts].map(([state, value]) => ({ labels: { state }, value }));
}
