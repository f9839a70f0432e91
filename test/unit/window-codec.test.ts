import * as dagCbor from '@ipld/dag-cbor';
import { describe, expect, it } from 'vitest';
import { decodeWindow, encodeWindow, WINDOW_VERSION } from '../../node/core/window-codec.ts';
import { makeWindow } from '../support/windows.ts';

const WINDOW = makeWindow({
  number: 7,
  startMs: 1234567890.25,
  durationMs: 1001,
  durations: { viewers: [12, 13.5, 250], speakers: [0.4] },
  counters: { bytes: 12_345 },
  checks: [true, true, false],
  gauge: 12,
  errors: [{ side: 'generator', group: 'viewers', cause: 'simulator-crashed', count: 2, example: 'exit code 3' }],
  load: [{ group: 'viewers', owned: 20, active: 18, started: 2, finished: 1, failed: 1, claims: ['4.0', '9.2'] }],
  tainted: ['cpu 97 %'],
});

/** The encoded fields, with one of them replaced. */
const withField = (index: number, value: unknown): Uint8Array => {
  const fields = dagCbor.decode(encodeWindow(WINDOW)) as unknown[];
  fields[index] = value;
  return dagCbor.encode(fields);
};
const firstSeries = (dagCbor.decode(encodeWindow(WINDOW)) as unknown[][])[4]![0] as unknown[];
const withSeriesField = (index: number, value: unknown): Uint8Array =>
  withField(4, [firstSeries.map((field, at) => (at === index ? value : field))]);

describe('a window', () => {
  it('comes back as it went', () => {
    expect(decodeWindow(encodeWindow(WINDOW))).toEqual({ ok: true, value: WINDOW });
  });

  it('is what one node can always write and another always read: long texts are cut, NaN becomes 0', () => {
    const long = 'x'.repeat(2000);
    const odd = {
      ...WINDOW,
      series: WINDOW.series.map((series) => ({ ...series, metric: long, tags: { [long]: long } })),
      errors: [{ ...WINDOW.errors[0]!, cause: long, example: long }],
      health: { ...WINDOW.health, cpuCores: Number.NaN, latenessMsP99: Number.POSITIVE_INFINITY, tainted: [long] },
    };
    const decoded = decodeWindow(encodeWindow(odd));
    expect(decoded.ok && decoded.value.series.length).toBe(WINDOW.series.length);
    expect(decoded.ok && decoded.value.health.cpuCores).toBe(0);
  });

  it('keeps a tag that is called like a part of objects', () => {
    const odd = {
      ...WINDOW,
      series: [
        {
          ...WINDOW.series[0]!,
          tags: Object.fromEntries([
            ['__proto__', 'x'],
            ['constructor', 'y'],
          ]),
        },
      ],
    };
    const decoded = decodeWindow(encodeWindow(odd));
    expect(decoded.ok && Object.entries(decoded.value.series[0]!.tags)).toEqual([
      ['__proto__', 'x'],
      ['constructor', 'y'],
    ]);
  });
});

describe('hostile bytes', () => {
  it.each([
    { what: 'nothing', bytes: new Uint8Array() },
    { what: 'a map', bytes: dagCbor.encode({ number: 1 }) },
    { what: 'a cut window', bytes: encodeWindow(WINDOW).slice(0, -3) },
    { what: 'bytes after the end', bytes: Uint8Array.from([...encodeWindow(WINDOW), 0]) },
    { what: 'another version', bytes: withField(0, WINDOW_VERSION + 1) },
    { what: 'number 0', bytes: withField(1, 0) },
    { what: 'a negative number', bytes: withField(1, -4) },
    { what: 'a broken number', bytes: withField(1, 1.5) },
    { what: 'a time that is text', bytes: withField(2, 'noon') },
    { what: 'a negative duration', bytes: withField(3, -1) },
    { what: 'series that are no list', bytes: withField(4, 'many') },
    { what: 'an unknown kind', bytes: withSeriesField(2, 9) },
    { what: 'an odd number of tag texts', bytes: withSeriesField(1, ['group']) },
    { what: 'a count that differs from the histogram', bytes: withSeriesField(3, 4) },
    { what: 'a negative sum', bytes: withSeriesField(4, -1) },
    { what: 'a minimum above the maximum', bytes: withSeriesField(5, 1e9) },
    { what: 'a histogram that is none', bytes: withSeriesField(7, new Uint8Array(60)) },
    { what: 'more passes than samples', bytes: withField(4, [['checks', [], 2, 5, 4]]) },
    { what: 'an error of a third side', bytes: withField(5, [[2, 'g', 'c', 1, 'e']]) },
    { what: 'health without reasons', bytes: withField(6, [1, 1, 1, 1, 0]) },
    { what: 'load with a negative count', bytes: withField(7, [['g', 1, -1, 0, 0, 0, []]]) },
    { what: 'a ninth field', bytes: dagCbor.encode([...(dagCbor.decode(encodeWindow(WINDOW)) as unknown[]), 1]) },
  ])('$what: a problem, no exception', ({ bytes }) => {
    const decoded = decodeWindow(bytes);
    expect(decoded.ok).toBe(false);
    expect(!decoded.ok && decoded.problems[0]!.code).toBe('QUILT_BAD_WINDOW');
  });
});
