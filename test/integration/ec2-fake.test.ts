// That the made-up EC2 of test/support/clouds is strict where emulators are lax: without this, tests over it would prove less than they say. The client sends what it is
// told; nothing of the product is between.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { RunInstancesInput, SendToEc2 } from '../../bootstrap/clouds/aws/shapes.ts';
import { type FakeEc2, KEY_ID, startFakeEc2 } from '../support/clouds/ec2.ts';
import { smallClient } from '../support/clouds/ec2-client.ts';

const region = 'us-east-1';
const request: RunInstancesInput = {
  ...{ ClientToken: 'one', ImageId: 'ami-0123456789abcdef0', InstanceType: 'c7i.large', MinCount: 1, MaxCount: 2, UserData: '' },
  InstanceInitiatedShutdownBehavior: 'terminate',
  MetadataOptions: { HttpTokens: 'required', HttpEndpoint: 'enabled', HttpPutResponseHopLimit: 1 },
  ...{ NetworkInterfaces: [], TagSpecifications: [] },
};

describe('the made-up EC2', () => {
  let fake: FakeEc2;
  let send: SendToEc2;
  beforeEach(async () => {
    fake = await startFakeEc2();
    send = smallClient({ url: fake.url, region, keyId: KEY_ID });
  });
  afterEach(() => fake.close());
  const codeOf = (answer: Promise<unknown>): Promise<string> =>
    answer.then(
      () => 'none',
      (error: Error) => error.name,
    );

  it('gives the same machines for a token, and refuses another request under it', async () => {
    const first = await send('RunInstances', request);
    expect((await send('RunInstances', request)).Instances).toEqual(first.Instances);
    expect(first.Instances?.length).toBe(2);
    expect(fake.region(region).alive().length).toBe(2);
    expect(await codeOf(send('RunInstances', { ...request, MaxCount: 3 }))).toBe('IdempotentParameterMismatch');
  });

  it('takes 16 KB of user data and not a byte more', async () => {
    const of = (bytes: number) => ({ ...request, ClientToken: String(bytes), UserData: Buffer.alloc(bytes).toString('base64') });
    expect(await codeOf(send('RunInstances', of(16_384)))).toBe('none');
    expect(await codeOf(send('RunInstances', of(16_385)))).toBe('InvalidParameterValue');
  });

  it('shows a machine late, lets it boot, and lets it go slowly', async () => {
    const { Instances = [] } = await send('RunInstances', { ...request, MaxCount: 1 });
    const InstanceIds = [Instances[0]?.InstanceId ?? ''];
    const state = async () => (await send('DescribeInstances', { InstanceIds })).Reservations?.[0]?.Instances?.[0]?.State?.Name;
    expect(await codeOf(state())).toBe('InvalidInstanceID.NotFound');
    fake.advance(4_000);
    expect(await state()).toBe('pending');
    fake.advance(10_000);
    expect(await state()).toBe('running');
    await send('TerminateInstances', { InstanceIds });
    expect(await state()).toBe('shutting-down');
    fake.advance(40_000);
    expect(await state()).toBe('terminated');
  });

  it('tells a malformed id from an unknown one, and ends all or none', async () => {
    expect(await codeOf(send('TerminateInstances', { InstanceIds: ['i-xyz'] }))).toBe('InvalidInstanceID.Malformed');
    const { Instances = [] } = await send('RunInstances', { ...request, MaxCount: 1 });
    fake.advance(20_000);
    const InstanceIds = [Instances[0]?.InstanceId ?? '', 'i-00000000'];
    expect(await codeOf(send('TerminateInstances', { InstanceIds }))).toBe('InvalidInstanceID.NotFound');
    expect(fake.region(region).alive().length).toBe(1);
  });

  it('has pages of 5 to 1000 and tokens of its own', async () => {
    expect(await codeOf(send('DescribeInstances', { MaxResults: 4 }))).toBe('InvalidParameterValue');
    expect(await codeOf(send('DescribeInstances', { NextToken: 'x' }))).toBe('InvalidNextToken');
    await send('RunInstances', { ...request, MaxCount: 12 });
    fake.advance(20_000);
    const { Reservations = [], NextToken = '' } = await send('DescribeInstances', { MaxResults: 5 });
    expect(Reservations.length).toBe(5);
    expect((await send('DescribeInstances', { MaxResults: 5, NextToken })).Reservations?.length).toBe(5);
  });

  it('runs out of requests, and of processors', async () => {
    fake.region(region).limits.cores = 3;
    expect(await codeOf(send('RunInstances', request))).toBe('VcpuLimitExceeded');
    const codes = new Set<string>();
    for (let call = 0; call < 80; call++) codes.add(await codeOf(send('DescribeAvailabilityZones', {})));
    expect([...codes]).toEqual(['none', 'RequestLimitExceeded']);
    fake.advance(2_000);
    expect(await codeOf(send('DescribeAvailabilityZones', {}))).toBe('none');
  });

  it('refuses a misspelt parameter, an unsigned request, a strange key and region', async () => {
    expect(await codeOf(send('RunInstances', { ...request, ShutdownBehaviour: 'x' } as RunInstancesInput))).toBe('UnknownParameter');
    const unsigned = await fetch(fake.url, { method: 'POST', body: 'Action=DescribeAvailabilityZones&Version=2016-11-15' });
    expect([unsigned.status, await unsigned.text()]).toEqual([403, expect.stringContaining('MissingAuthenticationToken')]);
    const ask = (changes: object): Promise<string> =>
      codeOf(smallClient({ url: fake.url, region, keyId: KEY_ID, ...changes })('DescribeAvailabilityZones', {}));
    expect(await ask({ keyId: 'AKIDSTRANGER' })).toBe('AuthFailure');
    expect(await ask({ region: 'mars-north-1' })).toBe('AuthFailure');
  });
});
