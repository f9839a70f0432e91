// The console's API as a table: what is described is what is there, the description is OpenAPI, examples are what they are examples of, wrong requests are told the field and what is allowed,
// whoever refuses answers in one shape, and tokens open what cookies open and no more.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Validator } from '@seriousme/openapi-schema-validator';
import { afterAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fail, ok } from '../../node/core/errors.ts';
import { createDemoFeed } from '../../tools/console/page/demo-feed.ts';
import { startDemo } from '../../tools/console/page/demo-server.ts';
import { liveMessage } from '../../tools/console/schemas/live.ts';
import { named, schemaOf } from '../../tools/console/schemas/parts.ts';
import { REFUSED } from '../../tools/console/schemas/problems.ts';
import { type ConsoleServer, createConsole } from '../../tools/console/server/app.ts';
import { describeApi } from '../../tools/console/server/openapi.ts';
import { API } from '../../tools/console/server/routes.ts';
import { createSessions, type Role, type Sessions } from '../../tools/console/server/sessions.ts';
import { expectAsDescribed } from '../support/api-answers.ts';
import { markedTables } from '../support/docs.ts';

const now = { ms: 1_000_000 };
const DAY_MS = 86_400_000;
const opened: ConsoleServer[] = [];
afterAll(async () => {
  for (const console_ of opened) await console_.close();
});

async function openConsole(): Promise<{ console_: ConsoleServer; sessions: Sessions }> {
  const sessions = createSessions({ wallNowMs: () => now.ms });
  const feed = { watch: () => () => {}, restart() {}, close() {} };
  const console_ = await createConsole({
    ...{ version: '0.0.1', pageFolder: join('no', 'page'), sessions, feed, canSteer: true, hosts: [], tls: null },
    ...{ mode: () => 'watch' as const, swarmId: () => null, wallNowMs: () => now.ms, source: () => null, catapult: null, onStarted() {} },
    order: async ({ order }) =>
      order === 'stop' ? ok({ command: 'quilt-swarm stop' }) : fail({ code: 'QUILT_NOT_RUNNING', message: 'no' }),
  });
  opened.push(console_);
  return { console_, sessions };
}

interface Told {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly headers: Record<string, unknown>;
}

interface Given {
  readonly headers?: Record<string, string>;
  readonly body?: unknown;
  /** As it is. */
  readonly text?: string;
}

async function lab(role: Role = 'operator') {
  const { console_, sessions } = await openConsole();
  const token = sessions.token(role);
  const bearer = (secret = token): Record<string, string> => ({ authorization: `Bearer ${secret}` });
  const ask = async (method: 'GET' | 'POST' | 'PUT', url: string, { headers = bearer(), body, text }: Given = {}): Promise<Told> => {
    const payload = text ?? (body === undefined ? undefined : JSON.stringify(body));
    const type = payload === undefined ? {} : { 'content-type': 'application/json' };
    const answer = await console_.app.inject({
      method,
      url,
      headers: { host: '127.0.0.1', ...type, ...headers },
      ...(payload === undefined ? {} : { payload }),
    });
    expectAsDescribed(method, url, answer.statusCode, answer.body);
    return {
      status: answer.statusCode,
      body: answer.body.startsWith('{') ? (JSON.parse(answer.body) as Told['body']) : {},
      headers: answer.headers,
    };
  };
  return { sessions, token, bearer, ask, app: console_.app };
}

type Json = { [key: string]: unknown };
const described = describeApi(API, '0.0.1') as {
  info: Json;
  paths: Record<string, Record<string, Json>>;
  components: { schemas: Record<string, Json> };
} & Json;

