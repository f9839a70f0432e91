// Launches an order: machines that are there already count, each of the others is asked for by itself, all on their way together. A machine is tried on each market, type and zone
// of the order in turn (market first, then type, then zone: spot of the second type comes before on-demand of the first); what has no capacity or quota for one machine is not
// asked again for another. Any other refusal ends the order, because the next machine would get it too. An abort stops asking; what was asked for by then is in the outcome.

import type { Instance, LaunchOrder, LaunchOutcome, Refusal } from '../../cloud.ts';
import type { Operation } from './compute-api.ts';
import { type Candidate, type GoogleInstance, insertBody, instanceFrom, machineName, requestIdOf } from './machine.ts';
import { listMachines, type Place } from './place.ts';
import { EXISTS } from './refusals.ts';
import { openMeshPort, releaseAddress, reserveAddress } from './surroundings.ts';

/** What the machines of one order learn from each other. */
interface OrderState {
  readonly order: LaunchOrder;
  readonly signal: AbortSignal;
  readonly zones: readonly string[];
  /** Candidates that Google has none of, by `keyOf`. */
  readonly exhausted: Set<string>;
  readonly refusals: Refusal[];
  /** A refusal that every machine would get. */
  isHopeless: boolean;
}

export async function launchOrder(place: Place, order: LaunchOrder, zones: readonly string[], signal: AbortSignal): Promise<LaunchOutcome> {
  const known = await listMachines(place, order.region, order.runId);
  if (!known.ok) return { instances: [], refusals: [known.refusal] };
  if (signal.aborted) return { instances: [], refusals: [] };
  const closed = await openMeshPort(place, order);
  if (closed !== null) return { instances: [], refusals: [closed] };
  const state: OrderState = { order, signal, zones, exhausted: new Set(), refusals: [], isHopeless: false };
  const byName = new Map(known.value.map(({ name, instance }) => [name, instance]));
  const indexes = Array.from({ length: order.count }, (_none, index) => index);
  const made = await Promise.all(
    indexes.map(async (index) => {
      const there = byName.get(machineName(order, index));
      return there !== undefined && isAlive(there) ? there : obtain(place, state, index);
    }),
  );
  return { instances: made.filter((instance) => instance !== null), refusals: state.refusals };
}

const isAlive = ({ state }: Instance): boolean => state === 'pending' || state === 'running';

async function obtain(place: Place, state: OrderState, index: number): Promise<Instance | null> {
  const { order, signal } = state;
  if (signal.aborted || state.isHopeless) return null;
  let address: string | null = null;
  if (order.address === 'reserved') {
    const reserved = await reserveAddress(place, order, index);
    if (!reserved.ok) return hopeless(state, reserved.refusal);
    address = reserved.value;
  }
  const instance = await tryAll(place, state, index, address);
  if (instance === null && address !== null) {
    const kept = await releaseAddress(place, order.region, machineName(order, index));
    if (kept !== null) state.refusals.push(kept);
  }
  return instance;
}

async function tryAll(place: Place, state: OrderState, index: number, address: string | null): Promise<Instance | null> {
  const { order, signal, exhausted } = state;
  for (const candidate of candidatesOf(order, state.zones, index)) {
    if (signal.aborted || state.isHopeless) return null;
    if (exhausted.has(keyOf(candidate))) continue;
    const outcome = await askFor(place, state, index, candidate, address);
    if (outcome === null) continue;
    if ('instance' in outcome) return outcome.instance;
    const { refusal } = outcome;
    if (!['capacity', 'quota', 'not-found'].includes(refusal.cause)) return hopeless(state, refusal);
    if (!exhausted.has(keyOf(candidate))) state.refusals.push(refusal);
    // A quota is the region's: the type's other zones share it.
    const zones = refusal.cause === 'quota' ? state.zones : [candidate.zone];
    for (const zone of zones) exhausted.add(keyOf({ ...candidate, zone }));
  }
  return null;
}

function hopeless(state: OrderState, refusal: Refusal): null {
  if (!state.isHopeless) state.refusals.push(refusal);
  state.isHopeless = true;
  return null;
}

const keyOf = ({ zone, machineType, market }: Candidate): string => `${zone} ${machineType} ${market}`;

/** Where the order names no zones the machines are spread over all of them. */
export function candidatesOf(order: LaunchOrder, zones: readonly string[], index: number): readonly Candidate[] {
  const first = order.zones.length > 0 ? 0 : index % Math.max(1, zones.length);
  const turned = [...zones.slice(first), ...zones.slice(0, first)];
  return order.markets.flatMap((market) =>
    order.machineTypes.flatMap((machineType) => turned.map((zone) => ({ zone, machineType, market }))),
  );
}

/** Null: while it waited for its turn another machine found out that it need not ask. */
type Asked = { readonly instance: Instance } | { readonly refusal: Refusal } | null;

async function askFor(place: Place, state: OrderState, index: number, candidate: Candidate, address: string | null): Promise<Asked> {
  const { order, signal } = state;
  const { api, projectPath } = place;
  const { zone, machineType, market } = candidate;
  const name = machineName(order, index);
  const doing = `launch ${name} (${machineType}, ${market}) in ${zone}`;
  const path = `${projectPath}/zones/${zone}/instances`;
  const query = { requestId: requestIdOf('machine', order.runId, order.orderId, String(index), zone, machineType, market) };
  const body = insertBody(order, index, candidate, place, address);
  const isWanted = (): boolean => !signal.aborted && !state.isHopeless && !state.exhausted.has(keyOf(candidate));
  const asked = await api.call<Operation>({ method: 'POST', path, query, body, doing, isWanted });
  if (!asked.ok && !isWanted()) return null;
  const done = asked.ok ? await api.finish(asked.value, projectPath, `zones/${zone}`, doing, signal) : asked;
  // After an abort nobody knows yet whether it will be there: it counts, so that it is ended.
  if (asked.ok && !done.ok && signal.aborted) return { instance: asOrdered(order, name, candidate) };
  if (!done.ok && done.refusal.code !== EXISTS) return { refusal: done.refusal };
  const there = await api.call<GoogleInstance>({ path: `${path}/${name}`, doing });
  const instance = there.ok ? instanceFrom(there.value) : null;
  if (instance !== null && instance.runId === order.runId && instance.orderId === order.orderId && isAlive(instance)) return { instance };
  if (!done.ok) return { refusal: done.refusal };
  // It was made, and is gone or cannot be seen: reclaimed at once, or the look failed.
  return there.ok || there.refusal.cause === 'not-found'
    ? { refusal: vanished(name, zone) }
    : { instance: asOrdered(order, name, candidate) };
}

const asOrdered = (
  { runId, orderId, expiresWallMs, region }: LaunchOrder,
  name: string,
  { zone, machineType, market }: Candidate,
): Instance => ({
  ...{ id: `${zone}/${name}`, runId, orderId, expiresWallMs, region, zone, machineType, market },
  ...{ state: 'pending', publicAddress: null, privateAddress: null },
});

const vanished = (name: string, zone: string): Refusal => ({
  ...{ code: 'QUILT_GCE_VANISHED', message: `gce: ${name} in ${zone} was launched and has ended already`, cause: 'capacity' },
  hint: 'a spot machine was reclaimed at once, or this order had its machines before: launch with another run id',
});
