// The threshold language by tables: what parses to what, and what is refused with which words.

import { describe, expect, it } from 'vitest';
import { checkAggregation, holds, parseExpression, parseSelector } from '../../node/core/threshold-syntax.ts';

describe('selectors', () => {
  it.each([
    ['checks', { metric: 'checks', tags: {} }],
    [' http_req_duration { group : viewers } ', { metric: 'http_req_duration', tags: { group: 'viewers' } }],
    ['x{a:1,b:two words}', { metric: 'x', tags: { a: '1', b: 'two words' } }],
    ['x{name:"GET /a:b"}', { metric: 'x', tags: { name: 'GET /a:b' } }],
    ['x{}', { metric: 'x', tags: {} }],
  ])('%s', (text, expected) => {
    expect(parseSelector(text)).toEqual({ ok: true, value: expected });
  });
  it.each([['9x'], ['x{'], ['x{a}'], ['x{a:}'], ['x{a:1}}'], [''], ['x y']])('refuses %s', (text) => {
    expect(parseSelector(text)).toMatchObject({ ok: false, problems: [{ code: 'QUILT_THRESHOLD_SYNTAX' }] });
  });
});

describe('expressions', () => {
  it.each([
    ['p(95)<200', { name: 'p', percentile: 95 }, '<', 200],
    ['p( 99.9 ) <= 1e3', { name: 'p', percentile: 99.9 }, '<=', 1000],
    ['rate>0.99', { name: 'rate' }, '>', 0.99],
    ['count === 0', { name: 'count' }, '==', 0],
    ['med!==-1.5', { name: 'med' }, '!=', -1.5],
    ['value>=7', { name: 'value' }, '>=', 7],
  ])('%s', (text, aggregation, operator, limit) => {
    expect(parseExpression(text)).toEqual({ ok: true, value: { aggregation, operator, limit } });
  });
  it.each([
    ['p95<200', 'is no threshold'],
    ['p<200', 'percentile'],
    ['p(0)<200', 'percentile'],
    ['p(101)<200', 'percentile'],
    ['average<1', "unknown aggregation 'average'"],
    ['avg(3)<1', 'takes no argument'],
    ['avg<', 'is no threshold'],
    ['avg < 10ms', 'is no threshold'],
    ['avg<1 and max<2', 'is no threshold'],
  ])('refuses %s', (text, message) => {
    const result = parseExpression(text);
    expect(result.ok ? 'accepted' : result.problems[0]?.message).toContain(message);
  });
  it('suggests the nearest aggregation', () => {
    expect(parseExpression('maxx<1')).toMatchObject({ problems: [{ hint: 'did you mean max?' }] });
  });
});

describe('kinds', () => {
  it.each([
    ['trend', 'p', true],
    ['trend', 'rate', false],
    ['counter', 'rate', true],
    ['counter', 'avg', false],
    ['rate', 'rate', true],
    ['rate', 'count', false],
    ['gauge', 'max', true],
    ['gauge', 'p', false],
  ] as const)('a %s and %s: %s', (kind, name, isAllowed) => {
    const problem = checkAggregation('m', kind, name === 'p' ? { name, percentile: 95 } : { name });
    expect(problem === null).toBe(isAllowed);
  });
});

describe('comparison', () => {
  it.each([
    ['<', [true, false, false]],
    ['<=', [true, true, false]],
    ['>', [false, false, true]],
    ['>=', [false, true, true]],
    ['==', [false, true, false]],
    ['!=', [true, false, true]],
  ] as const)('%s', (operator, expected) => {
    expect([1, 2, 3].map((observed) => holds(operator, observed, 2))).toEqual(expected);
  });
});
