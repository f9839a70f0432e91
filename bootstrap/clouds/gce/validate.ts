// What can be known of an order before it costs anything: first its own form, then what Google says of region, zones, types and image, which are reads only. A type must be
// there in one of the zones at least, because the others are what a plan B is for. `checkRegion` is the same for `doctor`: credentials, region, network, quotas.

import type { CloudFinding, LaunchOrder, Refusal } from '../../cloud.ts';
import type { Answer } from './compute-api.ts';
import { DEFAULT_IMAGE } from './machine.ts';
import { listMachines, type Place, pathOfNetwork } from './place.ts';

export const USER_DATA_BYTES_MAX = 256 * 1024;
const INSTANCES_MAX = 1000;
/** Google's limits for maxRunDuration. */
const RUN_S_MIN = 30;
const RUN_S_MAX = 120 * 24 * 3600;
const IMAGE = /^projects\/[a-z][a-z0-9.:-]+\/global\/images\/(family\/)?[a-z][a-z0-9-]*$/;
const WORD = /^[a-z][a-z0-9-]{0,62}$/;

export interface GoogleRegion {
  readonly status?: string;
  readonly zones?: readonly string[];
  readonly quotas?: ReadonlyArray<{ readonly metric?: string; readonly limit?: number; readonly usage?: number }>;
}

export const regionFacts = ({ api, projectPath }: Place, region: string): Promise<Answer<GoogleRegion>> =>
  api.call<GoogleRegion>({ path: `${projectPath}/regions/${region}`, doing: `look at the region ${region}` });

/** The order's, or all of the region. */
export const zonesOf = (order: Pick<LaunchOrder, 'zones'>, { zones }: GoogleRegion): readonly string[] =>
  order.zones.length > 0 ? order.zones : (zones ?? []).map((url) => url.split('/').at(-1) ?? '').sort();

export function wrongForm(order: LaunchOrder): readonly Refusal[] {
  const { runId, orderId, region, machineTypes, zones, count, userData, wallMsMax, meshPort, image, markets } = order;
  const found: Refusal[] = [];
  const wrong = (isWrong: boolean, message: string, hint: string): void => {
    if (isWrong) found.push({ code: 'QUILT_GCE_ORDER', message: `gce: ${message}`, hint, cause: 'invalid' });
  };
  wrong(!/^[a-z0-9]{1,40}$/.test(runId), `'${runId}' is no run id`, 'small letters and digits, at most 40');
  wrong(!/^[a-z0-9-]{1,20}$/.test(orderId), `'${orderId}' is no order id`, 'small letters, digits and -, at most 20');
  const strange = [region, ...machineTypes, ...zones].find((word) => !WORD.test(word));
  wrong(strange !== undefined, `'${strange}' is no name of a region, zone or type`, 'for example gce:europe-west1:e2-standard-4=5');
  wrong(machineTypes.length === 0 || markets.length === 0, 'no machine type or no market', 'for example gce:europe-west1:e2-standard-4=5');
  wrong(
    !Number.isInteger(count) || count < 1 || count > INSTANCES_MAX,
    `${count} machines`,
    `1 to ${INSTANCES_MAX} are possible in one order`,
  );
  const sizeBytes = Buffer.byteLength(userData);
  wrong(
    sizeBytes > USER_DATA_BYTES_MAX,
    `user data of ${sizeBytes} bytes`,
    `Google takes ${USER_DATA_BYTES_MAX}: fewer labels, seeds or bundle URLs`,
  );
  const runS = Math.ceil(wallMsMax / 1000);
  wrong(
    !(runS >= RUN_S_MIN && runS <= RUN_S_MAX),
    `machines that live for ${runS} s`,
    `${RUN_S_MIN} s to 120 days are possible: change --max-wall`,
  );
  wrong(!Number.isInteger(meshPort) || meshPort < 0 || meshPort > 65_535, `mesh port ${meshPort}`, '1 to 65535, or 0 for none');
  wrong(image !== null && !IMAGE.test(image), `'${image}' is no image`, `for example ${DEFAULT_IMAGE}; it must have cloud-init`);
  return found;
}

