// The judgement: one table, first match decides. Pure: everything it weighs is in VerdictFacts. Precedence follows k6 where k6 has the case (an
// abort outranks crossed thresholds; Ctrl-C is 105 even when thresholds are crossed too). Two rules are our own: what spoils the measurement
// (tainted windows, missing windows of surviving nodes, load that was not delivered) outranks thresholds, since a threshold on a spoiled figure says
// nothing either way; and every other row that holds is still listed as a reason.

import { EXIT, type ExitName } from './errors.ts';
import type { EndReason, NodeLossPolicy } from './messages.ts';
import type { Reason, ThresholdResult, Verdict } from './summary-types.ts';
import { formatCount, formatPercent } from './units.ts';

export const VERDICT_LIMITS = {
  /** Share of load windows that may be tainted: a GC pause on one node of ten for a second does not spoil a minute. */
  taintedShareMax: 0.05,
  /** Share of due endpoint lives that may not have been started (beyond what a tolerated loss takes with it). */
  shortfallShareMax: 0.02,
  /** Share of expected windows of surviving nodes that may be missing: none should be. */
  missingShareMax: 0.001,
} as const;

export interface VerdictFacts {
  readonly end: EndReason;
  readonly endMessage: string;
  readonly thresholds: readonly ThresholdResult[];
  /** Endpoint lives that the plan had due before the end, and those started (re-starts after a loss count again). */
  readonly livesDue: number;
  readonly livesStarted: number;
  readonly onNodeLoss: NodeLossPolicy;
  /** Load nodes in the roster and those of them that were lost. */
  readonly nodesLoad: number;
  readonly nodesLost: number;
  readonly windows: number;
  readonly taintedShare: number;
  /** Windows that will not come from nodes that survived, and seconds of dead nodes that are gone (null = unknown). */
  readonly windowsMissing: number;
  readonly lostSeconds: number | null;
  readonly contractBreaks: number;
  readonly teardownFailures: number;
  readonly faultsNotReverted: number;
}

interface Row {
  readonly code: string;
  readonly when: (facts: VerdictFacts) => boolean;
  readonly level: Reason['level'];
  readonly exit: ExitName;
  readonly message: (facts: VerdictFacts) => string;
}

const endedBy =
  (...reasons: EndReason[]) =>
  (facts: VerdictFacts): boolean =>
    reasons.includes(facts.end);
const told =
  (text: string) =>
  (facts: VerdictFacts): string =>
    facts.endMessage === '' ? text : `${text}: ${facts.endMessage}`;
