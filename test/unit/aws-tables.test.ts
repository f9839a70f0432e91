// The tables and pure functions of the EC2 cloud: error codes to causes, the clock of an answer, waits, places of plan B, tokens, the processors of a type, the policy.

import { describe, expect, it } from 'vitest';
import type { LaunchOrder } from '../../bootstrap/cloud.ts';
import { pooled, waitMs } from '../../bootstrap/clouds/aws/calls.ts';
import { closedBy } from '../../bootstrap/clouds/aws/launching.ts';
import { stateOf } from '../../bootstrap/clouds/aws/listing.ts';
import { architectureOf, batchesOf, clientTokenOf, imageOf, placesOf } from '../../bootstrap/clouds/aws/order-shape.ts';
import { permissionRows, renderPolicy } from '../../bootstrap/clouds/aws/permissions.ts';
import { refusalOf, refusalRows } from '../../bootstrap/clouds/aws/refusals.ts';

const order: LaunchOrder = {
  ...{ runId: 'run1', orderId: 'aws-0', expiresWallMs: 0, region: 'us-east-1', zones: ['us-east-1a', 'us-east-1b'], image: null },
  ...{ machineTypes: ['c7i.large', 'm7i.large'], count: 45, userData: '', markets: ['spot', 'on-demand'], address: 'ephemeral' },
  ...{ meshPort: 4001, wallMsMax: 1 },
};

describe('refusals', () => {
  it.each([
    ['InsufficientInstanceCapacity', 'capacity'],
    ['VcpuLimitExceeded', 'quota'],
    ['MaxSpotInstanceCountExceeded', 'quota'],
    ['RequestLimitExceeded', 'throttled'],
    ['ExpiredToken', 'credentials'],
    ['UnauthorizedOperation', 'permission'],
    ['AuthFailure.ServiceLinkedRoleCreationNotPermitted', 'permission'],
    ['InvalidAMIID.NotFound', 'not-found'],
    ['InvalidParameterValue', 'invalid'],
    ['InvalidInstanceID.Malformed', 'invalid'],
    ['ECONNREFUSED', 'unreachable'],
    ['InternalError', 'vendor'],
    ['SomethingNew', 'vendor'],
  ])('%s is %s', (name, cause) => {
    const refusal = refusalOf('RunInstances', Object.assign(new Error('why'), { name }), 0);
    expect(refusal).toMatchObject({ cause, vendorCode: name, message: `aws RunInstances: ${name}: why` });
    expect(refusal.code).toMatch(/^QUILT_AWS_[A-Z_]+$/);
    expect(refusal.hint).not.toBe('');
  });

  it('has each code once', () => {
    const codes = refusalRows.flatMap((row) => row.codes);
    expect(new Set(codes).size).toBe(codes.length);
  });

  it('takes the system’s code of a network error that has no other name', () => {
    expect(refusalOf('x', Object.assign(new Error('connect'), { code: 'ENOTFOUND' }), 0).cause).toBe('unreachable');
  });

  it.each([
    [600, 'ahead of'],
    [-600, 'behind'],
  ])('tells a clock that is %i s off from wrong keys', (seconds, word) => {
    const wallMs = 1_800_000_000_000;
    const headers = { date: new Date(wallMs - seconds * 1000).toUTCString() };
    const error = Object.assign(new Error('Signature expired'), { name: 'AuthFailure', $response: { headers } });
    const { message, hint } = refusalOf('RunInstances', error, wallMs);
    expect(message).toContain(`this computer's clock is 600 s ${word} AWS's`);
    expect(hint).toContain('clock');
    expect(refusalOf('RunInstances', error, wallMs - seconds * 1000).message).not.toContain('clock');
  });
});

describe('waits', () => {
  it('grow, are bounded, and differ by half', () => {
    expect([1, 2, 3, 8, 50].map((tries) => [waitMs(tries, 0), waitMs(tries, 1)])).toEqual([
      [250, 500],
      [500, 1000],
      [1000, 2000],
      [7500, 15_000],
      [7500, 15_000],
    ]);
  });
});

describe('calls at once', () => {
  it('are bounded, all made, and answered in order', async () => {
    let running = 0;
    let runningMax = 0;
    const items = Array.from({ length: 30 }, (_, index) => index);
    const answers = await pooled(items, async (item) => {
      running += 1;
      runningMax = Math.max(runningMax, running);
      for (let turn = 0; turn <= item % 3; turn++) await Promise.resolve();
      running -= 1;
      return item * 2;
    });
    expect(answers).toEqual(items.map((item) => item * 2));
    expect(runningMax).toBe(4);
  });
});

