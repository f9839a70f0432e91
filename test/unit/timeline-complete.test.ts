// Of a run that goes on only those seconds are shown that every node has reported: otherwise each chart would end in a fall that is none.

import { expect, it } from 'vitest';
import { absorb, createAggregate } from '../../node/core/aggregate.ts';
import { completeUntilMs, timelineReport } from '../../node/core/timeline-report.ts';
import { makeWindow } from '../support/windows.ts';

function aggregateOf(lastS: Readonly<Record<string, number>>) {
  const aggregate = createAggregate({ isWinner: () => true });
  for (const [node, last] of Object.entries(lastS))
    for (let second = 0; second <= last; second++)
      absorb(
        aggregate,
        node,
        makeWindow({
          ...{ number: second + 1, startMs: second * 1000, durationMs: 1000 },
          load: [{ group: 'callers', owned: 10, active: 10, started: 0, finished: 0, failed: 0, claims: [] }],
        }),
      );
  return aggregate;
}

it.each([
  ['all are even', { a: 5, b: 5 }, 5000],
  ['one is two seconds behind', { a: 5, b: 3 }, 3000],
  ['one fell behind too far to be waited for', { a: 9, b: 2 }, 9000],
  ['there is one node', { a: 4 }, 4000],
])('%s', (_name, lastS, expected) => {
  const aggregate = aggregateOf(lastS);
  expect(completeUntilMs(aggregate, 0)).toBe(expected);
  const { atMs, groups } = timelineReport(aggregate, 0, { untilMs: expected });
  expect(atMs.at(-1)).toBe(expected - 1000);
  expect(timelineReport(aggregate, 0, { fromMs: 2000, untilMs: expected }).atMs[0]).toBe(2000);
  const everybody = Object.values(lastS).filter((last) => last * 1000 >= expected).length * 10;
  expect(groups[0]?.active.at(-1)).toBe(everybody);
});

it('shows nothing before there is anything', () => {
  expect(completeUntilMs(createAggregate({ isWinner: () => true }), 0)).toBe(Number.NEGATIVE_INFINITY);
});
