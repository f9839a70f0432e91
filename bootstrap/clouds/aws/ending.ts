// Ends machines of a run and, when none is left, gives back what was made around them: addresses, then the group, which EC2 holds on to until the machines have
// really gone. Only what carries the run's marks is touched: ids are compared to the list first. Ending what has ended, or what is being ended by
// somebody else at the same time, is no error.

import type { CloudComponents, Instance, TerminateOutcome } from '../../cloud.ts';
import { releaseAddresses } from './addresses.ts';
import { type Answer, type CallEc2, isRefusedFor, pooled } from './calls.ts';
import { groupsOf } from './group.ts';
import { filtersOf, isAlive, listInstances } from './listing.ts';
import type { Ec2Refusal } from './refusals.ts';

const IDS_MAX = 100;
/** Machines take half a minute to go, seldom more than two. */
const GROUP_LOOKS_MAX = 48;
const GROUP_LOOK_MS = 5_000;
const IN_USE = ['DependencyViolation', 'InvalidGroup.InUse'];
const GONE = ['InvalidGroup.NotFound', 'InvalidGroupId.NotFound'];

export interface EndInit {
  readonly call: CallEc2;
  readonly region: string;
  readonly runId: string;
  readonly ids: readonly string[];
  readonly sleep: CloudComponents['sleep'];
}

export async function endRun({ call, region, runId, ids, sleep }: EndInit): Promise<TerminateOutcome> {
  const listed = await listInstances(call, region, filtersOf(runId));
  if (!listed.ok) return { ended: [], refusals: [listed.refusal] };
  const asked = listed.value.filter(({ id }) => ids.includes(id));
  const { ended, refusals } = await endInstances(call, asked);
  const left = listed.value.filter((instance) => isAlive(instance) && !ended.includes(instance.id));
  if (left.length > 0) return { ended, refusals };
  const kept = [...(await releaseAddresses(call, runId)), ...(await deleteGroups(call, runId, sleep))];
  return { ended, refusals: [...refusals, ...kept] };
}

export async function endInstances(call: CallEc2, instances: readonly Instance[]): Promise<{ ended: string[]; refusals: Ec2Refusal[] }> {
  const ended = instances.filter((instance) => !isAlive(instance)).map(({ id }) => id);
  const alive = instances.filter(isAlive).map(({ id }) => id);
  const chunks = Array.from({ length: Math.ceil(alive.length / IDS_MAX) }, (_, index) =>
    alive.slice(index * IDS_MAX, (index + 1) * IDS_MAX),
  );
  const answers = await pooled(chunks, async (chunk) => ({ chunk, answer: await terminateAll(call, chunk) }));
  for (const { chunk, answer } of answers) if (answer.ok) ended.push(...chunk);
  return { ended, refusals: answers.flatMap(({ answer }) => (answer.ok ? [] : [answer.refusal])) };
}

/** One id that EC2 does not know fails the whole call, so those that it names are left out and the rest asked again. */
async function terminateAll(call: CallEc2, ids: readonly string[]): Promise<Answer<unknown>> {
  let left = ids;
  for (;;) {
    if (left.length === 0) return { ok: true, value: {} };
    const answer = await call('TerminateInstances', { InstanceIds: left });
    if (answer.ok || !isRefusedFor(answer, ['InvalidInstanceID.NotFound'])) return answer;
    const { message } = answer.refusal;
    const known = left.filter((id) => !message.includes(id));
    if (known.length === left.length) return answer;
    left = known;
  }
}

async function deleteGroups(call: CallEc2, runId: string, sleep: CloudComponents['sleep']): Promise<readonly Ec2Refusal[]> {
  const groups = await groupsOf(call, runId);
  if (!groups.ok) return [groups.refusal];
  const refusals: Ec2Refusal[] = [];
  for (const { GroupId = '' } of groups.value) {
    const deleted = await deleteGroup(call, GroupId, sleep);
    if (!deleted.ok) refusals.push(deleted.refusal);
  }
  return refusals;
}

async function deleteGroup(call: CallEc2, GroupId: string, sleep: CloudComponents['sleep']): Promise<Answer<unknown>> {
  for (let look = 1; ; look++) {
    const deleted = await call('DeleteSecurityGroup', { GroupId });
    if (deleted.ok || isRefusedFor(deleted, GONE)) return { ok: true, value: {} };
    if (!isRefusedFor(deleted, IN_USE)) return deleted;
    const hint = 'its machines are still going: try again in some minutes';
    if (look === GROUP_LOOKS_MAX) return { ok: false, refusal: { ...deleted.refusal, hint } };
    await sleep(GROUP_LOOK_MS);
  }
}