describe('the description', () => {
  it('has every route that is registered, and no other', async () => {
    const { app } = await lab();
    const tree = app.printRoutes({ commonPrefix: false }).split('\n');
    const folders: string[] = [];
    const registered = tree.flatMap((line) => {
      const [, indent = '', part = '', methods = ''] = /^((?:│ {3}| {4})*)[├└]── (\S+)(?: \(([A-Z, ]+)\))?/.exec(line) ?? [];
      const depth = indent.length / 4;
      folders.splice(depth, folders.length, part);
      const path = folders.join('').replaceAll(/:(\w+)/g, '{$1}');
      return methods === '' ? [] : methods.split(', ').map((method) => `${method} ${path}`);
    });
    const inApi = registered.filter((name) => name.includes(' /api/') && !name.startsWith('HEAD '));
    const inDescription = Object.entries(described.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(inApi.sort()).toEqual(inDescription.sort());
    expect(inDescription.sort()).toEqual(API.map(({ method, path }) => `${method.toUpperCase()} ${path}`).sort());
    expect(inApi.length).toBeGreaterThan(15);
  });

  it('is an OpenAPI 3.1 document', async () => {
    const validator = new Validator();
    expect(await validator.validate(structuredClone(described))).toEqual({ valid: true });
    expect(validator.version).toBe('3.1');
    const broken = structuredClone(described) as Json & { info: Json };
    delete broken.info.version;
    expect((await new Validator().validate(broken)).valid, 'the check can fail').toBe(false);
  });

  it('refers to nothing that is not in it, and holds nothing that nobody refers to', () => {
    const used = [...JSON.stringify(described).matchAll(/"\$ref":"([^"]+)"/g)].map(([, to]) => to);
    const there = Object.keys(described.components.schemas).map((id) => `#/components/schemas/${id}`);
    expect(new Set(used)).toEqual(new Set(there));
  });

  it('gives the meaning of every field', () => {
    const dumb: string[] = [];
    const look = (at: string, schema: unknown): void => {
      if (typeof schema !== 'object' || schema === null) return;
      for (const [name, field] of Object.entries(((schema as Json).properties ?? {}) as Record<string, Json>)) {
        const isPlain = ['string', 'number', 'integer', 'boolean'].includes(field.type as string) && field.const === undefined;
        if (isPlain && field.description === undefined) dumb.push(`${at}.${name}`);
      }
      for (const [key, inner] of Object.entries(schema)) look(`${at}.${key}`, inner);
    };
    look('', described.components.schemas);
    expect(dumb).toEqual([]);
  });

  it('is open for fields to come in answers, and not in requests', () => {
    const { SessionView, StartRequest } = described.components.schemas;
    expect([SessionView?.additionalProperties, StartRequest?.additionalProperties]).toEqual([undefined, false]);
    expect(StartRequest?.required).toEqual(['path']);
  });

  it('has examples that are what they are examples of', () => {
    const schemas = [...API.flatMap(({ body, answers }) => [body, answers])].filter((schema) => schema !== undefined);
    const examples = schemas.flatMap((schema) =>
      ((schema.meta()?.examples ?? []) as unknown[]).map((example) => [schema, example] as const),
    );
    for (const [schema, example] of examples) expect(schema.safeParse(example).error, JSON.stringify(example)).toBeUndefined();
    const requests = API.flatMap(({ body }) => (body === undefined ? [] : [body]));
    expect(requests.filter((schema) => schema.meta()?.examples === undefined)).toEqual([]);
    expect(examples.length).toBeGreaterThan(8);
  });

  it('keeps version 1: what was there stays', async () => {
    const refOf = (holder: unknown): string => /"\$ref":"#\/components\/schemas\/(\w+)"/.exec(JSON.stringify(holder ?? null))?.[1] ?? '-';
    const lines = Object.entries(described.paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, { security, parameters = [], requestBody, responses }]) => {
        const given = (parameters as Json[]).map(({ name, required }) => `${String(name)}${required === true ? '' : '?'}`).join(',');
        const answers = refOf((responses as Json)[200]);
        return `${method} ${path} (${given}) ${refOf(requestBody)} -> ${answers}${security === undefined ? '' : ', for anybody'}`;
      }),
    );
    const fields = (at: string, schema: unknown): string[] => {
      if (typeof schema !== 'object' || schema === null) return [];
      const { properties = {}, required = [], ...rest } = schema as { properties?: Record<string, Json>; required?: string[] } & Json;
      const own = Object.entries(properties).flatMap(([name, field]) => {
        const what = field.$ref ?? field.const ?? field.enum ?? field.type ?? (field.anyOf === undefined ? '?' : 'anyOf');
        return [`${at}.${name}${required.includes(name) ? '' : '?'} ${JSON.stringify(what)}`, ...fields(`${at}.${name}`, field)];
      });
      return [
        ...own,
        ...Object.values(rest).flatMap((inner) => (Array.isArray(inner) ? inner : [inner]).flatMap((one) => fields(at, one))),
      ];
    };
    const all = [...lines, ...Object.entries(described.components.schemas).flatMap(([id, schema]) => fields(id, schema))];
    await expect(`${all.sort().join('\n')}\n`).toMatchFileSnapshot('../golden/console-api-v1.txt');
  });
});

describe('the page for people who write scripts', () => {
  const tables = markedTables(readFileSync(fileURLToPath(new URL('../../tools/console/API.md', import.meta.url)), 'utf8'));

  it('lists every route', () => {
    const rows = tables.find(({ marker }) => marker === 'routes')?.rows;
    expect(rows).toEqual(API.map(({ method, path, role, summary }) => [`\`${method.toUpperCase()} ${path}\``, role, summary]));
  });

  it('lists every status of a refusal', () => {
    const rows = tables.find(({ marker }) => marker === 'refusals')?.rows;
    expect(rows).toEqual(Object.entries(REFUSED));
  });
});

