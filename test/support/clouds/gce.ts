// A fake of Google Compute Engine over HTTP on loopback, for the client under test and for anybody's: the token endpoint (it verifies the signed assertion), the metadata server, and the
// v1 API over a project (gce-project.ts). Requests and answers alike are judged by Google's schema (gce-schema.ts): a request that does not fit is refused and noted, an answer that
// does not fit is noted. Throttling, other failures, ended tokens and pages of two are at the test's hand. Time is the test's: sleeping moves the fake's clock.

import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { CloudComponents } from '../../../bootstrap/cloud.ts';
import { absent, type FakeMachine, GoogleError, GoogleProject, IMAGES, type Json, NETWORK, ZONES } from './gce-project.ts';
import { messageComplaints, queryComplaints, type Route, routeOf } from './gce-schema.ts';

const PROJECT = 'lab-123456';
const TOKEN_S = 3600;
const BODY_BYTES_MAX = 4 * 1024 * 1024;
const { publicKey, privateKey } = generateKeyPairSync('rsa', {
  modulusLength: 2048,
  publicKeyEncoding: { type: 'spki', format: 'pem' },
  privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
});

export interface FakeGoogle {
  readonly project: GoogleProject;
  readonly url: string;
  /** Settings of the client that make it use this fake. */
  readonly environment: Record<string, string | undefined>;
  readonly components: CloudComponents;
  /** What did not fit Google's schema, of requests and of answers. */
  readonly complaints: readonly string[];
  /** `Instances.Insert` and so on, in their order; also those that failed. */
  readonly calls: readonly string[];
  readonly callsAtOnceMax: number;
  readonly tokensGiven: number;
  readonly sleptMs: readonly number[];
  /** The next `count` calls of the API fail so before they do anything. */
  failNext(count: number, status: number, reason: string): void;
  /** The next `count` calls of this method fail so when it has been done: the answer is lost. */
  loseAnswers(count: number, method: string): void;
  /** Tokens given so far are good for nothing. */
  endTokens(): void;
  /** The token endpoint says no. */
  refuseTokens(error: string): void;
  close(): Promise<void>;
}

class Fake {
  readonly project = new GoogleProject();
  readonly complaints: string[] = [];
  readonly calls: string[] = [];
  readonly tokens = new Map<string, number>();
  readonly failures: Array<{ status: number; reason: string }> = [];
  readonly lost: string[] = [];
  tokensGiven = 0;
  tokenRefusal: string | null = null;
  callsNow = 0;
  callsAtOnceMax = 0;
  url = '';

  giveToken(): Json {
    this.tokensGiven += 1;
    const token = `token-${this.tokensGiven}`;
    this.tokens.set(token, this.project.nowMs + TOKEN_S * 1000);
    return { access_token: token, expires_in: TOKEN_S, token_type: 'Bearer' };
  }

  /** RFC 7523: who, what for, for whom, how long, and signed. */
  exchange(form: URLSearchParams): Json {
    const [header = '', claims = '', signature = ''] = (form.get('assertion') ?? '').split('.');
    const { iss, scope, aud, iat, exp } = JSON.parse(Buffer.from(claims, 'base64url').toString()) as Record<string, unknown>;
    const nowS = this.project.nowMs / 1000;
    const isSigned = verify('sha256', Buffer.from(`${header}.${claims}`), createPublicKey(publicKey), Buffer.from(signature, 'base64url'));
    const { alg } = JSON.parse(Buffer.from(header, 'base64url').toString()) as Json;
    const isRight =
      form.get('grant_type') === 'urn:ietf:params:oauth:grant-type:jwt-bearer' &&
      alg === 'RS256' &&
      iss === 'runner@lab.example' &&
      aud === `${this.url}/token`;
    const isTimely = Math.abs(Number(iat) - nowS) <= 300 && Number(exp) > nowS && Number(exp) - Number(iat) <= 3600;
    if (this.tokenRefusal !== null || !isSigned || !isRight || !isTimely || !String(scope).includes('/auth/compute'))
      throw new GoogleError(400, this.tokenRefusal ?? 'invalid_grant', 'Invalid JWT');
    return this.giveToken();
  }

  metadata(path: string, request: IncomingMessage): string {
    if (request.headers['metadata-flavor'] !== 'Google') throw new GoogleError(403, 'forbidden', 'no Metadata-Flavor');
    if (path === 'project/project-id') return PROJECT;
    if (path === 'instance/service-accounts/default/token') return JSON.stringify(this.giveToken());
    throw absent(path);
  }

