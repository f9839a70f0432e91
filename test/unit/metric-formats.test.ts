// A node's figures outside: names and units, what windows add up to, and the bytes of each format, read back by readers that know only the specifications.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createHistogram, encode, record } from '../../node/core/histogram.ts';
import { absorbWindow, createFamilies, FAMILY_BOUNDS } from '../../node/core/metric-families.ts';
import { labelsOf, outsideName } from '../../node/core/metric-names.ts';
import type { MetricSnapshot } from '../../node/core/metric-snapshot.ts';
import type { MetricDeclaration, Series, Window } from '../../node/core/stats-types.ts';
import { otlpMetrics, otlpRejection } from '../../node/wire/otlp-metrics.ts';
import { prometheusText } from '../../node/wire/prometheus-text.ts';
import { createProtobufWriter } from '../../node/wire/protobuf-writer.ts';
import { remoteWriteBodies } from '../../node/wire/remote-write.ts';
import { snappyBlock } from '../../node/wire/snappy.ts';
import { readExposition } from '../support/exposition.ts';
import { readSnappy, readWriteRequest } from '../support/remote-write-reader.ts';
import { makeWindow } from '../support/windows.ts';

const DECLARED: readonly MetricDeclaration[] = [
  { name: 'http_req_duration', kind: 'trend', unit: 'ms', help: 'how "long"\nit took \\ all of it' },
  { name: 'rooms_open', kind: 'gauge', unit: 'count', help: 'rooms' },
];

function snapshotOf(windows: readonly Window[], seriesMax?: number): MetricSnapshot {
  const declarations = new Map(DECLARED.map((each) => [each.name, each]));
  const families = createFamilies({ declarations: () => declarations, ...(seriesMax === undefined ? {} : { seriesMax }) });
  for (const window of windows) absorbWindow(families, window);
  const source = { id: '12D3KooWx', name: 'node-1', vendor: 'aws', region: 'eu-central-1' };
  return {
    families: [...families.families.values()],
    source,
    run: 'r1',
    version: '0.1.0',
    startWallMs: 1_700_000_000_000,
    wallMs: 1_700_000_005_250.5,
  };
}

const bare = (series: readonly Series[]): Window => ({ ...makeWindow({ number: 1 }), series });
const counter = (metric: string, sum: number, tags: Record<string, string> = {}): Series => ({
  metric,
  tags,
  data: { kind: 'counter', sum },
});

const WINDOWS = [
  makeWindow({
    number: 1,
    durations: { viewers: [5, 5.1, 700] },
    counters: { data_sent: 10 },
    checks: [true, false],
    gauge: 3,
    load: [{ active: 4, started: 4 }],
  }),
  makeWindow({
    number: 2,
    durations: { viewers: [0.2, 4_000_000] },
    counters: { data_sent: 5 },
    gauge: 2,
    tainted: ['cpu'],
    errors: [{ side: 'target', group: 'viewers', cause: 'a "b"\n\\c', count: 7, example: '' }],
  }),
];

describe('names', () => {
  it.each([
    ['http_req_duration', 'trend', 'ms', 'quilt_http_req_duration_seconds'],
    ['late_ms', 'gauge', 'ms', 'quilt_late_seconds'],
    ['data_sent', 'counter', 'bytes', 'quilt_data_sent_bytes'],
    ['cost_usd', 'gauge', 'usd', 'quilt_cost_usd'],
    ['cost_usd_per_hour', 'gauge', 'usd', 'quilt_cost_usd_per_hour'],
    ['checks', 'rate', 'percent', 'quilt_checks'],
    ['seen_total', 'counter', 'count', 'quilt_seen'],
    ['calls.über', 'counter', 'count', 'quilt_calls__ber'],
  ] as const)('%s (%s in %s) is %s', (metric, kind, unit, name) => {
    expect(outsideName(metric, kind, unit).name).toBe(name);
  });

  it('never make one label of two tags, nor take what formats and nodes need', () => {
    expect(labelsOf({ 'a.b': '1', a_b: '2', le: '3', node: '4', '0x': '5', __name__: '6' })).toEqual([
      ['a_b', '1'],
      ['a_b_', '2'],
      ['tag_0x', '5'],
      ['tag___name__', '6'],
      ['tag_le', '3'],
      ['tag_node', '4'],
    ]);
  });
});

