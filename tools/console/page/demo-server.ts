// Serves the built page with a feed that is made up (demo-feed.ts), on loopback, so that the page can be looked at, measured and tested without a swarm. It answers what the console's server
// answers, with the same policy for browsers. From a terminal: node tools/console/page/demo-server.ts --port 4170 --nodes 700 --hours 3

import { existsSync, readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { type WebSocket, WebSocketServer } from 'ws';
import { wallNowMs } from '../../../node/adapters/clock.ts';
import { out } from '../../../node/adapters/terminal.ts';
import { words } from '../../../node/core/shell-words.ts';
import type { GroupFactor, LiveMessage, MachinesRequest, OrderRequest, PlanView, RunRow, ScenarioRow, SessionView } from '../protocol.ts';
import { demoMachines, demoRented, demoStarted } from './demo-catapult.ts';
import { createDemoFeed } from './demo-feed.ts';
import { afterOrder } from './src/scaling.ts';

export interface DemoServerInit {
  readonly port?: number;
  readonly nodes?: number;
  /** Default 4. */
  readonly groups?: number;
  /** Of the run that has gone by when the server starts. */
  readonly hours?: number;
  readonly hostile?: string;
  readonly mode?: SessionView['mode'];
  readonly canSteer?: boolean;
  /** Something that this console started, at work or broken. */
  readonly started?: 'launching' | 'failed' | null;
  /** Where the page was built; default dist/console. */
  readonly pageFolder?: string;
}

export interface DemoServer {
  readonly url: string;
  /** Cuts all live sockets, and takes no new ones until `accept`. */
  cut(): void;
  accept(): void;
  /** The run is over, and its report is sent. */
  finish(): void;
  /** No second comes any more, but this. */
  tell(message: LiveMessage): void;
  readonly orders: readonly OrderRequest[];
  close(): Promise<void>;
}

const builtFolder = fileURLToPath(new URL('../../../dist/console', import.meta.url));
const scenarioFolder = fileURLToPath(new URL('../../../scenarios', import.meta.url));
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
};
/** As late as windows of nodes may be: these seconds are sent again. */
const LATE_S = 5;
/** No swarm keeps more points than this (TIMELINE_BOUNDS in core); what the demo has beyond comes after it. */
const WHOLE_S_MAX = 3600;
const DAY_MS = 86_400_000;

const scenarios: readonly ScenarioRow[] = [
  { path: 'bridge.yaml', name: 'bridge', description: 'Phones that call a bridge, key in a PIN and stay for a while', isValid: true },
  { path: 'spike.yaml', name: 'spike', description: 'A calm base load and two attack-like bursts', isValid: true },
  { path: 'rush-hour.yaml', name: 'rush-hour', description: 'Everybody joins within a quarter of an hour', isValid: false },
];

const runs = (nowWallMs: number, hostile: string): RunRow[] =>
  (['running', 'pass', 'fail', 'tainted', 'pass', 'unknown'] as const).map((verdict, index) => ({
    ...{
      id: `2026-11-${28 - index}T08-00-00-rush-hour`,
      scenario: `rush-hour${hostile}`,
      verdict,
      startedWallMs: nowWallMs - index * DAY_MS,
    },
    ...{ durationMs: 600_000, exitCode: verdict === 'fail' ? 99 : verdict === 'pass' ? 0 : null },
    isKept: verdict !== 'unknown',
    reason: verdict === 'fail' ? 'sip_call_failed: rate<0.005 was not met: 0.81 %' : '',
  }));

