// SIPp's statistics rows, as 3.6.1 writes them, into our metrics: growth of cumulative columns, causes of failed calls, levels, response times.

import { expect, it } from 'vitest';
import type { Recorder, Tags } from '../../node/core/stats-types.ts';
import { createStatistics, durationMs } from '../../node/endpoints/sipp/statistics.ts';

function lab() {
  const sums: Record<string, number> = {};
  const samples: Record<string, number[]> = {};
  const failed: string[] = [];
  const key = (name: string, tags: Tags = {}): string => [name, ...Object.values(tags)].join(' ');
  const add =
    (name: string, tags?: Tags) =>
    (value: number): void => {
      sums[key(name, tags)] = (sums[key(name, tags)] ?? 0) + value;
    };
  const recorder: Recorder = {
    trend: (name, tags) => ({
      record(value) {
        samples[key(name, tags)] ??= [];
        samples[key(name, tags)]?.push(value);
      },
    }),
    counter: (name, tags) => ({ add: add(name, tags) }),
    rate: () => ({ add: () => {} }),
    gauge: (name, tags) => ({ set: () => {}, add: add(name, tags) }),
  };
  return { sums, samples, failed, statistics: createStatistics(recorder, (cause) => failed.push(cause)) };
}

const COLUMNS = [
  ...['TargetRate', 'TotalCallCreated', 'CurrentCall', 'SuccessfulCall(C)', 'FailedCall(C)'],
  ...['FailedMaxUDPRetrans(C)', 'FailedUnexpectedMessage(C)', 'OutOfCallMsgs(C)', 'Retransmissions(C)', 'CallLength(P)'],
];
/** Like SIPp's: lines end in a separator. */
const rowOf = (...cells: (number | string)[]): string => `${cells.join(';')};`;

it('adds what has grown, and sums levels', () => {
  const { sums, samples, statistics } = lab();
  expect(statistics.row(rowOf(...COLUMNS))).toBe(false);
  expect(statistics.row(rowOf(3, 10, 4, 6, 0, 0, 0, 0, 2, '00:00:01:008000'))).toBe(true);
  expect(statistics.row(rowOf(3, 25, 2, 20, 3, 1, 1, 2, 7, '00:00:00:500000'))).toBe(true);
  expect(sums).toMatchObject({
    sipp_calls: 25,
    sipp_calls_succeeded: 20,
    sipp_calls_active: 2,
    sipp_retransmissions: 7,
    sipp_unexpected: 3,
  });
  expect(samples.sipp_call_length).toEqual([...Array(6).fill(1008), ...Array(17).fill(500)]);
  expect([statistics.active(), statistics.target(), statistics.answered()]).toEqual([2, 3, 20]);
});

it('names the causes of failed calls, and counts those that SIPp does not explain', () => {
  const { sums, failed, statistics } = lab();
  for (const line of [rowOf(...COLUMNS), rowOf(3, 5, 0, 0, 4, 2, 1, 0, 0, '00:00:00:000000')]) statistics.row(line);
  expect(failed.sort()).toEqual(['other', 'timeout', 'timeout', 'unexpected-message']);
  expect(sums['sipp_calls_failed timeout']).toBe(2);
  expect(statistics.failed()).toBe(4);
});

it('counts calls that were going at the end as cut, and takes its level away', () => {
  const { sums, failed, statistics } = lab();
  for (const line of [rowOf(...COLUMNS), rowOf(3, 5, 5, 0, 0, 0, 0, 0, 0, '00:00:00:000000')]) statistics.row(line);
  statistics.close();
  expect(sums).toMatchObject({ sipp_calls_cut: 5, sipp_calls_active: 0 });
  expect(failed).toEqual([]);
});

it('passes over half a row, and rows that shrink', () => {
  const { sums, statistics } = lab();
  statistics.row(rowOf(...COLUMNS));
  statistics.row(rowOf(3, 9, 0, 9, 0, 0, 0, 0, 0, ''));
  expect(statistics.row('3;12')).toBe(false);
  statistics.row(rowOf(3, 4, 0, 4, 0, 0, 0, 0, 0, ''));
  expect(sums.sipp_calls).toBe(9);
});

it('records response times by their timer; an answer to a call is the most of any', () => {
  const { samples, statistics } = lab();
  const lines = ['Date_ms;response_time_ms;rtd_no', '4.001;4;1', '5.0;12.5;1', '5.2;700;invite', '6;x;1', '6;-1;1', '6'];
  for (const line of lines) statistics.responseTime(line);
  expect(samples).toEqual({ 'sipp_response_time 1': [4, 12.5], 'sipp_response_time invite': [700] });
  expect(statistics.answered()).toBe(2);
  for (let index = 0; index < 50; index++) statistics.responseTime(`1;1;name${index}`);
  expect(Object.keys(samples).length).toBeLessThan(25);
  expect(samples['sipp_response_time other']?.length).toBe(32);
});

it.each([
  ['00:00:01:008000', 1008],
  ['01:02:03:000500', 3_723_000.5],
  ['', null],
  ['00:00:01', null],
])('reads the duration %s', (text, ms) => {
  expect(durationMs(text)).toBe(ms);
});