it('the check of answers can fail', () => {
  const answer = { protocol: 1, version: '1', mode: 'watch', swarmId: null, canSteer: true, canStart: false };
  const check =
    (told: object, status = 200) =>
    () =>
      expectAsDescribed('GET', '/api/v1/session', status, JSON.stringify(told));
  expect(check(answer)).not.toThrow();
  expect(check({ ...answer, isNew: true }), 'a field that no schema has').toThrow('isNew');
  expect(check({ ...answer, swarmId: undefined }), 'one that is missing').toThrow('swarmId');
  expect(check({ message: 'no' }, 401), 'a refusal of another shape').toThrow('code');
  expect(check({ code: 'QUILT_X', message: '', hint: null, line: null, column: null, key: null, more: 0 }, 409)).toThrow('has no 409');
});

describe('the demo that the page is tested with', () => {
  it('answers what a console answers', async () => {
    const demo = await startDemo({ nodes: 5, hours: 0.05 });
    try {
      for (const path of [
        'session',
        'schema',
        'scenarios',
        'scenario?path=bridge.yaml',
        'runs',
        'runs/2026-11-28T08-00-00-rush-hour/summary',
      ]) {
        const answer = await fetch(`${demo.url}/api/v1/${path}`);
        expectAsDescribed('GET', `/api/v1/${path}`, answer.status, await answer.text());
      }
      const feed = createDemoFeed({ seed: 1, nodes: 5, totalS: 100, hostile: '<b>' });
      const messages = [
        { type: 'state', state: feed.state(50, 0, 1) },
        feed.timeline(0, 50, true),
        { type: 'report', summary: feed.report(50, 0) },
      ];
      for (const message of messages) expect(liveMessage.safeParse(JSON.parse(JSON.stringify(message))).error).toBeUndefined();
    } finally {
      await demo.close();
    }
  });
});

describe('schemas', () => {
  interface Point {
    readonly x: number;
    readonly note?: string;
  }
  const x = z.number();

  it('do not compile when they differ from the type that they are of', () => {
    const note = z.string().optional();
    schemaOf<Point>()('TestSame', 'the same', z.strictObject({ x, note }));
    // @ts-expect-error a field that may be left out is missing
    schemaOf<Point>()('TestLess', 'less', z.strictObject({ x }));
    // @ts-expect-error one is too many
    schemaOf<Point>()('TestMore', 'more', z.strictObject({ x, note, y: x.optional() }));
    // @ts-expect-error one may not be left out
    schemaOf<Point>()('TestOther', 'other', z.strictObject({ x, note: z.string() }));
    expect(() => named('TestSame', 'a name that is taken', x)).toThrow('two schemas of the API are named TestSame');
  });
});

describe('a wrong request', () => {
  it.each([
    ['POST', '/api/v1/orders', { order: 'stop' }, 'body.mode', /must be/],
    ['POST', '/api/v1/orders', { order: 'stop', mode: 'soon' }, 'body.mode', /must be drain or now/],
    ['POST', '/api/v1/orders', { order: 'scale', group: '*', factor: -1 }, 'body.factor', /must be at least 0/],
    ['POST', '/api/v1/orders', { order: 'scale', group: '*', factor: 'half' }, 'body.factor', /must be a number, not/],
    ['POST', '/api/v1/orders', { order: 'explode' }, 'body.order', /stop.*scale/],
    ['POST', '/api/v1/runs', { path: 'a.yaml', nodes: 51 }, 'body.nodes', /must be at most 50/],
    ['POST', '/api/v1/runs', { path: 'a.yaml', nods: 2 }, 'body.nods', /is not known here/],
    ['POST', '/api/v1/runs', { path: 'a.yaml', variables: { callers: 3 } }, 'body.variables.callers', /must be text/],
    ['POST', '/api/v1/runs', [], 'body', /must be a map/],
    ['PUT', '/api/v1/scenario', { path: 'a.yaml' }, 'body.text', /is missing/],
    ['PUT', '/api/v1/scenario', { path: '', text: '' }, 'body.path', /must not be empty/],
    ['GET', '/api/v1/timeline?fromMs=soon', undefined, 'query.fromMs', /must be/],
    ['GET', '/api/v1/timeline?from=1', undefined, 'query.from', /is not known here/],
    ['GET', '/api/v1/scenario', undefined, 'query.path', /is missing/],
  ] as const)('%s %s %j is told the field, and what is allowed', async (method, url, body, key, words) => {
    const { ask } = await lab();
    const { status, body: told } = await ask(method, url, { body });
    expect(told).toMatchObject({ code: 'QUILT_CONSOLE_REQUEST', key, message: expect.stringMatching(words), hint: expect.any(String) });
    expect(status).toBe(400);
  });

  it('counts what else is wrong', async () => {
    const { ask } = await lab();
    expect((await ask('POST', '/api/v1/plan', { body: {} })).body).toMatchObject({ key: 'body.path', more: 1 });
  });
});

