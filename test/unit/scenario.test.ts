// The scenario language, one mistake at a time: a valid scenario, a change that breaks it, and the line that a person then reads.

import { describe, expect, it } from 'vitest';
import { targetsOf } from '../../node/core/host-port.ts';
import { filesOf, parsed, problemLines } from '../support/scenarios.ts';

const base = `name: base
variables:
  size: 10
targets: { api: 'http://127.0.0.1:8080' }
meetings:
  count: 4
  provision: { url: '\${targets.api}/m', save: { id: $.id } }
groups:
  viewers:
    type: http
    load:
      endpoints: \${vars.size}
      shape:
        - { ramp: 100%, over: 10s }
        - { hold: 20s }
    behavior: { url: '\${targets.api}/x' }
thresholds:
  http_req_duration{group:viewers}: ['p(95)<200']
`;

/** The base with one text replaced by another. */
const changed = (from: string, to: string): string => {
  expect(base).toContain(from);
  return base.replace(from, () => to);
};

describe('a valid scenario', () => {
  it('is read with every default filled in', () => {
    const scenario = parsed(base);
    expect(scenario).toMatchObject({
      name: 'base',
      seed: 1,
      variables: { size: '10' },
      targets: { api: 'http://127.0.0.1:8080' },
      meetings: {
        count: 4,
        provision: {
          method: 'POST',
          url: 'http://127.0.0.1:8080/m',
          expect: [[200, 299]],
          save: { id: { json: '$.id' } },
          timeoutMs: 10_000,
        },
        teardown: null,
      },
      policies: { onNodeLoss: { kind: 'reassign' }, onCoordinatorLoss: 'terminate' },
      setupMsMax: 60_000,
      gracefulStopMs: 10_000,
      deadlineMs: 60_000 + 30_000 + 10_000 + 120_000,
      shardEndpoints: null,
    });
    expect(scenario.groups[0]).toMatchObject({
      name: 'viewers',
      meetings: null,
      gracefulStopMs: 10_000,
      costMillicores: 2,
      behavior: { url: 'http://127.0.0.1:8080/x' },
    });
    expect(scenario.groups[0]?.load.segments).toEqual([
      { fromMs: 0, toMs: 10_000, fromLevel: 0, toLevel: 10 },
      { fromMs: 10_000, toMs: 30_000, fromLevel: 10, toLevel: 10 },
    ]);
    expect(scenario.thresholds).toMatchObject([
      { metric: 'http_req_duration', tags: { group: 'viewers' }, limit: 200, abortOnFail: false },
    ]);
    expect(targetsOf(scenario)).toEqual(['127.0.0.1:8080']);
  });

  it('takes variables from the command line, with the type of their default', () => {
    expect(parsed(base, { size: '30' }).groups[0]?.load.segments[0]?.toLevel).toBe(30);
    expect(problemLines(base, { size: 'many' })).toEqual(["-e size  must be a number, not 'many'"]);
  });

  it('gives a variable back as text where text is wanted', () => {
    expect(parsed(changed("'${targets.api}/x'", "'${vars.size}'")).groups[0]?.behavior).toEqual({ url: '10' });
  });

  it('sizes groups by their meetings', () => {
    const scenario = parsed(changed('    load:\n      endpoints: ${vars.size}', '    perMeeting: 3\n    load:'));
    expect(scenario.groups[0]).toMatchObject({ perMeeting: 3, meetings: 'round-robin' });
    expect(scenario.groups[0]?.load.segments[0]?.toLevel).toBe(12);
  });

  it('understands every policy, stage and distribution', () => {
    const scenario = parsed(
      `${base}policies: { onNodeLoss: { tolerate: 12.5% }, onCoordinatorLoss: reelect }
`.replace(
        '        - { hold: 20s }',
        '        - { step: 5, for: 1s }\n        - { spike: 200%, over: 1s, for: 2s }\n        - { sawtooth: 8, low: 10%, period: 2s, times: 3 }\n    stay: { lognormal: { median: 2s, sigma: 1 } }\n    pause: { uniform: [1s, 2s] }',
      ),
    );
    expect(scenario.policies).toEqual({
      onNodeLoss: { kind: 'tolerate', percent: 12.5 },
      onCoordinatorLoss: 'reelect',
    });
    expect(scenario.groups[0]?.load.segments.map(({ fromLevel, toLevel }) => [fromLevel, toLevel])).toEqual([
      [0, 10],
      [5, 5],
      [5, 20],
      [20, 20],
      [20, 5],
      [1, 8],
      [1, 8],
      [1, 8],
    ]);
    expect(scenario.groups[0]).toMatchObject({
      stay: { distribution: 'lognormal', medianMs: 2000 },
      pause: { distribution: 'uniform', minMs: 1000, maxMs: 2000 },
    });
  });
});

