// The console's HTTP server: the built page, the API that page and scripts use (openapi.ts documents it), and the live socket. On loopback only, unless its owner says otherwise (console.ts).
// Every answer carries a policy that lets the page load nothing from elsewhere and run nothing that is written into it; requests that change something, and the
// socket, must come from this very origin, and Host must be this server's, so that no other site in the same browser reaches it (DNS rebinding included).

import { existsSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import fastifyCookie from '@fastify/cookie';
import fastifyRateLimit from '@fastify/rate-limit';
import fastifyStatic from '@fastify/static';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import type { Result } from '../../../node/core/errors.ts';
import { CONSOLE_PROTOCOL, type OrderRequest, type SessionView } from '../protocol.ts';
import type { LiveFeed } from './live-feed.ts';
import { LOGIN_PAGE, LOGIN_SCRIPT } from './login-page.ts';
import type { Role, Sessions } from './sessions.ts';

export interface ConsoleInit {
  readonly version: string;
  /** Where `npm run build` put the page. */
  readonly pageFolder: string;
  readonly sessions: Sessions;
  readonly feed: LiveFeed;
  readonly mode: () => SessionView['mode'];
  readonly swarmId: () => string | null;
  readonly canSteer: boolean;
  /** Hosts, beside the one listened on, under which browsers may come. */
  readonly hosts: readonly string[];
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly order: (request: OrderRequest) => Promise<Result<{ readonly command: string }>>;
  /** Calls back once after about `ms`; the answer cancels it. */
  readonly after: (ms: number, callback: () => void) => () => void;
  /** Further routes, for who may read and who may start; all below /api/v1. */
  readonly routes: (app: FastifyInstance, guards: Guards) => void;
}

export interface Guards {
  readonly reader: (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
  readonly operator: (request: FastifyRequest, reply: FastifyReply) => Promise<void>;
}

const COOKIE = 'quilt_session';
const BODY_BYTES_MAX = 512 * 1024;
const WATCHERS_MAX = 64;
/** A browser that has this much waiting does not keep up. */
const BEHIND_BYTES_MAX = 8 * 1024 * 1024;
const LOGINS_PER_MINUTE = 10;
/** Browsers are given this long to take what was sent last. */
const CLOSE_MS_MAX = 500;
/** Close code of RFC 6455, 7.4.1: the server goes away. */
const GOING_AWAY = 1001;

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy': POLICY,
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
};

export interface ConsoleServer {
  readonly app: FastifyInstance;
  close(): Promise<void>;
}

export async function createConsole(init: ConsoleInit): Promise<ConsoleServer> {
  const options = { bodyLimit: BODY_BYTES_MAX, forceCloseConnections: true } as const;
  const app = (init.tls === null ? fastify(options) : fastify({ ...options, https: init.tls })) as unknown as FastifyInstance;
  await app.register(fastifyCookie);
  await app.register(fastifyRateLimit, { global: false });
  const isOwn = originCheck(app, init.hosts);
  app.addHook('onRequest', async (request, reply) => {
    for (const [name, value] of Object.entries(HEADERS)) reply.header(name, value);
    if (!isOwn(request.raw, request.method !== 'GET' && request.method !== 'HEAD'))
      await reply.code(403).send({ message: 'not from here' });
  });
  const guards: Guards = {
    reader: async (request, reply) => needs(init.sessions.roleOf(request.cookies[COOKIE]), 'reader', reply),
    operator: async (request, reply) => needs(init.sessions.roleOf(request.cookies[COOKIE]), 'operator', reply),
  };
  loginRoutes(app, init);
  sessionRoutes(app, init, guards);
  init.routes(app, guards);
  await pageRoutes(app, init);
  const sockets = liveSocket(app, init, isOwn);
  return {
    app,
    async close() {
      await closeSockets(sockets, init.after);
      await app.close();
    },
  };
}

/** Politely, so that what was sent last arrives; not for long, so that an open page keeps nobody. */
async function closeSockets(sockets: WebSocketServer, after: ConsoleInit['after']): Promise<void> {
  const open = [...sockets.clients];
  sockets.close();
  await new Promise<void>((done) => {
    const cancel = after(CLOSE_MS_MAX, done);
    const closed = open.map((socket) => new Promise((resolve) => socket.once('close', resolve)));
    for (const socket of open) socket.close(GOING_AWAY);
    void Promise.all(closed).then(() => {
      cancel();
      done();
    });
  });
  for (const socket of open) socket.terminate();
}

async function needs(role: Role | null, wanted: Role, reply: FastifyReply): Promise<void> {
  if (role === null) await reply.code(401).send({ message: 'log in with the link from the terminal' });
  else if (wanted === 'operator' && role !== 'operator') await reply.code(403).send({ message: 'this link only reads' });
}

/** Host is one of ours, and an Origin, where there is one or must be one, is of that host. */
function originCheck(app: FastifyInstance, hosts: readonly string[]): (request: IncomingMessage, isChange: boolean) => boolean {
  return ({ headers: { host = '', origin } }, isChange) => {
    const address = app.server.address();
    const port = typeof address === 'object' && address !== null ? address.port : 0;
    const known = [...new Set(['127.0.0.1', 'localhost', '[::1]', ...hosts])].flatMap((name) => [`${name}:${port}`, name]);
    if (!known.includes(host)) return false;
    return origin === undefined ? !isChange : URL.parse(origin)?.host === host;
  };
}

function loginRoutes(app: FastifyInstance, { sessions, tls }: ConsoleInit): void {
  app.get('/login', (_request, reply) => reply.type('text/html; charset=utf-8').send(LOGIN_PAGE));
  app.get('/login.js', (_request, reply) => reply.type('text/javascript; charset=utf-8').send(LOGIN_SCRIPT));
  app.post('/api/v1/login', { config: { rateLimit: { max: LOGINS_PER_MINUTE, timeWindow: 60_000 } } }, async (request, reply) => {
    const { code } = (request.body ?? {}) as { code?: unknown };
    const token = typeof code === 'string' ? sessions.login(code) : null;
    if (token === null) return reply.code(401).send({ message: 'this link was used already, or is too old: the terminal shows another' });
    reply.setCookie(COOKIE, token, { path: '/', httpOnly: true, sameSite: 'strict', secure: tls !== null });
    return { ok: true };
  });
}

function sessionRoutes(app: FastifyInstance, init: ConsoleInit, { reader, operator }: Guards): void {
  app.get('/api/v1/session', { preHandler: reader }, async (request): Promise<SessionView> => {
    const isOperator = init.sessions.roleOf(request.cookies[COOKIE]) === 'operator';
    return {
      ...{ protocol: CONSOLE_PROTOCOL, version: init.version, mode: init.mode(), swarmId: init.swarmId() },
      ...{ canSteer: isOperator && init.canSteer, canStart: isOperator && init.mode() === 'catapult' },
      watchesBecause: isOperator ? (init.canSteer ? null : 'key') : 'link',
    };
  });
  app.post('/api/v1/logout', { preHandler: reader }, async (request, reply) => {
    init.sessions.logout(request.cookies[COOKIE] ?? '');
    reply.clearCookie(COOKIE, { path: '/' });
    return { ok: true };
  });
  app.post('/api/v1/orders', { preHandler: operator }, async (request, reply) => {
    const order = orderIn(request.body);
    if (order === null) return reply.code(400).send({ message: 'an order is stop (mode drain or now) or scale (group, factor 0 to 100)' });
    return answer(reply, await init.order(order));
  });
}

export function orderIn(body: unknown): OrderRequest | null {
  const { order, mode, group, factor } = (body ?? {}) as Record<string, unknown>;
  if (order === 'stop' && (mode === 'drain' || mode === 'now')) return { order, mode };
  if (order !== 'scale' || typeof group !== 'string' || typeof factor !== 'number') return null;
  return factor >= 0 && factor <= 100 ? { order, group, factor } : null;
}

/** A problem is 409: the request was understood, and the state of things forbids it. */
export function answer<T>(reply: FastifyReply, result: Result<T>): T | FastifyReply {
  if (result.ok) return result.value;
  const [problem] = result.problems;
  return reply.code(409).send({ ...problem, more: result.problems.length - 1 });
}

async function pageRoutes(app: FastifyInstance, { pageFolder, sessions }: ConsoleInit): Promise<void> {
  if (!existsSync(pageFolder)) {
    app.get('/', (_request, reply) => reply.code(503).type('text/plain').send('the page is not built: npm run build'));
    return;
  }
  await app.register(fastifyStatic, { root: pageFolder, index: false, immutable: false, cacheControl: false });
  app.get('/', (request, reply) => {
    if (sessions.roleOf(request.cookies[COOKIE]) === null) return reply.redirect('/login');
    return reply.header('cache-control', 'no-cache').sendFile('index.html');
  });
}

function liveSocket(app: FastifyInstance, { sessions, feed, tls }: ConsoleInit, isOwn: ReturnType<typeof originCheck>): WebSocketServer {
  // Each socket packs for itself: on loopback that would be most of the work, and spare nothing.
  const perMessageDeflate = tls === null ? false : { threshold: 4096 };
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate, maxPayload: 1024 });
  app.server.on('upgrade', (request, socket, head) => {
    const token = app.parseCookie(request.headers.cookie ?? '')[COOKIE];
    const isWanted = request.url === '/api/v1/live' && isOwn(request, true) && sessions.roleOf(token) !== null;
    if (!isWanted || sockets.clients.size >= WATCHERS_MAX) {
      socket.end(`HTTP/1.1 ${isWanted ? '503 Service Unavailable' : '403 Forbidden'}\r\nconnection: close\r\n\r\n`);
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => serveLive(webSocket, feed));
  });
  return sockets;
}

function serveLive(socket: WebSocket, feed: LiveFeed): void {
  const stop = feed.watch({
    send(message) {
      if (socket.readyState !== socket.OPEN || socket.bufferedAmount > BEHIND_BYTES_MAX) return false;
      socket.send(message);
      return true;
    },
  });
  socket.on('close', stop);
  socket.on('error', () => socket.terminate());
}
