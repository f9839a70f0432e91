// The plan by examples: sizes and bounds of shards, meetings, costs, the hash, and which data row and meeting a slot gets.

import { describe, expect, it } from 'vitest';
import { hostOf, hostPortOf } from '../../node/core/host-port.ts';
import { dataRowOf, expandShard, makePlan, meetingOf, SHARDS_MAX } from '../../node/core/plan.ts';
import { curve, plannedActive } from '../../node/core/planned.ts';
import type { ValidGroup, ValidLoad, ValidScenario } from '../../node/core/scenario-types.ts';
import { scenarioOf } from '../support/scenarios.ts';

const flat = (level: number, toMs = 10_000): ValidLoad => ({
  unit: 'endpoints',
  arrivals: 'even',
  segments: [{ fromMs: 0, toMs, fromLevel: level, toLevel: level }],
});
const call = {
  method: 'POST',
  url: 'http://h:1/m',
  headers: {},
  json: undefined,
  text: undefined,
  expect: [[200, 299]] as const,
  save: {},
  timeoutMs: 1,
  ratePerS: 1,
};
const withMeetings = (count: number): Partial<ValidScenario> => ({ meetings: { count, provision: call, teardown: null } });
const automatic = { shardEndpoints: null, shardMeetings: null };

describe('shards', () => {
  it.each([
    ['one endpoint is one shard', 1, 1, 1],
    ['a small group spreads', 96, 1, 12],
    ['a large group has shards of fifty', 5000, 1, 100],
    ['dear endpoints come in shards of half a core', 24, 250, 12],
    ['an endpoint dearer than that is a shard of its own', 3, 900, 3],
  ])('%s', (_name, level, costMillicores, shards) => {
    const plan = makePlan(scenarioOf({ load: flat(level), costMillicores }, automatic));
    expect(plan.shards).toHaveLength(shards);
    expect(plan.shards.reduce((sum, { activeMax }) => sum + activeMax, 0)).toBe(level);
  });

  it('are never more than the claims of a run can carry', () => {
    const plan = makePlan(scenarioOf({ load: flat(20_000) }, { ...withMeetings(9000), shardEndpoints: 1, shardMeetings: 1 }));
    expect(plan.shards.length).toBeLessThanOrEqual(SHARDS_MAX);
    expect(plan.shards.length).toBeGreaterThan(SHARDS_MAX * 0.9);
    const meetings = plan.shards.filter(({ kind }) => kind === 'meetings');
    expect(meetings.reduce((sum, { meetingCount }) => sum + meetingCount, 0)).toBe(9000);
    expect(
      meetings.every(
        ({ meetingFirst }, index) =>
          meetingFirst === (index === 0 ? 0 : meetings[index - 1]!.meetingFirst + meetings[index - 1]!.meetingCount),
      ),
    ).toBe(true);
  });

  it("have dense ids, costs of at least one, and their group's constraints", () => {
    const plan = makePlan(
      scenarioOf(
        { load: flat(3), costMillicores: 0.01, constraints: { region: 'eu' }, meetings: 'round-robin' },
        { ...withMeetings(2), ...automatic },
      ),
    );
    expect(plan.shards.map(({ id }) => id)).toEqual(plan.shards.map((_, index) => index));
    expect(
      plan.shards.map(({ kind, type, needsMeetings, costMillicores, constraints }) => ({
        kind,
        type,
        needsMeetings,
        costMillicores,
        constraints,
      })),
    ).toEqual([
      ...Array(2).fill({ kind: 'meetings', type: 'http', needsMeetings: false, costMillicores: 1, constraints: {} }),
      ...Array(3).fill({ kind: 'endpoints', type: 'http', needsMeetings: true, costMillicores: 1, constraints: { region: 'eu' } }),
    ]);
    expect([
      ...expandShard(plan.shards.length > 0 ? scenarioOf({ load: flat(3) }) : scenarioOf({ load: flat(3) }), plan.shards[0]!),
    ]).toEqual([]);
  });

  it('need no meetings that nobody provisions', () => {
    const plan = makePlan(
      scenarioOf({ load: flat(3), meetings: 'round-robin' }, { meetings: { count: 2, provision: null, teardown: null } }),
    );
    expect([plan.meetingCount, plan.shards.some(({ kind, needsMeetings }) => kind === 'meetings' || needsMeetings)]).toEqual([0, false]);
  });
});

