import { describe, expect, it } from 'vitest';
import { EXIT, type ExitName } from '../../node/core/errors.ts';
import type { EndReason } from '../../node/core/messages.ts';
import type { ThresholdResult } from '../../node/core/summary-types.ts';
import { judge, VERDICT_TABLE, type VerdictFacts } from '../../node/core/verdict.ts';

const CLEAN: VerdictFacts = {
  end: 'completed',
  endMessage: '',
  thresholds: [],
  livesDue: 1000,
  livesStarted: 1000,
  onNodeLoss: { kind: 'reassign' },
  nodesLoad: 10,
  nodesLost: 0,
  windows: 6000,
  taintedShare: 0,
  windowsMissing: 0,
  lostSeconds: 0,
  contractBreaks: 0,
  teardownFailures: 0,
  faultsNotReverted: 0,
};
const result = (state: ThresholdResult['state']): ThresholdResult => ({
  selector: 'http_req_duration',
  expression: 'p(95)<200',
  unit: 'ms',
  observed: state === 'no-samples' ? null : 250,
  limit: 200,
  state,
  abortOnFail: false,
});
const FAILED = { thresholds: [result('pass'), result('fail')] };

type Case = readonly [what: string, facts: Partial<VerdictFacts>, verdict: 'pass' | 'fail' | 'tainted', exit: ExitName];
const cases: readonly Case[] = [
  ['a clean run', {}, 'pass', 'pass'],
  ['met thresholds', { thresholds: [result('pass')] }, 'pass', 'pass'],
  ['a crossed threshold', FAILED, 'fail', 'thresholdFailed'],
  ['a threshold without samples', { thresholds: [result('no-samples')] }, 'fail', 'thresholdFailed'],
  ['no endpoints planned', { livesDue: 0, livesStarted: 0 }, 'pass', 'pass'],
  ['restarts after a loss', { livesStarted: 1100, nodesLost: 1 }, 'pass', 'pass'],
  ['2 % short', { livesStarted: 980 }, 'pass', 'pass'],
  ['3 % short', { livesStarted: 970 }, 'tainted', 'generatorOverloaded'],
  ['a loss within tolerance', { livesStarted: 850, nodesLost: 1, onNodeLoss: { kind: 'tolerate', percent: 15 } }, 'pass', 'pass'],
  [
    'short beyond tolerance',
    { livesStarted: 800, nodesLost: 2, onNodeLoss: { kind: 'tolerate', percent: 15 } },
    'tainted',
    'generatorOverloaded',
  ],
  ['5 % tainted', { taintedShare: 0.05 }, 'pass', 'pass'],
  ['more than 5 % tainted', { taintedShare: 0.051 }, 'tainted', 'generatorOverloaded'],
  ['tainted outranks thresholds', { taintedShare: 0.5, ...FAILED }, 'tainted', 'generatorOverloaded'],
  ['windows missing', { windowsMissing: 60 }, 'tainted', 'generatorOverloaded'],
  ['seconds of a lost node', { nodesLost: 1, lostSeconds: 3 }, 'pass', 'pass'],
  ['unknown seconds of a lost node', { nodesLost: 1, lostSeconds: null }, 'pass', 'pass'],
  ['teardown failed', { teardownFailures: 2 }, 'fail', 'teardownFailed'],
  ['thresholds outrank teardown', { teardownFailures: 2, ...FAILED }, 'fail', 'thresholdFailed'],
  ['a broken contract', { contractBreaks: 1 }, 'fail', 'simulatorBrokeContract'],
  ['a broken contract outranks tainted', { contractBreaks: 1, taintedShare: 1 }, 'fail', 'simulatorBrokeContract'],
  ['a fault left behind outranks an abort', { faultsNotReverted: 1, end: 'stopped' }, 'fail', 'faultNotReverted'],
  ['an abort outranks thresholds', { end: 'stopped', ...FAILED }, 'fail', 'stoppedByOperator'],
  ['an abort outranks tainted', { end: 'aborted-by-threshold', taintedShare: 1 }, 'fail', 'thresholdFailed'],
  ['stopped before there were samples', { end: 'stopped', thresholds: [result('no-samples')] }, 'fail', 'stoppedByOperator'],
];
const ends: readonly [EndReason, ExitName][] = [
  ['stopped', 'stoppedByOperator'],
  ['aborted-by-threshold', 'thresholdFailed'],
  ['aborted-by-scenario', 'abortedByScenario'],
  ['node-lost', 'abortedBySwarm'],
  ['coordinator-lost', 'quorumLost'],
  ['quorum-lost', 'quorumLost'],
  ['setup-failed', 'setupFailed'],
  ['unplaceable', 'capacityNeverReached'],
  ['capacity-never-reached', 'capacityNeverReached'],
  ['wall-limit', 'budgetReached'],
  ['contract-broken', 'simulatorBrokeContract'],
  ['internal-fault', 'internalFault'],
];

describe('the verdict', () => {
  it.each(cases)('%s', (_what, facts, verdict, exit) => {
    expect(judge({ ...CLEAN, ...facts })).toMatchObject({ verdict, exit, exitCode: EXIT[exit] });
  });

  it.each(ends)('a run that ended %s exits with %s and says why', (end, exit) => {
    const judged = judge({ ...CLEAN, end, endMessage: 'node-3 said so' });
    expect(judged).toMatchObject({ verdict: 'fail', exit, exitCode: EXIT[exit] });
    expect(judged.reasons[0]!.message).toContain('node-3 said so');
  });

  it('lists every reason that holds, the decisive one first', () => {
    const judged = judge({ ...CLEAN, ...FAILED, teardownFailures: 1, nodesLost: 1, lostSeconds: 2, taintedShare: 0.01 });
    expect(judged.reasons.map(({ code, level }) => `${code} ${level}`)).toEqual([
      'threshold-failed fail',
      'teardown-failed fail',
      'nodes-lost note',
      'seconds-lost note',
      'some-tainted note',
    ]);
    expect(judge(CLEAN).reasons).toEqual([]);
  });

  it('has a row for every way a run can end but completed, notes last, and no code twice', () => {
    const ended = ends.filter(([end]) => judge({ ...CLEAN, end }).exit !== 'pass');
    expect(ended).toHaveLength(ends.length);
    const levels = VERDICT_TABLE.map(({ level }) => level === 'note');
    expect(levels.indexOf(true)).toBe(levels.lastIndexOf(false) + 1);
    expect(new Set(VERDICT_TABLE.map(({ code }) => code)).size).toBe(VERDICT_TABLE.length);
  });
});
