// The actions of the made-up EC2, each a function of a region and its input. Answers and error codes are those of the EC2 API reference; parameters that an action does
// not know are refused, so that a misspelt one cannot pass unnoticed. Launching is in ec2-launch.ts.

import { launch } from './ec2-launch.ts';
import { type FakeInstance, hasFilters, MACHINE_TYPES, pageOf, type Region, tagsFor, wireTags } from './ec2-region.ts';
import { Ec2Error, type Input, part, parts, text, texts } from './ec2-wire.ts';

export type Action = (region: Region, input: Input) => Input;

export const IMAGES: Readonly<Record<string, string>> = { 'ami-0123456789abcdef0': 'x86_64', 'ami-0123456789abcdef1': 'arm64' };

export function wireInstance(region: Region, instance: FakeInstance): Input {
  const { id, type, zone, isSpot, tags, number, reason } = instance;
  const state = region.stateOf(instance);
  const elastic = [...region.addresses.values()].find(({ association }) => association?.instanceId === id);
  const own = instance.hasPublicAddress && state === 'running' ? `198.51.${number >> 8}.${number & 255}` : undefined;
  return {
    ...{ instanceId: id, instanceType: type, instanceState: { code: '0', name: state }, placement: { availabilityZone: zone } },
    ...(isSpot ? { instanceLifecycle: 'spot' } : {}),
    ...(reason === '' ? {} : { stateReason: { code: reason, message: reason } }),
    ...(state === 'terminated' ? {} : { privateIpAddress: `10.0.${number >> 8}.${number & 255}` }),
    ...{ ipAddress: elastic?.ip ?? own, tagSet: wireTags(tags) },
  };
}

function describeInstances(region: Region, input: Input): Input {
  const ids = texts(input, 'InstanceId');
  if (ids.length > 0 && input.MaxResults !== undefined)
    throw new Ec2Error('InvalidParameterCombination', 'The parameter instancesSet cannot be used with the parameter maxResults');
  const named = ids.map((id) => region.known(id));
  const all = (ids.length > 0 ? named : [...region.instances.values()].filter((each) => region.isSeen(each))).filter(({ tags }) =>
    hasFilters(input, tags),
  );
  const { items, nextToken } = pageOf(input, all, region.limits.page);
  return { reservationSet: items.map((each) => ({ instancesSet: [wireInstance(region, each)] })), nextToken };
}

function terminateInstances(region: Region, input: Input): Input {
  const ids = texts(input, 'InstanceId');
  if (ids.length === 0) throw new Ec2Error('MissingParameter', 'The request must contain the parameter InstanceId');
  // All or none: one unknown id and nothing is ended.
  const named = ids.map((id) => region.known(id));
  for (const instance of named) region.end(instance);
  return { instancesSet: named.map(({ id }) => ({ instanceId: id })) };
}