/** A plan that follows the text as far as the demo needs: `broken` in it is a problem at its place. */
function plan(text: string, nodes: number, variables: Readonly<Record<string, string>>, rented: MachinesRequest | undefined): PlanView {
  const machines = rented === undefined ? null : demoMachines(rented);
  const where = rented === undefined ? `-n ${nodes}` : rented.on.map((word) => `--on ${word}`).join(' ');
  const command = `quilt-swarm plan scenario.yaml ${where}`;
  const lines = text.split('\n');
  const line = lines.findIndex((one) => one.includes('broken'));
  if (line >= 0) {
    const column = (lines[line]?.indexOf('broken') ?? 0) + 1;
    const message = "groups.callers: unknown key 'broken'";
    return {
      ok: false,
      command,
      problems: [{ code: 'QUILT_KEY', message, hint: "did you mean 'behavior'?", line: line + 1, column, key: 'groups.callers.broken' }],
    };
  }
  const perNode = 1200 / nodes;
  return {
    ...{ ok: true, command, start: `quilt-swarm ${rented === undefined ? 'run' : 'launch'} scenario.yaml ${where}`, machines },
    descriptions: { bridge: 'Address of the bridge', callers: 'Phones at once' },
    ...{ variables: { bridge: '127.0.0.1', port: '5060', callers: '1200', ...variables }, durationMs: 390_000 },
    ...{ endpointCount: 4200, activeMax: 1200, meetingCount: 40, shardCount: 24 },
    groups: [{ name: 'callers', type: 'sip', peak: 1200, cores: 2.4 }],
    curve: {
      stepMs: 3250,
      total: Array.from({ length: 121 }, (_, index) => Math.round(1200 * Math.min(1, index / 18, (120 - index) / 9))),
    },
    nodes: Array.from({ length: nodes }, (_, index) => ({
      name: `node-${index + 1}`,
      shards: Math.ceil(24 / nodes),
      peak: Math.round(perNode),
      cores: 2.4 / nodes,
      capacityCores: 2,
    })),
    thresholds: ['sip_call_setup p(95)<2000', 'sip_mos p(5)>4.0'],
    targets: ['sip:127.0.0.1:5060'],
    unplaceable: nodes === 1 && rented === undefined ? ['group callers: 0.4 cores have no place: node-1 has 2 cores'] : [],
  };
}

/** The live socket's side: a second a second, and what orders do. */
function createLive({ nodes, groups, hours, hostile, started }: Required<DemoServerInit>) {
  const startS = Math.round(hours * 3600);
  const feed = createDemoFeed({ seed: 7, nodes, groups, totalS: Math.max(600, Math.round(startS * 1.3)), hostile });
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate: { threshold: 4096 } });
  const send = (socket: WebSocket, message: LiveMessage): void => socket.send(JSON.stringify(message));
  let second = startS;
  let factor = 1;
  const factors = new Map<string, GroupFactor>();
  let isOver = false;
  const ticker = setInterval(() => {
    if (isOver) return;
    second += 1;
    for (const socket of sockets.clients) {
      send(socket, { type: 'state', state: feed.state(second, wallNowMs(), factor, factors) });
      send(socket, feed.timeline(second - LATE_S, second + 1, false));
      const fresh = feed.events(second).slice(feed.events(second - 1).length);
      if (fresh.length > 0) send(socket, { type: 'events', isWhole: false, events: fresh });
    }
  }, 1000);
  const finish = (): void => {
    isOver = true;
    for (const socket of sockets.clients) send(socket, { type: 'report', summary: feed.report(second, wallNowMs() - second * 1000) });
  };
  return {
    sockets,
    ticker,
    finish,
    tell(message: LiveMessage): void {
      isOver = true;
      for (const socket of sockets.clients) send(socket, message);
    },
    begin(socket: WebSocket): void {
      if (started) send(socket, demoStarted(started, hostile));
      send(socket, { type: 'state', state: feed.state(second, wallNowMs(), factor, factors) });
      for (let from = 0; from <= second; from += WHOLE_S_MAX)
        send(socket, feed.timeline(from, Math.min(second + 1, from + WHOLE_S_MAX), from === 0));
      send(socket, { type: 'events', isWhole: true, events: feed.events(second) });
    },
    order(order: OrderRequest): string {
      if (order.order === 'stop') {
        finish();
        return `quilt-swarm stop${order.mode === 'now' ? ' --now' : ''}`;
      }
      for (const each of afterOrder(feed.state(second, wallNowMs(), factor, factors).factors, order)) factors.set(each.group, each);
      if (order.group === '*') factor = order.factor;
      return words('quilt-swarm', 'scale', order.group, String(order.factor));
    },
  };
}