describe('one mistake', () => {
  const rows: [string, string, string, string][] = [
    ['unknown key', 'name: base', 'name: base\nmeeting: 3', 'scenario.yaml:2:1  meeting  is not known here  (did you mean meetings?)'],
    ['missing name', 'name: base\n', '', 'scenario.yaml:1:1  name  is missing: it must be text'],
    [
      'unknown type',
      'type: http',
      'type: htp',
      'scenario.yaml:10:11  groups.viewers.type  there is no endpoint type htp  (did you mean http?)',
    ],
    [
      'bare number for a time',
      'over: 10s',
      'over: 10',
      'scenario.yaml:14:31  groups.viewers.load.shape[0].over  must be text, not 10  (with its unit: 10s)',
    ],
    [
      'no unit',
      'over: 10s',
      "over: '10'",
      'scenario.yaml:14:31  groups.viewers.load.shape[0].over  expected a duration such as 500ms, 2s or 1m30s',
    ],
    [
      'ramp without over',
      ', over: 10s',
      '',
      'scenario.yaml:14:11  groups.viewers.load.shape[0].over  is missing: ramp needs it  (e.g. over: 10s)',
    ],
    [
      'misspelt stage key',
      'over: 10s',
      'ovr: 10s',
      'scenario.yaml:14:25  groups.viewers.load.shape[0].ovr  is not known here  (did you mean over?)',
    ],
    [
      'two stages in one',
      '{ hold: 20s }',
      '{ hold: 20s, step: 3 }',
      'scenario.yaml:15:11  groups.viewers.load.shape[1]  is hold and step at once  (each stage is one of ramp, hold, step, spike, sawtooth)',
    ],
    ['no time at all', 'over: 10s', 'over: 0s', 'scenario.yaml:14:31  groups.viewers.load.shape[0].over  must be longer than 0s'],
    ['negative level', 'ramp: 100%', 'ramp: -5', 'scenario.yaml:14:19  groups.viewers.load.shape[0].ramp  must be at least 0'],
    [
      'zero endpoints',
      'size: 10',
      'size: 0',
      'scenario.yaml:12:18  groups.viewers.load.endpoints  is 0: nothing would ever start  (leave the group out instead)',
    ],
    [
      'flat zero',
      'ramp: 100%',
      'ramp: 0%',
      'scenario.yaml:13:7  groups.viewers.load.shape  never leaves 0: nothing would ever start  (ramp or step to 100%)',
    ],
    [
      'rate without stay',
      'endpoints:',
      'rate:',
      'scenario.yaml:12:13  groups.viewers.load.rate  needs to know how long an arrival lives  (add stay: 30s to the group)',
    ],
    [
      'pause without stay',
      '    behavior',
      '    pause: 1s\n    behavior',
      'scenario.yaml:16:12  groups.viewers.pause  needs to know when an endpoint leaves  (add stay: 30s to the group)',
    ],
    [
      'two sizes',
      '    load:',
      '    perMeeting: 3\n    load:',
      'scenario.yaml:13:18  groups.viewers.load.endpoints  is a second word on how much  (give one of endpoints, rate, and perMeeting of the group)',
    ],
    ['too many lives', 'endpoints: ${vars.size}', 'endpoints: 1000000\n      start: 0', 'too many'],
    [
      'unknown metric',
      'http_req_duration{',
      'http_req_durration{',
      "scenario.yaml:18:3  thresholds['http_req_durration{group:viewers}']  nothing in this scenario emits http_req_durration  (did you mean http_req_duration?)",
    ],
    [
      'wrong aggregation',
      'p(95)<200',
      'rate<200',
      "scenario.yaml:18:38  thresholds['http_req_duration{group:viewers}'][0]  http_req_duration is a trend and has no rate  (a trend has avg, min, max, med, p(N), count)",
    ],
    [
      'unknown group in a tag',
      'group:viewers',
      'group:viewer',
      "scenario.yaml:18:3  thresholds['http_req_duration{group:viewer}']  there is no group viewer  (did you mean viewers?)",
    ],
    [
      'unknown tag',
      'group:viewers',
      'nmae:x',
      "scenario.yaml:18:3  thresholds['http_req_duration{nmae:x}']  http_req_duration carries no tag nmae  (did you mean name?)",
    ],
    [
      'a tag of the group on a count of lives, which knows groups only: it would hold whatever happens',
      "http_req_duration{group:viewers}: ['p(95)<200']",
      'ep_failed{tier:gold}: count<5\ntags: { tier: gold }',
      "scenario.yaml:18:3  thresholds['ep_failed{tier:gold}']  ep_failed carries no tag tier  (known: group)",
    ],
    ['perMeeting without meetings', base.slice(base.indexOf('meetings:'), base.indexOf('groups:')), '', 'no problem here'],
    [
      'unknown variable',
      '${vars.size}',
      '${vars.sice}',
      'scenario.yaml:12:18  groups.viewers.load.endpoints  ${vars.sice} is not known here  (did you mean ${vars.size}?)',
    ],
    [
      'meeting name without meetings in the group',
      "'${targets.api}/x'",
      "'${targets.api}/${meeting.id}'",
      'scenario.yaml:16:22  groups.viewers.behavior.url  ${meeting.id} is not known here  (only groups with meetings (perMeeting: or meetings:) know ${meeting.NAME})',
    ],
    [
      'environment',
      "'${targets.api}/x'",
      "'${env.HOME}'",
      'scenario.yaml:16:22  groups.viewers.behavior.url  ${env.HOME} is not known here  (the environment is not available to scenarios: declare a variable and pass it with -e NAME=VALUE)',
    ],
    [
      'data without a table',
      '    behavior',
      '    data: users\n    behavior',
      'scenario.yaml:16:11  groups.viewers.data  there is no data named users  (there are none)',
    ],
    [
      'missing data file',
      'meetings:',
      'data: { users: { file: users.csv } }\nmeetings:',
      'scenario.yaml:5:24  data.users.file  there is no file users.csv that can be read  (paths are relative to the scenario file)',
    ],
    [
      'target without a host',
      'http://127.0.0.1:8080',
      'somewhere',
      "scenario.yaml:4:17  targets.api  'somewhere' names no host and port  (e.g. http://127.0.0.1:8080, 10.0.0.5:5060, or 10.0.0.6:* for media at any port of a host)",
    ],
    [
      'deadline too short',
      'name: base',
      'name: base\ndeadline: 25s',
      'scenario.yaml:2:11  deadline  is 25s, but group viewers runs for 30s  (at least 1m30s leaves time for setup)',
    ],
    [
      'stage longer than the run may be',
      'name: base',
      'name: base\ndeadline: 15s',
      'scenario.yaml:16:11  groups.viewers.load.shape[1]  lasts 20s, longer than the whole run may (deadline 15s)  (shorten it, or raise deadline)',
    ],
    [
      'behaviour key',
      "{ url: '${targets.api}/x' }",
      "{ url: '${targets.api}/x', wiat: 3 }",
      'scenario.yaml:16:42  groups.viewers.behavior.wiat  is not known here  (did you mean wait?)',
    ],
    [
      'no behaviour',
      "    behavior: { url: '${targets.api}/x' }\n",
      '',
      'scenario.yaml:9:3  groups.viewers.behavior.url  is missing: it must be text',
    ],
    ['duplicate key', 'name: base', 'name: base\nname: again', 'scenario.yaml:2:1  the key is there twice  (keep one of them)'],
    [
      'policy',
      'name: base',
      'name: base\npolicies: { onNodeLoss: reasign }',
      "scenario.yaml:2:25  policies.onNodeLoss  must be reassign or fail or a map of keys, not 'reasign'  (did you mean reassign?)",
    ],
    ['tag is not a list', 'name: base', 'name: base\ntags: [a]', 'scenario.yaml:2:7  tags  must be a map of names, not a list'],
  ];
  it.each(rows.filter(([, , , line]) => line.startsWith('scenario.yaml')))('%s', (_name, from, to, line) => {
    expect(problemLines(changed(from, to))).toEqual([line]);
  });

  it('more lives than can be planned', () => {
    const text = changed('endpoints: ${vars.size}', 'endpoints: 1000000').replace('    behavior', '    stay: 100ms\n    behavior');
    expect(problemLines(text)[0]).toMatch(
      /^scenario.yaml:11:5 {2}groups.viewers.load {2}makes about [\d,]+ endpoint lives, more than 5,000,000/,
    );
  });

  it('perMeeting without meetings', () => {
    const text = changed(base.slice(base.indexOf('meetings:'), base.indexOf('groups:')), '').replace(
      '    load:\n      endpoints: ${vars.size}',
      '    perMeeting: 3\n    load:',
    );
    expect(problemLines(text)).toEqual([
      'scenario.yaml:8:5  groups.viewers.perMeeting  needs meetings, and the scenario has none  (add meetings: {count: 10}, or give load.endpoints)',
    ]);
  });

  it('undeclared and missing variables, without problems that merely follow', () => {
    expect(problemLines(changed('size: 10', 'size: { type: number }'), { sise: '1' })).toEqual([
      '-e sise  is no variable of this scenario  (did you mean size?)',
      'scenario.yaml:3:3  variables.size  has no value  (pass -e size=VALUE, or give it a default)',
    ]);
  });

  it("the endpoint type's own check, at its key", () => {
    const text = changed('type: http', 'type: exec')
      .replace("{ url: '${targets.api}/x' }", '{ program: run.py }')
      .replace("http_req_duration{group:viewers}: ['p(95)<200']", 'calls: value<5');
    expect(problemLines(text)).toEqual(['scenario.yaml:16:26  groups.viewers.behavior.program  there is no run.py  (paths are relative)']);
    expect(parsed(text, {}, filesOf({ 'run.py': '' })).files).toEqual(['run.py']);
  });
});

