// The security group of a run in a region: made once, marked like everything, and open to one TCP port from anywhere, because peers at other vendors have no
// addresses that are known before. Several orders of a run may ask for it at the same time; a group of the same name without our marks is somebody
// else's and is not touched.

import { type LaunchOrder, MARKS } from '../../cloud.ts';
import { type Answer, type CallEc2, isRefusedFor } from './calls.ts';
import { filtersOf, marksOf } from './listing.ts';
import { type SecurityGroup, tagOf } from './shapes.ts';

/** The smallest of the vendor that is a page; a run has one group in a region. */
const PAGE = 100;
const PAGES_MAX = 100;

export const groupNameOf = (runId: string): string => `quilt-${runId}`;

export async function groupsOf(call: CallEc2, runId: string, signal?: AbortSignal): Promise<Answer<readonly SecurityGroup[]>> {
  const groups: SecurityGroup[] = [];
  let token: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const input = { Filters: filtersOf(runId), MaxResults: PAGE, ...(token === undefined ? {} : { NextToken: token }) };
    const answer = await call('DescribeSecurityGroups', input, signal === undefined ? {} : { signal });
    if (!answer.ok) return answer;
    groups.push(...(answer.value.SecurityGroups ?? []));
    token = answer.value.NextToken;
    if (token === undefined || token === '') break;
  }
  return { ok: true, value: groups };
}

/** The group's id; made when it is not there. */
export async function ensureGroup(call: CallEc2, order: LaunchOrder, signal: AbortSignal): Promise<Answer<string>> {
  const found = await groupsOf(call, order.runId, signal);
  if (!found.ok) return found;
  let id = found.value[0]?.GroupId;
  if (id === undefined) {
    const made = await makeGroup(call, order, signal);
    if (!made.ok) return made;
    id = made.value;
  }
  const opened = await call(
    'AuthorizeSecurityGroupIngress',
    { GroupId: id, IpPermissions: [permissionOf(order.meshPort)] },
    { signal, notYet },
  );
  return opened.ok || isRefusedFor(opened, ['InvalidPermission.Duplicate']) ? { ok: true, value: id } : opened;
}

const notYet = ['InvalidGroup.NotFound', 'InvalidGroupId.NotFound'];

const permissionOf = (port: number) => ({
  ...{ IpProtocol: 'tcp', FromPort: port, ToPort: port },
  ...{ IpRanges: [{ CidrIp: '0.0.0.0/0' }], Ipv6Ranges: [{ CidrIpv6: '::/0' }] },
});

async function makeGroup(call: CallEc2, order: LaunchOrder, signal: AbortSignal): Promise<Answer<string>> {
  const { runId } = order;
  const made = await call(
    'CreateSecurityGroup',
    {
      ...{ GroupName: groupNameOf(runId), Description: `quilt-swarm run ${runId}` },
      TagSpecifications: [{ ResourceType: 'security-group', Tags: marksOf(order) }],
    },
    { signal },
  );
  if (made.ok) return { ok: true, value: made.value.GroupId ?? '' };
  if (!isRefusedFor(made, ['InvalidGroup.Duplicate'])) return made;
  // Another order of the run was faster, or a launcher that died since, or a try of ours whose answer was lost. EC2 may not show it at once; asked for by
  // its name it is an error until then, which is waited for.
  const named = await call('DescribeSecurityGroups', { GroupNames: [groupNameOf(runId)] }, { signal, notYet });
  if (!named.ok) return named;
  const mine = (named.value.SecurityGroups ?? []).find(({ Tags }) => tagOf(Tags, MARKS.run) === runId);
  if (mine?.GroupId !== undefined) return { ok: true, value: mine.GroupId };
  const hint = `delete the security group ${groupNameOf(runId)} when it is nobody's, or take another run id`;
  return { ok: false, refusal: { ...made.refusal, hint } };
}
