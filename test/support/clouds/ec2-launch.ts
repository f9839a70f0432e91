// RunInstances of the made-up EC2: client tokens that give the same machines again or refuse another request, 16 KB of user data, images that fit the type, quotas by
// virtual processors, capacity by market, type and zone, part of an order when that is all there is. A spot request is one-time or it is refused:
// a persistent one would launch again what was ended.

import { type FakeInstance, MACHINE_TYPES, type Region, tagsFor } from './ec2-region.ts';
import { Ec2Error, type Input, part, parts, text, texts } from './ec2-wire.ts';

const USER_DATA_BYTES_MAX = 16_384;
const PARAMETERS: Readonly<Record<string, string>> = {
  'resolve:ssm:/aws/service/debian/release/12/latest/amd64': 'x86_64',
  'resolve:ssm:/aws/service/debian/release/12/latest/arm64': 'arm64',
};
const TAGGED = ['instance', 'volume', 'network-interface', 'spot-instances-request'];

export function launch(region: Region, input: Input, images: Readonly<Record<string, string>>): readonly FakeInstance[] {
  const token = text(input, 'ClientToken');
  if (token.length > 64) throw new Ec2Error('InvalidParameterValue', 'The client token is longer than 64 characters');
  const { DryRun: _dry, ClientToken: _token, ...rest } = input;
  const request = JSON.stringify(rest);
  const before = token === '' ? undefined : region.tokens.get(token);
  if (before !== undefined && before.request !== request)
    throw new Ec2Error('IdempotentParameterMismatch', 'The parameters do not match those of the token before.');
  if (before !== undefined) return before.ids.map((id) => region.instances.get(id) as FakeInstance);
  checkRequest(region, input, images);
  if (input.DryRun === 'true') return [];
  const made = make(region, input);
  if (token !== '') region.tokens.set(token, { request, ids: made.map(({ id }) => id) });
  return made;
}

function checkRequest(region: Region, input: Input, images: Readonly<Record<string, string>>): void {
  const bytes = Buffer.from(text(input, 'UserData'), 'base64').length;
  if (bytes > USER_DATA_BYTES_MAX) throw new Ec2Error('InvalidParameterValue', `User data is limited to ${USER_DATA_BYTES_MAX} bytes`);
  const type = text(input, 'InstanceType');
  const offer = MACHINE_TYPES[type];
  if (offer === undefined) throw new Ec2Error('InvalidParameterValue', `Invalid value '${type}' for InstanceType.`);
  const image = text(input, 'ImageId');
  const architecture = image.startsWith('resolve:ssm:') ? PARAMETERS[image] : images[image];
  if (architecture === undefined)
    throw image.startsWith('resolve:')
      ? new Ec2Error('InvalidParameterValue', `Parameter ${image} not found`)
      : new Ec2Error('InvalidAMIID.NotFound', `The image id '[${image}]' does not exist`);
  if (architecture !== offer.architecture)
    throw new Ec2Error(
      'InvalidParameterValue',
      `The architecture '${offer.architecture}' of the instance type does not match '${architecture}'`,
    );
  const key = text(input, 'KeyName');
  if (key !== '' && key !== 'mine') throw new Ec2Error('InvalidKeyPair.NotFound', `The key pair '${key}' does not exist`);
  const template = part(input, 'LaunchTemplate');
  const templateName = text(template, 'LaunchTemplateName') || text(template, 'LaunchTemplateId');
  if (templateName !== '' && !['ours', 'lt-0123456789abcdef0'].includes(templateName))
    throw new Ec2Error('InvalidLaunchTemplateName.NotFoundException', `The specified launch template, ${templateName}, does not exist.`);
  const zone = text(part(input, 'Placement'), 'AvailabilityZone');
  if (zone !== '' && !region.zones.includes(zone)) throw new Ec2Error('InvalidParameterValue', `Invalid availability zone: [${zone}]`);
  if (zone !== '' && !offer.zones.some((letter) => region.name + letter === zone))
    throw new Ec2Error(
      'Unsupported',
      `Your requested instance type (${type}) is not supported in your requested Availability Zone (${zone}).`,
    );
  const options = part(input, 'InstanceMarketOptions');
  const spot = part(options, 'SpotOptions');
  if (options.MarketType !== undefined && text(options, 'MarketType') !== 'spot') throw new Ec2Error('InvalidParameterValue', 'MarketType');
  if (options.MarketType !== undefined && text(spot, 'SpotInstanceType') !== 'one-time')
    throw new Ec2Error('InvalidParameterCombination', 'this account takes one-time spot requests only');
  const isTaggingSpot = parts(input, 'TagSpecification').some((each) => text(each, 'ResourceType') === 'spot-instances-request');
  if (isTaggingSpot && options.MarketType === undefined)
    throw new Ec2Error('InvalidParameterCombination', 'spot-instances-request can be tagged with spot options only');
  if (!region.hasDefaultVpc) throw new Ec2Error('MissingInput', 'No subnets found for the default VPC');
}