describe('data rows', () => {
  const withData = (more: string): string =>
    changed('meetings:', `data: { users: { file: users.csv${more} } }\nmeetings:`)
      .replace('    behavior', '    data: users\n    behavior')
      .replace('/x', '/${data.user}');
  const rows = (count: number): string => `user\n${Array.from({ length: count }, (_, index) => `u${index}`).join('\n')}\n`;

  it('go round when they are not unique', () => {
    expect(parsed(withData(''), {}, filesOf({ 'users.csv': rows(2) })).groups[0]?.data?.rows).toHaveLength(2);
  });
  it('must suffice when they are', () => {
    expect(problemLines(withData(', unique: true'), {}, filesOf({ 'users.csv': rows(9) }))).toEqual([
      'scenario.yaml:17:11  groups.viewers.data  needs 10 rows of its own, users.csv has 9 left  (add rows, lower the load, or leave unique out)',
    ]);
    expect(problemLines(withData(', unique: true'), {}, filesOf({ 'users.csv': rows(10) }))).toEqual([]);
  });
  it('of two groups are different ones', () => {
    const text = `${withData(', unique: true').split('thresholds:')[0]}  others:\n    type: http\n    data: users\n    load: { endpoints: 3, shape: [{ step: 100%, for: 1s }] }\n    behavior: { url: 'http://127.0.0.1:8080' }\n`;
    expect(parsed(text, {}, filesOf({ 'users.csv': rows(13) })).groups.map(({ dataRowFirst }) => dataRowFirst)).toEqual([0, 10]);
    expect(problemLines(text, {}, filesOf({ 'users.csv': rows(12) }))[0]).toContain(
      'groups.others.data  needs 3 rows of its own, users.csv has 2 left  (groups before it take 10)',
    );
  });
  it('name their own mistakes by line', () => {
    expect(problemLines(withData(''), {}, filesOf({ 'users.csv': 'user\na\nb,c\n' }))[0]).toContain(
      'data.users.file  users.csv:3 has 2 fields, the header has 1',
    );
  });
  it('with unknown columns are found', () => {
    expect(problemLines(withData('').replace('data.user}', 'data.usr}'), {}, filesOf({ 'users.csv': rows(1) }))[0]).toContain(
      '${data.usr} is not known here  (did you mean ${data.user}?)',
    );
  });
});