const plural = (count: number, noun: string): string => `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;

/** More due lives were never started than the loss policy gives away and chance explains. In counts, so that no rounding decides. */
function isShort(facts: VerdictFacts): boolean {
  const tolerated = facts.onNodeLoss.kind === 'tolerate' ? facts.onNodeLoss.percent / 100 : 0;
  return facts.livesDue - facts.livesStarted > facts.livesDue * (tolerated + VERDICT_LIMITS.shortfallShareMax);
}

const missingShare = (facts: VerdictFacts): number => facts.windowsMissing / Math.max(1, facts.windows + facts.windowsMissing);

function lossOutcome(policy: NodeLossPolicy): string {
  if (policy.kind === 'reassign') return ' and the load reassigned';
  return policy.kind === 'tolerate' ? `, which the policy tolerates up to ${policy.percent} %` : '';
}

/** A run that was cut short may not have come to a threshold's samples: then their absence is no failure of its own. */
function notMet({ thresholds, end }: VerdictFacts): ThresholdResult[] {
  return thresholds.filter(({ state }) => state === 'fail' || (state === 'no-samples' && end === 'completed'));
}

function crossed(facts: VerdictFacts): string {
  const failed = notMet(facts);
  const names = failed.map(
    ({ selector, expression, state }) => `${selector} ${expression}${state === 'no-samples' ? ' (no samples)' : ''}`,
  );
  const more = names.length > 3 ? ', ...' : '';
  return `${failed.length} of ${plural(facts.thresholds.length, 'threshold')} not met: ${names.slice(0, 3).join(', ')}${more}`;
}

/** Ordered by precedence: the first row that holds gives verdict and exit. */
export const VERDICT_TABLE: readonly Row[] = [
  {
    code: 'internal-fault',
    when: endedBy('internal-fault'),
    level: 'fail',
    exit: 'internalFault',
    message: told('quilt-swarm itself failed'),
  },
  {
    code: 'fault-not-reverted',
    when: (facts) => facts.faultsNotReverted > 0,
    level: 'fail',
    exit: 'faultNotReverted',
    message: (facts) => `${plural(facts.faultsNotReverted, 'fault')} could not be reverted: the target is still broken`,
  },
  { code: 'setup-failed', when: endedBy('setup-failed'), level: 'fail', exit: 'setupFailed', message: told('setup failed') },
  {
    code: 'unplaceable',
    when: endedBy('unplaceable'),
    level: 'fail',
    exit: 'capacityNeverReached',
    message: told('not all load could be placed'),
  },
  {
    code: 'capacity-never-reached',
    when: endedBy('capacity-never-reached'),
    level: 'fail',
    exit: 'capacityNeverReached',
    message: told('the expected nodes never came'),
  },
  {
    code: 'contract-broken',
    when: (facts) => facts.end === 'contract-broken' || facts.contractBreaks > 0,
    level: 'fail',
    exit: 'simulatorBrokeContract',
    message: (facts) =>
      facts.contractBreaks > 0
        ? `endpoint simulators broke their contract ${facts.contractBreaks === 1 ? 'once' : `${formatCount(facts.contractBreaks)} times`}`
        : told('an endpoint simulator broke its contract')(facts),
  },
  {
    code: 'quorum-lost',
    when: endedBy('quorum-lost'),
    level: 'fail',
    exit: 'quorumLost',
    message: told('the majority of the swarm was lost'),
  },
  {
    code: 'coordinator-lost',
    when: endedBy('coordinator-lost'),
    level: 'fail',
    exit: 'quorumLost',
    message: told('the coordinator was lost'),
  },
  {
    code: 'node-lost',
    when: endedBy('node-lost'),
    level: 'fail',
    exit: 'abortedBySwarm',
    message: told('more nodes were lost than the policy allows'),
  },
  {
    code: 'aborted-by-scenario',
    when: endedBy('aborted-by-scenario'),
    level: 'fail',
    exit: 'abortedByScenario',
    message: told('the scenario aborted the run'),
  },
  {
    code: 'aborted-by-threshold',
    when: endedBy('aborted-by-threshold'),
    level: 'fail',
    exit: 'thresholdFailed',
    message: told('a threshold with abortOnFail was crossed'),
  },
  {
    code: 'wall-limit',
    when: endedBy('wall-limit'),
    level: 'fail',
    exit: 'budgetReached',
    message: told('the time limit of the run was reached'),
  },
  {
    code: 'cost-limit',
    when: endedBy('cost-limit'),
    level: 'fail',
    exit: 'budgetReached',
    message: told('the cost limit of the run was reached'),
  },
  { code: 'stopped', when: endedBy('stopped'), level: 'fail', exit: 'stoppedByOperator', message: told('stopped before its planned end') },
  {
    code: 'tainted',
    when: (facts) => facts.taintedShare > VERDICT_LIMITS.taintedShareMax,
    level: 'taint',
    exit: 'generatorOverloaded',
    message: (facts) => `the generator was overloaded in ${formatPercent(facts.taintedShare)} of the windows with load`,
  },
  {
    code: 'windows-missing',
    when: (facts) => missingShare(facts) > VERDICT_LIMITS.missingShareMax,
    level: 'taint',
    exit: 'generatorOverloaded',
    message: (facts) => `${plural(facts.windowsMissing, 'window')} of surviving nodes never arrived`,
  },
  {
    code: 'load-short',
    when: (facts) => facts.end === 'completed' && isShort(facts),
    level: 'taint',
    exit: 'generatorOverloaded',
    message: (facts) => `only ${formatPercent(facts.livesStarted / facts.livesDue)} of the planned endpoints were started`,
  },
  {
    code: 'threshold-failed',
    when: (facts) => notMet(facts).length > 0,
    level: 'fail',
    exit: 'thresholdFailed',
    message: crossed,
  },
  {
    code: 'teardown-failed',
    when: (facts) => facts.teardownFailures > 0,
    level: 'fail',
    exit: 'teardownFailed',
    message: (facts) => `${plural(facts.teardownFailures, 'meeting')} could not be torn down`,
  },
  {
    code: 'nodes-lost',
    when: (facts) => facts.nodesLost > 0 && facts.end !== 'node-lost',
    level: 'note',
    exit: 'pass',
    message: (facts) =>
      `${formatCount(facts.nodesLost)} of ${plural(facts.nodesLoad, 'node')} ${facts.nodesLost === 1 ? 'was' : 'were'} lost${lossOutcome(facts.onNodeLoss)}`,
  },
  {
    code: 'seconds-lost',
    when: (facts) => facts.lostSeconds === null || facts.lostSeconds > 0,
    level: 'note',
    exit: 'pass',
    message: (facts) =>
      facts.lostSeconds === null
        ? 'an unknown number of seconds that lost nodes measured is missing'
        : `at most ${plural(facts.lostSeconds, 'second')} of what lost nodes measured ${facts.lostSeconds === 1 ? 'is' : 'are'} missing`,
  },
  {
    code: 'some-tainted',
    when: (facts) => facts.taintedShare > 0 && facts.taintedShare <= VERDICT_LIMITS.taintedShareMax,
    level: 'note',
    exit: 'pass',
    message: (facts) => `${formatPercent(facts.taintedShare)} of the windows with load are tainted`,
  },
];

export function judge(facts: VerdictFacts): Verdict {
  const rows = VERDICT_TABLE.filter((row) => row.when(facts));
  const decisive = rows.find(({ level }) => level !== 'note');
  // Reasons in table order; the decisive row is the first that is not a note, and rows of notes come last in the table.
  const reasons = rows.map((row): Reason => ({ code: row.code, message: row.message(facts), level: row.level }));
  const verdict = decisive === undefined ? 'pass' : decisive.level === 'taint' ? 'tainted' : 'fail';
  const exit = decisive?.exit ?? 'pass';
  return { verdict, exit, exitCode: EXIT[exit], reasons };
}