describe('orders', () => {
  it('are cut into batches that add up', () => {
    for (const count of [1, 20, 21, 45, 1000]) expect(batchesOf(count).reduce((sum, size) => sum + size, 0)).toBe(count);
    expect(batchesOf(45)).toEqual([20, 20, 5]);
  });

  it('are tried by market, then type, then zone', () => {
    const places = placesOf(order);
    expect(places.length).toBe(8);
    expect(places.slice(0, 3)).toEqual([
      { market: 'spot', machineType: 'c7i.large', zone: 'us-east-1a' },
      { market: 'spot', machineType: 'c7i.large', zone: 'us-east-1b' },
      { market: 'spot', machineType: 'm7i.large', zone: 'us-east-1a' },
    ]);
    expect(placesOf({ ...order, zones: [] }).every(({ zone }) => zone === null)).toBe(true);
  });

  it('close a place for capacity, all its zones for a quota, and none for anything else', () => {
    const places = placesOf(order);
    const [place] = places as [(typeof places)[0]];
    const closed = (cause: 'capacity' | 'quota' | 'invalid') => closedBy({ code: 'QUILT_X', message: '', cause }, place, places).length;
    expect([closed('capacity'), closed('quota'), closed('invalid')]).toEqual([1, 2, 0]);
  });

  it('have a token for each try, the same each time', () => {
    const places = placesOf(order);
    const tokens = places.flatMap((place) => [0, 1, 2].flatMap((batch) => [1, 20].map((size) => clientTokenOf(order, batch, place, size))));
    const others = [
      { ...order, runId: 'run2' },
      { ...order, orderId: 'aws-1' },
      { ...order, region: 'us-east-2' },
    ].map((each) => clientTokenOf(each, 0, places[0] as (typeof places)[0], 20));
    expect(new Set([...tokens, ...others]).size).toBe(tokens.length + 3);
    expect(tokens[0]).toBe(clientTokenOf({ ...order }, 0, { ...(places[0] as (typeof places)[0]) }, 1));
    for (const token of tokens) expect(token).toMatch(/^[0-9a-f]{64}$/);
  });

  it.each([
    ['c7g.large', 'arm64'],
    ['m8gd.xlarge', 'arm64'],
    ['t4g.micro', 'arm64'],
    ['is4gen.large', 'arm64'],
    ['g5g.xlarge', 'arm64'],
    ['a1.medium', 'arm64'],
    ['c7i.large', 'amd64'],
    ['g6e.xlarge', 'amd64'],
    ['g4dn.xlarge', 'amd64'],
    ['c6gn.large', 'arm64'],
    ['u-6tb1.metal', 'amd64'],
  ])('%s is %s', (type, architecture) => {
    expect(architectureOf(type)).toBe(architecture);
    expect(imageOf(null, type)).toBe(`resolve:ssm:/aws/service/debian/release/12/latest/${architecture}`);
  });

  it('count a stopped machine as there: it has its disk and may be started again', () => {
    expect(['pending', 'running', 'stopping', 'stopped', 'shutting-down', 'terminated'].map(stateOf)).toEqual([
      ...['pending', 'running', 'running', 'running', 'stopping', 'gone'],
    ]);
  });
});

describe('the least policy', () => {
  const { Statement } = JSON.parse(renderPolicy()) as {
    Statement: readonly { Sid: string; Action: readonly string[]; Resource: unknown; Condition?: unknown }[];
  };

  it('has each row once and no wildcard action', () => {
    const actions = permissionRows.map(({ action }) => action);
    expect(new Set(actions).size).toBe(actions.length);
    for (const action of Statement.flatMap(({ Action }) => Action)) expect(action).toMatch(/^(ec2|ssm):[A-Za-z]+$/);
  });

  it('lets nothing be ended or launched without the mark', () => {
    const conditionOf = (action: string): unknown => Statement.find(({ Action }) => Action.includes(action))?.Condition;
    expect(conditionOf('ec2:TerminateInstances')).toEqual({ Null: { 'aws:ResourceTag/quilt-run': 'false' } });
    expect(conditionOf('ec2:RunInstances')).toEqual({ Null: { 'aws:RequestTag/quilt-run': 'false' } });
    expect(conditionOf('ec2:CreateTags')).toEqual({
      StringEquals: { 'ec2:CreateAction': ['RunInstances', 'CreateSecurityGroup', 'AllocateAddress'] },
    });
  });

  it('names public images without an account', () => {
    expect(Statement.find(({ Sid }) => Sid === 'MakeWith')?.Resource).toEqual([
      ...['arn:aws:ec2:*::image/*', 'arn:aws:ec2:*:*:network-interface/*', 'arn:aws:ec2:*:*:security-group/*', 'arn:aws:ec2:*:*:subnet/*'],
      ...['arn:aws:ec2:*:*:spot-instances-request/*', 'arn:aws:ec2:*::snapshot/*'],
      ...['arn:aws:ec2:*:*:key-pair/*', 'arn:aws:ec2:*:*:launch-template/*'],
    ]);
  });
});