describe('hostile text', () => {
  it.each([
    ['', 'a scenario is a map of keys'],
    ['- 1', 'a scenario is a map of keys'],
    ['42', 'a scenario is a map of keys'],
    ['a: [', 'scenario.yaml:1:'],
    ['a: b: c', 'scenario.yaml:1:'],
    ['a: { b: ${vars.x} }', "within { } quote it: '${...}'"],
    ['a: !!js/function x', 'Unresolved tag'],
    ['a: 1\n\tb: 2', 'indent with spaces'],
    ['a: 1\n---\nb: 2', 'one scenario a file'],
    ['['.repeat(100_000), 'it is nested too deeply'],
    [
      `a: &a [${'x,'.repeat(9)}x]\nb: &b [${'*a,'.repeat(9)}*a]\nc: &c [${'*b,'.repeat(9)}*b]\nd: [${'*c,'.repeat(9)}*c]`,
      'expand to too much',
    ],
    [`# ${'x'.repeat(1024 * 1024)}`, 'larger than 1 MiB'],
    ['__proto__: { polluted: 1 }\nname: x\ngroups: { a: { type: constructor } }', '__proto__  is not known here'],
  ])('%.30s', (text, words) => {
    const lines = problemLines(text);
    expect(lines.join('\n')).toContain(words);
    expect(lines.length).toBeLessThan(25);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
