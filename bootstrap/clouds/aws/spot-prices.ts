// What spot machines cost lately, from EC2's own history: the highest of the last day over all zones, so that an estimate made from it stays a ceiling while the market is calm.

import { fail, ok, type Result } from '../../../node/core/errors.ts';
import type { CallEc2 } from './calls.ts';

const DAY_MS = 86_400_000;
const PAGE = 1000;
const PAGES_MAX = 100;

/** US dollars an hour by machine type; a type without history is left out. */
export async function spotPricesOf(
  call: CallEc2,
  machineTypes: readonly string[],
  wallMs: number,
): Promise<Result<ReadonlyMap<string, number>>> {
  const highest = new Map<string, number>();
  let token: string | undefined;
  for (let page = 0; page < PAGES_MAX && machineTypes.length > 0; page++) {
    const answer = await call('DescribeSpotPriceHistory', {
      ...{ StartTime: new Date(wallMs - DAY_MS), InstanceTypes: machineTypes, ProductDescriptions: ['Linux/UNIX'], MaxResults: PAGE },
      ...(token === undefined ? {} : { NextToken: token }),
    });
    if (!answer.ok) return fail(answer.refusal);
    for (const { InstanceType = '', SpotPrice = '' } of answer.value.SpotPriceHistory ?? []) {
      const usd = Number(SpotPrice);
      if (InstanceType !== '' && usd > 0) highest.set(InstanceType, Math.max(usd, highest.get(InstanceType) ?? 0));
    }
    token = answer.value.NextToken;
    if (token === undefined || token === '') break;
  }
  return ok(highest);
}
