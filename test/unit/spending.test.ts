// What a node's machine costs by time and traffic, what the swarm's adds up to, and when a limit must end the run.

import { describe, expect, it } from 'vitest';
import { sentBytesIn } from '../../node/adapters/network-bytes.ts';
import { absorb, createAggregate } from '../../node/core/aggregate.ts';
import { BILLED_S_MIN, type MachinePrice, mustEndFor, type Sent, spendingOf, spendingSeries, withEnd } from '../../node/core/spending.ts';
import type { Window } from '../../node/core/stats-types.ts';
import { createSpendMeter } from '../../node/runtime/spend-meter.ts';
import { spendingText } from '../../tools/scoreboard/board.ts';

const HOUR_MS = 3_600_000;
const price: MachinePrice = { usdPerHour: 3.6, usdPerGB: 0.1, paidSinceWallMs: 1000 };
const NOTHING: Sent = { bytes: 0, bytesLately: 0, spanMs: 1000 };
const lastOf = (series: ReturnType<typeof spendingSeries>): number[] =>
  series.map(({ data }) => (data.kind === 'gauge' ? data.last : Number.NaN));

function windowOf(number: number, startMs: number, series: Window['series']): Window {
  const health = { cpuCores: 0, memoryMb: 0, loopDelayMsMax: 0, latenessMsP99: 0, socketDrops: 0, tainted: [] };
  return { number, startMs, durationMs: 1000, series, errors: [], health, load: [] };
}

describe("a node's machine", () => {
  it('costs its hourly rate from when it was rented, and never less than the minimum', () => {
    expect(lastOf(spendingSeries(price, 1000 + HOUR_MS, NOTHING))).toEqual([3.6, 3.6]);
    expect(lastOf(spendingSeries(price, 1000, NOTHING))[0]).toBeCloseTo((3.6 * BILLED_S_MIN) / 3600, 12);
  });

  it('costs what it sent, and at the pace of the last window', () => {
    const [usd, perHour] = lastOf(spendingSeries(price, 1000 + HOUR_MS, { bytes: 2e9, bytesLately: 1e6, spanMs: 1000 }));
    expect(usd).toBeCloseTo(3.8, 12);
    // 1 MB a second is 3.6 GB an hour.
    expect(perHour).toBeCloseTo(3.6 + 0.36, 12);
  });

  it('counts traffic from its own start on, also over a counter that begins anew', () => {
    let bytes = 5e9;
    const meter = createSpendMeter({ price, wallNowMs: () => 1000 + HOUR_MS, sentBytes: () => bytes });
    bytes += 1e9;
    expect(lastOf([...meter(1000)])[0]).toBeCloseTo(3.7, 12);
    bytes = 0;
    expect(lastOf([...meter(1000)])[0]).toBeCloseTo(3.7, 12);
  });

  it('is read from the kernel without loopback', () => {
    const text = `Inter-|   Receive                                                |  Transmit
 face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed
    lo: 999 1 0 0 0 0 0 0 999 1 0 0 0 0 0 0
  eth0:1200 3 0 0 0 0 0 0 4500 2 0 0 0 0 0 0
  eth1: 12 3 0 0 0 0 0 0 500 2 0 0 0 0 0 0
`;
    expect(sentBytesIn(text)).toBe(5000);
  });
});

describe('what a swarm has spent', () => {
  const aggregate = createAggregate({ isWinner: () => true });
  absorb(aggregate, 'a', windowOf(1, 0, spendingSeries({ ...price, paidSinceWallMs: 0 }, HOUR_MS, NOTHING)));
  absorb(aggregate, 'b', windowOf(1, 20_000, spendingSeries({ ...price, paidSinceWallMs: 0 }, 2 * HOUR_MS, NOTHING)));
  absorb(aggregate, 'free', windowOf(1, 20_000, []));

  it('keeps what a node that left has cost, and not its pace', () => {
    const spending = spendingOf(aggregate, 20);
    expect(spending).toMatchObject({ limitUsd: 20, machines: 2 });
    expect(spending?.usd).toBeCloseTo(10.8, 12);
    expect(spending?.usdPerHour).toBeCloseTo(3.6, 12);
  });

  it('is of no interest without a price and a limit', () => {
    expect(spendingOf(createAggregate({ isWinner: () => true }), null)).toBeNull();
    expect(spendingOf(createAggregate({ isWinner: () => true }), 5)).toEqual({ usd: 0, usdPerHour: 0, limitUsd: 5, machines: 0 });
  });

  it.each([
    ['without a limit never', { usd: 1e9, usdPerHour: 1, limitUsd: null, machines: 1 }, false],
    ['while winding down fits', { usd: 9.89, usdPerHour: 3.6, limitUsd: 10, machines: 1 }, false],
    ['when winding down would just reach it', { usd: 9.9, usdPerHour: 3.6, limitUsd: 10, machines: 1 }, true],
    ['when it is passed', { usd: 10.1, usdPerHour: 0, limitUsd: 10, machines: 1 }, true],
  ] as const)('ends the run %s', (_when, spending, mustEnd) => {
    expect(mustEndFor(spending, 100_000)).toBe(mustEnd);
  });
});

it('what it will have come to is what is spent and the present pace until the machines are off', () => {
  const spending = { usd: 2, usdPerHour: 3, limitUsd: null, machines: 4 };
  expect(withEnd(spending, HOUR_MS / 2)).toEqual({ ...spending, usdAtEnd: 3.5 });
  expect(spendingText(withEnd(spending, HOUR_MS / 2))).toBe('spent 2.00 USD, 3.00 USD an hour, 3.50 USD at the end');
  expect(spendingText({ ...spending, limitUsd: 9 }), 'of a run that is over').toBe('spent 2.00 USD of 9.00 USD, 3.00 USD an hour');
});
