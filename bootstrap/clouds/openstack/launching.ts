// Launches an order in rounds: the machines that are there already count; each of the others is asked for by itself, on the first type and zone of the order that has not been
// found full; then they are looked at until none is being built. Nova says only then that there was no room (state ERROR), such a machine is taken away and
// asked for on the next candidate in the next round. Any other refusal ends the order, because the next machine would get it too. Two of one name are one too many.

import type { Instance, LaunchOrder, LaunchOutcome, Refusal } from '../../cloud.ts';
import type { Answer } from './identity.ts';
import { findFacts, type ListedServer, listServers, type Place } from './place.ts';
import { causeOfFault, refusal } from './refusals.ts';
import { letEndThemselves, userDataFor } from './self-end.ts';
import { type Candidate, isAlive, type LaunchFacts, type Server, serverBody, serverName } from './server.ts';
import { ensureGroup, floatingAddressesOf, provideAddress } from './surroundings.ts';

interface Asked {
  readonly candidate: Candidate;
  readonly isOneByOne: boolean;
}

interface Launch {
  readonly place: Place;
  readonly order: LaunchOrder;
  readonly signal: AbortSignal;
  readonly facts: LaunchFacts;
  readonly group: string | null;
  /** By name. */
  readonly machines: Map<string, Instance>;
  readonly asked: Map<string, Asked>;
  /** Candidates that the provider has none of, by `keyOf`. */
  readonly exhausted: Set<string>;
  readonly refusals: Refusal[];
  /** A refusal that every machine would get. */
  isHopeless: boolean;
  /** Machines that are asked for together at a quota's edge may all be refused, or fail, though some would fit: from the first of them on, one after the other. */
  isOneByOne: boolean;
}

const LOOK_MS = 2_000;
/** A cloud in trouble builds for minutes; what is still being built then is in the outcome as it is. */
const LOOKS_MAX = 150;
/** A list may be late: a machine that has not been in so many in a row is gone. */
const UNSEEN_MAX = 5;

export async function launchOrder(place: Place, ordered: LaunchOrder, signal: AbortSignal): Promise<LaunchOutcome> {
  const found = await findFacts(place, ordered);
  if (!found.ok) return { instances: [], refusals: [found.refusal] };
  const { floatingNetwork, ...facts } = found.value;
  const userData = await userDataFor(place, ordered);
  if (!userData.ok) return { instances: [], refusals: [userData.refusal] };
  const order = { ...ordered, userData: userData.value };
  const known = await listServers(place, order.runId);
  if (!known.ok) return { instances: [], refusals: [known.refusal] };
  if (signal.aborted) return { instances: [], refusals: [] };
  const group = place.settings.isClassic ? null : await ensureGroup(place, order, signal);
  if (group?.ok === false) return { instances: [], refusals: [group.refusal] };
  const launch: Launch = {
    ...{ place, order, signal, facts, group: group?.value ?? null, machines: new Map(), asked: new Map() },
    ...{ exhausted: new Set(), refusals: [], isHopeless: false, isOneByOne: false },
  };
  keepKnown(launch, known.value);
  await inRounds(launch);
  if (!signal.aborted) launch.refusals.push(...(await letEndThemselves(place, order, [...launch.machines.values()], signal)));
  if (floatingNetwork !== null && !signal.aborted) await provideAddresses(launch, floatingNetwork);
  return { instances: [...launch.machines.values()], refusals: launch.refusals };
}

const namesOf = (order: LaunchOrder): readonly string[] => Array.from({ length: order.count }, (_none, index) => serverName(order, index));

function keepKnown({ order, machines }: Launch, servers: readonly ListedServer[]): void {
  const names = namesOf(order);
  for (const { name, instance } of servers)
    if (names.includes(name) && isAlive(instance) && !machines.has(name)) machines.set(name, instance);
}

