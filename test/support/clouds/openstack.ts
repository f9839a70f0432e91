// A made-up OpenStack over HTTP on loopback: Keystone v3 (or Rackspace's identity v2.0), Nova, Neutron and Glance of one project, in the wording of each. Tokens end; lists have pages of two
// rows; any call can be made to fail before or after it was carried out, and the launcher can be cut off for good after the k-th call. What the project
// holds and how it changes is openstack-project.ts; test/compliance/cloud-openstack-real.test.ts says where the real one differs.

import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import {
  FakeProject,
  type FakeServer,
  FLAVORS,
  IMAGES,
  type Json,
  neutronError,
  novaError,
  PROJECT_ID,
  StackError,
  ZONES,
} from './openstack-project.ts';

export type Kind = 'v3' | 'classic' | 'flex';
const TOKEN_MS = 3_600_000;
const PAGE_ROWS = 2;
const BODY_BYTES_MAX = 1_048_576;
const USER_ID = 'fedcba9876543210fedcba9876543210';

export interface Fault {
  /** `POST /compute/v2.1/servers`, or a part of it. */
  readonly call: string;
  times: number;
  /** 'drop' = the connection is cut. */
  readonly answer: StackError | 'drop';
  /** 'after' = it was done and the answer is lost or wrong. */
  readonly when?: 'before' | 'after';
}

export class FakeOpenStack {
  readonly kind: Kind;
  readonly project: FakeProject;
  readonly faults: Fault[] = [];
  /** In the order of their arrival, those that were refused too. */
  readonly log: string[] = [];
  readonly acts = new Map<number, () => void>();
  readonly bodies: Json[] = [];
  callsLeft = Number.POSITIVE_INFINITY;
  url = '';
  logins = 0;
  close: () => Promise<void> = async () => {};
  readonly #tokens = new Map<string, number>();

  constructor(kind: Kind) {
    this.kind = kind;
    this.project = new FakeProject(kind === 'classic');
  }

  get regionName(): string {
    return this.kind === 'v3' ? 'RegionOne' : this.kind === 'classic' ? 'ORD' : 'SJC3';
  }

  /** Tokens given so far are good for nothing. */
  endTokens(): void {
    this.#tokens.clear();
  }

  giveToken(): { token: string; expires: string } {
    this.logins += 1;
    const token = `token-${this.logins}`;
    this.#tokens.set(token, this.project.nowMs + TOKEN_MS);
    return { token, expires: new Date(this.project.nowMs + TOKEN_MS).toISOString() };
  }

  loginV3(body: Json, response: ServerResponse): Json {
    const { identity, scope } = body.auth as { identity: Json; scope?: Json };
    const isFlex = this.kind === 'flex';
    const domain = isFlex ? { name: 'rackspace_cloud_domain' } : { id: 'default' };
    const user = { name: 'runner', domain, password: 'secret' };
    const right = [
      { methods: ['password'], password: { user } },
      { methods: ['application_credential'], application_credential: { id: 'cred1', secret: 'credsecret' } },
    ].findIndex((each) => JSON.stringify(each) === JSON.stringify(identity));
    const wanted = right === 1 ? undefined : { project: { name: 'loadtest', domain } };
    if (right < 0 || JSON.stringify(scope) !== JSON.stringify(wanted)) throw unauthorized();
    const { token, expires } = this.giveToken();
    response.setHeader('x-subject-token', token);
    const endpointsOf = (path: string) =>
      [this.regionName, 'RegionTwo'].flatMap((region) =>
        ['public', 'internal', 'admin'].map((face) => ({
          ...{ region, region_id: region, interface: face },
          url: region === 'RegionTwo' || face === 'admin' ? 'http://127.0.0.1:9/' : `${this.url}${path}`,
        })),
      );
    const catalog = [
      { type: 'compute', name: 'nova', endpoints: endpointsOf('/compute/v2.1') },
      { type: 'network', name: 'neutron', endpoints: endpointsOf('/network') },
      { type: 'image', name: 'glance', endpoints: endpointsOf('/image/') },
    ];
    return { token: { expires_at: expires, user: { id: USER_ID }, project: { id: PROJECT_ID }, catalog } };
  }

