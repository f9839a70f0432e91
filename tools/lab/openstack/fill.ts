// What an empty OpenStack needs before a project can launch servers, made by its administrator: `accounts` right after Keystone is there (projects, users, the catalog), `things` when the
// other services answer (networks, image, flavors). Called by openstack.sh; runs once on a fresh installation and does not look for what is there.

import { err } from '../../../node/adapters/terminal.ts';

const KEYSTONE = 'http://127.0.0.1:15000/v3';
const NETWORK = 'http://127.0.0.1:15696/v2.0';
const COMPUTE = 'http://127.0.0.1:15774/v2.1';
const IMAGE = 'http://127.0.0.1:15292/v2';

type Json = Readonly<Record<string, unknown>>;
type Made = Readonly<Record<string, { readonly id: string }>>;

async function adminToken(): Promise<string> {
  const domain = { id: 'default' };
  const identity = { methods: ['password'], password: { user: { name: 'admin', domain, password: 'admin' } } };
  const body = JSON.stringify({ auth: { identity, scope: { project: { name: 'admin', domain } } } });
  const answer = await fetch(`${KEYSTONE}/auth/tokens`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  if (!answer.ok) throw new Error(`no token: ${answer.status} ${await answer.text()}`);
  return answer.headers.get('x-subject-token') ?? '';
}

function caller(token: string) {
  return async (method: string, url: string, body?: Json | Buffer): Promise<Json> => {
    const isBytes = Buffer.isBuffer(body);
    const headers = { 'x-auth-token': token, 'content-type': isBytes ? 'application/octet-stream' : 'application/json' };
    const answer = await fetch(url, {
      method,
      headers,
      ...(body === undefined ? {} : { body: isBytes ? new Uint8Array(body) : JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${url}: ${answer.status} ${text}`);
    return text === '' ? {} : (JSON.parse(text) as Json);
  };
}

type Call = ReturnType<typeof caller>;

const made = async (call: Call, url: string, key: string, body: Json): Promise<string> =>
  ((await call('POST', url, { [key]: body })) as Made)[key]?.id ?? '';

async function fillAccounts(call: Call): Promise<void> {
  const { roles } = (await call('GET', `${KEYSTONE}/roles`)) as { roles: ReadonlyArray<{ id: string; name: string }> };
  const role = (name: string): string => roles.find((each) => each.name === name)?.id ?? '';
  const grants = [
    ['service', 'svc', 'svc', 'admin'],
    ['loadtest', 'runner', 'runner', 'member'],
  ] as const;
  for (const [projectName, name, password, roleName] of grants) {
    const project = await made(call, `${KEYSTONE}/projects`, 'project', { name: projectName, domain_id: 'default' });
    const user = await made(call, `${KEYSTONE}/users`, 'user', { name, password, domain_id: 'default' });
    await call('PUT', `${KEYSTONE}/projects/${project}/users/${user}/roles/${role(roleName)}`);
  }
  // The internal identity endpoint is there already; without it Neutron would answer 500.
  const services = [
    ['compute', COMPUTE],
    ['placement', 'http://127.0.0.1:15778'],
    ['image', 'http://127.0.0.1:15292'],
    ['network', 'http://127.0.0.1:15696'],
  ] as const;
  for (const [type, url] of services) {
    const service_id = await made(call, `${KEYSTONE}/services`, 'service', { type, name: type });
    for (const face of ['public', 'internal', 'admin'])
      await call('POST', `${KEYSTONE}/endpoints`, { endpoint: { service_id, interface: face, url, region_id: 'RegionOne' } });
  }
}

async function fillThings(call: Call): Promise<void> {
  const network = (body: Json) => made(call, `${NETWORK}/networks`, 'network', body);
  const subnet = (network_id: string, cidr: string) =>
    made(call, `${NETWORK}/subnets`, 'subnet', { network_id, cidr, ip_version: 4, enable_dhcp: false });
  const inner = await network({ name: 'inner', shared: true, 'provider:network_type': 'local' });
  const innerSubnet = await subnet(inner, '10.77.0.0/24');
  const flat = { 'provider:network_type': 'flat', 'provider:physical_network': 'outside' };
  const outside = await network({ name: 'outside', 'router:external': true, ...flat });
  await subnet(outside, '203.0.113.0/24');
  const router = await made(call, `${NETWORK}/routers`, 'router', { name: 'way-out', external_gateway_info: { network_id: outside } });
  await call('PUT', `${NETWORK}/routers/${router}/add_router_interface`, { subnet_id: innerSubnet });
  const image = { name: 'Debian 12 (Bookworm)', disk_format: 'raw', container_format: 'bare', visibility: 'public' };
  const { id } = (await call('POST', `${IMAGE}/images`, image)) as { id: string };
  await call('PUT', `${IMAGE}/images/${id}/file`, Buffer.alloc(1024));
  const flavors = [
    { name: 'm1.small', vcpus: 1, ram: 512, disk: 1 },
    { name: 'm1.medium', vcpus: 2, ram: 1024, disk: 1 },
    // No host has such a disk, and no quota counts it.
    { name: 'm1.giant', vcpus: 1, ram: 512, disk: 900_000_000 },
  ];
  for (const flavor of flavors) await made(call, `${COMPUTE}/flavors`, 'flavor', flavor);
}

const [what] = process.argv.slice(2);
try {
  const call = caller(await adminToken());
  if (what === 'accounts') await fillAccounts(call);
  else if (what === 'things') await fillThings(call);
  else throw new Error('usage: fill.ts accounts | things');
} catch (error) {
  err((error as Error).message);
  process.exitCode = 1;
}
