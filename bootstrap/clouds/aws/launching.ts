// Carries an order out: the run's group, then batches, each over the places of plan B until it is full, then a look at what came up, then addresses. Capacity makes a
// batch go on to the next place, a quota to the next type or market; anything else would be the same elsewhere and stops the order. What one batch
// learned of a place spares the others the call. A launcher that comes again gets the same machines by the tokens (order-shape.ts); when plan B
// went another way the first time, the surplus is ended before this returns.

import type { Instance, LaunchOrder, LaunchOutcome, Refusal } from '../../cloud.ts';
import { provideAddresses } from './addresses.ts';
import { type CallEc2, pooled } from './calls.ts';
import { endInstances } from './ending.ts';
import { ensureGroup } from './group.ts';
import { describeNew, filtersOf, instanceOf, isAlive, listInstances } from './listing.ts';
import { batchesOf, clientTokenOf, type Place, placesOf, requestOf } from './order-shape.ts';
import { refusalOf } from './refusals.ts';
import type { Ec2Instance } from './shapes.ts';

export interface LaunchInit {
  readonly call: CallEc2;
  readonly order: LaunchOrder;
  readonly signal: AbortSignal;
  readonly wallNowMs: () => number;
}

/** What the batches of an order have found out together. */
interface Progress {
  readonly exhausted: Set<Place>;
  readonly refusals: Refusal[];
  isStopped: boolean;
}

export async function launchOrder({ call, order, signal, wallNowMs }: LaunchInit): Promise<LaunchOutcome> {
  if (signal.aborted) return { instances: [], refusals: [] };
  const group = await ensureGroup(call, order, signal);
  if (!group.ok) return { instances: [], refusals: [group.refusal] };
  const before = await listInstances(call, order.region, filtersOf(order.runId));
  if (!before.ok) return { instances: [], refusals: [before.refusal] };
  const there = before.value.filter((instance) => instance.orderId === order.orderId && isAlive(instance));

  const progress: Progress = { exhausted: new Set(), refusals: [], isStopped: false };
  const places = placesOf(order);
  const isWhole = there.length >= order.count;
  const made = isWhole
    ? []
    : await pooled(batchesOf(order.count), (size, index) =>
        launchBatch({ call, order, signal, wallNowMs }, { places, groupId: group.value, progress, index, size }),
      );
  const arrived = await lookAt({ call, order, signal, wallNowMs }, made.flat(), progress);
  const instances = uniqueOf([...there, ...arrived]);
  const surplus = instances.splice(order.count);
  const { refusals: left } = await endInstances(call, surplus);
  progress.refusals.push(...left);
  if (order.address !== 'reserved' || signal.aborted || instances.length === 0) return outcomeOf(order, instances, progress.refusals);
  const addressed = await provideAddresses(call, order, instances, signal);
  // Without its own address a machine is of no use to the target that asked for one.
  const ended = signal.aborted ? { refusals: [] } : await endInstances(call, addressed.bare);
  const kept = signal.aborted ? instances : addressed.instances;
  return outcomeOf(order, kept, [...progress.refusals, ...addressed.refusals, ...ended.refusals]);
}

const uniqueOf = (instances: readonly Instance[]): Instance[] => [...new Map(instances.map((each) => [each.id, each])).values()];

function outcomeOf({ count }: LaunchOrder, instances: readonly Instance[], refusals: readonly Refusal[]): LaunchOutcome {
  // What plan B met on its way is of no interest when all machines came.
  if (instances.length >= count) return { instances, refusals: [] };
  return { instances, refusals: [...new Map(refusals.map((each) => [each.message, each])).values()] };
}

interface BatchInit {
  readonly places: readonly Place[];
  readonly groupId: string;
  readonly progress: Progress;
  readonly index: number;
  readonly size: number;
}

async function launchBatch(
  { call, order, signal }: LaunchInit,
  { places, groupId, progress, index, size }: BatchInit,
): Promise<readonly Ec2Instance[]> {
  const made: Ec2Instance[] = [];
  for (const place of places) {
    const left = size - made.length;
    if (left === 0 || signal.aborted || progress.isStopped) break;
    if (progress.exhausted.has(place)) continue;
    const request = requestOf(order, place, groupId, clientTokenOf(order, index, place, left), left);
    const answer = await call('RunInstances', request, { signal, notYet: ['InvalidGroup.NotFound', 'InvalidGroupId.NotFound'] });
    if (answer.ok) {
      const alive = (answer.value.Instances ?? []).filter(({ State }) => State?.Name === 'pending' || State?.Name === 'running');
      made.push(...alive);
      if (alive.length > 0) {
        // EC2 gives what it has and does not say why there is not more.
        if (alive.length < left) progress.refusals.push(givenInPart(order, place, alive.length, left));
        continue;
      }
      progress.refusals.push(goneAlready(order));
      progress.isStopped = true;
      break;
    }
    progress.refusals.push(answer.refusal);
    for (const closed of closedBy(answer.refusal, place, places)) progress.exhausted.add(closed);
    progress.isStopped ||= !progress.exhausted.has(place);
  }
  return made;
}

/** The places that a refusal at one of them rules out for the rest of this order; none when it is not a matter of the place. */
export function closedBy({ cause }: Refusal, place: Place, places: readonly Place[]): readonly Place[] {
  if (cause === 'capacity') return [place];
  // A quota counts over all zones of a region.
  if (cause === 'quota') return places.filter(({ market, machineType }) => market === place.market && machineType === place.machineType);
  return [];
}

/** Machines as EC2 shows them now; one that ended at once (no disk, no capacity after all) is a refusal with EC2's reason. */
async function lookAt(init: LaunchInit, made: readonly Ec2Instance[], { refusals }: Progress): Promise<readonly Instance[]> {
  const { call, order, signal, wallNowMs } = init;
  if (made.length === 0) return [];
  const ids = made.flatMap(({ InstanceId }) => InstanceId ?? []);
  const shown = signal.aborted ? [] : await describeNew(call, ids, signal);
  const byId = new Map([...made, ...shown].map((instance) => [instance.InstanceId, instance]));
  const instances = [...byId.values()].flatMap((instance) => {
    const [mine] = instanceOf(instance, order.region);
    if (mine === undefined || isAlive(mine)) return mine ?? [];
    const { Code = 'Server.InternalError', Message = 'it ended at once' } = instance.StateReason ?? {};
    refusals.push(refusalOf(mine.id, { name: Code.replace(/^(Server|Client)\./, ''), message: Message }, wallNowMs()));
    return [];
  });
  return instances;
}

const givenInPart = ({ region }: LaunchOrder, { market, machineType, zone }: Place, got: number, asked: number): Refusal => ({
  code: 'QUILT_AWS_CAPACITY',
  message: `aws RunInstances: ${zone ?? region} gave ${got} of ${asked} ${machineType} ${market}`,
  hint: 'name more zones or machine types in --on, or the other market',
  cause: 'capacity',
});

const goneAlready = ({ runId, orderId }: LaunchOrder): Refusal => ({
  code: 'QUILT_AWS_ORDER_USED',
  message: `aws: order ${orderId} of run ${runId} was launched before, and its machines are gone`,
  hint: 'take a new run id',
  cause: 'invalid',
});
