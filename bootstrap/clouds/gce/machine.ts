// A machine of a run as Google's API writes it: names, labels, request ids, the body of instances.insert, and an instance as it is listed; pure. Names and request ids follow from
// the order alone, so the same order asks for the same machine. Google ends each by itself after maxRunDuration; power off only stops one, and its disk goes on costing,
// so a stopped machine counts as one that is ending, until it is deleted. No service account is given: there is no credential on a machine.

import { createHash } from 'node:crypto';
import { type Instance, type InstanceState, type LaunchOrder, MARKS, type Market } from '../../cloud.ts';

/** What is read of Google's answer; everything may be missing. */
export interface GoogleInstance {
  readonly name?: string;
  readonly zone?: string;
  readonly status?: string;
  readonly machineType?: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly scheduling?: { readonly provisioningModel?: string };
  readonly networkInterfaces?: ReadonlyArray<{
    readonly networkIP?: string;
    readonly accessConfigs?: ReadonlyArray<{ readonly natIP?: string }>;
  }>;
}

export interface Candidate {
  readonly zone: string;
  readonly machineType: string;
  readonly market: Market;
}

export interface NetworkPlace {
  readonly network: string;
  readonly subnetwork: string | null;
}

/** Google's own images with cloud-init are Ubuntu's; its Debian has none. */
export const DEFAULT_IMAGE = 'projects/ubuntu-os-cloud/global/images/family/ubuntu-2404-lts-amd64';
const DISK_GB = '20';
const NAME_CHARS_MAX = 63;

const digestOf = (...parts: readonly unknown[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex');

/** RFC 1035 label; readable unless the order's names are long. */
export function machineName({ runId, orderId }: Pick<LaunchOrder, 'runId' | 'orderId'>, index: number): string {
  const name = `quilt-${runId}-${orderId}-${index}`;
  return name.length <= NAME_CHARS_MAX ? name : `quilt-${digestOf(runId, orderId).slice(0, 24)}-${index}`;
}

/** Firewall rule and network tag: one for a run in a region, so that a region's end gives back what is its own. */
export const ruleName = (runId: string, region: string): string => {
  const name = `quilt-${runId}-${region}`;
  return name.length <= NAME_CHARS_MAX ? name : `quilt-${digestOf(runId, region).slice(0, 24)}`;
};

/** UUID (RFC 9562, version 8: made by our own rule) that is the same for the same words. */
export function requestIdOf(...words: readonly string[]): string {
  const hex = digestOf(...words);
  const variant = ((Number.parseInt(hex[16] ?? '0', 16) & 3) | 8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Firewall rules have no labels, and addresses get theirs only later: they carry the marks as their description. */
export const marksText = (runId: string): string => `${MARKS.run}=${runId}`;

/** A name alone is the region's subnetwork of that name, so that one setting serves a launch in several regions. */
const pathOfSubnetwork = (subnetwork: string, region: string): string =>
  subnetwork.includes('/') ? subnetwork : `regions/${region}/subnetworks/${subnetwork}`;

export function insertBody(
  order: LaunchOrder,
  index: number,
  { zone, machineType, market }: Candidate,
  { network, subnetwork }: NetworkPlace,
  address: string | null,
): Readonly<Record<string, unknown>> {
  const accessConfig = { type: 'ONE_TO_ONE_NAT', name: 'External NAT', ...(address === null ? {} : { natIP: address }) };
  return {
    name: machineName(order, index),
    machineType: `zones/${zone}/machineTypes/${machineType}`,
    labels: { [MARKS.run]: order.runId, [MARKS.order]: order.orderId, [MARKS.expires]: String(order.expiresWallMs) },
    tags: { items: [ruleName(order.runId, order.region)] },
    disks: [{ boot: true, autoDelete: true, initializeParams: { sourceImage: order.image ?? DEFAULT_IMAGE, diskSizeGb: DISK_GB } }],
    networkInterfaces: [
      {
        network,
        ...(subnetwork === null ? {} : { subnetwork: pathOfSubnetwork(subnetwork, order.region) }),
        ...(order.address === 'none' ? {} : { accessConfigs: [accessConfig] }),
      },
    ],
    metadata: { items: [{ key: 'user-data', value: order.userData }] },
    scheduling: {
      ...{ provisioningModel: market === 'spot' ? 'SPOT' : 'STANDARD', onHostMaintenance: market === 'spot' ? 'TERMINATE' : 'MIGRATE' },
      // A machine that came back would not be the node that left.
      ...{ automaticRestart: false, instanceTerminationAction: 'DELETE' },
      maxRunDuration: { seconds: String(Math.ceil(order.wallMsMax / 1000)) },
    },
  };
}

const STATES: Readonly<Record<string, InstanceState>> = {
  ...{ PENDING: 'pending', PROVISIONING: 'pending', STAGING: 'pending', RUNNING: 'running', REPAIRING: 'running' },
  ...{ PENDING_STOP: 'stopping', STOPPING: 'stopping', SUSPENDING: 'stopping', DEPROVISIONING: 'stopping' },
  ...{ STOPPED: 'stopping', SUSPENDED: 'stopping', TERMINATED: 'stopping' },
};

export const isStopped = ({ status }: GoogleInstance): boolean => ['TERMINATED', 'STOPPED', 'SUSPENDED'].includes(status ?? '');

const lastPart = (url: string | undefined): string => (url ?? '').split('/').at(-1) ?? '';

/** Zones are named after their region: us-central1-a. */
export const regionOfZone = (zone: string): string => zone.replace(/-[a-z]$/, '');

/** Null when it does not carry all of our marks. */
export function instanceFrom(listed: GoogleInstance): Instance | null {
  const { [MARKS.run]: runId, [MARKS.order]: orderId, [MARKS.expires]: expires } = listed.labels ?? {};
  const zone = lastPart(listed.zone);
  if (runId === undefined || orderId === undefined || listed.name === undefined || zone === '') return null;
  const [networkInterface] = listed.networkInterfaces ?? [];
  const expiresWallMs = Number(expires);
  return {
    ...{ id: `${zone}/${listed.name}`, runId, orderId, region: regionOfZone(zone), zone, machineType: lastPart(listed.machineType) },
    expiresWallMs: expires !== undefined && Number.isSafeInteger(expiresWallMs) ? expiresWallMs : null,
    market: listed.scheduling?.provisioningModel === 'SPOT' ? 'spot' : 'on-demand',
    // A word that is new to us is not taken for a machine that is gone.
    state: STATES[listed.status ?? ''] ?? 'running',
    publicAddress: networkInterface?.accessConfigs?.[0]?.natIP ?? null,
    privateAddress: networkInterface?.networkIP ?? null,
  };
}