describe('the page', () => {
  it.each([false, true])('keeps the rules and has what the windows hold (OpenMetrics: %s)', (isOpen) => {
    const { samples, complaints } = readExposition(prometheusText(snapshotOf(WINDOWS), isOpen), isOpen);
    expect(complaints).toEqual([]);
    const find = (name: string, labels: Record<string, string> = {}): number | undefined =>
      samples.find((each) => each.name === name && Object.entries(labels).every(([key, value]) => each.labels[key] === value))?.value;
    expect(samples.every(({ labels }) => labels.node === 'node-1' && labels.vendor === 'aws' && labels.region === 'eu-central-1')).toBe(
      true,
    );
    expect(find('quilt_data_sent_bytes_total')).toBe(15);
    expect([find('quilt_checks_total'), find('quilt_checks_pass_total')]).toEqual([2, 1]);
    expect(find('quilt_rooms_open')).toBe(2);
    expect([find('quilt_ep_active'), find('quilt_ep_started_total')]).toEqual([0, 4]);
    expect(find('quilt_errors_total', { cause: 'a "b"\n\\c', side: 'target' })).toBe(7);
    expect([find('quilt_node_windows_total'), find('quilt_node_windows_tainted_total')]).toEqual([2, 1]);
    expect(find('quilt_http_req_duration_seconds_count')).toBe(5);
    // 4,000 s lies above an hour, where histograms end: counted at the end of the range.
    expect(find('quilt_http_req_duration_seconds_sum')).toBeCloseTo(0.0103 + 0.7 + 3600, 4);
    expect(
      ['0.0005', '0.0025', '0.005', '0.01', '0.5', '1', '3600', '+Inf'].map((le) => find('quilt_http_req_duration_seconds_bucket', { le })),
    ).toEqual([1, 1, 2, 3, 3, 4, 5, 5]);
  });

  it('is read strictly: planted faults are found', () => {
    const page = prometheusText(snapshotOf(WINDOWS), false);
    const spoil = (from: string | RegExp, to: string): number => readExposition(page.replace(from, to)).complaints.length;
    expect(spoil('quilt_data_sent_bytes_total{', 'quilt_data_sent{')).toBeGreaterThan(0);
    expect(spoil('le="+Inf"} 5', 'le="+Inf"} 4')).toBeGreaterThan(0);
    expect(spoil('\\"b', '"b')).toBeGreaterThan(0);
    expect(spoil(/\n$/, '')).toBeGreaterThan(0);
    expect(readExposition(page, true).complaints.length).toBeGreaterThan(0);
  });

  it('stays bounded, loses no count, and does not mix what has one name outside', () => {
    const many = Array.from({ length: 50 }, (_, index) => counter('x', 2, { index: String(index) }));
    const { samples } = readExposition(prometheusText(snapshotOf([bare(many)], 20), false));
    const found = samples.filter(({ name }) => name === 'quilt_x_total');
    expect(found.length).toBeLessThanOrEqual(21);
    expect(found.reduce((sum, { value }) => sum + value, 0)).toBe(100);
    expect(found.some(({ labels }) => labels.overflow === 'true')).toBe(true);
    const clash = [counter('a.b', 1), counter('a_b', 2), counter('node_info', 9), counter('node_windows', 9)];
    const second = readExposition(prometheusText(snapshotOf([bare(clash)]), false));
    expect(second.complaints).toEqual([]);
    expect(second.samples.find(({ name }) => name === 'quilt_a_b_total')?.value).toBe(1);
    expect(second.samples.find(({ name }) => name === 'quilt_outputs_overflow_total')?.value).toBe(3);
    expect(second.samples.find(({ name }) => name === 'quilt_node_windows_total')?.value).toBe(1);
    const names = Array.from({ length: FAMILY_BOUNDS.familiesMax + 100 }, (_, index) => counter(`m${index}`, 1));
    expect(readExposition(prometheusText(snapshotOf([bare(names)]), false)).types.size).toBeLessThanOrEqual(FAMILY_BOUNDS.familiesMax + 1);
  });

  it('puts every value into a bucket that holds it', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 3_600_000 }), { minLength: 1, maxLength: 60 }), (values) => {
        const histogram = createHistogram();
        for (const value of values) record(histogram, value);
        const data = { kind: 'trend', histogram: encode(histogram), count: values.length, sum: 0, min: 0, max: 0 } as const;
        const page = prometheusText(snapshotOf([bare([{ metric: 'http_req_duration', tags: {}, data }])]), false);
        const { samples, complaints } = readExposition(page);
        expect(complaints).toEqual([]);
        for (const { labels, value } of samples.filter(({ name }) => name.endsWith('_bucket'))) {
          const le = labels.le === '+Inf' ? Number.POSITIVE_INFINITY : Number(labels.le) * 1000;
          expect(value).toBeGreaterThanOrEqual(values.filter((each) => each <= le).length);
          expect(value).toBeLessThanOrEqual(values.filter((each) => each <= le * (1 + 1 / 1024)).length);
        }
      }),
    );
  });
});

