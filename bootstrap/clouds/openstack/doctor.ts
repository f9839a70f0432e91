// `doctor --cloud openstack`: whether the credentials open the project, the region has what a launch needs, and how much of the quotas is left. Reads only: OpenStack has no dry run.

import type { CloudFinding, Refusal } from '../../cloud.ts';
import { addressQuota, type Limits, quotasOf } from './order-checks.ts';
import { findImage, findNetworks, listServers, type Place } from './place.ts';

export async function checkPlace(place: Place): Promise<readonly CloudFinding[]> {
  const { api, region, settings } = place;
  const session = await api.session();
  // Everything below would say the same again.
  if (!session.ok) return [failed('credentials', session.refusal)];
  const compute = await api.endpoint('compute');
  const opened: CloudFinding = { name: 'credentials', isOk: true, detail: `they open project ${session.value.projectId}` };
  if (!compute.ok) return [opened, failed('region', compute.refusal)];
  const [machines, image, networks, limits] = await Promise.all([
    listServers(place, null),
    findImage(place, null),
    findNetworks(place),
    api.call<Limits>({ service: 'compute', path: '/limits', doing: 'look at the quotas' }),
  ]);
  const addresses = settings.isClassic ? null : await addressQuota(place);
  return [
    opened,
    { name: 'region', isOk: true, detail: `${region}: ${compute.value}` },
    machines.ok
      ? { name: 'machines', isOk: true, detail: `${machines.value.length} of this program` }
      : failed('machines', machines.refusal),
    image.ok ? { name: 'image', isOk: true, detail: image.value.name } : failed('image', image.refusal),
    networks.ok ? { name: 'network', isOk: true, detail: networks.value.chosen.join(', ') } : failed('network', networks.refusal),
    ...(limits.ok
      ? [...quotasOf(limits.value), ...(addresses === null ? [] : [addresses])].map(quotaFinding)
      : [failed('quotas', limits.refusal)]),
    { name: 'rights to launch', isOk: true, detail: 'not tried: OpenStack has no dry run; reading is allowed' },
  ];
}

function quotaFinding({ what, used, limit }: { readonly what: string; readonly used: number; readonly limit: number }): CloudFinding {
  const isOk = limit < 0 || used < limit;
  const detail = limit < 0 ? `${used} are in use, there is no limit` : `${used} of ${limit} are in use`;
  return { name: `quota of ${what}`, isOk, detail, ...(isOk ? {} : { remedy: 'ask the provider for more, or choose another region' }) };
}

const failed = (name: string, { message, hint }: Refusal): CloudFinding => ({ name, isOk: false, detail: message, remedy: hint ?? '' });
