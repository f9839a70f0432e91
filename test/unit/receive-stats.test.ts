// Receive statistics against RFC 3550: what becomes of each packet (A.1), expected and lost over wraps (A.3), jitter (A.8), and beyond the RFC
// duplicates, disorder and gaps. Rows are sequence numbers as they come; times are 20 ms apart unless a test is about time.

import { beforeEach, describe, expect, it } from 'vitest';
import {
  ACCEPTED,
  DROPOUT_MAX,
  DUPLICATE,
  MISORDER_MAX,
  ON_PROBATION,
  OUT_OF_RANGE,
  PROBATION_FAILED,
  REORDERED,
  RESTARTED,
  ReceiveTable,
  TOO_LATE,
  VALIDATED,
  WINDOW,
} from '../../node/media/receive-stats.ts';
import { profileScript } from '../../node/media/sources.ts';

const ROW = 3;
const A = ACCEPTED;
const names: Readonly<Record<string, number>> = { V: VALIDATED, p: ON_PROBATION, '.': A, D: DUPLICATE, R: REORDERED };
let table: ReceiveTable;
let index = 0;
beforeEach(() => {
  index = 0;
  table = new ReceiveTable();
  table.open(ROW, 8_000);
});

/** The packet as a sender with a steady clock numbers it; arrives when it is due. */
const receive = (sequence: number): number => table.receive(ROW, sequence & 0xffff, (index * 160) | 0, index++ * 20, true);
const receiveAll = (sequences: readonly number[]): number[] => sequences.map(receive);
const range = (from: number, count: number): number[] => Array.from({ length: count }, (_, at) => from + at);
const figures = () => ({
  expected: table.expected(ROW),
  received: table.received(ROW),
  reordered: table.reordered(ROW),
  duplicates: table.duplicates(ROW),
});

describe('what becomes of a packet (A.1)', () => {
  it.each([
    ['two in sequence are valid, and both count', [7, 8, 9], 'pV.', { expected: 3, received: 3 }],
    ['the second may be the first after the wrap', [65_535, 0, 1], 'pV.', { expected: 3, received: 3 }],
    ['loss', [1, 2, 4, 7], 'pV..', { expected: 7, received: 4 }],
    ['disorder is no loss', [1, 2, 5, 4, 3, 6], 'pV.RR.', { expected: 6, received: 6, reordered: 2 }],
    ['disorder over the wrap', [65_533, 65_534, 1, 65_535, 0], 'pV.RR', { expected: 5, received: 5, reordered: 2 }],
    ['what overtook the first packets widens what is expected', [10, 11, 9, 8], 'pVRR', { expected: 4, received: 4, reordered: 2 }],
    ['duplicates, of the newest and of older ones', [1, 2, 2, 3, 1, 3], 'pVD.DD', { expected: 3, received: 3, duplicates: 3 }],
    ['a duplicate of one that was reordered', [1, 2, 4, 3, 3], 'pV.RD', { expected: 4, received: 4, reordered: 1, duplicates: 1 }],
  ])('%s', (_name, sequences, outcomes, expected) => {
    expect(receiveAll(sequences)).toEqual([...outcomes].map((letter) => names[letter]));
    expect(figures()).toMatchObject({ reordered: 0, duplicates: 0, ...expected });
  });

  it('stays on probation until two follow each other', () => {
    expect(receiveAll([5, 9, 3, 4])).toEqual([ON_PROBATION, PROBATION_FAILED, PROBATION_FAILED, VALIDATED]);
    expect(figures()).toMatchObject({ expected: 2, received: 2 });
    expect(table.highestSequence(ROW)).toBe(4);
  });

  it('takes a step forward for loss, up to the dropout', () => {
    receiveAll([0, 1]);
    expect(receive(DROPOUT_MAX)).toBe(A);
    expect(receive(2 * DROPOUT_MAX)).toBe(OUT_OF_RANGE);
    expect(figures()).toMatchObject({ expected: DROPOUT_MAX + 1, received: 3 });
  });

  it('takes a jump for another beginning when the next packet follows it, and keeps what was lost before', () => {
    receiveAll([0, 1, 3]);
    expect(receiveAll([30_000, 4, 30_002, 30_003, 30_004])).toEqual([OUT_OF_RANGE, A, OUT_OF_RANGE, RESTARTED, A]);
    expect(figures()).toMatchObject({ expected: 5 + 2, received: 4 + 2 });
    expect(table.highestSequence(ROW)).toBe(30_004);
  });

  it('knows duplicates up to the window, and calls what is older too late', () => {
    receiveAll([1_000, 1_001, 1_002 + WINDOW]);
    expect(receiveAll([1_003, 1_003, 1_002, 1_003 + WINDOW - MISORDER_MAX])).toEqual([REORDERED, DUPLICATE, TOO_LATE, TOO_LATE]);
    expect(receive(1_002 + WINDOW - MISORDER_MAX)).toBe(OUT_OF_RANGE);
    expect(table.tooLate(ROW)).toBe(2);
  });

  it.each([1, 31, 32, 33, 63, 64, 65])('moves the window by %i', (by) => {
    receiveAll([500, 501, 501 + by]);
    expect(receive(501)).toBe(by < WINDOW ? DUPLICATE : TOO_LATE);
    expect(receive(501 + by)).toBe(DUPLICATE);
    if (by > 1) expect(receive(500 + by)).toBe(REORDERED);
  });
});