function fakeApi(init: Required<DemoServerInit>, order: (request: OrderRequest) => string): Answer {
  const { nodes, hostile, mode, canSteer } = init;
  const session: SessionView = {
    ...{ protocol: 1, version: '0.1.0', mode, swarmId: 'b41c9e' },
    ...{ canSteer, canStart: mode === 'catapult', canShare: mode === 'catapult' || canSteer },
    watchesBecause: canSteer ? null : 'link',
  };
  return (path, method, body, query) => {
    if (path === 'session') return session;
    if (path === 'schema') return JSON.parse(readFileSync(join(scenarioFolder, 'scenario.schema.json'), 'utf8'));
    if (path === 'scenarios') return scenarios;
    if (path === 'scenario' && method === 'GET') return readFileSync(join(scenarioFolder, normalize(`/${query.get('path')}`)), 'utf8');
    if (path === 'scenario') return { command: '' };
    if (path === 'plan')
      return plan(
        String(body.text),
        Number(body.nodes),
        (body.variables ?? {}) as Record<string, string>,
        body.machines as MachinesRequest,
      );
    if (path === 'runs' && method === 'GET') return runs(wallNowMs(), hostile);
    const rented = demoRented(path, method, hostile);
    if (rented !== null) return rented;
    if (path === 'runs') return { command: `quilt-swarm run ${String(body.path)} -n ${String(body.nodes)}` };
    if (path === 'orders') return { command: order(body as unknown as OrderRequest) };
    if (!path.startsWith('runs/')) return null;
    const stored = createDemoFeed({ seed: path.charCodeAt(14), nodes, totalS: 600, hostile });
    if (path.endsWith('/timeline')) return stored.timeline(0, 600, true);
    return stored.report(600, wallNowMs() - DAY_MS);
  };
}

export async function startDemo(init: DemoServerInit = {}): Promise<DemoServer> {
  const full = {
    port: 0,
    nodes: 40,
    groups: 4,
    hours: 0.5,
    hostile: '',
    mode: 'catapult' as const,
    canSteer: true,
    started: null,
    pageFolder: builtFolder,
    ...init,
  };
  const live = createLive(full);
  const { sockets } = live;
  const orders: OrderRequest[] = [];
  const answer = fakeApi(full, (order) => {
    orders.push(order);
    return live.order(order);
  });
  let isCut = false;
  const server = createServer((request, response) => {
    response.setHeader('content-security-policy', POLICY);
    serve(request, response, answer, full.pageFolder).catch((error: Error) =>
      response.writeHead(409).end(JSON.stringify({ code: 'QUILT_DEMO', message: error.message, hint: null })),
    );
  });
  server.on('upgrade', (request, socket, head) => {
    if (isCut || request.url !== '/api/v1/live') socket.destroy();
    else sockets.handleUpgrade(request, socket, head, live.begin);
  });
  await new Promise<void>((resolve) => server.listen(full.port, '127.0.0.1', resolve));
  const dropAll = (): void => {
    for (const socket of sockets.clients) socket.terminate();
  };
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    orders,
    finish: live.finish,
    tell: live.tell,
    cut() {
      isCut = true;
      dropAll();
    },
    accept() {
      isCut = false;
    },
    close() {
      clearInterval(live.ticker);
      dropAll();
      server.closeAllConnections();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

type Answer = (path: string, method: string, body: Record<string, unknown>, query: URLSearchParams) => unknown;

async function serve(request: IncomingMessage, response: ServerResponse, answer: Answer, folder: string): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (url.pathname.startsWith('/api/v1/')) {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = chunks.length === 0 ? {} : (JSON.parse(Buffer.concat(chunks).toString()) as Record<string, unknown>);
    const value = answer(decodeURIComponent(url.pathname.slice('/api/v1/'.length)), request.method ?? 'GET', body, url.searchParams);
    if (value === null) response.writeHead(404).end('{"message":"not here"}');
    else if (typeof value === 'string') response.writeHead(200, { 'content-type': 'text/plain; charset=utf-8' }).end(value);
    else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value));
    return;
  }
  const path = join(folder, url.pathname === '/' ? 'index.html' : normalize(url.pathname));
  if (!path.startsWith(folder) || !existsSync(path))
    return void response.writeHead(404).end('the page is not built, or this is no part of it');
  response.writeHead(200, { 'content-type': types[extname(path)] ?? 'application/octet-stream' }).end(readFileSync(path));
}

if (import.meta.main) {
  const { values } = parseArgs({
    options: {
      port: { type: 'string', default: '4170' },
      nodes: { type: 'string', default: '40' },
      groups: { type: 'string', default: '4' },
      hours: { type: 'string', default: '0.5' },
      hostile: { type: 'string', default: '' },
      started: { type: 'string' },
    },
  });
  const demo = await startDemo({
    port: Number(values.port),
    nodes: Number(values.nodes),
    groups: Number(values.groups),
    hours: Number(values.hours),
    hostile: values.hostile,
    started: values.started === 'launching' || values.started === 'failed' ? values.started : null,
  });
  out(`the page with a swarm that is not there: ${demo.url}`);
}
