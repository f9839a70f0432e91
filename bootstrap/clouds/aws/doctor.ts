// What `doctor --cloud aws` finds out in a region without making anything: is EC2 reached, are the credentials good, which permissions are missing (dry runs of what
// makes something, real calls of what only reads), is there a default network, how many addresses are left. Ending cannot be tried dry without something
// to end, and the limit of virtual processors is not EC2's to tell: the finding says so.

import type { CloudFinding, LaunchOrder } from '../../cloud.ts';
import type { Answer, CallEc2 } from './calls.ts';
import { groupNameOf } from './group.ts';
import { filtersOf, marksOf } from './listing.ts';
import { addressRoom, attributesOf } from './order-checks.ts';
import { placesOf, requestOf } from './order-shape.ts';
import { renderPolicy } from './permissions.ts';

const NO_VPC = 'none';

const sampleOrder = (region: string): LaunchOrder => ({
  ...{ runId: 'doctor', orderId: 'doctor', expiresWallMs: 0, region, zones: [], machineTypes: ['t3.micro'], count: 1, image: null },
  ...{ userData: '#cloud-config\n', markets: ['on-demand'], address: 'ephemeral', meshPort: 4001, wallMsMax: 60_000 },
});

export async function checkRegion(call: CallEc2, region: string): Promise<readonly CloudFinding[]> {
  const zones = await call('DescribeAvailabilityZones', {});
  if (!zones.ok) {
    const { cause, message, hint = '' } = zones.refusal;
    const name = cause === 'unreachable' ? 'reachability' : cause === 'permission' ? 'permissions' : 'credentials';
    return [{ name, isOk: false, detail: message, remedy: hint }];
  }
  const names = (zones.value.AvailabilityZones ?? []).map(({ ZoneName }) => ZoneName).join(', ');
  const [permissions, network, addresses] = await Promise.all([
    checkPermissions(call, region),
    checkNetwork(call, region),
    checkAddresses(call),
  ]);
  return [
    { name: 'reachability', isOk: true, detail: `EC2 answers; zones ${names}` },
    { name: 'credentials', isOk: true, detail: 'EC2 takes them' },
    ...[permissions, network, addresses],
    {
      ...{ name: 'quota of processors', isOk: true },
      detail:
        'not known to EC2; a launch over it tries the next type or market. The Service Quotas console shows "Running On-Demand Standard instances"',
    },
  ];
}

async function checkPermissions(call: CallEc2, region: string): Promise<CloudFinding> {
  const order = sampleOrder(region);
  const [place] = placesOf(order);
  if (place === undefined) throw new Error('the sample order has no place');
  const tags = marksOf(order);
  const tried: readonly (readonly [string, Answer<unknown>])[] = await Promise.all([
    named('RunInstances', call('RunInstances', { ...requestOf(order, place, null, 'dry-run-doctor', 1), DryRun: true })),
    named(
      'CreateSecurityGroup',
      call('CreateSecurityGroup', {
        ...{ GroupName: groupNameOf(order.runId), Description: 'a dry run', DryRun: true },
        TagSpecifications: [{ ResourceType: 'security-group', Tags: tags }],
      }),
    ),
    named(
      'AllocateAddress',
      call('AllocateAddress', { Domain: 'vpc', DryRun: true, TagSpecifications: [{ ResourceType: 'elastic-ip', Tags: tags }] }),
    ),
    named('DescribeInstances', call('DescribeInstances', { Filters: filtersOf(order.runId), MaxResults: 5 })),
    named('DescribeSecurityGroups', call('DescribeSecurityGroups', { Filters: filtersOf(order.runId), MaxResults: 5 })),
  ]);
  const name = 'permissions';
  const missing = tried.filter(([, answer]) => !answer.ok && answer.refusal.cause === 'permission').map(([action]) => `ec2:${action}`);
  if (missing.length > 0)
    return { name, isOk: false, detail: `not allowed: ${missing.join(', ')}`, remedy: `give the user this policy:\n${renderPolicy()}` };
  const broken = tried.find(([, answer]) => !answer.ok && answer.refusal.vendorCode !== 'DryRunOperation')?.[1];
  if (broken !== undefined && !broken.ok)
    return { name, isOk: false, detail: broken.refusal.message, remedy: broken.refusal.hint ?? 'try again' };
  return { name, isOk: true, detail: `allowed: ${tried.map(([action]) => action).join(', ')}; ending cannot be tried without a machine` };
}

const named = async <Value>(name: string, answer: Promise<Answer<Value>>): Promise<readonly [string, Answer<Value>]> => [
  name,
  await answer,
];

async function checkNetwork(call: CallEc2, region: string): Promise<CloudFinding> {
  const name = 'network';
  const attributes = await attributesOf(call);
  if (!attributes.ok) return { name, isOk: false, detail: attributes.refusal.message, remedy: attributes.refusal.hint ?? '' };
  const vpc = attributes.value.get('default-vpc') ?? NO_VPC;
  if (vpc !== NO_VPC) return { name, isOk: true, detail: `default network ${vpc}` };
  return { name, isOk: false, detail: `${region} has no default network`, remedy: `aws ec2 create-default-vpc --region ${region}` };
}

async function checkAddresses(call: CallEc2): Promise<CloudFinding> {
  const name = 'quota of addresses';
  const room = await addressRoom(call);
  if (!room.ok) return { name, isOk: false, detail: room.refusal.message, remedy: room.refusal.hint ?? '' };
  return { name, isOk: true, detail: `${room.value.free} of ${room.value.max} elastic addresses are free` };
}