function make(region: Region, input: Input): readonly FakeInstance[] {
  const min = Number(text(input, 'MinCount'));
  const max = Number(text(input, 'MaxCount'));
  if (!(Number.isInteger(min) && Number.isInteger(max) && min >= 1 && max >= min))
    throw new Ec2Error('InvalidParameterValue', `MinCount ${min} and MaxCount ${max}`);
  const type = text(input, 'InstanceType');
  const { cores, zones } = MACHINE_TYPES[type] as (typeof MACHINE_TYPES)[string];
  const isSpot = input.InstanceMarketOptions !== undefined;
  const used = region.alive().filter((each) => each.isSpot === isSpot);
  const usedCores = used.reduce((sum, each) => sum + (MACHINE_TYPES[each.type]?.cores ?? 0), 0);
  if (usedCores + max * cores > (isSpot ? region.limits.spotCores : region.limits.cores))
    throw isSpot
      ? new Ec2Error('MaxSpotInstanceCountExceeded', 'Max spot instance count exceeded')
      : new Ec2Error('VcpuLimitExceeded', 'You have requested more vCPU capacity than your current vCPU limit allows');
  const wanted = text(part(input, 'Placement'), 'AvailabilityZone');
  const market = isSpot ? 'spot' : 'on-demand';
  const room = (zone: string): number => region.capacity.get(`${market}/${type}/${zone}`) ?? Number.POSITIVE_INFINITY;
  // Without a zone EC2 takes the one with the most room.
  const zone = wanted === '' ? zones.map((letter) => region.name + letter).reduce((a, b) => (room(b) > room(a) ? b : a)) : wanted;
  const size = Math.min(max, room(zone));
  if (size < min)
    throw new Ec2Error(
      'InsufficientInstanceCapacity',
      `We currently do not have sufficient ${type} capacity in the zone you requested (${zone}).`,
      500,
    );
  region.capacity.set(`${market}/${type}/${zone}`, room(zone) - size);
  return Array.from({ length: size }, () => makeOne(region, input, { type, zone, isSpot }));
}

function makeOne(region: Region, input: Input, { type, zone, isSpot }: Pick<FakeInstance, 'type' | 'zone' | 'isSpot'>): FakeInstance {
  const interfaces = parts(input, 'NetworkInterface');
  const groups = interfaces.flatMap((each) => texts(each, 'SecurityGroupId'));
  for (const group of groups) region.group(group);
  const id = region.id('i');
  const instance: FakeInstance = {
    ...{ id, type, zone, isSpot, groups, madeMs: region.clock(), number: region.number(), reason: region.stillborn, request: input },
    tags: tagsFor(input, 'instance', TAGGED),
    hasPublicAddress: interfaces.some((each) => each.AssociatePublicIpAddress === 'true'),
    endedMs: region.stillborn === '' ? null : region.clock() + 1,
  };
  region.instances.set(id, instance);
  return instance;
}