  api(request: IncomingMessage, url: URL, text: string): Json {
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1] ?? '';
    const route = routeOf(request.method ?? '', url.pathname);
    if (route === null) {
      this.complaints.push(`Google has no ${request.method} ${url.pathname}`);
      throw absent(url.pathname);
    }
    const { method } = route;
    this.calls.push(method.name);
    if ((this.tokens.get(token) ?? 0) <= this.project.nowMs) throw new GoogleError(401, 'authError', 'Invalid Credentials');
    const failure = this.failures.shift();
    if (failure !== undefined) throw new GoogleError(failure.status, failure.reason, 'as the test ordered');
    const body = text === '' ? undefined : (JSON.parse(text) as Json);
    const wrong = [...queryComplaints(method, url.searchParams), ...(method.body === null ? [] : messageComplaints(method.body, body))];
    if (method.body === null && body !== undefined) wrong.push(`${method.name} takes no body`);
    this.complaints.push(...wrong);
    if (wrong.length > 0) throw new GoogleError(400, 'badRequest', wrong.join('; '));
    if (route.parameters.project !== PROJECT && !method.name.startsWith('Images.'))
      throw new GoogleError(403, 'forbidden', 'another project');
    const answer = this.answer(route, url.searchParams, body ?? {});
    this.complaints.push(...messageComplaints(method.response, answer).map((complaint) => `answer: ${complaint}`));
    const lost = this.lost.indexOf(method.name);
    if (lost >= 0) {
      this.lost.splice(lost, 1);
      throw new GoogleError(503, 'backendError', 'the answer is lost');
    }
    return answer;
  }

  answer({ method, parameters }: Route, query: URLSearchParams, body: Json): Json {
    const { project } = this;
    const { zone = '', region = '', instance = '', address = '', firewall = '', operation = '', network = '' } = parameters;
    const requestId = query.get('requestId');
    const known = region === '' ? undefined : ZONES[region];
    if (region !== '' && known === undefined) throw absent(`regions/${region}`);
    switch (method.name) {
      case 'Instances.Insert':
        return { ...project.insertMachine(zone, body, requestId) };
      case 'Instances.Delete':
        return { ...project.deleteMachine(`${zone}/${instance}`) };
      case 'Instances.Get':
        return machineJson(found(project.machines.get(`${zone}/${instance}`), instance));
      case 'Instances.AggregatedList':
        return this.aggregated(query);
      case 'Addresses.Insert':
        return { ...project.insertAddress(region, body, requestId) };
      case 'Addresses.Delete':
        return { ...project.deleteAddress(region, address) };
      case 'Addresses.Get':
        return addressJson(found(project.addresses.get(`${region}/${address}`), address));
      case 'Addresses.List': {
        const here = [...project.addresses.values()].filter((each) => each.region === region && passes(query, each));
        const { rows, nextPageToken } = page(here, query);
        return { items: rows.map(addressJson), ...nextPageToken };
      }
      case 'Firewalls.Insert':
        return { ...project.insertFirewall(body) };
      case 'Firewalls.Delete':
        return { ...project.deleteFirewall(firewall) };
      case 'Firewalls.Get':
        return found(project.firewalls.get(firewall), firewall);
      case 'Regions.Get': {
        const usage = project.usage(region);
        const quotas = Object.entries(project.quotas).map(([metric, limit]) => ({ metric, limit, usage: usage[metric] ?? 0 }));
        return {
          name: region,
          status: 'UP',
          zones: known?.map((each) => `${this.url}/compute/v1/projects/${PROJECT}/zones/${each}`),
          quotas,
        };
      }
      case 'MachineTypes.Get':
        return { name: parameters.machine_type, guestCpus: project.coresOf(zone, parameters.machine_type ?? '') };
      case 'Images.Get':
      case 'Images.GetFromFamily': {
        const path = `projects/${parameters.project}/global/images/${parameters.family === undefined ? parameters.image : `family/${parameters.family}`}`;
        if (!IMAGES.includes(path)) throw absent(path);
        return { name: parameters.image ?? parameters.family, status: 'READY' };
      }
      case 'Networks.Get':
        if (`global/networks/${network}` !== NETWORK) throw absent(network);
        return { name: network };
      case 'ZoneOperations.Get':
      case 'RegionOperations.Get':
      case 'GlobalOperations.Get':
        return { ...found(project.operations.get(operation), operation) };
      default:
        throw new GoogleError(501, 'notImplemented', method.name);
    }
  }

  aggregated(query: URLSearchParams): Json {
    const shown = [...this.project.machines.values()].filter((machine) => {
      machine.hiddenLooks -= 1;
      return machine.hiddenLooks < 0 && passes(query, machine.body);
    });
    const { rows, nextPageToken } = page(shown, query);
    const items: Record<string, Json> = {};
    for (const zone of Object.values(ZONES).flat()) {
      const instances = rows.filter((each) => each.zone === zone).map(machineJson);
      const warning = { code: 'NO_RESULTS_ON_PAGE', message: `There are no results for scope 'zones/${zone}' on this page.` };
      items[`zones/${zone}`] = instances.length > 0 ? { instances } : { warning };
    }
    return { items, ...nextPageToken };
  }
}

function found<T>(value: T | undefined, what: string): T {
  if (value === undefined) throw absent(what);
  return value;
}

/** Two at a time, however many are asked for: a client that reads one page only is found out. */
function page<T>(all: readonly T[], query: URLSearchParams): { rows: T[]; nextPageToken: Json } {
  const start = Number(query.get('pageToken') ?? '0');
  const rows = all.slice(start, start + Math.min(2, Number(query.get('maxResults') ?? '500')));
  return { rows, nextPageToken: start + 2 < all.length ? { nextPageToken: String(start + 2) } : {} };
}

