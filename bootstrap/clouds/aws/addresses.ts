// Elastic addresses: one for each machine of an order, for targets that admit known addresses only. AllocateAddress has no client token, so an answer that was lost
// leaves an address behind; it carries the run's marks, and the next try and the end look for those first. A new address can be attached when its
// machine runs, which takes a while.

import type { Instance, LaunchOrder } from '../../cloud.ts';
import { MARKS } from '../../cloud.ts';
import { type Answer, type CallEc2, isRefusedFor, pooled } from './calls.ts';
import { filtersOf, marksOf } from './listing.ts';
import type { Ec2Refusal } from './refusals.ts';
import { type Address, tagOf } from './shapes.ts';

const notYet = [
  'InvalidInstanceID',
  'InvalidInstanceID.NotFound',
  'IncorrectInstanceState',
  'IncorrectState',
  'InvalidAllocationID.NotFound',
];

export interface AddressOutcome {
  readonly instances: readonly Instance[];
  /** Of machines for which there is no address. */
  readonly bare: readonly Instance[];
  readonly refusals: readonly Ec2Refusal[];
}

export async function provideAddresses(
  call: CallEc2,
  order: LaunchOrder,
  machines: readonly Instance[],
  signal: AbortSignal,
): Promise<AddressOutcome> {
  const known = await call('DescribeAddresses', { Filters: filtersOf(order.runId) }, { signal });
  if (!known.ok) return { instances: [], bare: machines, refusals: [known.refusal] };
  const mine = (known.value.Addresses ?? []).filter(({ Tags }) => tagOf(Tags, MARKS.order) === order.orderId);
  const free = mine.filter(({ AssociationId }) => !AssociationId);
  const answers = await pooled(machines, async (machine) => {
    const attached = mine.find(({ InstanceId }) => InstanceId === machine.id);
    return { machine, answer: attached === undefined ? await provide(call, order, machine, free, signal) : okay(attached) };
  });
  return {
    instances: answers.flatMap(({ machine, answer }) => (answer.ok ? [{ ...machine, publicAddress: answer.value.PublicIp ?? null }] : [])),
    bare: answers.flatMap(({ machine, answer }) => (answer.ok ? [] : [machine])),
    refusals: answers.flatMap(({ answer }) => (answer.ok ? [] : [answer.refusal])),
  };
}

const okay = (value: Address): Answer<Address> => ({ ok: true, value });

/** Takes from `free` before it allocates. */
async function provide(
  call: CallEc2,
  order: LaunchOrder,
  { id }: Instance,
  free: Address[],
  signal: AbortSignal,
): Promise<Answer<Address>> {
  let address = free.pop();
  if (address === undefined) {
    const tags = [{ ResourceType: 'elastic-ip' as const, Tags: marksOf(order) }];
    const allocated = await call('AllocateAddress', { Domain: 'vpc', TagSpecifications: tags }, { signal, isOnce: true });
    if (!allocated.ok) return allocated;
    address = allocated.value;
  }
  const attached = await call('AssociateAddress', { AllocationId: address.AllocationId ?? '', InstanceId: id }, { signal, notYet });
  return attached.ok ? okay(address) : attached;
}

/** Gives back all addresses of a run; what cannot be given back is in the refusals. */
export async function releaseAddresses(call: CallEc2, runId: string): Promise<readonly Ec2Refusal[]> {
  const known = await call('DescribeAddresses', { Filters: filtersOf(runId) });
  if (!known.ok) return [known.refusal];
  const refusals = await pooled(known.value.Addresses ?? [], async ({ AllocationId = '', AssociationId }) => {
    if (AssociationId) {
      const loosened = await call('DisassociateAddress', { AssociationId });
      if (!loosened.ok && !isRefusedFor(loosened, ['InvalidAssociationID.NotFound'])) return [loosened.refusal];
    }
    const released = await call('ReleaseAddress', { AllocationId });
    return released.ok || isRefusedFor(released, ['InvalidAllocationID.NotFound']) ? [] : [released.refusal];
  });
  return refusals.flat();
}
