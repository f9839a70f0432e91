// What spans groups: rows of unique data, handed out group after group, and the length of the run against its deadline.

import { cumulativeTotal, evenPoints, forEachArrival } from '../node/core/arrivals.ts';
import { formatDuration } from '../node/core/duration.ts';
import type { Spread, ValidGroup } from '../node/core/scenario-types.ts';
import { endOf, peakOf, wantedSlots } from '../node/core/shape.ts';
import type { Finding } from './shape-problems.ts';

/** Beyond the planned end and all grace, for slow targets and a lost node: the default deadline must never cut a healthy run. */
const DEADLINE_SPARE_MS = 120_000;

export interface RunFacts {
  readonly deadlineMs: number | null;
  readonly setupMsMax: number;
  readonly gracefulStopMs: number;
}

export function checkRun(
  groups: readonly ValidGroup[],
  facts: RunFacts,
  findings: Finding[],
): { groups: ValidGroup[]; deadlineMs: number } {
  const endMs = Math.max(
    0,
    ...groups.map((group) => endOf(group.load.segments) + (group.load.unit === 'rate' ? longestOf(group.stay) : 0)),
  );
  const longest = groups.find((group) => endOf(group.load.segments) > (facts.deadlineMs ?? Number.POSITIVE_INFINITY));
  if (longest !== undefined) {
    const lengthMs = endOf(longest.load.segments);
    const message = `is ${formatDuration(facts.deadlineMs ?? 0)}, but group ${longest.name} runs for ${formatDuration(lengthMs)}`;
    findings.push({
      path: ['deadline'],
      part: 'value',
      code: 'QUILT_DEADLINE',
      message,
      hint: `at least ${formatDuration(lengthMs + facts.setupMsMax)} leaves time for setup`,
    });
  }
  const gracefulStopMs = Math.max(facts.gracefulStopMs, ...groups.map((group) => group.gracefulStopMs));
  return {
    groups: withRows(groups, findings),
    deadlineMs: facts.deadlineMs ?? facts.setupMsMax + endMs + gracefulStopMs + DEADLINE_SPARE_MS,
  };
}

/** Groups that share a unique table get rows one after another. */
function withRows(groups: readonly ValidGroup[], findings: Finding[]): ValidGroup[] {
  const used = new Map<string, number>();
  return groups.map((group) => {
    if (group.data === null || !group.data.unique) return group;
    const first = used.get(group.data.name) ?? 0;
    const needed = slotsOf(group);
    used.set(group.data.name, first + needed);
    const left = Math.max(0, group.data.rows.length - first);
    if (needed > left) {
      const message = `needs ${needed} rows of its own, ${group.data.file} has ${left} left`;
      const hint = first > 0 ? `groups before it take ${first}` : 'add rows, lower the load, or leave unique out';
      findings.push({ path: ['groups', group.name, 'data'], part: 'value', code: 'QUILT_DATA_ROWS', message, hint });
    }
    return { ...group, dataRowFirst: first };
  });
}

/** Slots that the group will ever use. The number of Poisson arrivals is drawn: four standard deviations more are asked for. */
function slotsOf({ load }: ValidGroup): number {
  if (load.unit === 'endpoints') return wantedSlots(peakOf(load.segments));
  const expected = cumulativeTotal(load.segments);
  if (load.arrivals === 'poisson') return Math.ceil(expected + 4 * Math.sqrt(expected));
  let count = 0;
  forEachArrival(load.segments, evenPoints, () => {
    count += 1;
  });
  return count;
}

function longestOf(stay: Spread | null): number {
  if (stay === null) return 0;
  return stay.distribution === 'fixed' ? stay.ms : stay.maxMs;
}