/** The three forms of filters that the client uses; others are refused. */
function passes(query: URLSearchParams, resource: Json): boolean {
  const filter = query.get('filter') ?? '';
  if (filter === '') return true;
  const [, key = '', operator, value = ''] = /^labels\.([a-z-]+)(=|:)(.+)$/.exec(filter) ?? [];
  const label = (resource.labels as Json | undefined)?.[key];
  if (operator !== undefined) return operator === '=' ? label === value : value === '*' && label !== undefined;
  const pattern = /^name eq "(.+)"$/.exec(filter)?.[1];
  if (pattern === undefined) throw new GoogleError(400, 'invalid', `Invalid value for field 'filter': '${filter}'`);
  return new RegExp(`^(${pattern})$`).test(String(resource.name));
}

function machineJson({ body, zone, status }: FakeMachine): Json {
  const [first, ...others] = body.networkInterfaces as Json[];
  const last = [...body.name].reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) % 250, 7) + 1;
  const accessConfigs = (first?.accessConfigs as Json[] | undefined)?.map((each) => ({ natIP: `198.51.100.${last}`, ...each }));
  const networkInterfaces = [
    { ...first, networkIP: `10.0.0.${last}`, ...(accessConfigs === undefined ? {} : { accessConfigs }) },
    ...others,
  ];
  return { kind: 'compute#instance', ...body, networkInterfaces, zone: `projects/${PROJECT}/zones/${zone}`, status };
}

const addressJson = ({ user, ...address }: Json): Json => ({ ...address, ...(user === undefined ? {} : { users: [user] }) });

async function bodyOf(request: IncomingMessage): Promise<string> {
  let text = '';
  request.setEncoding('utf8');
  for await (const chunk of request) {
    text += chunk;
    if (text.length > BODY_BYTES_MAX) throw new GoogleError(413, 'uploadTooLarge', 'too large');
  }
  return text;
}

export async function startFakeGoogle(): Promise<FakeGoogle> {
  const fake = new Fake();
  const server = createServer(async (request, response) => {
    const url = new URL(request.url ?? '/', fake.url);
    fake.callsNow += 1;
    fake.callsAtOnceMax = Math.max(fake.callsAtOnceMax, fake.callsNow);
    try {
      const text = await bodyOf(request);
      // Lets the calls that came together be seen together.
      await new Promise((resolve) => setImmediate(resolve));
      const metadata = /^\/computeMetadata\/v1\/(.*)$/.exec(url.pathname)?.[1];
      if (metadata !== undefined) response.end(fake.metadata(metadata, request));
      else if (url.pathname === '/token') response.end(JSON.stringify(fake.exchange(new URLSearchParams(text))));
      else response.end(JSON.stringify(fake.api(request, url, text)));
    } catch (error) {
      if (!(error instanceof GoogleError)) fake.complaints.push(`the fake broke: ${(error as Error).stack}`);
      const { status = 500, reason = 'backendError', message } = error as Partial<GoogleError> & Error;
      response.statusCode = status;
      const oauth = { error: reason, error_description: message };
      response.end(
        JSON.stringify(
          url.pathname === '/token' ? oauth : { error: { code: status, message, errors: [{ reason, message, domain: 'global' }] } },
        ),
      );
    } finally {
      fake.callsNow -= 1;
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  fake.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const folder = mkdtempSync(join(tmpdir(), 'quilt-gce-'));
  const keyFile = join(folder, 'key.json');
  const key = {
    type: 'service_account',
    client_email: 'runner@lab.example',
    private_key: privateKey,
    private_key_id: 'k1',
    project_id: PROJECT,
  };
  writeFileSync(keyFile, JSON.stringify({ ...key, token_uri: `${fake.url}/token` }), { mode: 0o600 });
  const environment: Record<string, string | undefined> = { GOOGLE_APPLICATION_CREDENTIALS: keyFile, QUILT_GCE_ENDPOINT: fake.url };
  const sleptMs: number[] = [];
  return {
    ...{ project: fake.project, url: fake.url, environment, complaints: fake.complaints, calls: fake.calls, sleptMs },
    get callsAtOnceMax() {
      return fake.callsAtOnceMax;
    },
    get tokensGiven() {
      return fake.tokensGiven;
    },
    components: {
      environment: (name) => environment[name],
      wallNowMs: () => fake.project.nowMs,
      random: () => 0.5,
      async sleep(ms, signal) {
        sleptMs.push(ms);
        await new Promise((resolve) => setImmediate(resolve));
        signal?.throwIfAborted();
        fake.project.advance(ms);
      },
    },
    failNext(count, status, reason) {
      for (let index = 0; index < count; index++) fake.failures.push({ status, reason });
    },
    loseAnswers(count, method) {
      for (let index = 0; index < count; index++) fake.lost.push(method);
    },
    endTokens: () => fake.tokens.clear(),
    refuseTokens(error) {
      fake.tokenRefusal = error;
    },
    async close() {
      await new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      });
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
