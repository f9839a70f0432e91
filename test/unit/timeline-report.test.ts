// The run by the second as charts want it: what was planned, group by group and all groups together, errors by cause, latencies by band, also where seconds were merged.

import { describe, expect, it } from 'vitest';
import { type Aggregate, absorb, createAggregate } from '../../node/core/aggregate.ts';
import { createHistogram, record, valueAtPercentile } from '../../node/core/histogram.ts';
import { plannedFromCurve } from '../../node/core/planned.ts';
import { HEAT_BOUNDS_MS, heatColumns, timelineReport } from '../../node/core/timeline-report.ts';
import { makeWindow } from '../support/windows.ts';

const METRIC = 'http_req_duration';
const fast = [10, 11, 11.5, 13, 14, 15, 16, 17, 18];
const slow = [400, 410, 420];

const error = (cause: string, count: number, group = 'viewers') => ({ side: 'target' as const, group, cause, count, example: cause });

/** Two groups for four seconds: one fast with many samples, one slow with few; an error of each cause in one of them. */
function aggregateOf(pointsMax?: number): Aggregate {
  const aggregate = createAggregate({ isWinner: () => true, ...(pointsMax === undefined ? {} : { pointsMax }) });
  for (let second = 0; second < 4; second++) {
    const errors = second === 1 ? [error('timeout', 2), error('reset', 1, 'callers')] : second === 2 ? [error('timeout', 4)] : [];
    const load = ['viewers', 'callers'].map((group) => ({ group, owned: 10, active: 8 }));
    const durations = { viewers: fast, ...(second === 3 ? {} : { callers: slow }) };
    absorb(aggregate, 'a', makeWindow({ number: second + 1, startMs: second * 1000, durations, errors, load, checks: [true, false] }));
  }
  return aggregate;
}

describe('the timeline', () => {
  it('asks the plan for the middle of each point', () => {
    const planned = (pointsMax?: number) =>
      timelineReport(aggregateOf(pointsMax), 0, {}, (group, atMs) => (group === 'viewers' ? atMs / 100 : 3)).groups.map((group) => [
        group.group,
        group.planned,
      ]);
    expect(planned()).toEqual([
      ['callers', [3, 3, 3, 3]],
      ['viewers', [5, 15, 25, 35]],
    ]);
    expect(planned(2)).toEqual([
      ['callers', [3, 3]],
      ['viewers', [10, 30]],
    ]);
    expect(timelineReport(aggregateOf(), 0).groups[0]).not.toHaveProperty('planned');
  });

  it('has percentiles of all groups from all their samples, and not from the groups', () => {
    const all = createHistogram();
    for (const value of [...fast, ...slow]) record(all, value);
    const { overall = [], metrics } = timelineReport(aggregateOf(), 0);
    const [one] = overall;
    expect(overall.map(({ metric, group }) => [metric, group])).toEqual([[METRIC, '*']]);
    expect(one?.perS).toEqual([12, 12, 12, 9]);
    expect(one?.p50?.[0]).toBe(valueAtPercentile(all, 50));
    expect(one?.p99?.[0]).toBe(valueAtPercentile(all, 99));
    const p50s = metrics.filter(({ metric }) => metric === METRIC).map(({ p50 }) => p50?.[0] ?? 0);
    expect(
      p50s.every((p50) => p50 !== one?.p50?.[0]),
      'neither group is all of them',
    ).toBe(true);
  });

  it('has errors by cause, zero where a cause was silent, and nothing of causes outside the stretch', () => {
    const aggregate = aggregateOf();
    expect(timelineReport(aggregate, 0).causes).toEqual([
      { side: 'target', group: 'callers', cause: 'reset', perS: [0, 1, 0, 0] },
      { side: 'target', group: 'viewers', cause: 'timeout', perS: [0, 2, 4, 0] },
    ]);
    expect(timelineReport(aggregate, 0, { fromMs: 2500 }).causes).toEqual([
      { side: 'target', group: 'viewers', cause: 'timeout', perS: [4, 0] },
    ]);
    expect(timelineReport(aggregateOf(2), 0).causes?.at(-1)?.perS, 'two seconds a point').toEqual([1, 2]);
  });

  it('counts causes beyond the bound together, and loses none', () => {
    const aggregate = createAggregate({ isWinner: () => true });
    const errors = Array.from({ length: 200 }, (_, index) => error(`cause-${index}`, 1));
    absorb(aggregate, 'a', makeWindow({ number: 1, startMs: 0, errors }));
    const { causes = [] } = timelineReport(aggregate, 0);
    expect(causes.length).toBeLessThanOrEqual(61);
    expect(causes.reduce((sum, { perS }) => sum + (perS[0] ?? 0), 0)).toBe(200);
  });

  it('has latencies by band for each group, which add up to all samples', () => {
    const heat = heatColumns(aggregateOf(), [METRIC, 'unknown'], 0);
    expect(heat.map(({ group }) => group)).toEqual(['callers', 'viewers']);
    const [callers, viewers] = heat;
    expect(callers?.rows).toEqual([
      [HEAT_BOUNDS_MS.indexOf(500), 3],
      [HEAT_BOUNDS_MS.indexOf(500), 3],
      [HEAT_BOUNDS_MS.indexOf(500), 3],
      [],
    ]);
    expect(viewers?.rows[0]).toEqual([HEAT_BOUNDS_MS.indexOf(12), 3, 6]);
  });
});

it('a curve that was kept tells what was planned, between its moments and until the load was ended', () => {
  const planned = plannedFromCurve({ stepMs: 1000, groups: [{ name: 'g', active: [0, 10, 10] }] }, 1800);
  expect([-1, 0, 500, 1500, 1800].map((atMs) => planned?.('g', atMs))).toEqual([0, 0, 5, 10, 0]);
  expect(planned?.('other', 500)).toBe(0);
  expect(plannedFromCurve({ stepMs: 0 }, 1000), 'of a run that nobody judged').toBeNull();
});
