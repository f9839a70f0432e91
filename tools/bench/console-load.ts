// console-load: what five watchers cost the coordinator. A run of one node on this computer with --console: its process is seed, coordinator and console in one, which is the worst case.
// Its CPU time is read from /proc while nobody watches, and while five sockets take everything that a page takes; the figure is the difference, in cores.

import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import WebSocket from 'ws';
import { monotonicNowMs, wallNowMs } from '../../node/adapters/clock.ts';
import { out } from '../../node/adapters/terminal.ts';
import { createRuntimeClock, wait } from '../../node/runtime/runtime-clock.ts';
import type { BenchOptions, BenchResult } from '../bench-kit.ts';

export const about = 'what five watchers of the console cost the coordinator, in cores, against the same run with none';

const WATCHERS = 5;
const TICKS_PER_S = 100;
const LINK_MS_MAX = 60_000;
const entry = fileURLToPath(new URL('../../node/quilt-swarm.mjs', import.meta.url));
const clock = createRuntimeClock(monotonicNowMs, wallNowMs);

/** User and system time of one process, seconds (proc(5), stat). */
function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
}

async function coresOver(pid: number, seconds: number): Promise<number> {
  const [before, fromMs] = [cpuSeconds(pid), monotonicNowMs()];
  await wait(clock, seconds * 1000);
  return ((cpuSeconds(pid) - before) * 1000) / (monotonicNowMs() - fromMs);
}

async function linkOf(child: ChildProcess): Promise<URL> {
  let said = '';
  child.stderr?.on('data', (bytes: Buffer) => (said += bytes.toString()));
  child.stdout?.on('data', (bytes: Buffer) => (said += bytes.toString()));
  for (const untilMs = monotonicNowMs() + LINK_MS_MAX; monotonicNowMs() < untilMs; await wait(clock, 100)) {
    const link = /http:\/\/\S+#\S+/.exec(said)?.[0];
    if (link !== undefined) return new URL(link);
  }
  throw new Error(`no link: ${said}`);
}

async function watch(link: URL): Promise<{ close(): void; bytes(): number }> {
  const headers = { origin: link.origin, 'content-type': 'application/json' };
  const body = JSON.stringify({ code: link.hash.slice(1) });
  const answer = await fetch(`${link.origin}/api/v1/login`, { method: 'POST', headers, body });
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  let bytes = 0;
  const sockets = Array.from({ length: WATCHERS }, () => {
    const socket = new WebSocket(`${link.origin.replace('http', 'ws')}/api/v1/live`, { headers: { cookie, origin: link.origin } });
    socket.on('message', (data: Buffer) => (bytes += data.length));
    return socket;
  });
  return { close: () => sockets.forEach((socket) => void socket.terminate()), bytes: () => bytes };
}

export async function bench({ quick }: BenchOptions): Promise<BenchResult> {
  const seconds = quick ? 8 : 25;
  const folder = mkdtempSync(join(tmpdir(), 'quilt-console-load-'));
  const target = createServer((_request, response) => response.end('x'));
  await new Promise<void>((done) => target.listen(0, '127.0.0.1', done));
  const url = `http://127.0.0.1:${(target.address() as AddressInfo).port}`;
  const behavior = `{ baseUrl: '${url}', think: 1s, requests: [{ name: front, url: / }] }`;
  const load = `{ endpoints: 50, shape: [{ ramp: 100%, over: 2s }, { hold: 5m }] }`;
  writeFileSync(join(folder, 'load.yaml'), `name: load\ngroups:\n  visitors: { type: http, load: ${load}, behavior: ${behavior} }\n`);
  const child = spawn(process.execPath, [entry, 'run', 'load.yaml', '-n', '1', '--console'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    const link = await linkOf(child);
    await wait(clock, 6000);
    const pid = child.pid ?? -1;
    const alone = await coresOver(pid, seconds);
    const watchers = await watch(link);
    await wait(clock, 2000);
    const watched = await coresOver(pid, seconds);
    out(
      `${WATCHERS} watchers took ${(watchers.bytes() / 1e6).toFixed(2)} MB; the coordinator took ${alone.toFixed(4)} cores alone and ${watched.toFixed(4)} with them`,
    );
    watchers.close();
    return { figure: Math.max(0, watched - alone), unit: 'cores', baseline: alone, reach: 0.03, better: 'lower' };
  } finally {
    child.kill('SIGKILL');
    target.closeAllConnections();
    target.close();
    rmSync(folder, { recursive: true, force: true });
  }
}
