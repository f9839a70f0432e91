// A snapshot as OpenTelemetry metrics: ExportMetricsServiceRequest in the JSON mapping of OTLP 1.x (https://opentelemetry.io/docs/specs/otlp/#json-protobuf-encoding: 64-bit
// integers are decimal texts, enums are numbers). Cumulative temporality since the node's start, explicit bucket histograms, who the node is as the resource.

import { type Family, type FamilySeries, NODE_INFO, sumOf } from '../core/metric-families.ts';
import type { Label } from '../core/metric-names.ts';
import type { MetricSnapshot } from '../core/metric-snapshot.ts';

const CUMULATIVE = 2;
/** UCUM, as OpenTelemetry wants units. */
const UNIT_OF: Readonly<Record<string, string>> = { seconds: 's', bytes: 'By', bits_per_second: 'bit/s', percent: '%', usd: 'USD' };

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue: string };
}

const attributesOf = (labels: readonly Label[]): Attribute[] => labels.map(([key, value]) => ({ key, value: { stringValue: value } }));
/** More digits than a float has: written as text. */
const nanos = (wallMs: number): string => `${Math.floor(wallMs)}000000`;

/** Resource attributes by the names that OpenTelemetry gives them, and ours. */
function resourceOf({ source, run, version }: MetricSnapshot): Attribute[] {
  const labels: Label[] = [
    ['service.name', 'quilt-swarm'],
    ['service.version', version],
    ['service.instance.id', source.id],
    ['quilt.node', source.name],
    ['quilt.run', run],
    ['cloud.provider', source.vendor],
    ['cloud.region', source.region],
  ];
  return attributesOf(labels.filter(([, value]) => value !== ''));
}

/** Labels of the node are on the points too: receivers that turn resources into a table of their own would not show them otherwise. */
function pointOf(cell: FamilySeries, base: readonly Label[], times: object): object {
  return { attributes: attributesOf([...base, ...cell.labels]), ...times };
}

function metricOf(family: Family, base: readonly Label[], times: object): object {
  const head = { name: family.name, description: family.help, unit: UNIT_OF[family.unit] ?? '1' };
  const cells = [...family.series.values()];
  const numbers = (): object[] => cells.map((cell) => ({ ...pointOf(cell, base, times), asDouble: cell.value }));
  if (family.type === 'gauge') return { ...head, gauge: { dataPoints: numbers() } };
  if (family.type === 'counter') return { ...head, sum: { aggregationTemporality: CUMULATIVE, isMonotonic: true, dataPoints: numbers() } };
  const dataPoints = cells.flatMap((cell) => {
    const { buckets } = cell;
    if (buckets === null) return [];
    const bucketCounts = buckets.counts.map(String);
    const figures = { count: String(buckets.count), sum: sumOf(family, buckets), bucketCounts, explicitBounds: family.bounds };
    return [{ ...pointOf(cell, base, times), ...figures }];
  });
  return { ...head, histogram: { aggregationTemporality: CUMULATIVE, dataPoints } };
}

export function otlpMetrics(snapshot: MetricSnapshot): object {
  const times = { startTimeUnixNano: nanos(snapshot.startWallMs), timeUnixNano: nanos(snapshot.wallMs) };
  const { source } = snapshot;
  const base = (
    [
      ['node', source.name],
      ['region', source.region],
      ['vendor', source.vendor],
    ] as const
  ).filter(([, value]) => value !== '');
  const info = {
    name: NODE_INFO,
    description: 'this node',
    unit: '1',
    gauge: { dataPoints: [{ attributes: attributesOf(base), ...times, asDouble: 1 }] },
  };
  const metrics = snapshot.families.filter(({ series }) => series.size > 0).map((family) => metricOf(family, base, times));
  const scope = { name: 'quilt-swarm', version: snapshot.version };
  return { resourceMetrics: [{ resource: { attributes: resourceOf(snapshot) }, scopeMetrics: [{ scope, metrics: [info, ...metrics] }] }] };
}

/** What a receiver did not take although it answered 200 (partial success), in words; null when it took all, or said nothing that can be understood. */
export function otlpRejection(answer: string): string | null {
  let parsed: unknown;
  try {
    parsed = JSON.parse(answer);
  } catch {
    return null;
  }
  const partial = (parsed as { partialSuccess?: { rejectedDataPoints?: unknown; errorMessage?: unknown } } | null)?.partialSuccess;
  const rejected = Number(partial?.rejectedDataPoints ?? 0);
  return rejected > 0 ? `${rejected} points were refused: ${String(partial?.errorMessage ?? '').slice(0, 200)}` : null;
}
