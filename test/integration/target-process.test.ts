// The target as a program: the ready line, both ways to end it, wrong arguments. It is started on the Node that runs this
// test, with types stripped, because a test runner accepts syntax that Node refuses.

import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test } from 'vitest';
import { WebSocket } from 'ws';

const MAIN = fileURLToPath(new URL('../../tools/target/main.ts', import.meta.url));

interface Ready {
  ready: boolean;
  url: string;
  wsUrl: string;
  sipPort: number;
}

/** Waits for what is sure to come; the bound is for a busy machine, and only a failure ever reaches it. */
const eventually = <Value>(read: () => Value) => expect.poll(read, { timeout: 10_000, interval: 5 });

const children: ChildProcessWithoutNullStreams[] = [];

afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
});

function launch(...flags: string[]) {
  const child = spawn(process.execPath, [MAIN, '--port', '0', ...flags]);
  children.push(child);
  let stderr = '';
  child.stderr.on('data', (chunk) => {
    stderr += chunk;
  });
  const exited = once(child, 'close').then(([code, signal]) => ({ code, signal, stderr }));
  const ready = (): Promise<Ready> =>
    new Promise((resolve, reject) => {
      let stdout = '';
      child.stdout.on('data', (chunk) => {
        stdout += chunk;
        if (stdout.endsWith('\n')) resolve(JSON.parse(stdout));
      });
      void exited.then((end) => reject(new Error(`ended before it was ready: ${JSON.stringify(end)}`)));
    });
  return { child, exited, ready };
}

async function activeRequests(url: string): Promise<number> {
  const stats = (await (await fetch(`${url}/api/stats`)).json()) as { requests: { active: number } };
  return stats.requests.active;
}

async function enterRoom(url: string): Promise<WebSocket> {
  const post = async (path: string, body: object) => {
    const headers = { 'content-type': 'application/json', connection: 'close' };
    return (await (await fetch(url + path, { method: 'POST', headers, body: JSON.stringify(body) })).json()) as Record<string, string>;
  };
  const meeting = await post('/api/meetings', { title: 'x' });
  const seat = await post(`/api/meetings/${meeting.id}/participants`, { name: 'y', passcode: meeting.passcode });
  const socket = new WebSocket(seat.roomUrl!);
  await once(socket, 'open');
  return socket;
}

test('SIGTERM: the room is closed politely, requests in flight are answered, exit 0', async () => {
  const { child, exited, ready } = launch('--service-time-ms', '60', '--exit-on-stdin-close', '--max-drain-ms', '20000');
  const { url, wsUrl, sipPort, ready: isReady } = await ready();
  expect(sipPort).toBeGreaterThan(0);
  expect({ isReady, wsUrl }).toEqual({ isReady: true, wsUrl: url.replace('http', 'ws') });
  const socket = await enterRoom(url);
  const closed = once(socket, 'close');
  const inFlight = fetch(`${url}/api/meetings`);
  await eventually(() => activeRequests(url)).toBe(1);
  child.kill('SIGTERM');
  expect((await inFlight).status).toBe(200);
  expect((await closed)[0]).toBe(1001);
  expect(await exited).toEqual({ code: 0, signal: null, stderr: '' });
});

test('SIGTERM: a hung request does not hold it', async () => {
  const { child, exited, ready } = launch('--hang-rate', '1');
  const { url } = await ready();
  const hung = fetch(`${url}/api/meetings`).catch((error: Error) => error);
  await eventually(() => activeRequests(url)).toBe(1);
  child.kill('SIGTERM');
  expect(await exited).toMatchObject({ code: 0 });
  expect(await hung).toBeInstanceOf(Error);
});

test('with --exit-on-stdin-close the end of stdin ends it, which is how it follows its parent', async () => {
  const { child, exited, ready } = launch('--exit-on-stdin-close');
  await ready();
  child.stdin.end();
  expect(await exited).toMatchObject({ code: 0, stderr: '' });
});

test('without the flag it outlives its stdin', async () => {
  const { child, exited, ready } = launch();
  const { url } = await ready();
  child.stdin.end();
  await once(child.stdin, 'close');
  expect((await fetch(`${url}/health`)).status).toBe(200);
  child.kill('SIGINT');
  expect(await exited).toMatchObject({ code: 0 });
});

test('wrong arguments: exit 104 with every one of them', async () => {
  const { code, stderr } = await launch('--error-rate', 'much', '--colour', '--seed=-1').exited;
  expect(code).toBe(104);
  expect(stderr).toMatch(/QUILT_TARGET_ARGUMENTS/);
  for (const word of ['errorRate', '--colour', 'seed']) expect(stderr).toContain(word);
});

test('a port in use: exit 1 with a line that says so', async () => {
  const squatter = createServer().listen(0, '127.0.0.1');
  await once(squatter, 'listening');
  const { port } = squatter.address() as { port: number };
  const { code, stderr } = await launch('--port', String(port)).exited;
  squatter.close();
  expect(code).toBe(1);
  expect(stderr).toMatch(/^QUILT_TARGET_LISTEN .*EADDRINUSE.*\n$/);
});
