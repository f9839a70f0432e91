import { JsHistogram } from 'hdr-histogram-js';
import { describe, expect, it } from 'vitest';
import {
  createHistogram,
  encode,
  encodedCount,
  extremesOf,
  HIGHEST_UNITS,
  type Histogram,
  merge,
  mergeEncoded,
  record,
  reset,
  valueAtPercentile,
} from '../../node/core/histogram.ts';
import { createRng } from '../../node/core/rng.ts';

function filled(seed: number, count: number): { histogram: Histogram; values: number[] } {
  const rng = createRng(seed);
  const histogram = createHistogram();
  const values = Array.from({ length: count }, () => Math.round(10 ** (rng.float() * 6.5) * 1000) / 1000 / 1000);
  for (const value of values) record(histogram, value);
  return { histogram, values };
}

/** hdr-histogram-js types do not list the decoder that its own log reader uses. */
const readByLibrary = (bytes: Uint8Array) =>
  (
    JsHistogram as unknown as {
      decode(bytes: Uint8Array, bits: number): { totalCount: number; getValueAtPercentile(percentile: number): number };
    }
  ).decode(bytes, 64);

describe('percentiles', () => {
  it('are at most 1/1024 above the exact value of that rank, and never below it', () => {
    const { histogram, values } = filled(1, 5000);
    const sorted = [...values].sort((left, right) => left - right);
    for (const percentile of [1, 10, 50, 90, 95, 99, 99.9, 100]) {
      // In tenths of a per cent, so that the rank is computed without rounding.
      const exact = sorted[Math.ceil((percentile * 10 * sorted.length) / 1000) - 1]!;
      const told = valueAtPercentile(histogram, percentile);
      expect(told).toBeGreaterThanOrEqual(exact - 0.0005);
      expect(told).toBeLessThanOrEqual(exact * (1 + 1 / 1024) + 0.0011);
    }
  });

  it.each([
    { values: [], percentile: 50, expected: 0 },
    { values: [7], percentile: 0, expected: 7 },
    { values: [7], percentile: 99, expected: 7 },
    { values: Array.from({ length: 100 }, (_, index) => index + 1), percentile: 99, expected: 99.007 },
    { values: [0.001, 0.002], percentile: 50, expected: 0.001 },
    { values: [3_600_000], percentile: 50, expected: 3_600_000 },
  ])('p$percentile of $values.length values is $expected', ({ values, percentile, expected }) => {
    const histogram = createHistogram();
    for (const value of values) record(histogram, value);
    expect(valueAtPercentile(histogram, percentile)).toBe(expected);
  });
});

describe('values out of range', () => {
  it.each([
    { value: -1, kept: 0 },
    { value: Number.NaN, kept: 0 },
    { value: Number.POSITIVE_INFINITY, kept: 3_600_000 },
    { value: 3_600_001, kept: 3_600_000 },
  ])('$value is told and counted at $kept', ({ value, kept }) => {
    const histogram = createHistogram();
    expect(record(histogram, value)).toBe(false);
    expect(histogram.count).toBe(1);
    expect(histogram.maxUnits).toBe(kept * 1000);
  });

  it('is inclusive at both ends', () => {
    const histogram = createHistogram();
    expect(record(histogram, 0)).toBe(true);
    expect(record(histogram, HIGHEST_UNITS / 1000)).toBe(true);
  });
});

describe('the encoding', () => {
  it.each([1, 2, 3, 300, 20_000])('is read by hdr-histogram-js, which finds the same percentiles: %i values', (count) => {
    const { histogram } = filled(count, count);
    const theirs = readByLibrary(encode(histogram));
    expect(theirs.totalCount).toBe(count);
    for (const percentile of [0.1, 25, 50, 75, 95, 99]) {
      // Theirs may name the top of the counter where ours stops at the highest recorded value.
      const ours = Math.round(valueAtPercentile(histogram, percentile) * 1000);
      const upper = theirs.getValueAtPercentile(percentile);
      expect(ours === upper || ours === histogram.maxUnits).toBe(true);
    }
  });

  it('carries counts beyond 32 bits', () => {
    const histogram = createHistogram();
    record(histogram, 5);
    for (let doubling = 0; doubling < 40; doubling++) {
      const copy = createHistogram();
      merge(copy, histogram);
      merge(histogram, copy);
    }
    expect(encodedCount(encode(histogram))).toBe(2 ** 40);
    expect(readByLibrary(encode(histogram)).totalCount).toBe(2 ** 40);
  });

  it('merges from bytes exactly as from histograms', () => {
    const left = filled(4, 700).histogram;
    const right = filled(5, 900).histogram;
    const fromBytes = createHistogram();
    mergeEncoded(fromBytes, encode(left), extremesOf(left));
    mergeEncoded(fromBytes, encode(right), extremesOf(right));
    merge(left, right);
    expect(encode(fromBytes)).toEqual(encode(left));
    expect(extremesOf(fromBytes)).toEqual(extremesOf(left));
  });

  it('starts again after a reset', () => {
    const { histogram } = filled(6, 100);
    reset(histogram);
    expect(encode(histogram)).toEqual(encode(createHistogram()));
    expect(histogram.count).toBe(0);
  });

  const good = encode(filled(7, 50).histogram);
  const changed = (at: number, value: number): Uint8Array => good.map((byte, index) => (index === at ? value : byte));
  it.each([
    { what: 'nothing', bytes: new Uint8Array() },
    { what: 'a header alone that promises more', bytes: good.slice(0, 40) },
    { what: 'a cut end', bytes: good.slice(0, -1) },
    { what: 'another cookie', bytes: changed(3, 0x14) },
    { what: 'another precision', bytes: changed(15, 2) },
    { what: 'another range', bytes: changed(31, 1) },
    { what: 'a counter that never ends', bytes: Uint8Array.from([...changed(7, 12).slice(0, 40), ...new Array<number>(12).fill(0xff)]) },
    {
      what: 'more zeros than there are counters',
      bytes: Uint8Array.from([...changed(7, 5).slice(0, 6), 0, 5, ...good.slice(8, 40), 0xff, 0xff, 0xff, 0x7f, 0x02]),
    },
  ])('$what is refused', ({ bytes }) => {
    expect(encodedCount(bytes)).toBe(-1);
  });
});