export async function wrongForVendor(place: Place, order: LaunchOrder): Promise<readonly Refusal[]> {
  const { api, projectPath } = place;
  const facts = await regionFacts(place, order.region);
  if (!facts.ok) return [facts.refusal];
  const known = zonesOf({ zones: [] }, facts.value);
  const strange = order.zones.find((zone) => !known.includes(zone));
  if (strange !== undefined) return [noZone(strange, order.region, known)];
  const zones = zonesOf(order, facts.value);
  const image = api.call<unknown>({ path: order.image ?? DEFAULT_IMAGE, doing: `look at the image ${order.image ?? DEFAULT_IMAGE}` });
  const pairs = order.machineTypes.flatMap((type) => zones.map((zone) => ({ type, zone })));
  const looked = await Promise.all(
    pairs.map(async ({ type, zone }) => {
      const doing = `look for ${type} in ${zone}`;
      return { type, answer: await api.call<unknown>({ path: `${projectPath}/zones/${zone}/machineTypes/${type}`, doing }) };
    }),
  );
  const nowhere = order.machineTypes.flatMap((type) => {
    const answers = looked.filter((each) => each.type === type).map(({ answer }) => answer);
    const [first] = answers.filter((answer) => !answer.ok);
    return answers.some(({ ok }) => ok) || first === undefined ? [] : [first.refusal];
  });
  const imageAnswer = await image;
  return imageAnswer.ok ? nowhere : [...nowhere, imageAnswer.refusal];
}

const noZone = (zone: string, region: string, known: readonly string[]): Refusal => ({
  ...{ code: 'QUILT_GCE_NOT_FOUND', message: `gce: ${region} has no zone '${zone}'`, cause: 'not-found' },
  hint: `it has ${known.join(', ')}`,
});

/** Quotas that a load test meets first. Families have more (N2_CPUS, C2_CPUS and so on), which show when they are full. */
const QUOTAS = ['CPUS', 'PREEMPTIBLE_CPUS', 'INSTANCES', 'IN_USE_ADDRESSES', 'STATIC_ADDRESSES', 'DISKS_TOTAL_GB'];

export async function checkRegion(place: Place, region: string): Promise<readonly CloudFinding[]> {
  const { api, project, network } = place;
  const facts = await regionFacts(place, region);
  // Everything below would say the same again.
  if (!facts.ok) return [failed('credentials and region', facts.refusal)];
  const { status, quotas } = facts.value;
  const machines = await listMachines(place, region, null);
  const net = await api.call<unknown>({ path: pathOfNetwork(place), doing: `look at the network ${network}` });
  const used = QUOTAS.map((metric) => ({ metric, quota: quotas?.find((each) => each.metric === metric) }));
  return [
    { name: 'credentials', isOk: true, detail: `they open project ${project}` },
    {
      name: 'region',
      isOk: status === 'UP',
      detail: `${region} is ${status}`,
      ...(status === 'UP' ? {} : { remedy: 'choose another region' }),
    },
    machines.ok
      ? { name: 'machines', isOk: true, detail: `${machines.value.length} of this program in ${region}` }
      : failed('machines', machines.refusal),
    net.ok ? { name: 'network', isOk: true, detail: network } : failed('network', net.refusal),
    ...used.map(({ metric, quota }): CloudFinding => {
      const { limit = 0, usage = 0 } = quota ?? {};
      const name = `quota ${metric}`;
      if (quota === undefined) return { name, isOk: true, detail: 'Google names none here' };
      // Spot uses the other CPU quota where there is none of its own.
      const isOk = usage < limit || metric === 'PREEMPTIBLE_CPUS';
      const detail = `${usage} of ${limit} are in use`;
      return {
        name,
        isOk,
        detail,
        ...(isOk ? {} : { remedy: 'ask Google for more (console: IAM and admin, quotas), or choose another region' }),
      };
    }),
    { name: 'rights to launch', isOk: true, detail: 'not tried: Google has no dry run; reading is allowed' },
  ];
}

const failed = (name: string, { message, hint }: Refusal): CloudFinding => ({ name, isOk: false, detail: message, remedy: hint ?? '' });
