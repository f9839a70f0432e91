// What one node has counted since it started, as metric families of the outside (counters, gauges, classic histograms): windows go in, and scrape, remote write and
// OTLP read it. Cumulative on purpose: a batch that is lost, refused or dropped costs resolution and never a count. Bounded: beyond the bounds samples
// go to a series {overflow="true"} of their family and are counted. What a name means outside is metric-names.ts.

import { BUILTIN_METRICS, METRIC } from './builtin-metrics.ts';
import { addToBuckets, UNITS_PER_VALUE } from './histogram.ts';
import { boundsOf, type Label, labelsOf, outsideName } from './metric-names.ts';
import { OVERFLOW_TAGS, seriesKey } from './series.ts';
import type { MetricDeclaration, MetricKind, Series, Tags, Window } from './stats-types.ts';

export const FAMILY_BOUNDS = {
  /** A histogram is 23 lines of a scrape: the worst page is some megabytes. */
  seriesMax: 2_000,
  /** Programs may invent metric names. */
  familiesMax: 500,
} as const;

export interface Buckets {
  /** One for each bound, and one for what is above the last: not cumulative. */
  readonly counts: number[];
  count: number;
  /** Thousandths of the unit inside, so that adding is exact. */
  sumUnits: number;
}

export interface FamilySeries {
  readonly labels: readonly Label[];
  /** Of counters and gauges, in the unit outside. */
  value: number;
  /** Of histograms. */
  readonly buckets: Buckets | null;
}

export interface Family {
  /** Without `_total`. */
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly unit: string;
  readonly help: string;
  readonly scale: number;
  /** In the unit outside; empty but for histograms. */
  readonly bounds: readonly number[];
  readonly boundsUnits: readonly number[];
  /** The metric and part that made it: another one of the same name outside is refused. */
  readonly origin: string;
  readonly series: Map<string, FamilySeries>;
}

export interface MetricFamilies {
  readonly families: Map<string, Family>;
  readonly declarations: () => ReadonlyMap<string, MetricDeclaration>;
  readonly seriesMax: number;
  seriesCount: number;
}

export interface FamiliesInit {
  /** Of the run's endpoint types, once they are known; those of every run are known here. */
  readonly declarations: () => ReadonlyMap<string, MetricDeclaration>;
  readonly seriesMax?: number;
}

const BUILTIN: ReadonlyMap<string, MetricDeclaration> = new Map(BUILTIN_METRICS.map((each) => [each.name, each]));

const OWN = {
  overflow: 'outputs_overflow',
  windows: 'node_windows',
  tainted: 'node_windows_tainted',
  cpu: 'node_cpu_cores',
  memory: 'node_memory',
  loopDelay: 'node_loop_delay_max',
  lateness: 'node_start_lateness_p99',
  socketDrops: 'node_socket_drops',
} as const;

/** About the node itself. */
const OWN_METRICS: readonly MetricDeclaration[] = [
  { name: OWN.overflow, kind: 'counter', unit: 'count', help: 'samples that got no series of their own because there are too many' },
  { name: OWN.windows, kind: 'counter', unit: 'count', help: 'windows (seconds) that this node closed' },
  { name: OWN.tainted, kind: 'counter', unit: 'count', help: 'windows that the generator itself spoiled' },
  { name: OWN.cpu, kind: 'gauge', unit: 'count', help: 'cores that node and workers used in the last window' },
  { name: OWN.memory, kind: 'gauge', unit: 'bytes', help: 'memory of node and workers' },
  { name: OWN.loopDelay, kind: 'gauge', unit: 'ms', help: 'longest delay of an event loop in the last window' },
  { name: OWN.lateness, kind: 'gauge', unit: 'ms', help: 'how late the generator started things in the last window, 99th percentile' },
  { name: OWN.socketDrops, kind: 'counter', unit: 'count', help: 'datagrams that the kernel dropped at sockets of this node' },
];
const OWN_BY_NAME: ReadonlyMap<string, MetricDeclaration> = new Map(OWN_METRICS.map((each) => [each.name, each]));

/** Every output says it of its node, whatever was counted: no metric of a run may be called so. */
export const NODE_INFO = 'quilt_node_info';

const BYTES_PER_MB = 1024 * 1024;

export function createFamilies({ declarations, seriesMax = FAMILY_BOUNDS.seriesMax }: FamiliesInit): MetricFamilies {
  const all: MetricFamilies = { families: new Map(), declarations, seriesMax, seriesCount: 0 };
  // First of all, so that they have their place and their name whatever a run invents.
  for (const { name, kind } of OWN_METRICS) familyOf(all, name, kind, '');
  return all;
}

