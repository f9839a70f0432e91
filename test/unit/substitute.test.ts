// ${...}: what is put in before validation, what stays for the participant, and that values are never read as templates themselves.

import { describe, expect, it } from 'vitest';
import { malformedReference, meetingValues, nameHint, namesIn, putIn, valuesFor } from '../../node/core/substitute.ts';
import { compileTemplate } from '../../node/core/template.ts';
import { scenarioOf } from '../support/scenarios.ts';

const known = new Map<string, string | number | boolean>([
  ['vars.n', 5],
  ['vars.host', 'a.example'],
  ['vars.odd', '${meeting.id}'],
  ['vars.on', true],
]);

describe('putIn', () => {
  it.each([
    ['${vars.n}', 5],
    ['${ vars.on }', true],
    ['n=${vars.n}', 'n=5'],
    ['http://${vars.host}:80/${vars.n}', 'http://a.example:80/5'],
    ['${meeting.id}/${vars.n}', '${meeting.id}/5'],
    ['$${vars.n}', '$${vars.n}'],
    ['plain', 'plain'],
  ])('%s', (text, expected) => {
    expect(putIn(text, known)).toBe(expected);
  });
  it('escapes what a value brings along, so that it renders as it was passed', () => {
    const put = String(putIn('x ${vars.odd}', known));
    expect(compileTemplate(put).render({ 'meeting.id': 'secret' })).toBe('x ${meeting.id}');
  });
});

it.each([
  ['${a b}', '${a b}'],
  ['x ${', '${'],
  ['${9}', '${9}'],
  ['${a.b} $${ ok', null],
  ['$5', null],
])('malformed reference in %s', (text, expected) => {
  expect(malformedReference(text)).toBe(expected);
});

it('finds each name once', () => {
  expect(namesIn('${a} ${b.c} ${a} $${d}')).toEqual(['a', 'b.c']);
});

it.each([
  ['id', 'did you mean ${meeting.id}?'],
  ['meeting.idd', 'did you mean ${meeting.id}?'],
  ['env.HOME', 'the environment is not available to scenarios: declare a variable and pass it with -e NAME=VALUE'],
  ['quite.else', 'known here: ${meeting.id}, ${vars.host}'],
])('hint for %s', (name, expected) => {
  expect(nameHint(name, ['meeting.id', 'vars.host'])).toBe(expected);
});

describe('valuesFor', () => {
  const data = {
    name: 'users',
    file: 'users.csv',
    unique: true,
    columns: ['user', 'password'],
    rows: [
      ['ann', 'x'],
      ['bob', 'y'],
    ],
  };
  const scenario = scenarioOf(
    { load: { unit: 'endpoints', arrivals: 'even', segments: [] }, data },
    { variables: { a: '1' }, targets: { api: 'http://h:1' } },
  );
  const life = { groupIndex: 0, endpointIndex: 1, lifeIndex: 2, meetingIndex: 3, dataRow: 1, startMs: 0, stopMs: 1 };

  it('knows variables, targets, endpoint, group, meeting and data, all flat', () => {
    expect(valuesFor(life, scenario, { meeting: 3, values: { id: 'm-3' } })).toEqual({
      'vars.a': '1',
      'targets.api': 'http://h:1',
      'group.name': 'viewers',
      'endpoint.index': '1',
      'endpoint.id': 'viewers-1',
      'endpoint.life': '2',
      'meeting.index': '3',
      'meeting.id': 'm-3',
      'data.user': 'bob',
      'data.password': 'y',
    });
  });
  it('leaves out what a life does not have', () => {
    const values = valuesFor({ ...life, meetingIndex: -1, dataRow: -1 }, scenario, null);
    expect(Object.keys(values).filter((name) => /^(meeting|data)\./.test(name))).toEqual([]);
  });
  it('provisioning knows the meeting by its index only, teardown what was saved', () => {
    expect(meetingValues(scenario, 4, null)).toMatchObject({ 'meeting.index': '4', 'vars.a': '1' });
    expect(meetingValues(scenario, 4, { meeting: 4, values: { id: 'x' } })['meeting.id']).toBe('x');
  });
});