function createSecurityGroup(region: Region, input: Input): Input {
  const name = text(input, 'GroupName');
  if (!/^[\w .:/()#,@[\]+=&;{}!$*-]{1,255}$/.test(name) || name.startsWith('sg-'))
    throw new Ec2Error('InvalidParameterValue', `Value (${name}) for parameter GroupName is invalid.`);
  if (text(input, 'GroupDescription') === '')
    throw new Ec2Error('MissingParameter', 'The request must contain the parameter GroupDescription');
  if (!region.hasDefaultVpc) throw new Ec2Error('VPCIdNotSpecified', 'No default VPC for this user');
  if ([...region.groups.values()].some((group) => group.name === name))
    throw new Ec2Error('InvalidGroup.Duplicate', `The security group '${name}' already exists for VPC 'vpc-1'`);
  const id = region.id('sg');
  const tags = tagsFor(input, 'security-group', ['security-group']);
  region.groups.set(id, { id, name, tags, madeMs: region.clock(), permissions: [] });
  return { groupId: id };
}

function authorizeIngress(region: Region, input: Input): Input {
  const group = region.group(text(input, 'GroupId'));
  const rules = parts(input, 'IpPermissions').flatMap((permission) => {
    const what = `${text(permission, 'IpProtocol')}/${text(permission, 'FromPort')}-${text(permission, 'ToPort')}`;
    const ranges = [
      ...parts(permission, 'IpRanges').map((range) => text(range, 'CidrIp')),
      ...parts(permission, 'Ipv6Ranges').map((range) => text(range, 'CidrIpv6')),
    ];
    return ranges.map((range) => `${what} ${range}`);
  });
  if (rules.length === 0) throw new Ec2Error('MissingParameter', 'Either IpPermissions or CidrIp');
  const twice = rules.find((rule) => group.permissions.includes(rule));
  if (twice !== undefined) throw new Ec2Error('InvalidPermission.Duplicate', `the specified rule "${twice}" already exists`);
  group.permissions.push(...rules);
  return { return: 'true' };
}

function describeSecurityGroups(region: Region, input: Input): Input {
  const names = texts(input, 'GroupName');
  const seen = [...region.groups.values()].filter((group) => region.isGroupSeen(group));
  const unknown = names.find((name) => !seen.some((group) => group.name === name));
  if (unknown !== undefined)
    throw new Ec2Error('InvalidGroup.NotFound', `The security group '${unknown}' does not exist in default VPC 'vpc-1'`);
  const all = seen.filter((group) => (names.length === 0 || names.includes(group.name)) && hasFilters(input, group.tags));
  const { items, nextToken } = pageOf(input, all, region.limits.page);
  return { securityGroupInfo: items.map(({ id, name, tags }) => ({ groupId: id, groupName: name, tagSet: wireTags(tags) })), nextToken };
}

function deleteSecurityGroup(region: Region, input: Input): Input {
  const group = region.group(text(input, 'GroupId'));
  const holds = [...region.instances.values()].some((each) => each.groups.includes(group.id) && region.stateOf(each) !== 'terminated');
  if (holds) throw new Ec2Error('DependencyViolation', `resource ${group.id} has a dependent object`);
  region.groups.delete(group.id);
  return { return: 'true' };
}

function allocateAddress(region: Region, input: Input): Input {
  if (text(input, 'Domain') !== 'vpc') throw new Ec2Error('InvalidParameterValue', 'Domain');
  if (region.addresses.size >= region.limits.addresses)
    throw new Ec2Error('AddressLimitExceeded', 'The maximum number of addresses has been reached.');
  const id = region.id('eipalloc');
  const ip = `203.0.113.${region.number() % 256}`;
  region.addresses.set(id, { id, ip, tags: tagsFor(input, 'elastic-ip', ['elastic-ip']), association: null });
  return { allocationId: id, publicIp: ip, domain: 'vpc' };
}

function associateAddress(region: Region, input: Input): Input {
  const address = region.address(text(input, 'AllocationId'));
  const instance = region.known(text(input, 'InstanceId'));
  if (region.stateOf(instance) !== 'running')
    throw new Ec2Error('InvalidInstanceID', `The pending instance '${instance.id}' is not in a valid state for this operation.`);
  if (address.association !== null && address.association.instanceId !== instance.id && text(input, 'AllowReassociation') === 'false')
    throw new Ec2Error('Resource.AlreadyAssociated', `resource ${address.id} is already associated`);
  address.association = { id: region.id('eipassoc'), instanceId: instance.id };
  return { return: 'true', associationId: address.association.id };
}

function describeAddresses(region: Region, input: Input): Input {
  const all = [...region.addresses.values()].filter(({ tags }) => hasFilters(input, tags));
  return {
    addressesSet: all.map(({ id, ip, tags, association }) => ({
      ...{ allocationId: id, publicIp: ip, domain: 'vpc', tagSet: wireTags(tags) },
      ...(association === null ? {} : { associationId: association.id, instanceId: association.instanceId }),
    })),
  };
}

function disassociateAddress(region: Region, input: Input): Input {
  const id = text(input, 'AssociationId');
  const address = [...region.addresses.values()].find(({ association }) => association?.id === id);
  if (address === undefined) throw new Ec2Error('InvalidAssociationID.NotFound', `The association ID '${id}' does not exist`);
  address.association = null;
  return { return: 'true' };
}

function releaseAddress(region: Region, input: Input): Input {
  const address = region.address(text(input, 'AllocationId'));
  if (address.association !== null) throw new Ec2Error('InvalidIPAddress.InUse', `Address ${address.ip} is in use.`);
  region.addresses.delete(address.id);
  return { return: 'true' };
}

function describeOfferings(region: Region, input: Input): Input {
  if (text(input, 'LocationType') !== 'availability-zone') throw new Ec2Error('InvalidParameterValue', 'LocationType');
  const [filter] = parts(input, 'Filter');
  if (filter === undefined || text(filter, 'Name') !== 'instance-type')
    throw new Ec2Error('InvalidParameterValue', 'The filter is invalid');
  const wanted = texts(filter, 'Value');
  const all = Object.entries(MACHINE_TYPES).flatMap(([type, { zones }]) =>
    wanted.includes(type)
      ? zones.map((letter) => ({ instanceType: type, locationType: 'availability-zone', location: region.name + letter }))
      : [],
  );
  const { items, nextToken } = pageOf(input, all, region.limits.page);
  return { instanceTypeOfferingSet: items, nextToken };
}

function describeImages(_region: Region, input: Input): Input {
  const ids = texts(input, 'ImageId');
  for (const id of ids) {
    if (!/^ami-([0-9a-f]{8}|[0-9a-f]{17})$/.test(id)) throw new Ec2Error('InvalidAMIID.Malformed', `Invalid id: "${id}"`);
    if (IMAGES[id] === undefined) throw new Ec2Error('InvalidAMIID.NotFound', `The image id '[${id}]' does not exist`);
  }
  return { imagesSet: ids.map((imageId) => ({ imageId })) };
}

function describeAttributes(region: Region, input: Input): Input {
  const values: Readonly<Record<string, string>> = {
    ...{ 'vpc-max-elastic-ips': String(region.limits.addresses), 'default-vpc': region.hasDefaultVpc ? 'vpc-1' : 'none' },
  };
  const attributes = texts(input, 'AttributeName').map((name) => {
    const value = values[name];
    if (value === undefined) throw new Ec2Error('InvalidParameterValue', `Value (${name}) for parameter attribute is invalid.`);
    return { attributeName: name, attributeValueSet: [{ attributeValue: value }] };
  });
  return { accountAttributeSet: attributes };
}

/** Two zones, two changes a day; a page at a time. The first of a type is the dearer. */
function describeSpotPrices(region: Region, input: Input): Input {
  if (Number.isNaN(Date.parse(text(input, 'StartTime')))) throw new Ec2Error('InvalidParameterValue', 'StartTime');
  const rows = texts(input, 'InstanceType').flatMap((instanceType) =>
    ['0.0310', '0.0295'].map((spotPrice) => ({
      instanceType,
      spotPrice,
      productDescription: 'Linux/UNIX',
      availabilityZone: region.zones[0],
    })),
  );
  const from = Number(text(input, 'NextToken') || 0);
  const size = Number(text(input, 'MaxResults') || 1000);
  return { spotPriceHistorySet: rows.slice(from, from + size), nextToken: from + size < rows.length ? String(from + size) : '' };
}

/** By name: what it may be given besides Action, Version and DryRun, and what it does. */
export const ACTIONS: Readonly<Record<string, { parameters: readonly string[]; run: Action; isMaking?: boolean }>> = {
  RunInstances: {
    parameters: [
      ...['ClientToken', 'ImageId', 'InstanceType', 'MinCount', 'MaxCount', 'UserData', 'InstanceInitiatedShutdownBehavior'],
      ...['MetadataOptions', 'NetworkInterface', 'TagSpecification', 'Placement', 'InstanceMarketOptions'],
      ...['KeyName', 'LaunchTemplate'],
    ],
    run: (region, input) => ({ instancesSet: launch(region, input, IMAGES).map((each) => wireInstance(region, each)) }),
    isMaking: true,
  },
  DescribeInstances: { parameters: ['InstanceId', 'Filter', 'MaxResults', 'NextToken'], run: describeInstances },
  TerminateInstances: { parameters: ['InstanceId'], run: terminateInstances },
  CreateSecurityGroup: { parameters: ['GroupName', 'GroupDescription', 'TagSpecification'], run: createSecurityGroup, isMaking: true },
  AuthorizeSecurityGroupIngress: { parameters: ['GroupId', 'IpPermissions'], run: authorizeIngress },
  DescribeSecurityGroups: { parameters: ['GroupName', 'Filter', 'MaxResults', 'NextToken'], run: describeSecurityGroups },
  DeleteSecurityGroup: { parameters: ['GroupId'], run: deleteSecurityGroup },
  AllocateAddress: { parameters: ['Domain', 'TagSpecification'], run: allocateAddress, isMaking: true },
  AssociateAddress: { parameters: ['AllocationId', 'InstanceId', 'AllowReassociation'], run: associateAddress },
  DescribeAddresses: { parameters: ['Filter'], run: describeAddresses },
  DisassociateAddress: { parameters: ['AssociationId'], run: disassociateAddress },
  ReleaseAddress: { parameters: ['AllocationId'], run: releaseAddress },
  DescribeAvailabilityZones: {
    parameters: [],
    run: (region) => ({ availabilityZoneInfo: region.zones.map((zoneName) => ({ zoneName, zoneState: 'available' })) }),
  },
  DescribeInstanceTypeOfferings: { parameters: ['LocationType', 'Filter', 'MaxResults', 'NextToken'], run: describeOfferings },
  DescribeSpotPriceHistory: {
    parameters: ['StartTime', 'InstanceType', 'ProductDescription', 'MaxResults', 'NextToken'],
    run: describeSpotPrices,
  },
  DescribeImages: { parameters: ['ImageId'], run: describeImages },
  DescribeAccountAttributes: { parameters: ['AttributeName'], run: describeAttributes },
};

/** Used by checks of what was really launched. */
export const metadataOf = ({ request }: FakeInstance): Input => part(request, 'MetadataOptions');
