// A machine of a run as Nova's API writes it: its name, marks, the body of POST /servers, and a server as it is listed; pure. The name follows from the order alone: Nova has no client token,
// so the name is how the same order finds its machines again. No microversion is asked for, so the oldest Nova understands all of it. A machine that powered itself off (SHUTOFF)
// is still billed and holds its quota, and a failed one (ERROR) holds its quota: both count as ending, until they are deleted.

import { type Instance, type InstanceState, type LaunchOrder, MARKS } from '../../cloud.ts';

interface Address {
  readonly addr?: string;
  readonly version?: number;
  readonly 'OS-EXT-IPS:type'?: string;
}

/** What is read of Nova's answer; everything may be missing. */
export interface Server {
  readonly id?: string;
  readonly name?: string;
  readonly status?: string;
  readonly created?: string;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly addresses?: Readonly<Record<string, readonly Address[]>>;
  readonly accessIPv4?: string;
  readonly 'OS-EXT-AZ:availability_zone'?: string;
  readonly 'OS-EXT-STS:task_state'?: string | null;
  readonly fault?: { readonly message?: string };
}

/** Nova's limit is for the encoded text. */
const USER_DATA_CHARS_MAX = 65_535;
/** What self-end.ts adds, at most. */
export const SELF_END_BYTES_MAX = 3_000;
export const SENT_BYTES_MAX = Math.floor(USER_DATA_CHARS_MAX / 4) * 3;
export const USER_DATA_BYTES_MAX = SENT_BYTES_MAX - SELF_END_BYTES_MAX;

/** Besides the marks of all clouds: Nova shows a flavor by its id only, and a machine is not told its region. */
export const TYPE_MARK = 'quilt-type';
const REGION_MARK = 'quilt-region';

/** A boot volume for flavors that have no disk of their own. */
const VOLUME_GB_MIN = 20;

export interface Candidate {
  /** Null = the scheduler's choice. */
  readonly zone: string | null;
  readonly machineType: string;
}

/** Ids, as the names of the order were looked up. */
export interface LaunchFacts {
  readonly flavors: ReadonlyMap<string, { readonly id: string; readonly diskGb: number }>;
  readonly image: { readonly id: string; readonly minDiskGb: number };
  /** Null = Nova's own choice. */
  readonly networks: readonly string[] | null;
}

export const serverName = ({ runId, orderId }: Pick<LaunchOrder, 'runId' | 'orderId'>, index: number): string =>
  `quilt-${runId}-${orderId}-${index}`;

export function serverBody(order: LaunchOrder, index: number, { zone, machineType }: Candidate, facts: LaunchFacts, group: string | null) {
  const flavor = facts.flavors.get(machineType);
  if (flavor === undefined) throw new Error(`the type ${machineType} was not looked up`);
  const volume = {
    ...{ uuid: facts.image.id, source_type: 'image', destination_type: 'volume', boot_index: 0, delete_on_termination: true },
    volume_size: Math.max(VOLUME_GB_MIN, facts.image.minDiskGb),
  };
  return {
    server: {
      ...{ name: serverName(order, index), flavorRef: flavor.id },
      ...(flavor.diskGb > 0 ? { imageRef: facts.image.id } : { block_device_mapping_v2: [volume] }),
      metadata: {
        ...{ [MARKS.run]: order.runId, [MARKS.order]: order.orderId, [MARKS.expires]: String(order.expiresWallMs) },
        ...{ [TYPE_MARK]: machineType, [REGION_MARK]: order.region },
      },
      user_data: Buffer.from(order.userData).toString('base64'),
      // The metadata service may be missing, or late; the drive is there from the first second.
      config_drive: true,
      ...(zone === null ? {} : { availability_zone: zone }),
      ...(facts.networks === null ? {} : { networks: facts.networks.map((uuid) => ({ uuid })) }),
      ...(group === null ? {} : { security_groups: [{ name: group }] }),
    },
  };
}

const STATES: Readonly<Record<string, InstanceState>> = {
  ...{ BUILD: 'pending', REBUILD: 'pending', ACTIVE: 'running', REBOOT: 'running', HARD_REBOOT: 'running', MIGRATING: 'running' },
  ...{
    SHUTOFF: 'stopping',
    SUSPENDED: 'stopping',
    PAUSED: 'stopping',
    SHELVED: 'stopping',
    SHELVED_OFFLOADED: 'stopping',
    ERROR: 'stopping',
  },
  ...{ DELETED: 'gone', SOFT_DELETED: 'gone' },
};

export const isDeleting = (server: Server): boolean => (server['OS-EXT-STS:task_state'] ?? '').endsWith('deleting');

export const isAlive = ({ state }: Pick<Instance, 'state'>): boolean => state === 'pending' || state === 'running';

const PRIVATE = /^(10\.|127\.|169\.254\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)/;

/** Null when it does not carry our marks. */
export function instanceFrom(server: Server, region: string): Instance | null {
  const { [MARKS.run]: runId, [MARKS.order]: orderId, [MARKS.expires]: expires, [TYPE_MARK]: machineType = '' } = server.metadata ?? {};
  if (runId === undefined || orderId === undefined || server.id === undefined) return null;
  const expiresWallMs = Number(expires);
  const known = STATES[server.status ?? ''] ?? 'running';
  const zone = server['OS-EXT-AZ:availability_zone'] ?? '';
  return {
    ...{ id: server.id, runId, orderId, region, zone: zone === '' ? null : zone, machineType, market: 'on-demand' },
    expiresWallMs: expires !== undefined && Number.isSafeInteger(expiresWallMs) ? expiresWallMs : null,
    // A word that is new to us is not taken for a machine that is gone.
    state: isDeleting(server) && known !== 'gone' ? 'stopping' : known,
    ...addressesOf(server),
  };
}

function addressesOf({ addresses, accessIPv4 }: Server): Pick<Instance, 'publicAddress' | 'privateAddress'> {
  const all = Object.values(addresses ?? {})
    .flat()
    .filter(({ version }) => version === 4);
  const floating = all.find((each) => each['OS-EXT-IPS:type'] === 'floating');
  const fixed = all.filter((each) => each !== floating).map(({ addr = '' }) => addr);
  const open = fixed.find((addr) => !PRIVATE.test(addr));
  const inner = fixed.find((addr) => PRIVATE.test(addr));
  const access = accessIPv4 === undefined || accessIPv4 === '' ? null : accessIPv4;
  return { publicAddress: floating?.addr ?? access ?? open ?? null, privateAddress: inner ?? null };
}
