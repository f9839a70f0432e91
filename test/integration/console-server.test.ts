// The console's server as browsers and scripts meet it: links that are good once, sessions that only read, requests from other sites, hostile paths; and a person's way from a scenario with
// a mistake to a run that is watched second by second, steered and over.

import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import WebSocket from 'ws';
import type { TimelineReport } from '../../node/core/summary-types.ts';
import type { LogTail } from '../../node/runtime/node-status.ts';
import type { LiveMessage, LiveState, PlanView, RunRow, ScenarioRow, SessionView } from '../../tools/console/protocol.ts';
import { API } from '../../tools/console/server/openapi.ts';
import { createSwarmKit, PATIENCE_MS, type Ran, type SwarmKit } from '../support/swarm-kit.ts';
import { until } from '../support/until.ts';

let kit: SwarmKit;
let console_: Ran;
let origin: string;
let operator: string;
let reader: string;

async function ask(
  path: string,
  init: { cookie?: string; method?: string; body?: unknown; headers?: Record<string, string> } = {},
): Promise<Response> {
  const { cookie, method = init.body === undefined ? 'GET' : 'POST', body, headers = {} } = init;
  return fetch(`${origin}${path}`, {
    ...{ method, redirect: 'manual', signal: AbortSignal.timeout(30_000) },
    headers: {
      ...(method === 'GET' ? {} : { origin }),
      ...(cookie === undefined ? {} : { cookie }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}
const json = async <T>(path: string, init?: Parameters<typeof ask>[1]): Promise<T> =>
  (await ask(path, { cookie: operator, ...init })).json() as Promise<T>;

async function login(code: string): Promise<{ status: number; cookie: string }> {
  const answer = await ask('/api/v1/login', { body: { code } });
  return { status: answer.status, cookie: (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '' };
}

beforeAll(async () => {
  kit = await createSwarmKit();
  kit.scenario('mine', { holdS: 40 });
  writeFileSync(join(kit.folder, 'notes.yaml'), 'not: a scenario\n');
  mkdirSync(join(kit.folder, 'scenarios'));
  symlinkSync('/etc/hostname', join(kit.folder, 'scenarios', 'link.yaml'));
  console_ = kit.start('console', '--listen', '0', '--share');
  await until('there are links', () => console_.out().split('\n').length > 2, PATIENCE_MS);
  const [link = '', share = ''] = console_.out().split('\n');
  origin = new URL(link).origin;
  const first = await login(new URL(link).hash.slice(1));
  expect(first.status).toBe(200);
  operator = first.cookie;
  expect((await login(new URL(link).hash.slice(1))).status, 'a link is good once').toBe(401);
  reader = (await login(new URL(share).hash.slice(1))).cookie;
  expect((await login(new URL(share).hash.slice(1))).status, 'a link that reads is good again').toBe(200);
}, PATIENCE_MS);
afterAll(() => kit.close());

describe('the door', () => {
  it('gives a cookie that scripts cannot read and other sites do not send', async () => {
    const answer = await ask('/api/v1/login', { body: { code: new URL(console_.out().split('\n')[1] ?? '').hash.slice(1) } });
    expect(answer.headers.get('set-cookie')).toMatch(/; HttpOnly; SameSite=Strict/);
  });

  it.each(API.filter(({ role }) => role !== 'anybody').map(({ method, path }) => [method.toUpperCase(), path.replace(/\{\w+\}/, 'x')]))(
    'is closed without a session: %s %s',
    async (method, path) => {
      expect((await ask(path, { method, ...(method === 'GET' ? {} : { body: {} }) })).status).toBe(401);
    },
  );

  it.each(API.filter(({ role }) => role === 'operator').map(({ method, path }) => [method.toUpperCase(), path]))(
    'lets a reader change nothing: %s %s',
    async (method, path) => {
      expect((await ask(path, { method, cookie: reader, body: {} })).status).toBe(403);
    },
  );

  it('is closed to other sites in the same browser', async () => {
    const evil = { origin: 'https://evil.example' };
    expect((await ask('/api/v1/orders', { cookie: operator, body: { order: 'stop', mode: 'now' }, headers: evil })).status).toBe(403);
    expect((await ask('/api/v1/session', { cookie: operator, headers: evil })).status).toBe(403);
    const socket = new WebSocket(`${origin.replace('http', 'ws')}/api/v1/live`, {
      headers: { cookie: operator, origin: 'https://evil.example' },
    });
    const code = await new Promise((done) => {
      socket.on('unexpected-response', (_request, response) => done(response.statusCode));
      socket.on('error', () => {});
    });
    expect(code).toBe(403);
  });

  it('runs nothing that is written into a page, and sends who is not logged in to the login', async () => {
    const page = await ask('/login');
    expect(page.headers.get('content-security-policy')).toContain("script-src 'self'; style-src 'self'");
    expect(await page.text()).not.toMatch(/<script>|onload=|style=/);
    const front = await ask('/');
    expect([302, 503]).toContain(front.status);
  });

  it('slows down who tries codes', async () => {
    const codes: number[] = [];
    for (let tries = 0; tries < 14; tries++) codes.push((await login('wrong')).status);
    expect(codes).toContain(429);
  });
});

describe('scripts', () => {
  it('find every route in the description, and who they are', async () => {
    const { openapi, paths } = await json<{ openapi: string; paths: object }>('/api/v1/openapi.json');
    expect(openapi).toBe('3.1.0');
    expect(Object.keys(paths).sort()).toEqual([...new Set(API.map(({ path }) => path))].sort());
    expect(await json<SessionView>('/api/v1/session')).toMatchObject({ protocol: 1, mode: 'catapult', canSteer: true, canStart: true });
    expect(await json<SessionView>('/api/v1/session', { cookie: reader })).toMatchObject({ canSteer: false, canStart: false });
  });

  it('get scenarios of the folder, and nothing else of the machine', async () => {
    const rows = await json<ScenarioRow[]>('/api/v1/scenarios');
    expect(rows.map(({ path }) => path)).toEqual(['mine.yaml']);
    for (const path of ['../../etc/passwd', '/etc/hostname', 'scenarios/link.yaml', 'nothing.yaml', 'dist/worker.mjs', '..%2f.yaml'])
      expect((await ask(`/api/v1/scenario?path=${encodeURIComponent(path)}`, { cookie: operator })).status, path).toBe(409);
    const outside = await ask('/api/v1/scenario', { method: 'PUT', cookie: operator, body: { path: '../x.yaml', text: 'x' } });
    expect(outside.status).toBe(409);
  });

  it('are told the values that a scenario leaves open', async () => {
    const text = (await (await ask('/api/v1/scenario?path=mine.yaml', { cookie: operator })).text()).replace(
      'groups:',
      'variables:\n  callers: 3\n  room: { default: blue, description: Where they meet }\ngroups:',
    );
    const view = await json<PlanView>('/api/v1/plan', { body: { path: 'mine.yaml', text, variables: { room: 'red' }, nodes: 1 } });
    expect(view).toMatchObject({ ok: true, variables: { callers: '3', room: 'blue' } });
    expect(view.command).toContain('room=red');
  });

  it('are told where a scenario is wrong, and cannot start it', async () => {
    const text = 'name: bad\ngroups:\n  a:\n    type: htp\n';
    const view = await json<PlanView>('/api/v1/plan', { body: { path: 'bad.yaml', text, variables: {}, nodes: 2 } });
    if (view.ok) throw new Error('it was planned');
    expect(view.problems[0]).toMatchObject({ line: expect.any(Number), message: expect.any(String) });
    expect(view.command).toBe('quilt-swarm plan bad.yaml -n 2');
    expect((await ask('/api/v1/scenario', { method: 'PUT', cookie: operator, body: { path: 'bad.yaml', text } })).status).toBe(200);
    const started = await ask('/api/v1/runs', { cookie: operator, body: { path: 'bad.yaml', variables: {}, nodes: 1 } });
    expect(started.status).toBe(409);
    expect(await started.json()).toMatchObject({ line: expect.any(Number) });
  });
});

describe('a run', () => {
  it('is planned, started, watched, steered and over', { timeout: PATIENCE_MS * 2 }, async () => {
    const text = await (await ask('/api/v1/scenario?path=mine.yaml', { cookie: operator })).text();
    const plan = await json<PlanView>('/api/v1/plan', { body: { path: 'mine.yaml', text, variables: {}, nodes: 2 } });
    expect(plan).toMatchObject({ ok: true, activeMax: 12, unplaceable: [], nodes: [{ name: 'node-1' }, { name: 'node-2' }] });

    const messages: LiveMessage[] = [];
    const socket = new WebSocket(`${origin.replace('http', 'ws')}/api/v1/live`, { headers: { cookie: reader, origin } });
    socket.on('message', (bytes) => messages.push(JSON.parse(bytes.toString()) as LiveMessage));
    const states = (): LiveState[] => messages.flatMap((message) => (message.type === 'state' ? [message.state] : []));
    await until('there is nothing yet', () => messages.some((message) => message.type === 'away'));

    const started = await ask('/api/v1/runs', { cookie: operator, body: { path: 'mine.yaml', variables: {}, nodes: 2 } });
    expect(await started.json()).toEqual({ command: 'quilt-swarm run mine.yaml -n 2' });
    await until('all load is on', () => states().at(-1)?.board.endpointsActive === 12, PATIENCE_MS);
    const state = states().at(-1);
    expect(
      state?.nodes
        .filter(({ role }) => role === 'load')
        .map(({ name, active }) => [name, active])
        .sort(),
    ).toEqual([
      ['node-1', expect.any(Number)],
      ['node-2', expect.any(Number)],
    ]);
    expect(state?.shards.owners.every((owner) => owner >= 0)).toBe(true);
    expect(state?.shards.groups.length).toBe(state?.shards.owners.length);
    await until('there is a timeline', () => messages.some((message) => message.type === 'timeline' && !message.isWhole));
    const whole = messages.find((message) => message.type === 'timeline');
    if (whole?.type !== 'timeline') throw new Error('no timeline');
    expect(whole.isWhole).toBe(true);
    for (const { rows } of whole.heat) expect(rows.length).toBe(whole.timeline.atMs.length);

    const far = state?.nodes.find(({ name }) => name === 'node-2')?.node ?? '';
    const log = await json<LogTail>(`/api/v1/nodes/${far}/log`);
    expect(log.node).toBe(far);
    expect(JSON.parse(log.lines[0] ?? '')).toMatchObject({ level: 'info', node: far.slice(-6), msg: expect.any(String) });
    expect(await (await ask('/api/v1/nodes/nobody/log', { cookie: reader })).json()).toMatchObject({ code: 'QUILT_NODE_AWAY' });
    const printed = await kit.run('logs', 'node-2');
    expect([printed.code, printed.out().split('\n').slice(0, log.lines.length)]).toEqual([0, log.lines]);
    const misspelt = await kit.run('logs', 'node-9');
    expect([misspelt.code, misspelt.err()]).toEqual([104, expect.stringContaining('no node of this swarm answers to "node-9"')]);

    const again = await ask('/api/v1/runs', { cookie: operator, body: { path: 'mine.yaml', variables: {}, nodes: 2 } });
    expect(await again.json()).toMatchObject({ code: 'QUILT_CONSOLE_BUSY' });
    const scaled = await json<{ command: string }>('/api/v1/orders', { body: { order: 'scale', group: '*', factor: 0.5 } });
    expect(scaled.command).toMatch(/^quilt-swarm scale \* 0\.5 /);
    await until('half of it is off', () => states().at(-1)?.board.endpointsActive === 6, PATIENCE_MS);
    expect(states().at(-1)?.factor).toBe(0.5);
    expect((await ask('/api/v1/orders', { cookie: operator, body: { order: 'scale', group: '*', factor: -1 } })).status).toBe(400);
    await json('/api/v1/orders', { body: { order: 'stop', mode: 'drain' } });
    await until('it is over', async () => (await json<RunRow[]>('/api/v1/runs'))[0]?.exitCode === 105, PATIENCE_MS);
    const [row] = await json<RunRow[]>('/api/v1/runs');
    expect(await json(`/api/v1/runs/${row?.id}/summary`)).toMatchObject({ run: { end: 'stopped' } });
    const stored = await json<{ timeline: TimelineReport; heat: object[] }>(`/api/v1/runs/${row?.id}/timeline`);
    expect(stored.timeline.atMs.length).toBeGreaterThanOrEqual(whole.timeline.atMs.length);
    expect(stored.heat.length).toBeGreaterThan(0);
    for (const what of ['summary', 'timeline'])
      for (const id of ['..%2f..', '.git', 'nothing'])
        expect((await ask(`/api/v1/runs/${id}/${what}`, { cookie: operator })).status, `${id} ${what}`).not.toBe(200);
    socket.close();
  });

  it('goes on when the console is closed', async () => {
    console_.child.kill('SIGINT');
    expect(await console_.ended).toBe(0);
  });
});