async function inRounds(launch: Launch): Promise<void> {
  const { order, signal, machines } = launch;
  for (;;) {
    const missing = namesOf(order).flatMap((name, index) => {
      const candidate = candidatesOf(order).find((each) => !launch.exhausted.has(keyOf(each)));
      return machines.has(name) || candidate === undefined ? [] : [{ name, index, candidate }];
    });
    const isOver = (): boolean => signal.aborted || launch.isHopeless;
    if (launch.isOneByOne) for (const each of missing) await ask(launch, each);
    else await Promise.all(missing.map((each) => ask(launch, each)));
    if (signal.aborted || !(await settle(launch))) return;
    if (missing.length === 0 || isOver()) return;
  }
}

const keyOf = ({ zone, machineType }: Candidate): string => `${zone} ${machineType}`;

/** Types before zones: every zone is tried with the type that was asked for first. */
function candidatesOf({ zones, machineTypes }: LaunchOrder): readonly Candidate[] {
  const places = zones.length > 0 ? zones : [null];
  return machineTypes.flatMap((machineType) => places.map((zone) => ({ zone, machineType })));
}

interface Wanted {
  readonly name: string;
  readonly index: number;
  readonly candidate: Candidate;
}

async function ask(launch: Launch, { name, index, candidate }: Wanted): Promise<void> {
  const { place, order, signal, facts, group, machines, asked, exhausted } = launch;
  const { api } = place;
  const { isOneByOne } = launch;
  const isWanted = (): boolean =>
    !signal.aborted && !launch.isHopeless && launch.isOneByOne === isOneByOne && !exhausted.has(keyOf(candidate));
  if (!isWanted()) return;
  const doing = `launch ${name} (${candidate.machineType}${candidate.zone === null ? '' : `, ${candidate.zone}`})`;
  const answer = await api.lookOrMake<Instance>({
    ...{ isAbsent: true, signal },
    async look() {
      const servers = await listServers(place, order.runId);
      if (!servers.ok) return servers;
      return { ok: true, value: servers.value.find((each) => each.name === name && isAlive(each.instance))?.instance ?? null };
    },
    async make(): Promise<Answer<Instance>> {
      const body = serverBody(order, index, candidate, facts, group);
      const made = await api.call<{ server: { id: string } }>({
        service: 'compute',
        method: 'POST',
        path: '/servers',
        body,
        doing,
        isWanted,
      });
      return made.ok ? { ok: true, value: asOrdered(order, made.value.server.id, candidate) } : made;
    },
  });
  if (answer.ok) {
    machines.set(name, answer.value);
    asked.set(name, { candidate, isOneByOne });
    return;
  }
  // Others found out first, or it was given up.
  if (!isWanted()) return;
  noteRefusal(launch, { candidate, isOneByOne }, answer.refusal);
}

function noteRefusal(launch: Launch, { candidate, isOneByOne }: Asked, said: Refusal): void {
  const { order, exhausted } = launch;
  if (said.cause === 'quota' && !isOneByOne && order.count > 1) {
    launch.isOneByOne = true;
    return;
  }
  const isFull = ['capacity', 'quota', 'not-found'].includes(said.cause);
  if (isFull ? !exhausted.has(keyOf(candidate)) : !launch.isHopeless) launch.refusals.push(said);
  if (!isFull) launch.isHopeless = true;
  // A quota is the project's: the type's other zones share it.
  const isShared = ({ machineType }: Candidate): boolean => said.cause === 'quota' && machineType === candidate.machineType;
  for (const each of isFull ? candidatesOf(order).filter((other) => keyOf(other) === keyOf(candidate) || isShared(other)) : [])
    exhausted.add(keyOf(each));
}

const asOrdered = ({ runId, orderId, expiresWallMs, region }: LaunchOrder, id: string, { zone, machineType }: Candidate): Instance => ({
  ...{ id, runId, orderId, expiresWallMs, region, zone, machineType },
  ...{ market: 'on-demand', state: 'pending', publicAddress: null, privateAddress: null },
});

