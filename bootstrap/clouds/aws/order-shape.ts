// From an order to requests, as pure functions: the sizes of its batches, the places that are tried for one in their order, the client token of each try, and
// the request itself. A token is a hash of everything that makes a try what it is, so a launcher that comes again sends the same tokens and EC2
// gives it the same instances; what differs in spite of an equal token (other user data, say) EC2 refuses. The market is the outer loop of plan B,
// then the type, then the zone: a cheaper market is worth more to the operator than a type, and a type more than a zone.

import { createHash } from 'node:crypto';
import type { LaunchOrder, Market } from '../../cloud.ts';
import { marksOf } from './listing.ts';
import type { RunInstancesInput, TagSpecification } from './shapes.ts';

/** One request's worth. A larger batch fails as a whole more often, a smaller one costs more calls of a small allowance. */
const BATCH = 20;

export const batchesOf = (count: number): readonly number[] =>
  Array.from({ length: Math.ceil(count / BATCH) }, (_, index) => Math.min(BATCH, count - index * BATCH));

export interface Place {
  readonly market: Market;
  readonly machineType: string;
  /** Null = EC2 chooses. */
  readonly zone: string | null;
}

/** All that the operator allowed, in the order of preference. */
export function placesOf({ markets, machineTypes, zones }: LaunchOrder): readonly Place[] {
  const wanted: readonly (string | null)[] = zones.length === 0 ? [null] : zones;
  return markets.flatMap((market) => machineTypes.flatMap((machineType) => wanted.map((zone) => ({ market, machineType, zone }))));
}

/** 64 characters, as many as EC2 takes. `size` is in it because what is left of a batch after a partial answer is another request. */
export function clientTokenOf({ runId, orderId, region }: LaunchOrder, batchIndex: number, place: Place, size: number): string {
  const words = [runId, orderId, region, batchIndex, place.market, place.machineType, place.zone ?? '', size];
  return createHash('sha256').update(JSON.stringify(words)).digest('hex');
}

/** Debian 12, of the publisher's own public parameter; EC2 looks it up when it launches. */
const DEFAULT_IMAGE = 'resolve:ssm:/aws/service/debian/release/12/latest';

/** Types of AWS's own processors have a g after their generation: c7g, m8gd, is4gen; g6 is a graphics type, g5g both. */
export const architectureOf = (machineType: string): 'arm64' | 'amd64' =>
  /^(a1|[a-z]+\d+[a-z]*g[a-z]*)\./.test(machineType) ? 'arm64' : 'amd64';

export const imageOf = (image: string | null, machineType: string): string => image ?? `${DEFAULT_IMAGE}/${architectureOf(machineType)}`;

const SPOT = {
  // A persistent request would launch again what was ended.
  InstanceMarketOptions: {
    MarketType: 'spot',
    SpotOptions: { SpotInstanceType: 'one-time', InstanceInterruptionBehavior: 'terminate' },
  },
} as const;

export function requestOf(order: LaunchOrder, place: Place, groupId: string | null, token: string, size: number): RunInstancesInput {
  const { userData, image, address } = order;
  const marks = marksOf(order);
  const marked: readonly TagSpecification[] = [
    { ResourceType: 'instance', Tags: marks },
    { ResourceType: 'volume', Tags: marks },
    ...(place.market === 'spot' ? [{ ResourceType: 'spot-instances-request' as const, Tags: marks }] : []),
  ];
  return {
    ...{ ClientToken: token, ImageId: imageOf(image, place.machineType), InstanceType: place.machineType },
    // One is enough: what is missing goes on to the next place.
    ...{ MinCount: 1, MaxCount: size, UserData: Buffer.from(userData).toString('base64') },
    InstanceInitiatedShutdownBehavior: 'terminate',
    MetadataOptions: { HttpTokens: 'required', HttpEndpoint: 'enabled', HttpPutResponseHopLimit: 1 },
    NetworkInterfaces: [
      {
        ...{ DeviceIndex: 0, DeleteOnTermination: true },
        // A machine with an address of its own has no other before: a target that admits only that one never sees another.
        AssociatePublicIpAddress: address === 'ephemeral',
        ...(groupId === null ? {} : { Groups: [groupId] }),
      },
    ],
    TagSpecifications: marked,
    ...(place.zone === null ? {} : { Placement: { AvailabilityZone: place.zone } }),
    ...(place.market === 'spot' ? SPOT : {}),
  };
}
