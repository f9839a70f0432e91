// From the machines that were asked for to orders at their vendors: what each machine does when it boots, how it is reached, what it may cost, and the user data that says so. Nothing
// is asked of anybody here; what is asked, in which order and what happens when it fails is launch.ts.

import type { BundleServer } from '../../bootstrap/bundle-server.ts';
import type { CloudType, LaunchOrder } from '../../bootstrap/cloud.ts';
import { BOOT_FOLDER, type BootInit, type BootSpread, bootScript, renderUserData } from '../../bootstrap/cloud-init.ts';
import type { FleetPart } from '../../bootstrap/fleet.ts';
import type { LaunchRequest } from '../../bootstrap/launch-request.ts';
import { wallNowMs } from '../adapters/clock.ts';
import { fail, ok, type Problem, type Result } from '../core/errors.ts';
import type { OpenClouds } from './clouds.ts';
import { priceFlags } from './launch-cost.ts';
import { makeRunId } from './operator.ts';

export interface OrderFlags {
  readonly host?: string;
  readonly meshPort: number;
  readonly image?: string;
  readonly reserveAddresses?: boolean;
}

export type MachineRequest = LaunchRequest & {
  /** Carries no load: a seed beside the launcher's. */
  readonly isSeed: boolean;
};

/** Whether machines are elsewhere, and must find this one. */
export const isFar = (requests: readonly LaunchRequest[]): boolean => requests.some(({ cloud }) => cloud !== 'local');

export const NO_HOST: Problem = {
  code: 'QUILT_LAUNCH_HOST',
  message: 'rented machines must reach this one: under which address?',
  hint: '--host with the public address or name; the mesh port and the bundle port must be open there',
};

/** On one computer nobody else needs to reach the nodes. */
export const LOOPBACK = '127.0.0.1';

export interface OrderInit {
  readonly runId: string;
  readonly userData: string;
  readonly lifeMs: number;
  readonly flags: OrderFlags;
}

export function orderOf(request: LaunchRequest, index: number, { runId, userData, lifeMs, flags }: OrderInit): LaunchOrder {
  const { cloud, region, zones, machineTypes, count, markets } = request;
  return {
    ...{ runId, orderId: `${cloud}-${index}`, expiresWallMs: wallNowMs() + lifeMs, region, zones, machineTypes, count, markets },
    ...{ image: flags.image ?? null, userData, address: flags.reserveAddresses ? 'reserved' : 'ephemeral' },
    ...{ meshPort: flags.meshPort, wallMsMax: lifeMs },
  };
}

export interface PartsInit {
  readonly clouds: OpenClouds;
  readonly requests: readonly MachineRequest[];
  readonly flags: OrderFlags;
  readonly lifeMs: number;
  readonly ticket: string;
  /** Of the bundle. */
  readonly sha256: string;
  readonly server: BundleServer;
  /** Further words for `join`, the same for all machines. */
  readonly moreFlags: readonly string[];
}

/** One order a request, all with the same run id. */
export function partsOf({ clouds, requests, flags, lifeMs, ticket, sha256, server, moreFlags }: PartsInit): Result<FleetPart[]> {
  const origin = `http://${flags.host ?? LOOPBACK}:${server.port}`;
  const runId = makeRunId();
  const parts: FleetPart[] = [];
  const problems: Problem[] = [];
  for (const [index, request] of requests.entries()) {
    const { cloud, region, machineTypes, markets, isSeed } = request;
    const type = clouds.typeOf(cloud);
    const price = priceFlags(request, flags.reserveAddresses === true, wallNowMs());
    const boot: BootInit = {
      ...{ ticket, bundleUrls: [`${origin}${server.path}`], bundleSha256: sha256, killAfterS: Math.ceil(lifeMs / 1000) },
      ...{ spread: spreadOf(origin, server, spreadListen(type, flags)), labels: { vendor: cloud, region } },
      joinFlags: [
        ...type.joinFlags(machineTypes[0] as string),
        ...listenFlags(type, flags.meshPort),
        ...price,
        ...(isSeed ? ['--as-seed'] : []),
        ...(type.hasNotice === true && markets.includes('spot') ? ['--watch-notice', cloud] : []),
        ...moreFlags,
      ],
      ...(isReached(type, flags.meshPort) ? { announce: { url: `${origin}${server.spread.path}/address`, port: flags.meshPort } } : {}),
      folder: type.boot === 'script' ? 'machine' : BOOT_FOLDER,
    };
    const userData = type.boot === 'script' ? ok(bootScript(boot)) : renderUserData(boot, type.userDataBytesMax);
    if (userData.ok) parts.push({ cloud, order: orderOf(request, index, { runId, userData: userData.value, lifeMs, flags }) });
    else problems.push(...userData.problems);
  }
  return problems.length === 0 ? ok(parts) : fail(...problems);
}

/** The port that the vendor's rule opens. Without one, nodes dial out and are reached through the seed. */
const isReached = ({ boot }: CloudType, meshPort: number): boolean => boot === 'cloud-init' && meshPort > 0;
const listenFlags = (type: CloudType, meshPort: number): string[] =>
  isReached(type, meshPort) ? ['--listen', `/ip4/0.0.0.0/tcp/${meshPort}`] : [];

const spreadOf = (origin: string, { spread: { path, ...hashes } }: BundleServer, listen: string | null): BootSpread => ({
  ...{ url: `${origin}${path}`, ...hashes, listen },
});

/** Before the node listens on its port the bundle is served there; machines that are all on this computer take any port. */
function spreadListen({ boot }: CloudType, { meshPort, host }: OrderFlags): string | null {
  if (boot === 'cloud-init' && meshPort > 0) return `0.0.0.0:${meshPort}`;
  return host === undefined ? `${LOOPBACK}:0` : null;
}