  loginClassic(body: Json): Json {
    const auth = (body.auth as Json)['RAX-KSKEY:apiKeyCredentials'];
    if (JSON.stringify(auth) !== JSON.stringify({ username: 'runner', apiKey: 'secret' })) throw unauthorized();
    const { token, expires } = this.giveToken();
    const serviceCatalog = [
      { type: 'compute', name: 'cloudServers', endpoints: [{ publicURL: 'http://127.0.0.1:9/v1.0/123456', tenantId: '123456' }] },
      { type: 'compute', name: 'cloudServersOpenStack', endpoints: [{ region: 'ORD', publicURL: `${this.url}/compute/v2/123456` }] },
      { type: 'image', name: 'cloudImages', endpoints: [{ region: 'ORD', publicURL: `${this.url}/image/v2` }] },
    ];
    return { access: { token: { id: token, expires, tenant: { id: '123456' } }, user: { id: '7' }, serviceCatalog } };
  }

  answer(request: IncomingMessage, url: URL, body: Json, response: ServerResponse): Json | null {
    const call = `${request.method} ${url.pathname}`;
    if (call === 'POST /v3/auth/tokens' && this.kind !== 'classic') return this.loginV3(body, response);
    if (call === 'POST /v2.0/tokens' && this.kind === 'classic') return this.loginClassic(body);
    const token = String(request.headers['x-auth-token']);
    if ((this.#tokens.get(token) ?? 0) <= this.project.nowMs) throw unauthorized();
    if (url.pathname.startsWith(`/v3/users/${USER_ID}/`))
      return this.users(`${request.method} ${url.pathname.split('/').slice(4).join('/')}`, body);
    const [, service, path] = /^\/(compute\/v2\.1|compute\/v2\/123456|network\/v2\.0|image\/v2)(\/.*)$/.exec(url.pathname) ?? [];
    const what = `${request.method} ${path}`;
    if (service === 'image/v2') return this.images(what, url.searchParams);
    if (service === 'network/v2.0' && this.kind !== 'classic') return this.network(what, url.searchParams, body);
    if (service === (this.kind === 'classic' ? 'compute/v2/123456' : 'compute/v2.1')) return this.compute(what, url, body);
    throw new StackError(404, 'no such service');
  }

  users(what: string, body: Json): Json | null {
    const { project } = this;
    const id = what.split('/')[1] ?? '';
    switch (id === '' ? what : what.replace(id, 'ID')) {
      case 'GET application_credentials':
        return { application_credentials: [...project.credentials.values()] };
      case 'POST application_credentials':
        return { application_credential: project.addCredential(body.application_credential as Json) };
      case 'DELETE application_credentials/ID':
        project.endCredential(id);
        return null;
      case 'DELETE access_rules/ID':
        project.endRule(id);
        return null;
      default:
        throw new StackError(404, { error: { code: 404, message: what, title: 'Not Found' } });
    }
  }

  images(what: string, query: URLSearchParams): Json {
    const id = /^GET \/images\/(.+)$/.exec(what)?.[1];
    if (id !== undefined) {
      const image = IMAGES.find((each) => each.id === id);
      if (image === undefined) throw new StackError(404, '<html><head><title>404 Not Found</title></head></html>');
      return image;
    }
    if (what !== 'GET /images') throw new StackError(404, '<html></html>');
    const name = query.get('name');
    const { rows, next } = page(
      IMAGES.filter((image) => name === null || image.name === name),
      query,
    );
    return { images: rows, ...(next === null ? {} : { next: `/v2/images?marker=${next}` }) };
  }

  compute(what: string, url: URL, body: Json): Json | null {
    const { project } = this;
    const id = /\/servers\/([^/]+)(\/metadata)?$/.exec(what)?.[1] ?? '';
    const query = url.searchParams;
    switch (id !== '' && id !== 'detail' ? what.replace(id, 'ID') : what) {
      case 'POST /servers': {
        this.bodies.push(body);
        return { server: { id: project.addServer(body.server as Json).id, adminPass: 'x', links: [] } };
      }
      case 'GET /servers/detail': {
        const wanted = JSON.parse(this.project.isClassic ? '{}' : (query.get('metadata') ?? '{}')) as Json;
        // A page that goes on is the same look.
        if (!query.has('marker')) for (const server of project.present()) server.looks += 1;
        const all = project
          .present()
          .filter(
            ({ metadata, looks }) => looks > project.lateLooks && Object.entries(wanted).every(([key, value]) => metadata[key] === value),
          );
        return linked(
          'servers',
          all.map((server) => this.serverJson(server)),
          query,
        );
      }
      case 'DELETE /servers/ID':
        project.endServer(id);
        return null;
      case 'GET /flavors/detail':
        return linked('flavors', FLAVORS, query);
      case 'GET /os-availability-zone':
        if (project.isClassic) throw novaError(404, 'itemNotFound', 'Not found');
        return { availabilityZoneInfo: ZONES.map((zoneName) => ({ zoneName, zoneState: { available: true }, hosts: null })) };
      case 'GET /limits': {
        const { instances, cores, ram } = project.usage();
        const most = { maxTotalInstances: project.quota.instances, maxTotalCores: project.quota.cores, maxTotalRAMSize: project.quota.ram };
        return { limits: { rate: [], absolute: { totalInstancesUsed: instances, totalCoresUsed: cores, totalRAMUsed: ram, ...most } } };
      }
      case 'GET /servers/ID/metadata':
        return { metadata: project.serverOf(id).metadata };
      case 'POST /servers/ID/metadata':
        return { metadata: Object.assign(project.serverOf(id).metadata, body.metadata) };
      case 'GET /servers/ID': {
        const server = project.serverOf(id);
        const fault = { code: 500, message: server.fault, created: '' };
        const json = this.serverJson(server);
        return { server: json.status === 'ERROR' ? { ...json, fault } : json };
      }
      default:
        throw novaError(404, 'itemNotFound', `${what} is not here`);
    }
  }

  /** As lists show it: without the fault of what never had a host, which the real Nova keeps elsewhere. */
  serverJson(server: FakeServer): Json {
    const { project } = this;
    const { status, task } = project.stateOf(server);
    const floating = [...project.floating.values()].find(({ portId }) => portId === `port-${server.id}`);
    const fixed = { addr: server.address, version: 4, 'OS-EXT-IPS:type': 'fixed' };
    const classic = { public: [{ addr: server.address, version: 4 }], private: [{ addr: '10.180.0.9', version: 4 }] };
    const inner = {
      inner: [fixed, ...(floating === undefined ? [] : [{ addr: floating.address, version: 4, 'OS-EXT-IPS:type': 'floating' }])],
    };
    return {
      ...{ id: server.id, name: server.name, status, metadata: server.metadata, flavor: { id: server.flavor, links: [] } },
      ...{ created: new Date(server.madeMs).toISOString(), accessIPv4: '', 'OS-EXT-STS:task_state': task },
      addresses: status !== 'ACTIVE' ? {} : this.project.isClassic ? classic : inner,
      ...(this.project.isClassic ? {} : { 'OS-EXT-AZ:availability_zone': status === 'BUILD' ? '' : server.zone }),
    };
  }

  network(what: string, query: URLSearchParams, body: Json): Json | null {
    const { project } = this;
    const id = /\/(?:security-groups|floatingips)\/([^/]+)$/.exec(what)?.[1] ?? '';
    const floatingJson = ({
      id: own,
      description,
      address,
      portId,
    }: {
      id: string;
      description: string;
      address: string;
      portId: string | null;
    }) => ({
      ...{ id: own, description, floating_ip_address: address, port_id: portId },
    });
    switch (id === '' ? what : what.replace(id, 'ID')) {
      case 'GET /networks':
        return linked('networks', project.networks, query);
      case 'GET /security-groups': {
        const name = query.get('name');
        return linked(
          'security_groups',
          [...project.groups.values()].filter((group) => name === null || group.name === name),
          query,
        );
      }
      case 'POST /security-groups':
        return { security_group: project.addGroup(body.security_group as Json) };
      case 'DELETE /security-groups/ID':
        project.endGroup(id);
        return null;
      case 'POST /security-group-rules':
        return { security_group_rule: project.addRule(body.security_group_rule as Json) };
      case 'GET /ports':
        return linked('ports', project.portsOf(query.get('device_id') ?? ''), query);
      case 'GET /floatingips':
        return linked('floatingips', [...project.floating.values()].map(floatingJson), query);
      case 'POST /floatingips':
        return { floatingip: floatingJson(project.addFloating(body.floatingip as Json)) };
      case 'PUT /floatingips/ID':
        return { floatingip: floatingJson(project.moveFloating(id, (body.floatingip as { port_id: string }).port_id)) };
      case 'DELETE /floatingips/ID':
        project.endFloating(id);
        return null;
      case `GET /quotas/${PROJECT_ID}/details.json`:
        return { quota: { floatingip: { limit: project.quota.floatingip, used: project.floating.size, reserved: 0 } } };
      default:
        throw neutronError(404, 'HTTPNotFound', 'The resource could not be found.');
    }
  }
}

const unauthorized = (): StackError =>
  new StackError(401, { error: { code: 401, message: 'The request you have made requires authentication.', title: 'Unauthorized' } });

/** Two at a time, however many are asked for: a client that reads one page only is found out. */
function page<T>(all: readonly T[], query: URLSearchParams): { rows: T[]; next: string | null } {
  const marker = query.get('marker');
  const idOf = (row: T | undefined): string => (row as { id?: string } | undefined)?.id ?? '';
  const start = marker === null ? 0 : all.findIndex((row) => idOf(row) === marker) + 1;
  if (marker !== null && start === 0) throw novaError(400, 'badRequest', `marker [${marker}] not found`);
  const rows = all.slice(start, start + PAGE_ROWS);
  return { rows, next: start + PAGE_ROWS < all.length ? idOf(rows.at(-1)) : null };
}

function linked<T>(key: string, all: readonly T[], query: URLSearchParams): Json {
  const { rows, next } = page(all, query);
  return {
    [key]: rows,
    ...(next === null ? {} : { [`${key}_links`]: [{ rel: 'next', href: `http://elsewhere.invalid/?marker=${next}` }] }),
  };
}

async function bodyOf(request: IncomingMessage): Promise<Json> {
  let text = '';
  request.setEncoding('utf8');
  for await (const chunk of request) {
    text += chunk as string;
    if (text.length > BODY_BYTES_MAX) throw new StackError(413, 'too large');
  }
  return text === '' ? {} : (JSON.parse(text) as Json);
}

/** Long enough for the calls that came together to be seen together. */
async function inBurst(burst: FakeProject['burst'], response: ServerResponse): Promise<void> {
  burst.now += 1;
  burst.most = Math.max(burst.most, burst.now);
  response.once('close', () => {
    burst.now -= 1;
    if (burst.now === 0) Object.assign(burst, { most: 0, made: 0 });
  });
  await new Promise((resolve) => setTimeout(resolve, 10));
}

async function serve(fake: FakeOpenStack, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', fake.url);
  const call = `${request.method} ${url.pathname}`;
  const drop = (): void => void request.socket.destroy();
  try {
    const body = await bodyOf(request);
    if (fake.callsLeft === 0) return drop();
    fake.callsLeft -= 1;
    fake.log.push(call);
    fake.acts.get(fake.log.length)?.();
    if (call.endsWith('/servers') && request.method === 'POST') await inBurst(fake.project.burst, response);
    const fault = fake.faults.find((each) => each.times > 0 && call.includes(each.call));
    if (fault !== undefined) fault.times -= 1;
    if (fault?.when === 'after') fake.answer(request, url, body, response);
    if (fault?.answer === 'drop') return drop();
    if (fault !== undefined) throw fault.answer;
    const answer = fake.answer(request, url, body, response);
    if (fake.callsLeft === 0) return drop();
    response
      .writeHead(answer === null ? 204 : 200, { 'content-type': 'application/json' })
      .end(answer === null ? '' : JSON.stringify(answer));
  } catch (error) {
    if (fake.callsLeft === 0) return drop();
    const known =
      error instanceof StackError ? error : new StackError(500, { computeFault: { code: 500, message: (error as Error).stack } });
    if (known.retryAfter !== null) response.setHeader('retry-after', known.retryAfter);
    response.writeHead(known.status).end(typeof known.body === 'string' ? known.body : JSON.stringify(known.body));
  }
}

export async function startFakeOpenStack(kind: Kind): Promise<FakeOpenStack> {
  const fake = new FakeOpenStack(kind);
  const server = createServer((request, response) => void serve(fake, request, response));
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  fake.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  fake.close = () =>
    new Promise((done) => {
      server.close(() => done());
      server.closeAllConnections();
    });
  return fake;
}
