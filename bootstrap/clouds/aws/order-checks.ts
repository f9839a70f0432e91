// Everything about an order that can be known before money is spent: first what needs no question to EC2, then zones, types, the image, the addresses still to be
// had, and at last a dry run of the very request, which EC2 checks as far as permissions and parameters go. A dry run says nothing of capacity and
// of how many virtual processors the account may still have: those show when machines are launched, and lead to plan B.

import { suggestion } from '../../../node/core/suggest.ts';
import type { LaunchOrder, Refusal } from '../../cloud.ts';
import type { Answer, CallEc2 } from './calls.ts';
import { imageOf, placesOf, requestOf } from './order-shape.ts';

/** EC2 takes 16 KB before the encoding. */
export const USER_DATA_BYTES_MAX = 16_384;
const COUNT_MAX = 1_000;
const REGION = /^[a-z]{2}(-[a-z]+)+-\d{1,2}$/;
const RUN_ID = /^[A-Za-z0-9][A-Za-z0-9-]{0,62}$/;
const ORDER_ID = /^[a-z0-9-]{1,20}$/;
const IMAGE = /^(ami-[0-9a-f]{8,17}|resolve:ssm:[\w./:-]{1,512})$/;
const OFFERINGS_PAGE = 100;
const PAGES_MAX = 50;

const wrong = (message: string, hint: string): Refusal => ({ code: 'QUILT_AWS_ORDER', message, hint, cause: 'invalid' });
const absent = (message: string, hint: string): Refusal => ({ code: 'QUILT_AWS_ORDER', message, hint, cause: 'not-found' });

/** No question to EC2. */
export function wrongIn(order: LaunchOrder): readonly Refusal[] {
  const { region, count, markets, machineTypes, image, userData, meshPort, runId, orderId } = order;
  const refusals: Refusal[] = [];
  if (!REGION.test(region)) refusals.push(absent(`aws has no region '${region}'`, 'write it as us-east-1, without the letter of a zone'));
  if (count < 1 || count > COUNT_MAX || !Number.isInteger(count))
    refusals.push(wrong(`${count} machines in one order`, `1 to ${COUNT_MAX} are possible`));
  if (machineTypes.length === 0) refusals.push(wrong('no machine type', 'name one, as c7i.large'));
  if (markets.length === 0) refusals.push(wrong('no market', 'on-demand, spot or both'));
  const bytes = Buffer.byteLength(userData);
  if (bytes > USER_DATA_BYTES_MAX)
    refusals.push(wrong(`user data of ${bytes} bytes`, `EC2 takes ${USER_DATA_BYTES_MAX}; let it fetch what it needs`));
  if (image !== null && !IMAGE.test(image))
    refusals.push(wrong(`'${image}' is no image`, 'give an ami-..., or resolve:ssm: and the name of a parameter'));
  if (!(meshPort >= 1 && meshPort <= 65_535)) refusals.push(wrong(`port ${meshPort}`, 'give one of 1 to 65535'));
  if (!RUN_ID.test(runId) || !ORDER_ID.test(orderId))
    refusals.push(wrong(`'${runId}' and '${orderId}' are no marks`, 'letters, digits and -'));
  return refusals;
}

export async function validateOrder(call: CallEc2, order: LaunchOrder): Promise<readonly Refusal[]> {
  const plain = wrongIn(order);
  if (plain.length > 0) return plain;
  const zones = await call('DescribeAvailabilityZones', {});
  // Without an answer to the first question the others have none either.
  if (!zones.ok) return [zones.refusal];
  const names = (zones.value.AvailabilityZones ?? []).flatMap(({ ZoneName }) => ZoneName ?? []);
  const noZones = order.zones
    .filter((zone) => !names.includes(zone))
    .map((zone) => absent(`aws ${order.region} has no zone '${zone}'`, suggestion(zone, names)));
  if (noZones.length > 0) return noZones;
  const checks = await Promise.all([wrongTypes(call, order), wrongImage(call, order), wrongAddresses(call, order)]);
  const refusals = checks.flat();
  return refusals.length > 0 ? refusals : dryRun(call, order);
}