function familyOf(all: MetricFamilies, metric: string, kind: MetricKind, part: string): Family | null {
  const declared = OWN_BY_NAME.get(metric) ?? BUILTIN.get(metric) ?? all.declarations().get(metric);
  const unit = declared?.kind === kind ? declared.unit : 'count';
  const outside = outsideName(`${metric}${part}`, kind, unit);
  const origin = `${metric} ${kind}${part}`;
  const found = all.families.get(outside.name);
  if (found !== undefined) return found.origin === origin ? found : null;
  if (all.families.size >= FAMILY_BOUNDS.familiesMax || outside.name === NODE_INFO) return null;
  const bounds = kind === 'trend' ? boundsOf(unit) : [];
  const made: Family = {
    ...outside,
    type: kind === 'trend' ? 'histogram' : kind === 'gauge' ? 'gauge' : 'counter',
    help: `${declared?.help ?? metric}${kind === 'rate' ? (part === '' ? ': all' : ': those that passed') : ''}`,
    bounds,
    boundsUnits: bounds.map((bound) => Math.round((bound / outside.scale) * UNITS_PER_VALUE)),
    origin,
    series: new Map(),
  };
  all.families.set(outside.name, made);
  return made;
}

function seriesOf(
  all: MetricFamilies,
  metric: string,
  kind: MetricKind,
  tags: Tags,
  part = '',
): { family: Family; cell: FamilySeries } | null {
  const family = familyOf(all, metric, kind, part);
  if (family === null) {
    countOverflow(all);
    return null;
  }
  let kept = tags;
  let key = seriesKey('', tags);
  if (!family.series.has(key) && all.seriesCount >= all.seriesMax && !OWN_BY_NAME.has(metric)) {
    countOverflow(all);
    kept = OVERFLOW_TAGS;
    key = seriesKey('', OVERFLOW_TAGS);
  }
  const found = family.series.get(key);
  if (found !== undefined) return { family, cell: found };
  const counts = kind === 'trend' ? new Array<number>(family.bounds.length + 1).fill(0) : null;
  const cell: FamilySeries = { labels: labelsOf(kept), value: 0, buckets: counts === null ? null : { counts, count: 0, sumUnits: 0 } };
  family.series.set(key, cell);
  all.seriesCount += 1;
  return { family, cell };
}

const countOverflow = (all: MetricFamilies): void => addCounter(all, OWN.overflow, {}, 1);

function addCounter(all: MetricFamilies, metric: string, tags: Tags, value: number): void {
  const found = seriesOf(all, metric, 'counter', tags);
  if (found !== null) found.cell.value += value * found.family.scale;
}

function setGauge(all: MetricFamilies, metric: string, tags: Tags, value: number): void {
  const found = seriesOf(all, metric, 'gauge', tags);
  if (found !== null) found.cell.value = value * found.family.scale;
}

function absorbSeries(all: MetricFamilies, { metric, tags, data }: Series): void {
  if (OWN_BY_NAME.has(metric)) return countOverflow(all);
  if (data.kind === 'counter') return addCounter(all, metric, tags, data.sum);
  if (data.kind === 'gauge') return setGauge(all, metric, tags, data.last);
  if (data.kind === 'rate') {
    const total = seriesOf(all, metric, 'rate', tags);
    const passed = seriesOf(all, metric, 'rate', tags, '_pass');
    if (total !== null) total.cell.value += data.total;
    if (passed !== null) passed.cell.value += data.pass;
    return;
  }
  const found = seriesOf(all, metric, 'trend', tags);
  const buckets = found?.cell.buckets;
  if (found == null || buckets == null) return;
  addToBuckets(data.histogram, found.family.boundsUnits, buckets.counts);
  buckets.count += data.count;
  buckets.sumUnits += Math.round(data.sum * UNITS_PER_VALUE);
}

/** A group of which this window says nothing has nobody active any more. */
function absorbLoad(all: MetricFamilies, window: Window): void {
  for (const metric of [METRIC.active, METRIC.planned]) {
    const family = familyOf(all, metric, 'gauge', '');
    for (const cell of family?.series.values() ?? []) cell.value = 0;
  }
  for (const { group, active, owned, started, finished, failed } of window.load) {
    setGauge(all, METRIC.active, { group }, active);
    setGauge(all, METRIC.planned, { group }, owned);
    addCounter(all, METRIC.started, { group }, started);
    addCounter(all, METRIC.finished, { group }, finished);
    addCounter(all, METRIC.failed, { group }, failed);
  }
}

/** Adds one closed window of this node. Each once: there is no memory of numbers here. */
export function absorbWindow(all: MetricFamilies, window: Window): void {
  const { health } = window;
  addCounter(all, OWN.windows, {}, 1);
  addCounter(all, OWN.tainted, {}, health.tainted.length > 0 ? 1 : 0);
  setGauge(all, OWN.cpu, {}, health.cpuCores);
  setGauge(all, OWN.memory, {}, health.memoryMb * BYTES_PER_MB);
  setGauge(all, OWN.loopDelay, {}, health.loopDelayMsMax);
  setGauge(all, OWN.lateness, {}, health.latenessMsP99);
  addCounter(all, OWN.socketDrops, {}, health.socketDrops);
  absorbLoad(all, window);
  for (const { group, side, cause, count } of window.errors) addCounter(all, METRIC.errors, { group, side, cause }, count);
  for (const series of window.series) absorbSeries(all, series);
}

/** Sum of a histogram in the unit outside. */
export const sumOf = (family: Family, buckets: Buckets): number => (buckets.sumUnits * family.scale) / UNITS_PER_VALUE;
