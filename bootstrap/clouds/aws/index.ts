// Amazon EC2. A machine ends for good when its system shuts down (InstanceInitiatedShutdownBehavior=terminate), without any credential on it. What this folder does is
// told in its files: order-shape.ts (requests and tokens), launching.ts (plan B), ending.ts, listing.ts, group.ts, addresses.ts, order-checks.ts,
// doctor.ts; calls.ts and refusals.ts are how the vendor's moods become values; permissions.ts is the least policy; sdk.ts is the vendor's library.

import { fail, ok, type Result } from '../../../node/core/errors.ts';
import type { Cloud, CloudComponents, CloudType, LaunchOrder, LaunchPlan } from '../../cloud.ts';
import { type CallEc2, createCalls } from './calls.ts';
import { checkRegion } from './doctor.ts';
import { endRun } from './ending.ts';
import { groupNameOf } from './group.ts';
import { launchOrder } from './launching.ts';
import { filtersOf, listInstances } from './listing.ts';
import { extrasFrom, extrasNotes, type OperatorExtras, withExtras } from './operator-extras.ts';
import { USER_DATA_BYTES_MAX, validateOrder } from './order-checks.ts';
import { batchesOf, placesOf } from './order-shape.ts';
import { renderPolicy } from './permissions.ts';
import { refusalOf } from './refusals.ts';
import { loadLibrary, openClient } from './sdk.ts';
import type { SendToEc2 } from './shapes.ts';
import { spotPricesOf } from './spot-prices.ts';

/** `sendTo` opens a region. Regions are opened when they are named. */
export function createAwsCloud(components: CloudComponents, sendTo: (region: string) => SendToEc2, extras: OperatorExtras = {}): Cloud {
  const calls = new Map<string, CallEc2>();
  const callsOf = (region: string): CallEc2 => {
    const known = calls.get(region) ?? createCalls(withExtras(sendTo(region), extras), components);
    calls.set(region, known);
    return known;
  };
  return {
    validate: (order) => validateOrder(callsOf(order.region), order),
    plan: (order) => planOf(order, extras),
    launch: (order, signal) => launchOrder({ call: callsOf(order.region), order, signal, wallNowMs: components.wallNowMs }),
    async list({ region, runId }) {
      const listed = await listInstances(callsOf(region), region, filtersOf(runId));
      return listed.ok ? ok(listed.value) : fail(listed.refusal);
    },
    terminate: ({ region, runId }, ids) => endRun({ call: callsOf(region), region, runId, ids, sleep: components.sleep }),
    check: (region) => checkRegion(callsOf(region), region),
    spotPrices: (region, machineTypes) => spotPricesOf(callsOf(region), machineTypes, components.wallNowMs()),
  };
}

function planOf(order: LaunchOrder, extras: OperatorExtras): LaunchPlan {
  const { count, region, runId, meshPort, address } = order;
  const places = placesOf(order).map(({ market, machineType, zone }) => `${machineType} ${market}${zone === null ? '' : ` in ${zone}`}`);
  return {
    batches: batchesOf(count),
    notes: [
      `security group ${groupNameOf(runId)} in ${region}, open to TCP ${meshPort} from anywhere`,
      ...(address === 'reserved' ? [`${count} elastic addresses, given back at the end`] : []),
      ...extrasNotes(extras),
      `tried in this order: ${places.join('; ')}`,
    ],
  };
}

async function create(components: CloudComponents): Promise<Result<Cloud>> {
  const library = await loadLibrary();
  if (!library.ok) return library;
  const { environment } = components;
  const extras = extrasFrom(environment);
  if ('code' in extras) return fail(extras);
  try {
    // Any region serves to ask the chain; no request is sent to EC2.
    await openClient(library.value, { environment, region: environment('AWS_REGION') ?? 'us-east-1' }).credentials();
  } catch (error) {
    return fail(refusalOf('credentials', error, components.wallNowMs()));
  }
  return ok(createAwsCloud(components, (region) => openClient(library.value, { environment, region }).send, extras));
}

export const cloudType: CloudType = {
  name: 'aws',
  summary: 'Amazon EC2; credentials as the AWS command line has them, AWS_ENDPOINT_URL_EC2 for another endpoint',
  selfEnd: 'shutdown',
  userDataBytesMax: USER_DATA_BYTES_MAX,
  markets: ['on-demand', 'spot'],
  boot: 'cloud-init',
  hasNotice: true,
  joinFlags: () => [],
  leastRights: renderPolicy,
  create,
};
