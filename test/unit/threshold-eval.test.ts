import { describe, expect, it } from 'vitest';
import { absorb, createAggregate } from '../../node/core/aggregate.ts';
import { BUILTIN_METRICS } from '../../node/core/builtin-metrics.ts';
import type { MetricDeclaration } from '../../node/core/stats-types.ts';
import { abortingThreshold, evaluateThresholds } from '../../node/core/threshold-eval.ts';
import { parseExpression, parseSelector, type Threshold } from '../../node/core/threshold-syntax.ts';
import { makeWindow } from '../support/windows.ts';

const METRICS: readonly MetricDeclaration[] = [
  ...BUILTIN_METRICS,
  { name: 'http_req_duration', kind: 'trend', unit: 'ms', help: '' },
  { name: 'bytes', kind: 'counter', unit: 'bytes', help: '' },
  { name: 'rooms_open', kind: 'gauge', unit: 'count', help: '' },
];

function threshold(selectorText: string, expressionText: string, more: Partial<Threshold> = {}): Threshold {
  const selector = parseSelector(selectorText);
  const expression = parseExpression(expressionText);
  if (!selector.ok || !expression.ok) throw new Error(`bad threshold in a test: ${selectorText} ${expressionText}`);
  return { ...selector.value, ...expression.value, selectorText, expressionText, abortOnFail: false, delayAbortEvalMs: 0, ...more };
}

/** Two nodes, two groups; durations 1 to 100 ms for viewers and 1000 ms for speakers. */
function aggregateOfTwo() {
  const aggregate = createAggregate({ isWinner: () => true });
  const durations = Array.from({ length: 100 }, (_, index) => index + 1);
  absorb(
    aggregate,
    'a',
    makeWindow({
      number: 1,
      durations: { viewers: durations.slice(0, 50), speakers: [1000] },
      counters: { bytes: 600 },
      checks: [true, true, true, false],
      gauge: 3,
      errors: [{ side: 'target', group: 'viewers', cause: 'timeout', count: 4, example: '' }],
      load: [
        { owned: 10, active: 10, started: 10 },
        { group: 'speakers', owned: 2, active: 1, started: 1, failed: 1 },
      ],
    }),
  );
  absorb(
    aggregate,
    'b',
    makeWindow({ number: 1, durations: { viewers: durations.slice(50) }, gauge: 4, load: [{ owned: 7, active: 6, started: 7 }] }),
  );
  return aggregate;
}

const evaluate = (selector: string, expression: string) =>
  evaluateThresholds(aggregateOfTwo(), [threshold(selector, expression)], { elapsedMs: 2000, metrics: METRICS })[0]!;

describe('a threshold', () => {
  it.each([
    ['http_req_duration{group:viewers}', 'p(95)<96', 'pass', 95.0],
    ['http_req_duration{group:viewers}', 'p(95)<95', 'fail', 95.0],
    ['http_req_duration{group:viewers}', 'max<=100', 'pass', 100],
    ['http_req_duration{group:viewers}', 'min==1', 'pass', 1],
    ['http_req_duration{group:viewers}', 'avg<50.6', 'pass', 50.5],
    ['http_req_duration{group:viewers}', 'med<51', 'pass', 50],
    ['http_req_duration{group:viewers,status:200}', 'count==100', 'pass', 100],
    ['http_req_duration', 'count==101', 'pass', 101],
    ['http_req_duration', 'max<1000', 'fail', 1000],
    ['bytes', 'count==600', 'pass', 600],
    ['bytes', 'rate>=300', 'pass', 300],
    ['checks', 'rate>0.9', 'fail', 0.75],
    ['rooms_open', 'value==7', 'pass', 7],
    ['ep_active', 'value==17', 'pass', 17],
    ['ep_active{group:speakers}', 'max==1', 'pass', 1],
    ['ep_started', 'count==18', 'pass', 18],
    ['ep_failed{group:speakers}', 'count<1', 'fail', 1],
    ['errors{cause:timeout}', 'count<5', 'pass', 4],
    ['errors', 'count<4', 'fail', 4],
  ] as const)('%s %s: %s', (selector, expression, state, observed) => {
    const result = evaluate(selector, expression);
    expect(result.state).toBe(state);
    expect(result.observed).toBeCloseTo(observed, 1);
  });

  it.each([
    ['http_req_duration{group:nobody}', 'p(95)<200', 'no-samples', null],
    ['http_req_duration{group:nobody}', 'count<1', 'no-samples', null],
    ['checks{check:never}', 'rate<0.5', 'no-samples', null],
    ['rooms_open{group:nobody}', 'value<9', 'no-samples', null],
    ['ep_active{group:nobody}', 'max<9', 'no-samples', null],
    ['bytes{group:nobody}', 'count<1', 'pass', 0],
    ['bytes{group:nobody}', 'count>0', 'fail', 0],
    ['errors{cause:dns}', 'count==0', 'pass', 0],
  ] as const)('without samples: %s %s is %s', (selector, expression, state, observed) => {
    expect(evaluate(selector, expression)).toMatchObject({ state, observed });
  });

  it('shows a share as per cent, a count of a trend as a count, and times in ms', () => {
    expect(evaluate('checks', 'rate>0').unit).toBe('percent');
    expect(evaluate('http_req_duration', 'count>0').unit).toBe('count');
    expect(evaluate('http_req_duration', 'p(50)>0').unit).toBe('ms');
  });
});

describe('abortOnFail', () => {
  const failing = threshold('http_req_duration', 'max<1000', { abortOnFail: true, delayAbortEvalMs: 5000 });
  it('waits for its delay, then names the threshold', () => {
    expect(abortingThreshold(aggregateOfTwo(), [failing], { elapsedMs: 4999, metrics: METRICS })).toBeNull();
    expect(abortingThreshold(aggregateOfTwo(), [failing], { elapsedMs: 5000, metrics: METRICS })?.selector).toBe('http_req_duration');
  });

  it('never aborts for a threshold without the flag, nor for want of samples', () => {
    const gentle = { ...failing, abortOnFail: false };
    const silent = threshold('http_req_duration{group:nobody}', 'p(95)<1', { abortOnFail: true });
    expect(abortingThreshold(aggregateOfTwo(), [gentle, silent], { elapsedMs: 60_000, metrics: METRICS })).toBeNull();
  });
});
