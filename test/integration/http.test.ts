// The http endpoint type against a real server on loopback, inside a real worker host: a journey with captures, checks, redirects, cookies and
// bodies, and everything a target may do wrong ends as data.

import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { counterOf, rateOf, startLab, trendOf, type WorkerLab } from '../support/worker-lab.ts';

let server: Server;
let port = 0;
let seen: { method: string; url: string; body: string; headers: IncomingMessage['headers'] }[] = [];
let lab: WorkerLab | null = null;

function answer(request: IncomingMessage, response: ServerResponse, body: string): void {
  const { pathname } = new URL(request.url ?? '/', 'http://x');
  if (pathname === '/login') {
    response.setHeader('set-cookie', ['session=abc123; Path=/; HttpOnly', 'old=1; Max-Age=0']);
    response.setHeader('x-room', 'r-9');
    response
      .writeHead(201, { 'content-type': 'application/json' })
      .end(JSON.stringify({ user: { token: 't"1' }, items: [1, 2, 3], echoed: body }));
  } else if (pathname === '/moved') response.writeHead(303, { location: '/landed?x=1' }).end();
  else if (pathname === '/elsewhere') response.writeHead(302, { location: 'http://192.0.2.1:9/' }).end();
  else if (pathname === '/hang') return;
  else if (pathname === '/reset') request.socket.resetAndDestroy();
  else if (pathname === '/garbage') request.socket.end('this is no HTTP\r\n\r\n');
  else if (pathname === '/busy') response.writeHead(503).end('too busy');
  else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ ok: true, path: request.url }));
}