describe('expected and lost (A.3)', () => {
  it('counts over many wraps', () => {
    const count = 300_000;
    for (let sequence = 60_000; sequence < 60_000 + count; sequence++) if (sequence % 100 !== 99) receive(sequence);
    expect(figures()).toEqual({ expected: count - 1, received: count * 0.99, reordered: 0, duplicates: 0 });
    expect(table.highestSequence(ROW)).toBe(60_000 + count - 2);
  });

  it('goes on counting through another SSRC, whose numbers say nothing about loss', () => {
    receiveAll([1, 2, 4]);
    table.restart(ROW);
    expect(table.isValid(ROW)).toBe(false);
    receiveAll([9_000, 9_001, 9_003]);
    expect(figures()).toMatchObject({ expected: 8, received: 6 });
  });

  it('begins a row anew for another stream, and leaves other rows alone', () => {
    table.open(ROW + 1, 8_000);
    table.receive(ROW + 1, 1, 0, 0, true);
    table.receive(ROW + 1, 2, 160, 20, true);
    receiveAll(range(1, 50));
    table.open(ROW, 90_000);
    expect(figures()).toEqual({ expected: 0, received: 0, reordered: 0, duplicates: 0 });
    expect(table.received(ROW + 1)).toBe(2);
  });
});

describe('jitter (A.8)', () => {
  /** The RFC's own lines. */
  function jitterOf(packets: readonly { readonly timestamp: number; readonly atMs: number }[]): number {
    let jitter = 0;
    for (const [at, { timestamp, atMs }] of packets.entries()) {
      const before = packets[at - 1];
      if (before === undefined) continue;
      const d = Math.abs((atMs - before.atMs) * 8 - (timestamp - before.timestamp));
      jitter += (d - jitter) / 16;
    }
    return jitter;
  }

  it('is 0 for steady packets, whatever their first timestamp, also over its wrap', () => {
    for (let at = 0; at < 100; at++) table.receive(ROW, at, (0xffff_f000 + at * 160) | 0, at * 20, true);
    expect(table.jitterMs(ROW)).toBeCloseTo(0, 9);
  });

  it('is what the formula of the RFC makes of uneven packets', () => {
    const packets = range(0, 200).map((at) => ({ timestamp: at * 160, atMs: at * 20 + ((at * 7_919) % 23) }));
    for (const [at, { timestamp, atMs }] of packets.entries()) table.receive(ROW, at, timestamp, atMs, true);
    expect(table.jitterTicks(ROW)).toBeCloseTo(jitterOf(packets), 9);
    expect(table.jitterMs(ROW)).toBeCloseTo(jitterOf(packets) / 8, 9);
  });

  it('leaves telephone-events out, and a timestamp that begins elsewhere', () => {
    receiveAll(range(0, 10));
    for (const at of [10, 11, 12]) table.receive(ROW, at, 1_600, at * 20, false);
    table.receive(ROW, 13, 13 * 160, 13 * 20, true);
    expect(table.jitterMs(ROW)).toBeCloseTo(0, 9);
    table.receive(ROW, 14, 900_000_000, 14 * 20, true);
    table.receive(ROW, 15, 900_000_160, 15 * 20, true);
    expect(table.jitterMs(ROW)).toBeCloseTo(0, 9);
  });
});

describe('gaps', () => {
  function gapsOf(packets: readonly { readonly timestamp: number; readonly atMs: number }[], clockRateHz: number): number[] {
    table.open(ROW, clockRateHz);
    return packets.flatMap(({ timestamp, atMs }, at) => {
      table.receive(ROW, at & 0xffff, timestamp | 0, atMs, true);
      return table.gapMs > 0 ? [table.gapMs] : [];
    });
  }
  const steady = (count: number, packetMs: number) => range(0, count).map((at) => ({ timestamp: at * packetMs * 8, atMs: at * packetMs }));

  it.each([
    ['10 ms', 10, 60],
    ['20 ms', 20, 60],
    ['60 ms', 60, 180],
  ])('of audio with packets of %s are longer than three of them and than 60 ms', (_name, packetMs, limitMs) => {
    const packets = steady(20, packetMs);
    const last = packets[19]!;
    const withSilence = (silenceMs: number) => [...packets, { timestamp: last.timestamp + packetMs * 8, atMs: last.atMs + silenceMs }];
    expect(gapsOf(withSilence(limitMs), 8_000)).toEqual([]);
    expect(gapsOf(withSilence(limitMs + 1), 8_000)).toEqual([limitMs + 1]);
  });

  it('of video are none between the packets of a frame or between frames, each up to 15 ms late', () => {
    const { packets, cycleMs, cycleTicks } = profileScript('video-150k');
    const sent = range(0, 30).flatMap((cycle) =>
      packets.map(({ dueMs, timestamp }, at) => ({
        timestamp: cycle * cycleTicks + timestamp,
        atMs: cycle * cycleMs + dueMs + ((at * 7_919) % 16),
      })),
    );
    expect(gapsOf(sent, 90_000)).toEqual([]);
    const last = sent.at(-1)!;
    expect(gapsOf([...sent, { timestamp: last.timestamp + 6_000, atMs: last.atMs + 250 }], 90_000)).toEqual([250]);
  });
});
