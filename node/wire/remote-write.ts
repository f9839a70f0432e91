// A snapshot as Prometheus remote write 1.0 (https://prometheus.io/docs/specs/prw/remote_write_spec): WriteRequest in protobuf, compressed with snappy, in requests of a
// bounded number of series. Labels sorted by name, no two of one name, no empty values. The last snapshot of a node ends each series with the stale marker
// that the specification wants, so that a board does not draw a node that is gone for five more minutes.

import { NODE_INFO } from '../core/metric-families.ts';
import type { Label } from '../core/metric-names.ts';
import { type MetricSnapshot, type Sample, samplesOf, sourceLabels } from '../core/metric-snapshot.ts';
import { createProtobufWriter } from './protobuf-writer.ts';
import { snappyBlock } from './snappy.ts';

export const REMOTE_WRITE_HEADERS = {
  'content-type': 'application/x-protobuf',
  'content-encoding': 'snappy',
  'x-prometheus-remote-write-version': '0.1.0',
} as const;

/** What Prometheus itself sends at once. */
const SERIES_PER_REQUEST_MAX = 2_000;
/** This NaN and no other means that a series ends. */
const STALE_MARKER = 0x7ff0000000000002n;

const WRITE_REQUEST = { timeseries: 1 } as const;
const TIME_SERIES = { labels: 1, samples: 2 } as const;
const LABEL = { name: 1, value: 2 } as const;
const SAMPLE = { value: 1, timestamp: 2 } as const;

function labelBytes([name, value]: Label): Uint8Array {
  const writer = createProtobufWriter();
  writer.text(LABEL.name, name);
  writer.text(LABEL.value, value);
  return writer.finish();
}

function sampleBytes(value: number | bigint, wallMs: number): Uint8Array {
  const writer = createProtobufWriter();
  if (typeof value === 'bigint') writer.fixed64(SAMPLE.value, value);
  else writer.double(SAMPLE.value, value);
  writer.varint(SAMPLE.timestamp, wallMs);
  return writer.finish();
}

function seriesBytes(sample: Sample, base: readonly Label[], wallMs: number, isLast: boolean): Uint8Array {
  const labels = [['__name__', sample.name] as const, ...base, ...sample.labels].filter(([, value]) => value !== '');
  labels.sort(([left], [right]) => (left < right ? -1 : 1));
  const writer = createProtobufWriter();
  for (const label of labels) writer.bytes(TIME_SERIES.labels, labelBytes(label));
  writer.bytes(TIME_SERIES.samples, sampleBytes(sample.value, wallMs));
  if (isLast) writer.bytes(TIME_SERIES.samples, sampleBytes(STALE_MARKER, wallMs + 1));
  return writer.finish();
}

function* allSamples(snapshot: MetricSnapshot): Generator<Sample, void, undefined> {
  yield { name: NODE_INFO, labels: [['version', snapshot.version]], value: 1 };
  for (const family of snapshot.families) yield* samplesOf(family);
}

/** Bodies of the requests, in the order in which they are to be sent. `isLast`: this node will say no more. */
export function remoteWriteBodies(snapshot: MetricSnapshot, isLast: boolean): Uint8Array[] {
  const base: Label[] = [...sourceLabels(snapshot), ['instance', snapshot.source.id], ['job', 'quilt-swarm']];
  const wallMs = Math.floor(snapshot.wallMs);
  const bodies: Uint8Array[] = [];
  let writer = createProtobufWriter();
  let count = 0;
  const close = (): void => {
    bodies.push(snappyBlock(writer.finish()));
    writer = createProtobufWriter();
    count = 0;
  };
  for (const sample of allSamples(snapshot)) {
    writer.bytes(WRITE_REQUEST.timeseries, seriesBytes(sample, base, wallMs, isLast));
    count += 1;
    if (count >= SERIES_PER_REQUEST_MAX) close();
  }
  if (count > 0) close();
  return bodies;
}
