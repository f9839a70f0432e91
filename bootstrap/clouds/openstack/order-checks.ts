// What can be known of an order before it costs anything: first its own form, then what the provider says of region, types, zones, image, networks and quotas, which are reads
// only. Every type must be there, because a plan B that nobody has is a typing error; the quota is compared for the first type, which is what is wanted.

import type { LaunchOrder, Refusal } from '../../cloud.ts';
import { type Flavor, findFacts, findFlavors, noType, type Place } from './place.ts';
import { codeOf, refusal } from './refusals.ts';
import { userDataFor } from './self-end.ts';
import { SENT_BYTES_MAX, USER_DATA_BYTES_MAX } from './server.ts';

const INSTANCES_MAX = 1000;

export function wrongForm(vendor: string, isClassic: boolean, order: LaunchOrder): readonly Refusal[] {
  const { runId, orderId, machineTypes, zones, count, userData, meshPort, markets } = order;
  const found: Refusal[] = [];
  const wrong = (isWrong: boolean, message: string, hint: string): void => {
    if (isWrong) found.push({ code: codeOf('invalid'), message: `${vendor}: ${message}`, hint, cause: 'invalid' });
  };
  wrong(!/^[a-z0-9]{1,40}$/.test(runId), `'${runId}' is no run id`, 'small letters and digits, at most 40');
  wrong(!/^[a-z0-9-]{1,20}$/.test(orderId), `'${orderId}' is no order id`, 'small letters, digits and -, at most 20');
  wrong(machineTypes.length === 0, 'no machine type', `for example ${vendor}:REGION:FLAVOR=5`);
  wrong(!markets.includes('on-demand'), 'there are no spot machines here', 'leave @spot away');
  wrong(isClassic && zones.length > 0, "zones, which Rackspace's classic cloud does not have", 'name the region alone');
  wrong(
    !Number.isInteger(count) || count < 1 || count > INSTANCES_MAX,
    `${count} machines`,
    `1 to ${INSTANCES_MAX} are possible in one order`,
  );
  const sizeBytes = Buffer.byteLength(userData);
  wrong(
    sizeBytes > USER_DATA_BYTES_MAX,
    `user data of ${sizeBytes} bytes`,
    `Nova takes ${USER_DATA_BYTES_MAX}: fewer labels, seeds or bundle URLs`,
  );
  wrong(!Number.isInteger(meshPort) || meshPort < 0 || meshPort > 65_535, `mesh port ${meshPort}`, '1 to 65535, or 0 for none');
  return found;
}

export async function wrongForVendor(place: Place, order: LaunchOrder): Promise<readonly Refusal[]> {
  const [flavors, facts, zones] = await Promise.all([
    findFlavors(place, order.machineTypes),
    findFacts(place, order),
    wrongZones(place, order),
  ]);
  if (!flavors.ok) return [flavors.refusal];
  const missing = [...flavors.value].flatMap(([type, flavor]) => (flavor === null ? [noType(place, type)] : []));
  const first = flavors.value.get(order.machineTypes[0] ?? '') ?? null;
  const quotas = first === null ? [] : await overQuota(place, order, first);
  const sent = await userDataFor(place, order);
  const tooLong = sent.ok && Buffer.byteLength(sent.value) > SENT_BYTES_MAX ? [longUserData(place, order)] : [];
  return [...missing, ...tooLong, ...(facts.ok || missing.length > 0 ? [] : [facts.refusal]), ...zones, ...quotas];
}

/** Text that is not ASCII grows by a third beside the script that ends the machine. */
const longUserData = ({ vendor }: Place, { userData }: LaunchOrder): Refusal =>
  refusal(
    vendor,
    'invalid',
    `user data of ${Buffer.byteLength(userData)} bytes does not fit, encoded`,
    'fewer labels, seeds or bundle URLs, and plain letters',
  );

interface Zones {
  readonly availabilityZoneInfo?: ReadonlyArray<{ readonly zoneName?: string; readonly zoneState?: { readonly available?: boolean } }>;
}

async function wrongZones({ api, vendor, region }: Place, { zones }: LaunchOrder): Promise<readonly Refusal[]> {
  if (zones.length === 0) return [];
  const answer = await api.call<Zones>({ service: 'compute', path: '/os-availability-zone', doing: `list zones of ${region}` });
  if (!answer.ok) return [answer.refusal];
  const open = (answer.value.availabilityZoneInfo ?? [])
    .filter(({ zoneState }) => zoneState?.available === true)
    .map(({ zoneName = '' }) => zoneName);
  const strange = zones.find((zone) => !open.includes(zone));
  return strange === undefined ? [] : [refusal(vendor, 'not-found', `${region} has no zone '${strange}'`, `it has ${open.join(', ')}`)];
}

export interface Limits {
  readonly limits?: { readonly absolute?: Readonly<Record<string, number>> };
}

export interface Quota {
  readonly what: string;
  readonly used: number;
  /** Below 0 = none. */
  readonly limit: number;
}

export const QUOTA_KEYS = [
  ['instances', 'totalInstancesUsed', 'maxTotalInstances'],
  ['cores', 'totalCoresUsed', 'maxTotalCores'],
  ['MB of memory', 'totalRAMUsed', 'maxTotalRAMSize'],
] as const;

export const quotasOf = ({ limits }: Limits): readonly Quota[] =>
  QUOTA_KEYS.map(([what, used, limit]) => ({ what, used: limits?.absolute?.[used] ?? 0, limit: limits?.absolute?.[limit] ?? -1 }));

async function overQuota({ api, vendor, region, settings }: Place, order: LaunchOrder, flavor: Flavor): Promise<readonly Refusal[]> {
  const answer = await api.call<Limits>({ service: 'compute', path: '/limits', doing: `look at the quotas of ${region}` });
  if (!answer.ok) return [answer.refusal];
  const needs = [order.count, order.count * flavor.vcpus, order.count * flavor.ramMb];
  const quotas = quotasOf(answer.value).map((quota, index) => ({ ...quota, needed: needs[index] ?? 0 }));
  if (order.address === 'reserved' && !settings.isClassic) {
    const addresses = await addressQuota({ api });
    if (addresses !== null) quotas.push({ ...addresses, needed: order.count });
  }
  const hint = 'ask the provider for more, or for fewer machines';
  return quotas
    .filter(({ used, limit, needed }) => limit >= 0 && used + needed > limit)
    .map(({ what, used, limit, needed }) =>
      refusal(vendor, 'quota', `${needed} ${what} more are ordered, ${used} of ${limit} are in use in ${region}`, hint),
    );
}

interface NetworkQuota {
  readonly quota?: { readonly floatingip?: { readonly limit?: number; readonly used?: number } };
}

/** Null where Neutron does not tell: then it is seen when they are taken. */
export async function addressQuota({ api }: Pick<Place, 'api'>): Promise<Quota | null> {
  const session = await api.session();
  if (!session.ok) return null;
  const path = `/quotas/${session.value.projectId}/details.json`;
  const answer = await api.call<NetworkQuota>({ service: 'network', path, doing: 'look at the quota of floating addresses' });
  const { limit = -1, used = 0 } = (answer.ok ? answer.value.quota?.floatingip : undefined) ?? {};
  return answer.ok ? { what: 'floating addresses', used, limit } : null;
}