/** Looks until nothing is being built; false when that cannot be seen. After it every machine that is kept is as it was seen last. */
async function settle(launch: Launch): Promise<boolean> {
  const { place, order, signal, machines, refusals } = launch;
  const unseen = new Map<string, number>();
  for (let look = 0; look < LOOKS_MAX && machines.size > 0 && !signal.aborted; look++) {
    const listed = await listServers(place, order.runId);
    if (!listed.ok) {
      refusals.push(listed.refusal);
      return false;
    }
    await takeAwayDoubles(launch, listed.value);
    for (const [name, { id }] of [...machines]) {
      const seen = listed.value.find((server) => server.id === id);
      if (seen === undefined) unseen.set(name, (unseen.get(name) ?? 0) + 1);
      if (seen !== undefined && isAlive(seen.instance)) machines.set(name, seen.instance);
      else if (seen !== undefined || unseen.get(name) === UNSEEN_MAX) await lose(launch, name, seen);
    }
    if (![...machines.values()].some(({ state }) => state === 'pending')) return true;
    await place.components.sleep(LOOK_MS, signal).catch((error: unknown) => {
      if (!signal.aborted) throw error;
    });
  }
  return true;
}

/** A try whose answer was lost may have been carried out after it was looked for. */
async function takeAwayDoubles({ place, machines }: Launch, servers: readonly ListedServer[]): Promise<void> {
  const doubles = servers.filter(({ name, id, instance }) => isAlive(instance) && machines.has(name) && machines.get(name)?.id !== id);
  await Promise.all(doubles.map(({ id, name }) => remove(place, id, name)));
}

async function lose(launch: Launch, name: string, seen: ListedServer | undefined): Promise<void> {
  const { place, machines, asked } = launch;
  const id = machines.get(name)?.id ?? '';
  machines.delete(name);
  const before = asked.get(name);
  const said = seen?.status === 'ERROR' ? await faultOf(place, id, name) : '';
  const cause = seen?.status === 'ERROR' ? causeOfFault(said) : 'vendor';
  const told = `launch ${name}: ${said || `it is ${seen?.status ?? 'gone'}`}`;
  if (seen?.status === 'ERROR') {
    const kept = await remove(place, id, name);
    if (!kept.ok) launch.refusals.push(kept.refusal);
  }
  if (before === undefined) launch.refusals.push(refusal(place.vendor, cause, told));
  else noteRefusal(launch, before, refusal(place.vendor, cause, told));
}

/** Only the server by itself tells it: lists leave out the fault of one that never had a host (Nova keeps those in a database of their own). */
async function faultOf({ api }: Place, id: string, name: string): Promise<string> {
  const path = `/servers/${id}`;
  const shown = await api.call<{ readonly server?: Server }>({ service: 'compute', path, doing: `look why ${name} failed` });
  return shown.ok ? (shown.value.server?.fault?.message ?? '') : shown.refusal.message;
}

export async function remove({ api }: Place, id: string, name: string): Promise<Answer<null>> {
  const done = await api.call({ service: 'compute', method: 'DELETE', path: `/servers/${id}`, doing: `end ${name}` });
  return done.ok || done.refusal.cause === 'not-found' ? { ok: true, value: null } : done;
}

/** A machine that gets none is of no use to the order, and is ended. */
async function provideAddresses(launch: Launch, floatingNetwork: string): Promise<void> {
  const { place, order, machines, signal, refusals } = launch;
  const known = await floatingAddressesOf(place, order.runId);
  if (!known.ok) {
    refusals.push(known.refusal);
    return;
  }
  await Promise.all(
    namesOf(order).map(async (name, index) => {
      const machine = machines.get(name);
      if (machine === undefined || signal.aborted) return;
      const address = await provideAddress(place, { order, index, serverId: machine.id, floatingNetwork, known: known.value, signal });
      if (address.ok) return void machines.set(name, { ...machine, publicAddress: address.value });
      refusals.push(address.refusal);
      if (signal.aborted) return;
      machines.delete(name);
      const kept = await remove(place, machine.id, name);
      if (!kept.ok) refusals.push(kept.refusal);
    }),
  );
}
