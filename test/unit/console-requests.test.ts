// What the console's API does with requests: wrong ones are told the field and what is allowed, whoever refuses answers in one shape, the live socket too, and tokens open what cookies open and
// no more.

import { afterAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import { refusal } from '../../tools/console/schemas/problems.ts';
import { closeConsoles, consoleLab, type Given, now, type Told } from '../support/console-lab.ts';

const DAY_MS = 86_400_000;
afterAll(closeConsoles);

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
    const { ask } = await consoleLab();
    const { status, body: told } = await ask(method, url, { body });
    expect(told).toMatchObject({ code: 'QUILT_CONSOLE_REQUEST', key, message: expect.stringMatching(words), hint: expect.any(String) });
    expect(status).toBe(400);
  });

  it('counts what else is wrong', async () => {
    const { ask } = await consoleLab();
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
    const { ask, bearer } = await consoleLab();
    const told = await ask(method, url, { ...given, headers: { ...bearer(), ...given.headers } });
    expect([told.status, told.body]).toEqual([status, expect.objectContaining({ code: expect.stringMatching(/^QUILT_/) })]);
  });

  it('codes that are tried too often: 429', async () => {
    const { ask } = await consoleLab();
    const tried: Told[] = [];
    for (let tries = 0; tries < 11; tries++)
      tried.push(await ask('POST', '/api/v1/login', { headers: { origin: 'http://127.0.0.1' }, body: { code: 'x' } }));
    expect(tried.map(({ status }) => status)).toEqual([...Array.from({ length: 10 }, () => 401), 429]);
    expect(Number(tried.at(-1)?.headers['retry-after'])).toBeGreaterThan(0);
  });
});

describe('the live socket', () => {
  it('takes a token or the own page, and refuses in words', async () => {
    const { app, bearer, sessions } = await consoleLab('reader');
    const url = (await app.listen({ host: '127.0.0.1', port: 0 })).replace('http', 'ws');
    const connect = (headers: Record<string, string>): Promise<{ status: number; body: string }> =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(`${url}/api/v1/live`, { headers });
        socket.on('open', () => resolve({ status: 101, body: '' }));
        socket.on('error', reject);
        socket.on('unexpected-response', (_request, response) => {
          let body = '';
          response.on('data', (chunk) => (body += chunk));
          response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
        });
      });
    const cookie = `quilt_session=${sessions.login(sessions.code('reader'))}`;
    const origin = url.replace('ws', 'http');
    const refused = [
      await connect(bearer('wrong')),
      await connect({ cookie }),
      await connect({ ...bearer(), origin: 'https://evil.example' }),
    ];
    expect(refused.map(({ status }) => status)).toEqual([403, 403, 403]);
    expect((await connect({ cookie, origin })).status).toBe(101);
    const others = await Promise.all(Array.from({ length: 63 }, () => connect(bearer())));
    expect(new Set(others.map(({ status }) => status))).toEqual(new Set([101]));
    const full = await connect(bearer());
    expect(full.status).toBe(503);
    for (const { body } of [...refused, full]) expect(refusal.safeParse(JSON.parse(body)).error).toBeUndefined();
  });
});

describe('a token', () => {
  const stop = { order: 'stop', mode: 'now' };

  it('needs no Origin, also for what changes something', async () => {
    const { ask } = await consoleLab();
    expect((await ask('GET', '/api/v1/session')).body).toMatchObject({ canSteer: true });
    expect(await ask('POST', '/api/v1/orders', { body: stop })).toMatchObject({ status: 200, body: { command: 'quilt-swarm stop' } });
  });

  it('does not come from another site', async () => {
    const { ask, bearer } = await consoleLab();
    expect((await ask('GET', '/api/v1/session', { headers: { ...bearer(), origin: 'https://evil.example' } })).status).toBe(403);
  });

  it('that only reads changes nothing', async () => {
    const { ask } = await consoleLab('reader');
    expect((await ask('GET', '/api/v1/session')).body).toMatchObject({ canSteer: false });
    expect(await ask('POST', '/api/v1/orders', { body: stop })).toMatchObject({ status: 403, body: { code: 'QUILT_CONSOLE_READS' } });
  });

  it('opens nothing when it is wrong, and hides a cookie that would', async () => {
    const { ask, bearer, sessions } = await consoleLab();
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
    const { ask, sessions } = await consoleLab();
    const cookie = `quilt_session=${sessions.login(sessions.code('operator'))}`;
    expect((await ask('POST', '/api/v1/orders', { headers: { cookie }, body: stop })).status).toBe(403);
    expect((await ask('POST', '/api/v1/orders', { headers: { cookie, origin: 'http://127.0.0.1' }, body: stop })).status).toBe(200);
  });

  it('ends after a week, or when it says so', async () => {
    const { ask, sessions, bearer } = await consoleLab();
    const other = sessions.token('operator');
    expect((await ask('POST', '/api/v1/logout', { headers: bearer(other), body: {} })).status).toBe(200);
    expect((await ask('GET', '/api/v1/session', { headers: bearer(other) })).status).toBe(401);
    now.ms += 7 * DAY_MS - 1;
    expect((await ask('GET', '/api/v1/session')).status).toBe(200);
    now.ms += 1;
    expect((await ask('GET', '/api/v1/session')).status).toBe(401);
  });
});
