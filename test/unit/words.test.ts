// Small text helpers by table: durations, suggestions, CSV, canonical JSON.

import { describe, expect, it } from 'vitest';
import { canonicalJson } from '../../node/core/canonical.ts';
import { formatDuration, parseDuration } from '../../node/core/duration.ts';
import { editDistance, nearest, suggestion } from '../../node/core/suggest.ts';
import { parseTable } from '../../scenarios/data-table.ts';

describe('durations', () => {
  it.each([
    ['500ms', 500],
    ['10s', 10_000],
    ['1m30s', 90_000],
    ['1.5h', 5_400_000],
    ['0s', 0],
    ['168h', 604_800_000],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });
  it.each(['10', 's', '10 s', '-1s', '1d', '', '1s2', '169h', `${'9'.repeat(50)}s`])('refuses %s', (text) => {
    expect(parseDuration(text)).toBeNull();
  });
  it.each([
    [0, '0s'],
    [0.5, '0.5ms'],
    [250, '250ms'],
    [999.6, '1000ms'],
    [1000, '1s'],
    [90_500, '1m30.5s'],
    [3_600_000, '1h'],
    [59_999, '1m'],
    [-2000, '-2s'],
  ])('%d ms reads %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});

describe('suggestions', () => {
  it.each([
    ['kitten', 'sitting', 3],
    ['wiat', 'wait', 1],
    ['', 'abc', 3],
    ['same', 'same', 0],
  ])('%s to %s is %d', (from, to, edits) => {
    expect(editDistance(from, to)).toBe(edits);
    expect(editDistance(to, from)).toBe(edits);
  });
  it('are near or none', () => {
    expect([nearest('treshold', ['tags', 'thresholds']), nearest('xyz', ['tags', 'thresholds']), nearest('a', [])]).toEqual([
      'thresholds',
      null,
      null,
    ]);
  });
  it('list what there is when nothing is near', () => {
    expect(suggestion('xyz', ['a', 'b'])).toBe('known: a, b');
    expect(suggestion('xyz', [])).toBe('there are none');
    expect(
      suggestion(
        'zzzzzz',
        Array.from({ length: 14 }, (_, index) => `k${index}`),
      ),
    ).toMatch(/and 2 more$/);
  });
});

describe('CSV', () => {
  const table = (text: string, delimiter = ',') => parseTable({ name: 't', file: 't.csv', unique: false, delimiter }, text);
  it.each([
    ['a,b\n1,2\n', [['1', '2']]],
    [
      '\uFEFFa,b\r\n1,2\r\n\r\n3,4',
      [
        ['1', '2'],
        ['3', '4'],
      ],
    ],
    ['a,b\n"1,5","say ""hi"""\n', [['1,5', 'say "hi"']]],
    ['a,b\n"two\nlines",\n', [['two\nlines', '']]],
    ['a\n', []],
  ])('%j', (text, rows) => {
    expect(table(text)).toMatchObject({ ok: true, value: { rows } });
  });
  it('takes another delimiter', () => {
    expect(table('a;b\n1;2', ';')).toMatchObject({ ok: true, value: { columns: ['a', 'b'], rows: [['1', '2']] } });
  });
  it.each([
    ['', 1, 'is empty'],
    ['a,a\n', 1, "'a' is no column name"],
    ['a,b c\n', 1, "'b c' is no column name"],
    ['a\n1\n2,3\n', 3, 'has 2 fields, the header has 1'],
    ['a\n"x\ny', 2, 'not closed'],
    ['a\n"x"y\n', 2, 'text follows a quoted field'],
    ['a\n"1\n2"\n3,4', 4, 'has 2 fields'],
  ])('refuses %j', (text, line, words) => {
    const result = table(text);
    expect(result).toMatchObject({ ok: false, problems: [{ line, file: 't.csv' }] });
    expect(result.ok ? '' : result.problems[0]?.message).toContain(words);
  });
});

it.each([
  [{ b: 1, a: [undefined, { d: null, c: undefined }] }, '{"a":[null,{"d":null}],"b":1}'],
  [[Number.POSITIVE_INFINITY, -0, 'ü"'], '["Infinity",0,"ü\\""]'],
  [/x/i, '"/x/i"'],
])('canonical JSON of %j', (value, text) => {
  expect(canonicalJson(value)).toBe(text);
});
