// A region of a provider as the other files use it: its API and settings, the servers of a run as they are listed, and what names stand for (flavor, image,
// networks, floating network). Names are not unique in OpenStack: of images the newest counts, of networks several are a question to the operator.
// What carries no marks of ours is not seen.

import type { CloudComponents, Instance, LaunchOrder } from '../../cloud.ts';
import { MARKS } from '../../cloud.ts';
import type { Api } from './api.ts';
import type { Answer } from './identity.ts';
import type { Settings } from './profiles.ts';
import { refusal } from './refusals.ts';
import { instanceFrom, isDeleting, type LaunchFacts, type Server } from './server.ts';

export interface Place {
  readonly api: Api;
  readonly vendor: string;
  readonly region: string;
  readonly settings: Settings;
  readonly components: CloudComponents;
}

export interface ListedServer {
  readonly id: string;
  readonly name: string;
  readonly created: string;
  readonly instance: Instance;
  readonly status: string;
  readonly isDeleting: boolean;
}

/** A Nova that does not know the filter answers all: marks are compared here too. */
export async function listServers({ api, region }: Place, runId: string | null): Promise<Answer<readonly ListedServer[]>> {
  const query: Record<string, string> = runId === null ? {} : { metadata: JSON.stringify({ [MARKS.run]: runId }) };
  const rows = await api.list<Server>(
    { service: 'compute', path: '/servers/detail', query, doing: `list machines in ${region}` },
    'servers',
  );
  if (!rows.ok) return rows;
  const servers: ListedServer[] = [];
  for (const row of rows.value) {
    const instance = instanceFrom(row, region);
    if (instance === null || (runId ?? instance.runId) !== instance.runId) continue;
    const { name = '', created = '', status = '' } = row;
    servers.push({ id: instance.id, name, created, instance, status, isDeleting: isDeleting(row) });
  }
  return { ok: true, value: servers };
}

export interface Flavor {
  readonly id: string;
  readonly name: string;
  readonly vcpus: number;
  readonly ramMb: number;
  readonly diskGb: number;
}

interface FlavorRow {
  readonly id?: string;
  readonly name?: string;
  readonly vcpus?: number;
  readonly ram?: number;
  readonly disk?: number;
}

/** By id or name, as the operator wrote them; null where there is none. */
export async function findFlavors({ api, region }: Place, types: readonly string[]): Promise<Answer<ReadonlyMap<string, Flavor | null>>> {
  const rows = await api.list<FlavorRow>(
    { service: 'compute', path: '/flavors/detail', doing: `list machine types in ${region}` },
    'flavors',
  );
  if (!rows.ok) return rows;
  const all = rows.value.map(({ id = '', name = '', vcpus = 0, ram = 0, disk = 0 }) => ({ id, name, vcpus, ramMb: ram, diskGb: disk }));
  return {
    ok: true,
    value: new Map(types.map((type) => [type, all.find(({ id }) => id === type) ?? all.find(({ name }) => name === type) ?? null])),
  };
}

interface ImageRow {
  readonly id?: string;
  readonly name?: string;
  readonly status?: string;
  readonly min_disk?: number;
  readonly created_at?: string;
}

export interface Image {
  readonly id: string;
  readonly name: string;
  readonly minDiskGb: number;
}

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;
/** Providers name their images as they like; all of these have cloud-init. In the order of preference. */
const DEFAULT_IMAGES = [/ubuntu.*24\.04/i, /debian.*\b1[2-9]\b/i, /ubuntu.*22\.04/i, /noble|bookworm|trixie/i];
const WRONG_IMAGE = /arm64|aarch64|kubernetes|minimal|gpu|nvidia|windows/i;

export async function findImage({ api, vendor, settings }: Place, ordered: string | null): Promise<Answer<Image>> {
  const wanted = ordered ?? settings.image;
  const byName: Record<string, string> = wanted === null ? {} : { name: wanted };
  const query = { ...byName, status: 'active', sort: 'created_at:desc' };
  const isId = wanted !== null && UUID.test(wanted);
  const doing = `look for the image ${wanted ?? 'of Debian or Ubuntu'}`;
  if (isId) {
    const row = await api.call<ImageRow>({ service: 'image', path: `/images/${wanted}`, doing });
    return row.ok ? { ok: true, value: imageOf(row.value) } : row;
  }
  const rows = await api.list<ImageRow>({ service: 'image', path: '/images', query, doing }, 'images');
  if (!rows.ok) return rows;
  const newestFirst = [...rows.value].sort((one, other) => (other.created_at ?? '').localeCompare(one.created_at ?? ''));
  const usable = newestFirst.filter(({ name = '' }) => wanted !== null || !WRONG_IMAGE.test(name));
  const found =
    wanted !== null
      ? usable[0]
      : DEFAULT_IMAGES.map((form) => usable.find(({ name = '' }) => form.test(name))).find((each) => each !== undefined);
  if (found !== undefined) return { ok: true, value: imageOf(found) };
  const some = [...new Set(newestFirst.map(({ name = '' }) => name))].slice(0, 10).join(', ');
  const message = wanted === null ? 'no image of a current Debian or Ubuntu' : `no image '${wanted}'`;
  return {
    ok: false,
    refusal: refusal(
      vendor,
      'not-found',
      message,
      `name one with cloud-init by --image or QUILT_OS_IMAGE${some === '' ? '' : `; there are ${some}`}`,
    ),
  };
}