describe('remote write', () => {
  it('writes protobuf as its documentation shows it', () => {
    const writer = createProtobufWriter();
    writer.varint(1, 150);
    writer.text(2, 'testing');
    writer.double(3, 1);
    writer.varint(1, 1_700_000_000_000);
    expect(Buffer.from(writer.finish()).toString('hex')).toBe('089601' + '120774657374696e67' + '19000000000000f03f' + '0880d095ffbc31');
  });

  it('reads a block that others wrote, and writes blocks that can be read', () => {
    const words = 'Wikipedia is a free, web-based, collaborative, multilingual encyclo';
    const known = Uint8Array.from([0x49, 0xf0, 0x42, ...Buffer.from(words), 0x09, 0x3f]);
    expect(new TextDecoder().decode(readSnappy(known))).toBe(`${words}pedia `);
    expect([...snappyBlock(Uint8Array.of())]).toEqual([0]);
    expect([...snappyBlock(Uint8Array.of(0x61))]).toEqual([1, 0, 0x61]);
    expect([...snappyBlock(Buffer.from('abcdabcdabcd'))]).toEqual([12, 12, 97, 98, 99, 100, 30, 4, 0]);
    const repeat = Buffer.from('node="node-1",'.repeat(20_000));
    expect(snappyBlock(repeat).length).toBeLessThan(repeat.length / 15);
    expect(Buffer.compare(readSnappy(snappyBlock(repeat)), repeat)).toBe(0);
    const mixed = fc.array(fc.oneof(fc.uint8Array({ maxLength: 400 }), fc.constant(new Uint8Array(300).fill(7))), { maxLength: 300 });
    fc.assert(
      fc.property(mixed, (parts) => {
        const bytes = Buffer.concat(parts);
        expect(Buffer.compare(readSnappy(snappyBlock(bytes)), bytes)).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('has sorted labels, the same figures as the page, and an end of each series', () => {
    const snapshot = snapshotOf(WINDOWS);
    const series = remoteWriteBodies(snapshot, true).flatMap(readWriteRequest);
    for (const { names, samples } of series) {
      expect(names).toEqual([...new Set(names)].sort());
      expect(samples.map(({ wallMs }) => wallMs)).toEqual([1_700_000_005_250, 1_700_000_005_251]);
      expect(samples[1]?.bits).toBe(0x7ff0000000000002n);
    }
    const figures = (list: readonly { name: string; labels: Readonly<Record<string, string>>; value: number }[]): string[] =>
      list.map(({ name, labels, value }) => JSON.stringify([name, Object.entries(labels).sort(), value])).sort();
    const read = series.map(({ labels: { __name__: name = '', instance, job, ...labels }, samples }) => {
      expect([instance, job]).toEqual(['12D3KooWx', 'quilt-swarm']);
      return { name, labels, value: samples[0]?.value ?? Number.NaN };
    });
    expect(figures(read)).toEqual(figures(readExposition(prometheusText(snapshot, false)).samples));
    expect(remoteWriteBodies(snapshot, false).flatMap(readWriteRequest)[0]?.samples).toHaveLength(1);
  });

  it('sends many series in several requests', () => {
    const many = Array.from({ length: 1_900 }, (_, index) => counter('x', 1, { index: String(index) }));
    const more = Array.from({ length: 190 }, (_, index) => counter('y', 1, { index: String(index) }));
    const bodies = remoteWriteBodies(snapshotOf([bare([...many, ...more])]), false).map(readWriteRequest);
    expect(bodies.length).toBe(2);
    expect(Math.max(...bodies.map(({ length }) => length))).toBeLessThanOrEqual(2_000);
  });
});

describe('OTLP', () => {
  it('has 64-bit integers as text, cumulative sums and explicit buckets that add up', () => {
    const request = JSON.parse(JSON.stringify(otlpMetrics(snapshotOf(WINDOWS)))) as {
      resourceMetrics: [
        { resource: { attributes: { key: string; value: object }[] }; scopeMetrics: [{ metrics: Record<string, never>[] }] },
      ];
    };
    const [{ resource, scopeMetrics }] = request.resourceMetrics;
    expect(resource.attributes).toContainEqual({ key: 'service.instance.id', value: { stringValue: '12D3KooWx' } });
    expect(resource.attributes).toContainEqual({ key: 'cloud.region', value: { stringValue: 'eu-central-1' } });
    const metric = (name: string) => scopeMetrics[0].metrics.find((each) => each.name === name);
    const times = { startTimeUnixNano: '1700000000000000000', timeUnixNano: '1700000005250000000' };
    expect(metric('quilt_data_sent_bytes')).toMatchObject({
      unit: 'By',
      sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: [{ ...times, asDouble: 15 }] },
    });
    expect(metric('quilt_rooms_open')).toMatchObject({ unit: '1', gauge: { dataPoints: [{ ...times, asDouble: 2 }] } });
    const histogram = metric('quilt_http_req_duration_seconds')?.histogram as unknown as {
      aggregationTemporality: number;
      dataPoints: { count: string; bucketCounts: string[]; explicitBounds: number[] }[];
    };
    expect(histogram.aggregationTemporality).toBe(2);
    const point = histogram.dataPoints[0]!;
    expect(point).toMatchObject({ ...times, count: '5' });
    expect(point.bucketCounts).toHaveLength(point.explicitBounds.length + 1);
    expect(point.bucketCounts.reduce((sum, each) => sum + Number(each), 0)).toBe(5);
  });

  it('notices what a receiver did not take', () => {
    expect(otlpRejection('{"partialSuccess":{"rejectedDataPoints":"3","errorMessage":"too old"}}')).toBe('3 points were refused: too old');
    for (const answer of ['', '{}', 'null', '<html>', '{"partialSuccess":{}}']) expect(otlpRejection(answer)).toBeNull();
  });
});
