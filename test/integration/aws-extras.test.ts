// What an operator adds to machines on AWS: key pair and launch template, in every request that makes machines, found missing before anything is rented, and never more.

import { afterEach, beforeEach, expect, it } from 'vitest';
import type { LaunchOrder } from '../../bootstrap/cloud.ts';
import { createAwsCloud } from '../../bootstrap/clouds/aws/index.ts';
import { extrasFrom, type OperatorExtras } from '../../bootstrap/clouds/aws/operator-extras.ts';
import { KEY_ID } from '../support/clouds/ec2.ts';
import { smallClient } from '../support/clouds/ec2-client.ts';
import { componentsOf, type Ec2Lab, LAB_REGION, LAB_TYPE, openEc2Lab } from '../support/clouds/ec2-lab.ts';

let lab: Ec2Lab;
beforeEach(async () => {
  lab = await openEc2Lab('small');
});
afterEach(() => lab.close());

const never = new AbortController().signal;
const order: LaunchOrder = {
  ...{ runId: 'run1', orderId: 'aws-0', expiresWallMs: 1_900_000_000_000, region: LAB_REGION, zones: [], image: null, count: 2 },
  ...{ machineTypes: [LAB_TYPE], userData: '#cloud-config\n', markets: ['on-demand'], address: 'ephemeral', meshPort: 4001 },
  wallMsMax: 600_000,
};

const openWith = (extras: OperatorExtras) =>
  createAwsCloud(componentsOf(lab.fake), (region) => smallClient({ url: lab.fake.url, region, keyId: KEY_ID }), extras);
const environment = (values: Readonly<Record<string, string>>) => (name: string) => values[name];

it('go into every machine, and into the plan', async () => {
  const extras = extrasFrom(environment({ QUILT_AWS_KEY_NAME: 'mine', QUILT_AWS_LAUNCH_TEMPLATE: 'ours:3' }));
  if ('code' in extras) throw new Error(extras.message);
  const cloud = openWith(extras);
  expect(await cloud.validate(order)).toEqual([]);
  expect(cloud.plan(order).notes).toEqual(expect.arrayContaining(['key pair mine', 'launch template ours, version 3']));
  const { instances, refusals } = await cloud.launch(order, never);
  expect(refusals).toEqual([]);
  expect(instances.length).toBe(2);
  for (const { request } of lab.account.alive())
    expect(request).toMatchObject({ KeyName: 'mine', LaunchTemplate: { LaunchTemplateName: 'ours', Version: '3' } });
});

it.each([
  [{ KeyName: 'yours' }, 'QUILT_AWS_KEY_NAME'],
  [{ LaunchTemplate: { LaunchTemplateName: 'theirs', Version: '$Default' } }, 'QUILT_AWS_LAUNCH_TEMPLATE'],
])('that are not there are found before anything is rented: %j', async (extras, name) => {
  const [refusal] = await openWith(extras).validate(order);
  expect(refusal).toMatchObject({ cause: 'not-found', hint: expect.stringContaining(name) });
  expect(lab.account.alive()).toEqual([]);
});

it.each([
  [{}, {}],
  [
    { QUILT_AWS_LAUNCH_TEMPLATE: 'lt-0123456789abcdef0' },
    { LaunchTemplate: { LaunchTemplateId: 'lt-0123456789abcdef0', Version: '$Default' } },
  ],
  [{ QUILT_AWS_LAUNCH_TEMPLATE: 'a b' }, { code: 'QUILT_AWS_ORDER', message: 'QUILT_AWS_LAUNCH_TEMPLATE cannot be read' }],
  [{ QUILT_AWS_KEY_NAME: '\n' }, { code: 'QUILT_AWS_ORDER', message: 'QUILT_AWS_KEY_NAME cannot be read' }],
])('are read from %j', (values, expected) => {
  const extras = extrasFrom(environment(values));
  if ('code' in extras) expect(extras).toMatchObject(expected);
  else expect(extras).toEqual(expected);
});