describe('totals', () => {
  it('count a step as so many starts per second', () => {
    const ramp: ValidLoad = { unit: 'endpoints', arrivals: 'even', segments: [{ fromMs: 0, toMs: 10_000, fromLevel: 0, toLevel: 100 }] };
    expect(makePlan(scenarioOf({ load: ramp })).restartRatePerS).toBe(10);
    expect(makePlan(scenarioOf({ load: flat(100) })).restartRatePerS).toBe(100);
  });
  it('end when the last arrival has left', () => {
    const load: ValidLoad = { unit: 'rate', arrivals: 'even', segments: [{ fromMs: 0, toMs: 2000, fromLevel: 2, toLevel: 2 }] };
    const plan = makePlan(scenarioOf({ load, stay: { distribution: 'fixed', ms: 900 } }));
    expect([plan.endpointCount, plan.activeMax, plan.durationMs]).toEqual([4, 2, 2400]);
  });
});

describe('hash', () => {
  const scenario = scenarioOf({ load: flat(10) });
  it('is the same for the same scenario, and for other files of the same content', () => {
    expect(makePlan({ ...scenario, files: ['a.csv'] }).hash).toBe(makePlan(scenario).hash);
    expect(makePlan(structuredClone(scenario)).hash).toBe(makePlan(scenario).hash);
  });
  it.each<[string, Partial<ValidScenario>]>([
    ['seed', { seed: 8 }],
    ['targets', { targets: { api: 'http://elsewhere:1' } }],
    ['groups', { groups: [{ ...scenario.groups[0]!, behavior: { url: 'x' } }] }],
    ['shard size', { shardEndpoints: 3 }],
  ])('differs with %s', (_name, change) => {
    expect(makePlan({ ...scenario, ...change }).hash).not.toBe(makePlan(scenario).hash);
  });
  it('differs with the costs that replace the declared ones', () => {
    expect(makePlan(scenario, { http: 7 }).hash).not.toBe(makePlan(scenario).hash);
  });
});

describe('slots', () => {
  const data = { name: 'd', file: 'd.csv', unique: false, columns: ['a'], rows: [['0'], ['1'], ['2']] };
  const group = (more: Partial<ValidGroup>): ValidGroup => scenarioOf({ load: flat(4), ...more }).groups[0]!;
  const three = scenarioOf({ load: flat(1) }, withMeetings(3));

  it.each([
    ['round-robin', [0, 1, 2, 0, 1, 2, 0]],
    ['fill', [0, 0, 1, 1, 2, 2, 0]],
    [null, Array(7).fill(-1)],
  ] as const)('go to meetings by %s', (meetings, expected) => {
    expect([0, 1, 2, 3, 4, 5, 6].map((slot) => meetingOf(three, group({ meetings, perMeeting: 2 }), slot))).toEqual(expected);
  });
  it('share rows that are not unique and own those that are', () => {
    const rowsOf = (more: Partial<ValidGroup>): number[] => [0, 1, 2, 3].map((slot) => dataRowOf(group(more), slot));
    expect(rowsOf({ data })).toEqual([0, 1, 2, 0]);
    expect(rowsOf({ data: { ...data, unique: true }, dataRowFirst: 1 })).toEqual([1, 2, -1, -1]);
    expect(rowsOf({})).toEqual([-1, -1, -1, -1]);
  });
});

describe('planned', () => {
  it('is nothing outside the run and for groups that do not exist', () => {
    const scenario = scenarioOf({ load: flat(5) });
    expect([-1, 0, 9999, 10_000].map((atMs) => plannedActive(scenario, 'viewers', atMs))).toEqual([0, 5, 5, 0]);
    expect(plannedActive(scenario, 'nobody', 5)).toBe(0);
  });
  it('draws every group and their sum', () => {
    const one = scenarioOf({ load: flat(5) });
    const scenario = { ...one, groups: [one.groups[0]!, { ...one.groups[0]!, name: 'more', index: 1, load: flat(2, 5000) }] };
    expect(curve(scenario, 10_000, 3)).toEqual({
      stepMs: 5000,
      groups: [
        { name: 'viewers', active: [5, 5, 0] },
        { name: 'more', active: [2, 0, 0] },
      ],
      total: [7, 5, 0],
    });
  });
});

describe('host and port', () => {
  it.each([
    ['http://a.example/x?y', 'a.example:80'],
    ['HTTPS://A.Example', 'a.example:443'],
    ['wss://user:pw@h:8443/ws', 'h:8443'],
    ['http://[::1]:8080/', '[::1]:8080'],
    ['10.0.0.5:5060', '10.0.0.5:5060'],
    ['sip:bob@pbx.example', 'pbx.example:5060'],
    ['localhost', null],
    ['http://h:99999', null],
    ['${meeting.url}', null],
    ['http://${meeting.host}:80', null],
    ['', null],
  ])('%s', (text, expected) => {
    expect(hostPortOf(text)).toBe(expected);
  });
  it('gives the host for a name server', () => {
    expect([hostOf('[::1]:80'), hostOf('h:1')]).toEqual(['::1', 'h']);
  });
});