const imageOf = ({ id = '', name = '', min_disk = 0 }: ImageRow): Image => ({ id, name, minDiskGb: min_disk });

export async function findFacts(
  place: Place,
  order: LaunchOrder,
): Promise<Answer<LaunchFacts & { readonly floatingNetwork: string | null }>> {
  const [flavors, image, networks] = await Promise.all([
    findFlavors(place, order.machineTypes),
    findImage(place, order.image),
    findNetworks(place),
  ]);
  if (!flavors.ok) return flavors;
  if (!image.ok) return image;
  if (!networks.ok) return networks;
  const missing = order.machineTypes.find((type) => (flavors.value.get(type) ?? null) === null);
  if (missing !== undefined) return { ok: false, refusal: noType(place, missing) };
  const found = new Map([...flavors.value].flatMap(([type, flavor]) => (flavor === null ? [] : [[type, flavor] as const])));
  const needsFloating = order.address === 'reserved' && !place.settings.isClassic;
  const floating = needsFloating ? floatingNetworkOf(place, networks.value.all) : null;
  if (floating?.ok === false) return floating;
  return {
    ok: true,
    value: { flavors: found, image: image.value, networks: networks.value.chosen, floatingNetwork: floating?.value ?? null },
  };
}

export const noType = ({ vendor, region }: Place, type: string) =>
  refusal(
    vendor,
    'not-found',
    `${region} has no machine type '${type}'`,
    'name a flavor of this project, by its name or id (openstack flavor list)',
  );

interface Network {
  readonly id?: string;
  readonly name?: string;
  readonly status?: string;
  readonly subnets?: readonly string[];
  readonly project_id?: string;
  readonly 'router:external'?: boolean;
}

/** Rackspace's classic cloud has these two under ids that never change. */
const CLASSIC_NETWORKS = ['00000000-0000-0000-0000-000000000000', '11111111-1111-1111-1111-111111111111'];

interface Networks {
  readonly chosen: readonly string[];
  readonly all: readonly Network[];
}

export async function findNetworks({ api, vendor, settings }: Place): Promise<Answer<Networks>> {
  if (settings.isClassic) return { ok: true, value: { chosen: settings.networks ?? CLASSIC_NETWORKS, all: [] } };
  const rows = await api.list<Network>({ service: 'network', path: '/networks', doing: 'list networks' }, 'networks');
  if (!rows.ok) return rows;
  const session = await api.session();
  if (!session.ok) return session;
  const all = rows.value;
  if (settings.networks !== null) {
    const found = settings.networks.map((word) => ({ word, network: all.find(({ id, name }) => id === word || name === word) }));
    const missing = found.find(({ network }) => network === undefined);
    if (missing === undefined) return { ok: true, value: { chosen: found.map(({ network }) => network?.id ?? ''), all } };
    return { ok: false, refusal: refusal(vendor, 'not-found', `no network '${missing.word}'`, `QUILT_OS_NETWORK may be ${namesOf(all)}`) };
  }
  const usable = all.filter(({ status, subnets = [] }) => status === 'ACTIVE' && subnets.length > 0);
  const inner = usable.filter((each) => each['router:external'] !== true);
  const own = inner.filter(({ project_id }) => project_id === session.value.projectId);
  // A project without a network of its own, at a provider that puts machines directly on the internet.
  const choices = [own, inner, usable].find((some) => some.length > 0) ?? [];
  const [only, ...more] = choices;
  if (only?.id !== undefined && more.length === 0) return { ok: true, value: { chosen: [only.id], all } };
  const message = only === undefined ? 'the project has no network with a subnet' : `which network? There are ${namesOf(choices)}`;
  return {
    ok: false,
    refusal: refusal(
      vendor,
      'invalid',
      message,
      only === undefined ? 'make a network, a subnet and a router to the outside' : 'set QUILT_OS_NETWORK',
    ),
  };
}

function floatingNetworkOf({ vendor, settings }: Place, all: readonly Network[]): Answer<string> {
  const outer = all.filter((each) => each['router:external'] === true);
  const word = settings.floatingNetwork;
  const choices = word === null ? outer : outer.filter(({ id, name }) => id === word || name === word);
  const [only, ...more] = choices;
  if (only?.id !== undefined && more.length === 0) return { ok: true, value: only.id };
  const message =
    choices.length === 0
      ? 'no external network to take floating addresses from'
      : `which network are floating addresses to be of? There are ${namesOf(choices)}`;
  const hint = outer.length === 0 ? 'launch without --reserve-addresses' : `set QUILT_OS_FLOATING_NETWORK to one of ${namesOf(outer)}`;
  return { ok: false, refusal: refusal(vendor, 'invalid', message, hint) };
}

const namesOf = (networks: readonly Network[]): string =>
  networks
    .slice(0, 20)
    .map(({ name = '', id = '' }) => (name === '' ? id : name))
    .join(', ') || 'none';
