// What `--on NAME:REGION:TYPE=COUNT` means: some machines of one vendor in one region. Zones and machine types may be lists in the order of preference, which
// is how far a plan B may go: nothing else is ever rented. `aws:us-east-1/us-east-1a,us-east-1b:c7i.large,c6i.large=10@spot+` reads: ten machines, these
// two zones, the second type when the first has no capacity, spot with on-demand as fall-back. Whether a vendor knows the words is the vendor's file.

import { fail, ok, type Problem, type Result } from '../node/core/errors.ts';
import type { Market } from './cloud.ts';

export interface LaunchRequest {
  readonly cloud: string;
  readonly region: string;
  readonly zones: readonly string[];
  readonly machineTypes: readonly string[];
  readonly count: number;
  readonly markets: readonly Market[];
}

/** More would be a typing error before it is a plan; a swarm's ticket allows as many. */
export const INSTANCES_MAX = 4096;

const FORM = /^([a-z][a-z0-9-]*):([^:=@]+):([^:=@]+)=(\d+)(?:@([a-z-]+\+?))?$/;
const WORD = /^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/;
const EXAMPLE = 'for example aws:us-east-1:c7i.large=10, or gce:europe-west1/europe-west1-b:e2-standard-4=5@spot+';

const MARKETS: Readonly<Record<string, readonly Market[]>> = {
  spot: ['spot'],
  'spot+': ['spot', 'on-demand'],
  'on-demand': ['on-demand'],
};

/** Problem: QUILT_LAUNCH_REQUEST, naming the part that cannot be read. */
export function parseLaunchRequest(text: string): Result<LaunchRequest> {
  const parts = FORM.exec(text);
  if (parts === null) return wrong(text, 'it is not NAME:REGION:TYPE=COUNT');
  const [, cloud, place, types, countText, marketText] = parts as unknown as [string, string, string, string, string, string?];
  const [region, zoneText, ...more] = place.split('/') as [string, string?, ...string[]];
  const zones = zoneText === undefined ? [] : zoneText.split(',');
  const machineTypes = types.split(',');
  const strange = [region, ...zones, ...machineTypes].find((word) => !WORD.test(word));
  if (more.length > 0 || strange !== undefined) return wrong(text, `'${more[0] ?? strange}' is no name of a region, zone or machine type`);
  const count = Number(countText);
  if (count < 1 || count > INSTANCES_MAX) return wrong(text, `${countText} machines: 1 to ${INSTANCES_MAX} are possible`);
  const markets = MARKETS[marketText ?? 'on-demand'];
  if (markets === undefined) return wrong(text, `'@${marketText}' is no market: @spot, @spot+ (falls back to on-demand) or @on-demand`);
  return ok({ cloud, region, zones, machineTypes, count, markets });
}

/** All of them, with every mistake at once. Two requests that name the same vendor, region and type are one mistake in two places. */
export function parseLaunchRequests(texts: readonly string[]): Result<readonly LaunchRequest[]> {
  const problems: Problem[] = [];
  const requests: LaunchRequest[] = [];
  const seen = new Set<string>();
  for (const text of texts) {
    const parsed = parseLaunchRequest(text);
    if (!parsed.ok) {
      problems.push(...parsed.problems);
      continue;
    }
    const { cloud, region, zones, machineTypes, markets } = parsed.value;
    const key = [cloud, region, zones, machineTypes, markets].join(' ');
    if (seen.has(key)) problems.push(...wrong(text, 'the same machines are asked for twice: add up the counts').problems);
    seen.add(key);
    requests.push(parsed.value);
  }
  if (texts.length === 0) problems.push({ code: 'QUILT_LAUNCH_REQUEST', message: 'where? At least one --on is needed', hint: EXAMPLE });
  const total = requests.reduce((sum, { count }) => sum + count, 0);
  if (total > INSTANCES_MAX) {
    const message = `${total} machines are more than the ${INSTANCES_MAX} that a swarm can have`;
    problems.push({ code: 'QUILT_LAUNCH_REQUEST', message, hint: 'ask for fewer, larger machines' });
  }
  return problems.length === 0 ? ok(requests) : fail(...problems);
}

const wrong = (text: string, reason: string) => fail({ code: 'QUILT_LAUNCH_REQUEST', message: `--on ${text}: ${reason}`, hint: EXAMPLE });
