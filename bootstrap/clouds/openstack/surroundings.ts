// What Neutron has around the machines of a run in a region: one security group that admits the mesh port and all that goes out, and floating addresses, one for each machine. Names are not unique
// in Neutron, so what is the run's carries the run's mark as its description, is looked for before it is made, and `giveBack` takes away everything that has it, also
// what was made twice because an answer was lost. Rackspace's classic cloud has none of this.

import { type LaunchOrder, MARKS, type Refusal } from '../../cloud.ts';
import type { Answer } from './identity.ts';
import type { Place } from './place.ts';

export const groupName = (runId: string): string => `quilt-${runId}`;
const marksText = (runId: string): string => `${MARKS.run}=${runId}`;
const addressText = ({ runId, orderId }: LaunchOrder, index: number): string => `${marksText(runId)} ${MARKS.order}=${orderId} ${index}`;

interface Group {
  readonly id?: string;
  readonly description?: string;
}

async function groupsOf({ api }: Place, runId: string): Promise<Answer<readonly Group[]>> {
  const query = { name: groupName(runId) };
  const rows = await api.list<Group>(
    { service: 'network', path: '/security-groups', query, doing: `look for the group ${query.name}` },
    'security_groups',
  );
  return rows.ok ? { ok: true, value: rows.value.filter(({ description }) => description === marksText(runId)) } : rows;
}

/** The group's id. A new group lets everything out and nothing in; without a mesh port it stays so. */
export async function ensureGroup(place: Place, { runId, meshPort }: LaunchOrder, signal: AbortSignal): Promise<Answer<string>> {
  const { api } = place;
  const name = groupName(runId);
  const doing = `make the security group ${name}`;
  const group = await api.lookOrMake({
    signal,
    async look() {
      const groups = await groupsOf(place, runId);
      return groups.ok ? { ok: true, value: groups.value[0] ?? null } : groups;
    },
    async make() {
      const body = { security_group: { name, description: marksText(runId) } };
      const made = await api.call<{ security_group: Group }>({ service: 'network', method: 'POST', path: '/security-groups', body, doing });
      return made.ok ? { ok: true, value: made.value.security_group } : made;
    },
  });
  if (!group.ok) return group;
  const id = group.value.id ?? '';
  for (const ethertype of meshPort === 0 ? [] : ['IPv4', 'IPv6']) {
    const opened = await openPort(place, id, ethertype, meshPort, signal);
    if (!opened.ok) return opened;
  }
  return { ok: true, value: id };
}

/** The same rule twice is a conflict, so it is there. */
async function openPort({ api }: Place, groupId: string, ethertype: string, port: number, signal: AbortSignal): Promise<Answer<null>> {
  const range = { protocol: 'tcp', port_range_min: port, port_range_max: port };
  const body = { security_group_rule: { security_group_id: groupId, direction: 'ingress', ethertype, ...range } };
  return api.lookOrMake<null>({
    ...{ signal, isAbsent: true, look: async () => ({ ok: true, value: null }) },
    async make() {
      const made = await api.call({
        service: 'network',
        method: 'POST',
        path: '/security-group-rules',
        body,
        doing: `open TCP port ${port}`,
      });
      return made.ok || made.status === 409 ? { ok: true, value: null } : made;
    },
  });
}

export interface FloatingAddress {
  readonly id?: string;
  readonly floating_ip_address?: string;
  readonly port_id?: string | null;
  readonly description?: string;
}

export async function floatingAddressesOf({ api }: Place, runId: string): Promise<Answer<readonly FloatingAddress[]>> {
  const rows = await api.list<FloatingAddress>(
    { service: 'network', path: '/floatingips', doing: 'list floating addresses' },
    'floatingips',
  );
  const mark = marksText(runId);
  if (!rows.ok) return rows;
  return { ok: true, value: rows.value.filter(({ description = '' }) => description === mark || description.startsWith(`${mark} `)) };
}

export interface AddressInit {
  readonly order: LaunchOrder;
  readonly index: number;
  readonly serverId: string;
  readonly floatingNetwork: string;
  /** Of the run, as they were listed before. */
  readonly known: readonly FloatingAddress[];
  readonly signal: AbortSignal;
}

/** Allocated and put onto the machine's port by one call; one that this machine's place had before moves to the new machine. */
export async function provideAddress(place: Place, init: AddressInit): Promise<Answer<string>> {
  const { api } = place;
  const { order, index, serverId, floatingNetwork, known, signal } = init;
  const description = addressText(order, index);
  const doing = `give a floating address to machine ${index}`;
  const query = { device_id: serverId };
  const ports = await api.list<{ readonly id?: string }>({ service: 'network', path: '/ports', query, doing }, 'ports');
  if (!ports.ok) return ports;
  const portId = ports.value[0]?.id ?? '';
  const mine = (all: readonly FloatingAddress[]): FloatingAddress | null => all.find((each) => each.description === description) ?? null;
  const there = mine(known);
  const address = await api.lookOrMake<FloatingAddress>({
    ...{ signal, isAbsent: there === null },
    async look() {
      if (there !== null) return { ok: true, value: there };
      const all = await floatingAddressesOf(place, order.runId);
      return all.ok ? { ok: true, value: mine(all.value) } : all;
    },
    async make() {
      const body = { floatingip: { floating_network_id: floatingNetwork, port_id: portId, description } };
      const made = await api.call<{ floatingip: FloatingAddress }>({
        service: 'network',
        method: 'POST',
        path: '/floatingips',
        body,
        doing,
      });
      return made.ok ? { ok: true, value: made.value.floatingip } : made;
    },
  });
  if (!address.ok) return address;
  const { id, port_id, floating_ip_address = '' } = address.value;
  if (port_id === portId) return { ok: true, value: floating_ip_address };
  const body = { floatingip: { port_id: portId } };
  const moved = await api.call({ service: 'network', method: 'PUT', path: `/floatingips/${id}`, body, doing });
  return moved.ok ? { ok: true, value: floating_ip_address } : moved;
}

/** Everything of the run in this region that is no machine. A group is held as long as a port of it is there. */
export async function giveBack(place: Place, runId: string): Promise<readonly Refusal[]> {
  const { api, settings } = place;
  if (settings.isClassic) return [];
  const [addresses, groups] = await Promise.all([floatingAddressesOf(place, runId), groupsOf(place, runId)]);
  const unseen = [addresses, groups].flatMap((answer) => (answer.ok ? [] : [answer.refusal]));
  const paths = [
    ...(addresses.ok ? addresses.value.map(({ id }) => `/floatingips/${id}`) : []),
    ...(groups.ok ? groups.value.map(({ id }) => `/security-groups/${id}`) : []),
  ];
  const answers = await Promise.all(
    paths.map((path) => api.call({ service: 'network', method: 'DELETE', path, doing: `give back ${path.slice(1)}` })),
  );
  return [...unseen, ...answers.flatMap((answer) => (answer.ok || answer.refusal.cause === 'not-found' ? [] : [answer.refusal]))];
}
