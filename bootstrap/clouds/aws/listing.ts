// What EC2 has that carries the marks of this program: instances, page by page, as the contract's Instance. A stopped instance still has its disk and address and
// is started again by anybody, so it counts as running: it has to be ended. New instances may be missing for some seconds.

import type { Instance, InstanceState, LaunchOrder } from '../../cloud.ts';
import { MARKS } from '../../cloud.ts';
import type { Answer, CallEc2 } from './calls.ts';
import { type Ec2Instance, type Filter, type Tag, tagOf } from './shapes.ts';

const PAGE = 1000;
/** A vendor that never ends its pages must not hold us for ever. */
const PAGES_MAX = 1000;
const ONE_DESCRIPTION_MAX = 100;

/** Null = all runs of this program. */
export function filtersOf(runId: string | null): readonly Filter[] {
  return runId === null ? [{ Name: 'tag-key', Values: [MARKS.run] }] : [{ Name: `tag:${MARKS.run}`, Values: [runId] }];
}

/** The marks as tags; a name for people. */
export function marksOf({ runId, orderId, expiresWallMs }: LaunchOrder): readonly Tag[] {
  return [
    { Key: 'Name', Value: `quilt ${runId} ${orderId}` },
    { Key: MARKS.run, Value: runId },
    { Key: MARKS.order, Value: orderId },
    { Key: MARKS.expires, Value: String(expiresWallMs) },
  ];
}

export async function listInstances(call: CallEc2, region: string, filters: readonly Filter[]): Promise<Answer<readonly Instance[]>> {
  const found: Instance[] = [];
  let token: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const answer = await call('DescribeInstances', {
      Filters: filters,
      MaxResults: PAGE,
      ...(token === undefined ? {} : { NextToken: token }),
    });
    if (!answer.ok) return answer;
    const instances = (answer.value.Reservations ?? []).flatMap(({ Instances }) => Instances ?? []);
    found.push(...instances.flatMap((instance) => instanceOf(instance, region)));
    token = answer.value.NextToken;
    if (token === undefined || token === '') return { ok: true, value: found };
  }
  throw new Error(`EC2 answered ${PAGES_MAX} pages of instances and more`);
}

/** These instances, asked for until EC2 shows all of them: it may not for some seconds after they were made. */
export async function describeNew(call: CallEc2, ids: readonly string[], signal: AbortSignal): Promise<readonly Ec2Instance[]> {
  const found: Ec2Instance[] = [];
  for (let from = 0; from < ids.length; from += ONE_DESCRIPTION_MAX) {
    const notYet = ['InvalidInstanceID.NotFound'];
    const answer = await call('DescribeInstances', { InstanceIds: ids.slice(from, from + ONE_DESCRIPTION_MAX) }, { signal, notYet });
    if (answer.ok) found.push(...(answer.value.Reservations ?? []).flatMap(({ Instances }) => Instances ?? []));
  }
  return found;
}

/** None when it has no id or no marks of ours. */
export function instanceOf(instance: Ec2Instance, region: string): Instance[] {
  const { InstanceId: id, Tags, InstanceType = '', InstanceLifecycle, State, Placement } = instance;
  const runId = tagOf(Tags, MARKS.run);
  if (id === undefined || runId === undefined) return [];
  const expires = Number(tagOf(Tags, MARKS.expires) ?? Number.NaN);
  return [
    {
      ...{ id, runId, orderId: tagOf(Tags, MARKS.order) ?? '', expiresWallMs: Number.isFinite(expires) ? expires : null },
      ...{ region, zone: Placement?.AvailabilityZone ?? null, machineType: InstanceType },
      ...{ market: InstanceLifecycle === 'spot' ? 'spot' : 'on-demand', state: stateOf(State?.Name) },
      publicAddress: textOrNull(instance.PublicIpAddress),
      privateAddress: textOrNull(instance.PrivateIpAddress),
    },
  ];
}

const textOrNull = (text: string | undefined): string | null => (text === undefined || text === '' ? null : text);

export function stateOf(name: string | undefined): InstanceState {
  if (name === 'pending') return 'pending';
  if (name === 'shutting-down') return 'stopping';
  return name === 'terminated' ? 'gone' : 'running';
}

export const isAlive = ({ state }: Pick<Instance, 'state'>): boolean => state === 'pending' || state === 'running';