beforeAll(async () => {
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      seen.push({ method: request.method ?? '', url: request.url ?? '', body, headers: request.headers });
      answer(request, response, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
});
afterEach(async () => {
  await lab?.close();
  lab = null;
  seen = [];
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

async function run(behavior: object, { endpoints = 1, forMs = '10s' } = {}): Promise<WorkerLab> {
  const group = {
    type: 'http',
    load: { endpoints, shape: [{ step: endpoints, for: forMs }] },
    gracefulStop: '1s',
    behavior: { baseUrl: `http://127.0.0.1:${port}`, ...behavior },
  };
  const scenario = JSON.stringify({ name: 'lab', groups: { users: group } });
  lab = await startLab({ scenario, targets: [`127.0.0.1:${port}`] });
  await lab.runAll();
  return lab;
}

it('runs a journey: bodies, captures, checks, cookies, redirects', async () => {
  const worker = await run({
    repeat: 2,
    cookies: true,
    headers: { 'x-all': '${endpoint.id}' },
    requests: [
      {
        name: 'login',
        method: 'POST',
        url: '/login',
        json: { user: '${endpoint.id}', n: 5 },
        expect: 201,
        captures: { token: { json: '$.user.token' }, room: { header: 'X-Room' }, last: { regex: '"items":\\[.*?(\\d)\\]' } },
        checks: [
          { status: 201 },
          { json: '$.items[0]', equals: 1 },
          { name: 'never', bodyContains: 'nowhere' },
          { header: 'content-type', contains: 'json' },
        ],
      },
      { name: 'use', url: '/use/${captured.room}/${captured.last}', headers: { authorization: 'Bearer ${captured.token}' } },
      { name: 'form', method: 'POST', url: '/form', form: { a: '${captured.token}', b: 'x y' } },
      { name: 'moved', method: 'POST', url: '/moved', text: 'body' },
    ],
  });
  expect(seen.slice(0, 5).map(({ method, url }) => `${method} ${url}`)).toEqual([
    'POST /login',
    'GET /use/r-9/3',
    'POST /form',
    'POST /moved',
    'GET /landed?x=1',
  ]);
  expect(JSON.parse(seen[0]?.body ?? '')).toEqual({ user: 'users-0', n: 5 });
  expect(seen[0]?.headers).toMatchObject({ 'content-type': 'application/json', 'x-all': 'users-0' });
  expect(seen[0]?.headers.cookie).toBeUndefined();
  expect(seen[1]?.headers).toMatchObject({ authorization: 'Bearer t"1', cookie: 'session=abc123' });
  expect(seen[2]?.body).toBe('a=t%221&b=x+y');
  expect(seen[4]?.body).toBe('');
  expect(seen).toHaveLength(10);
  expect(seen[5]?.headers.cookie).toBeUndefined();
  expect(counterOf(worker.metric('http_reqs'))).toBe(10);
  expect(counterOf(worker.metric('http_reqs', { name: 'moved', status: '303' }))).toBe(2);
  expect(counterOf(worker.metric('iterations'))).toBe(2);
  expect(trendOf(worker.metric('http_req_duration', { name: 'login', status: '201', method: 'POST' })).count).toBe(2);
  expect(trendOf(worker.metric('http_req_connecting')).count).toBe(1);
  expect(rateOf(worker.metric('checks', { check: 'never' }))).toMatchObject({ pass: 0, total: 2 });
  expect(rateOf(worker.metric('checks', { check: '$.items[0] equals 1' }))).toMatchObject({ pass: 2, total: 2 });
  expect(rateOf(worker.metric('http_req_failed'))).toMatchObject({ pass: 0, total: 10 });
  expect(counterOf(worker.metric('data_received'))).toBeGreaterThan(500);
  expect(worker.errors().map(({ side, cause }) => `${side} ${cause}`)).toEqual(['target check-failed:never']);
  expect(worker.counts()).toEqual({ started: 1, finished: 1, failed: 0 });
});

it.each([
  ['/busy', 'status-503', '503'],
  ['/reset', 'reset', '0'],
  ['/garbage', 'garbage', '0'],
  ['/hang', 'timeout', '0'],
])('counts a target that does wrong: %s', async (url, cause, status) => {
  const worker = await run({ repeat: 2, timeout: '200ms', retryPause: '10ms', requests: [{ name: 'bad', url }] });
  expect(counterOf(worker.metric('http_reqs', { name: 'bad', status }))).toBe(2);
  expect(rateOf(worker.metric('http_req_failed'))).toMatchObject({ pass: 2, total: 2 });
  expect(worker.errors().map((error) => `${error.side} ${error.cause} ${error.count}`)).toEqual([`target ${cause} 2`]);
  expect(worker.counts()).toEqual({ started: 1, finished: 0, failed: 1 });
});

it('does not follow a redirect to where the manifest does not allow load', async () => {
  const worker = await run({ repeat: 1, requests: [{ url: '/elsewhere' }] });
  expect(worker.errors().map(({ side, cause }) => `${side} ${cause}`)).toEqual(['target redirect-refused']);
  expect(seen).toHaveLength(1);
});

it('refuses a target that is not in the manifest before anything is sent', async () => {
  const scenario = JSON.stringify({
    name: 'lab',
    groups: {
      users: {
        type: 'http',
        load: { endpoints: 1, shape: [{ step: 1, for: '1s' }] },
        behavior: { requests: [{ url: `http://127.0.0.1:${port}/` }] },
      },
    },
  });
  await expect(startLab({ scenario, targets: ['127.0.0.1:1'] })).rejects.toThrow(/not among the run's targets/);
  expect(seen).toHaveLength(0);
});

it('counts latency from when a request was due, not from when it was sent', async () => {
  // The second iteration is due 50 ms after the first, which takes 200 ms to time out: it waits for 150 ms before it is sent.
  const worker = await run({
    repeat: 2,
    every: '50ms',
    timeout: '200ms',
    retryPause: '5ms',
    onFailure: 'continue',
    requests: [{ name: 'slow', url: '/hang' }],
  });
  expect(trendOf(worker.metric('http_req_duration')).max).toBeGreaterThanOrEqual(199);
  expect(trendOf(worker.metric('iteration_duration')).max).toBeGreaterThanOrEqual(200);
});

it('leaves in time while an answer is outstanding, and says that the request was cut off', async () => {
  const worker = await run({ requests: [{ name: 'stuck', url: '/hang' }] }, { forMs: '300ms' });
  expect(counterOf(worker.metric('http_req_interrupted', { name: 'stuck' }))).toBe(1);
  expect(worker.errors()).toEqual([]);
});

it.each(['shared', 'per-endpoint'])('makes as many connections as said: %s', async (connections) => {
  const worker = await run({ repeat: 1, connections, connectionsMax: 2, requests: [{ url: '/a', repeat: 3 }] }, { endpoints: 8 });
  expect(counterOf(worker.metric('http_reqs'))).toBe(24);
  const made = trendOf(worker.metric('http_req_connecting')).count;
  if (connections === 'shared') expect(made).toBeLessThanOrEqual(2);
  else expect(made).toBe(8);
});

it("reports a name without a value as the generator's own fault, without spinning", async () => {
  const worker = await run({
    repeat: 3,
    retryPause: '5ms',
    captures: undefined,
    requests: [{ url: '/a', captures: { gone: { header: 'x-gone' } } }, { url: '/b/${captured.gone}' }],
    onFailure: 'continue',
  });
  const causes = worker.errors().map(({ side, cause }) => `${side} ${cause}`);
  expect(causes).toContain('target capture-failed:gone');
  expect(causes).toContain('generator cannot-render');
});