describe('every refusal has one shape', () => {
  it.each([
    ['what is no JSON', 400, 'POST', '/api/v1/orders', { text: '{' }],
    ['a body that is too large', 413, 'POST', '/api/v1/orders', { text: JSON.stringify('x'.repeat(600_000)) }],
    ['another media type', 415, 'POST', '/api/v1/orders', { text: 'x', headers: { 'content-type': 'application/xml' } }],
    ['a route that is not there', 404, 'GET', '/api/v1/nothing', {}],
    ['the state of things', 409, 'GET', '/api/v1/status', {}],
    ['a console without a folder', 409, 'GET', '/api/v1/runs', {}],
    ['an order that cannot be given', 409, 'POST', '/api/v1/orders', { body: { order: 'scale', group: 'a', factor: 1 } }],
    ['a host of another name', 403, 'GET', '/api/v1/session', { headers: { host: 'evil.example' } }],
  ] as const)('%s: %i', async (_name, status, method, url, given: Given) => {
    const { ask, bearer } = await lab();
    const told = await ask(method, url, { ...given, headers: { ...bearer(), ...given.headers } });
    expect([told.status, told.body]).toEqual([status, expect.objectContaining({ code: expect.stringMatching(/^QUILT_/) })]);
  });

  it('codes that are tried too often: 429', async () => {
    const { ask } = await lab();
    const tried: Told[] = [];
    for (let tries = 0; tries < 11; tries++)
      tried.push(await ask('POST', '/api/v1/login', { headers: { origin: 'http://127.0.0.1' }, body: { code: 'x' } }));
    expect(tried.map(({ status }) => status)).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
    expect(Number(tried.at(-1)?.headers['retry-after'])).toBeGreaterThan(0);
  });
});

describe('a token', () => {
  const stop = { order: 'stop', mode: 'now' };

  it('needs no Origin, also for what changes something', async () => {
    const { ask } = await lab();
    expect((await ask('GET', '/api/v1/session')).body).toMatchObject({ canSteer: true });
    expect(await ask('POST', '/api/v1/orders', { body: stop })).toMatchObject({ status: 200, body: { command: 'quilt-swarm stop' } });
  });

  it('does not come from another site', async () => {
    const { ask, bearer } = await lab();
    expect((await ask('GET', '/api/v1/session', { headers: { ...bearer(), origin: 'https://evil.example' } })).status).toBe(403);
  });

  it('that only reads changes nothing', async () => {
    const { ask } = await lab('reader');
    expect((await ask('GET', '/api/v1/session')).body).toMatchObject({ canSteer: false });
    expect(await ask('POST', '/api/v1/orders', { body: stop })).toMatchObject({ status: 403, body: { code: 'QUILT_CONSOLE_READS' } });
  });

  it('opens nothing when it is wrong, and hides a cookie that would', async () => {
    const { ask, bearer, sessions } = await lab();
    const session = sessions.login(sessions.code('operator')) ?? '';
    const cookie = `quilt_session=${session}`;
    expect((await ask('GET', '/api/v1/session', { headers: { cookie } })).status).toBe(200);
    for (const authorization of ['Bearer wrong', 'Bearer ', 'Basic eDp5', 'x', `bearer${session}`, `Bearer ${session}`]) {
      const told = await ask('POST', '/api/v1/orders', { headers: { authorization, cookie }, body: stop });
      expect([authorization, told.status, told.headers['www-authenticate']]).toEqual([authorization, 401, 'Bearer']);
    }
    expect((await ask('GET', '/api/v1/session', { headers: { cookie: `quilt_session=${bearer().authorization?.slice(7)}` } })).status).toBe(
      401,
    );
    expect((await ask('GET', `/api/v1/session?token=${session}`, { headers: {} })).status).toBe(401);
  });

  it('leaves cookies as they were: what they change needs the own Origin', async () => {
    const { ask, sessions } = await lab();
    const cookie = `quilt_session=${sessions.login(sessions.code('operator'))}`;
    expect((await ask('POST', '/api/v1/orders', { headers: { cookie }, body: stop })).status).toBe(403);
    expect((await ask('POST', '/api/v1/orders', { headers: { cookie, origin: 'http://127.0.0.1' }, body: stop })).status).toBe(200);
  });

  it('ends after a week, or when it says so', async () => {
    const { ask, sessions, bearer } = await lab();
    const other = sessions.token('operator');
    expect((await ask('POST', '/api/v1/logout', { headers: bearer(other), body: {} })).status).toBe(200);
    expect((await ask('GET', '/api/v1/session', { headers: bearer(other) })).status).toBe(401);
    now.ms += 7 * DAY_MS - 1;
    expect((await ask('GET', '/api/v1/session')).status).toBe(200);
    now.ms += 1;
    expect((await ask('GET', '/api/v1/session')).status).toBe(401);
  });
});
