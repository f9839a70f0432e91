// A lab over the OpenStack of the environment, for the suite of test/compliance and the stories of its own: `npm run test:openstack` starts a real one on loopback and sets the
// variables. What is there is looked up with calls of its own, never by the cloud's word.

import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Cloud, CloudComponents, Instance } from '../../../bootstrap/cloud.ts';
import { wallNowMs } from '../../../node/adapters/clock.ts';
import type { CloudLab } from '../../compliance/cloud.ts';
import { until } from '../until.ts';
import { typeNamed } from './openstack-lab.ts';

export const REAL_REGION = process.env.QUILT_TEST_OPENSTACK_REGION;
const BOUND_MS = 100_000;
type Rows = ReadonlyArray<Readonly<Record<string, unknown>> & { readonly id: string; readonly name: string; readonly description: string }>;

export interface RealLab extends CloudLab {
  /** All rows of a list of Nova (`servers`) or Neutron (`security-groups`, `floatingips`). */
  rows(service: 'compute' | 'network', path: string, key: string): Promise<Rows>;
  alive(): Promise<readonly Instance[]>;
}

export const realComponents: CloudComponents = {
  ...{ environment: (name) => process.env[name], wallNowMs, random: () => 0.5 },
  // Shorter than in life: the lab's machines are there in a second or two.
  sleep: (ms) => new Promise((wake) => setTimeout(wake, Math.min(ms, 500))),
};

export async function openReal(components = realComponents): Promise<Cloud> {
  const opened = await typeNamed('openstack').create(components);
  if (!opened.ok) throw new Error(JSON.stringify(opened.problems));
  return opened.value;
}

interface Access {
  readonly token: string;
  readonly urls: Readonly<Record<string, string>>;
  /** `application_credentials` or `access_rules` of the user. */
  identity(what: string): Promise<unknown>;
}

export async function realAccess(): Promise<Access> {
  const { OS_AUTH_URL, OS_USERNAME, OS_PASSWORD, OS_PROJECT_NAME } = process.env;
  const domain = { id: 'default' };
  const identity = { methods: ['password'], password: { user: { name: OS_USERNAME, domain, password: OS_PASSWORD } } };
  const body = JSON.stringify({ auth: { identity, scope: { project: { name: OS_PROJECT_NAME, domain } } } });
  const answer = await fetch(`${OS_AUTH_URL}/auth/tokens`, { method: 'POST', headers: { 'content-type': 'application/json' }, body });
  const { token } = (await answer.json()) as {
    token: { user: { id: string }; catalog: ReadonlyArray<{ type: string; endpoints: ReadonlyArray<{ interface: string; url: string }> }> };
  };
  const urls = token.catalog.map(({ type, endpoints }) => [type, endpoints.find((each) => each.interface === 'public')?.url ?? '']);
  const id = answer.headers.get('x-subject-token') ?? '';
  return {
    ...{ token: id, urls: Object.fromEntries(urls) as Record<string, string> },
    async identity(what) {
      const rows = await fetch(`${OS_AUTH_URL}/users/${token.user.id}/${what}`, { headers: { 'x-auth-token': id } });
      return ((await rows.json()) as Record<string, unknown>)[what];
    },
  };
}

export async function openRealLab(): Promise<RealLab> {
  const cloud = await openReal();
  const region = REAL_REGION ?? '';
  const access = await realAccess();
  const rows = async (service: 'compute' | 'network', path: string, key: string): Promise<Rows> => {
    const found: Array<Rows[number]> = [];
    for (;;) {
      const marker = found.length === 0 ? '' : `?marker=${found.at(-1)?.id}`;
      const url = `${access.urls[service]}${service === 'network' ? '/v2.0' : ''}/${path}${marker}`;
      const answer = await fetch(url, { headers: { 'x-auth-token': access.token } });
      const page = ((await answer.json()) as Record<string, Rows>)[key];
      if (page === undefined) throw new Error(`${url}: ${answer.status}`);
      if (page.length === 0) return found;
      found.push(...page);
    }
  };
  const alive = async (): Promise<readonly Instance[]> => {
    const listed = await cloud.list({ region, runId: null });
    if (!listed.ok) throw new Error(JSON.stringify(listed.problems));
    return listed.value;
  };
  return {
    ...{ cloud, region, machineType: 'm1.small', userData: '#cloud-config\n', rows, alive },
    count: async () => (await rows('compute', 'servers', 'servers')).length,
    until: (predicate) => until('the machines are as expected', predicate, BOUND_MS),
    async close() {
      for (const runId of new Set(['run1', ...(await alive()).map((instance) => instance.runId)])) {
        const ids = (await alive()).filter((instance) => instance.runId === runId).map(({ id }) => id);
        const { refusals } = await cloud.terminate({ region, runId }, ids);
        if (refusals.length > 0) throw new Error(JSON.stringify(refusals));
      }
    },
  };
}

/** What Neutron's metadata agent does on a host: tells Nova's metadata service which machine asks. `url` is the service as the machine sees it. */
export async function metadataFor(serverId: string, projectId: string): Promise<{ readonly url: string; close(): void }> {
  const signature = createHmac('sha256', 'sekret').update(serverId).digest('hex');
  const headers = { 'x-instance-id': serverId, 'x-tenant-id': projectId, 'x-instance-id-signature': signature };
  const server = createServer(async (request, response) => {
    const answer = await fetch(`${process.env.QUILT_TEST_OPENSTACK_METADATA}${request.url}`, { headers });
    response.writeHead(answer.status).end(Buffer.from(await answer.arrayBuffer()));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => server.close() };
}