async function wrongTypes(call: CallEc2, order: LaunchOrder): Promise<readonly Refusal[]> {
  const { machineTypes, zones, region } = order;
  const offers = await offersOf(call, machineTypes);
  if (!offers.ok) return [offers.refusal];
  return machineTypes.flatMap((type) => {
    const places = offers.value.get(type) ?? [];
    const hint = `aws ec2 describe-instance-type-offerings --region ${region} --location-type availability-zone`;
    if (places.length === 0) return [absent(`aws ${region} has no machine type '${type}'`, hint)];
    if (zones.length === 0 || zones.some((zone) => places.includes(zone))) return [];
    return [absent(`no zone of ${zones.join(', ')} has ${type}`, `it is in ${places.join(', ')}`)];
  });
}

/** Zones by type. */
async function offersOf(call: CallEc2, machineTypes: readonly string[]): Promise<Answer<ReadonlyMap<string, readonly string[]>>> {
  const zones = new Map<string, string[]>();
  let token: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const answer = await call('DescribeInstanceTypeOfferings', {
      ...{ LocationType: 'availability-zone', Filters: [{ Name: 'instance-type', Values: machineTypes }], MaxResults: OFFERINGS_PAGE },
      ...(token === undefined ? {} : { NextToken: token }),
    });
    if (!answer.ok) return answer;
    for (const { InstanceType = '', Location = '' } of answer.value.InstanceTypeOfferings ?? [])
      zones.set(InstanceType, [...(zones.get(InstanceType) ?? []), Location]);
    token = answer.value.NextToken;
    if (token === undefined || token === '') break;
  }
  return { ok: true, value: zones };
}

async function wrongImage(call: CallEc2, { image, region }: LaunchOrder): Promise<readonly Refusal[]> {
  if (image === null || !image.startsWith('ami-')) return [];
  const found = await call('DescribeImages', { ImageIds: [image] });
  if (!found.ok) return [found.refusal];
  if ((found.value.Images ?? []).length > 0) return [];
  return [absent(`aws ${region} has no image ${image}`, 'an image belongs to one region: give one of this one, or leave --image away')];
}

async function wrongAddresses(call: CallEc2, { address, count, region }: LaunchOrder): Promise<readonly Refusal[]> {
  if (address !== 'reserved') return [];
  const room = await addressRoom(call);
  if (!room.ok) return [room.refusal];
  if (room.value.free >= count) return [];
  const { free, max } = room.value;
  const message = `${count} elastic addresses, and ${free} of the ${max} that the account may have in ${region} are free`;
  const hint = 'order less, release addresses, or ask for a higher limit in the Service Quotas console';
  return [{ code: 'QUILT_AWS_QUOTA', message, hint, cause: 'quota' }];
}

export async function addressRoom(call: CallEc2): Promise<Answer<{ free: number; max: number }>> {
  const attributes = await attributesOf(call);
  if (!attributes.ok) return attributes;
  const used = await call('DescribeAddresses', {});
  if (!used.ok) return used;
  const max = Number(attributes.value.get('vpc-max-elastic-ips') ?? 0);
  return { ok: true, value: { max, free: max - (used.value.Addresses ?? []).length } };
}

/** What EC2 itself says of the account; 'none' as default-vpc means that there is none. */
export async function attributesOf(call: CallEc2): Promise<Answer<ReadonlyMap<string, string>>> {
  const answer = await call('DescribeAccountAttributes', { AttributeNames: ['vpc-max-elastic-ips', 'default-vpc'] });
  if (!answer.ok) return answer;
  const rows = (answer.value.AccountAttributes ?? []).map(
    ({ AttributeName = '', AttributeValues }) => [AttributeName, AttributeValues?.[0]?.AttributeValue ?? ''] as const,
  );
  return { ok: true, value: new Map(rows) };
}

/** Asks for one machine of the first place without making it; EC2's word for 'it would have worked' is an error. */
export async function dryRun(call: CallEc2, order: LaunchOrder): Promise<readonly Refusal[]> {
  const [place] = placesOf(order);
  if (place === undefined) return [];
  const request = requestOf(order, place, null, `dry-run-${order.runId.slice(0, 40)}`, 1);
  const answer = await call('RunInstances', { ...request, DryRun: true });
  if (!answer.ok && answer.refusal.vendorCode === 'DryRunOperation') return [];
  if (answer.ok) return [];
  const image = imageOf(order.image, place.machineType);
  return [{ ...answer.refusal, message: `${answer.refusal.message} (asked for one ${place.machineType} with ${image})` }];
}
