// The actions that this cloud needs, each with its reason, and the least policy that allows them. The policy is made from the table, and a test compares the table
// to what is really sent, so that neither asks for more than is used. What ends or changes something is allowed on things with this program's marks only.
// Besides EC2's: CreateTags, which marks in the same request need, and the public image parameter that `resolve:ssm:` reads.

import { MARKS } from '../../cloud.ts';

export type Scope =
  /** EC2 has no narrower form for it. */
  | 'any'
  /** On things that carry the run's mark. */
  | 'marked'
  /** Machines and disks only when they are given the mark in the same request. */
  | 'marking'
  /** The vendor's public parameters. */
  | 'public-parameters'
  /** Only while one of the making actions is carried out. */
  | 'while-making';

export interface PermissionRow {
  readonly action: `${string}:${string}`;
  readonly scope: Scope;
  readonly why: string;
}

export const permissionRows: readonly PermissionRow[] = [
  { action: 'ec2:RunInstances', scope: 'marking', why: 'launches machines' },
  { action: 'ec2:CreateTags', scope: 'while-making', why: 'marks what is made, in the request that makes it' },
  { action: 'ssm:GetParameters', scope: 'public-parameters', why: 'finds the current image' },
  { action: 'ec2:DescribeInstances', scope: 'any', why: 'finds what a run has' },
  { action: 'ec2:TerminateInstances', scope: 'marked', why: 'ends machines' },
  { action: 'ec2:CreateSecurityGroup', scope: 'any', why: 'one group for each run' },
  { action: 'ec2:DescribeSecurityGroups', scope: 'any', why: 'finds the group of a run' },
  { action: 'ec2:AuthorizeSecurityGroupIngress', scope: 'marked', why: 'opens the one port of the mesh' },
  { action: 'ec2:DeleteSecurityGroup', scope: 'marked', why: 'gives the group back' },
  { action: 'ec2:AllocateAddress', scope: 'any', why: 'an address of its own for each machine, when the order says so' },
  { action: 'ec2:DescribeAddresses', scope: 'any', why: 'finds the addresses of a run' },
  { action: 'ec2:AssociateAddress', scope: 'any', why: 'attaches an address' },
  { action: 'ec2:DisassociateAddress', scope: 'any', why: 'detaches an address' },
  { action: 'ec2:ReleaseAddress', scope: 'marked', why: 'gives an address back' },
  { action: 'ec2:DescribeAvailabilityZones', scope: 'any', why: 'checks the zones of an order' },
  { action: 'ec2:DescribeInstanceTypeOfferings', scope: 'any', why: 'checks the machine types of an order' },
  { action: 'ec2:DescribeSpotPriceHistory', scope: 'any', why: 'reads what spot machines cost lately' },
  { action: 'ec2:DescribeImages', scope: 'any', why: 'checks the image of an order' },
  { action: 'ec2:DescribeAccountAttributes', scope: 'any', why: 'checks the limit of addresses and the default network' },
];

interface Statement {
  readonly Sid: string;
  readonly Effect: 'Allow';
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string | readonly string[]>>>>;
}

const actionsOf = (scope: Scope): readonly string[] => permissionRows.filter((row) => row.scope === scope).map(({ action }) => action);
const MAKING = ['RunInstances', 'CreateSecurityGroup', 'AllocateAddress'];
const MADE = ['instance', 'volume'];
/** What a launch uses besides what it makes. */
const USED = [
  'image',
  'network-interface',
  'security-group',
  'subnet',
  'spot-instances-request',
  'snapshot',
  'key-pair',
  'launch-template',
];
const arnsOf = (kinds: readonly string[]): readonly string[] => kinds.map((kind) => `arn:aws:ec2:*:*:${kind}/*`);

/** Statements of an IAM policy, in the order of their names. */
function policyStatements(): readonly Statement[] {
  const hasMark = (where: 'RequestTag' | 'ResourceTag') => ({ Null: { [`aws:${where}/${MARKS.run}`]: 'false' } });
  return [
    { Sid: 'Any', Effect: 'Allow', Action: actionsOf('any'), Resource: '*' },
    { Sid: 'Image', Effect: 'Allow', Action: actionsOf('public-parameters'), Resource: 'arn:aws:ssm:*::parameter/aws/service/*' },
    {
      ...{ Sid: 'Make', Effect: 'Allow', Action: actionsOf('marking'), Resource: arnsOf(MADE) },
      Condition: hasMark('RequestTag'),
    },
    { Sid: 'MakeWith', Effect: 'Allow', Action: actionsOf('marking'), Resource: arnsOf(USED).map(publicImages) },
    {
      ...{ Sid: 'Mark', Effect: 'Allow', Action: actionsOf('while-making'), Resource: '*' },
      Condition: { StringEquals: { 'ec2:CreateAction': MAKING } },
    },
    { ...{ Sid: 'Marked', Effect: 'Allow', Action: actionsOf('marked'), Resource: '*' }, Condition: hasMark('ResourceTag') },
  ];
}

/** Images and snapshots of others have no account in their names. */
const publicImages = (arn: string): string => arn.replace(/:\*:(image|snapshot)\//, '::$1/').replace('ec2::', 'ec2:*::');

/** The least policy as IAM takes it. */
export function renderPolicy(): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: policyStatements() }, null, 2);
}
