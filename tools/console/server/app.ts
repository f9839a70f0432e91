// The console's HTTP server: the built page, the API that page and scripts use (routes.ts is its table), and the live socket. On loopback only, unless its owner says otherwise (console.ts).
// Every answer carries a policy that lets the page load nothing from elsewhere and run nothing that is written into it; who asks and whether they may come from there is visitor.ts. Whatever
// is refused below /api is answered in one shape (schemas/problems.ts), also what the server's own parts refuse.

import { existsSync } from 'node:fs';
import fastifyCookie from '@fastify/cookie';
import fastifyRateLimit from '@fastify/rate-limit';
import fastifyStatic from '@fastify/static';
import fastify, { type FastifyError, type FastifyInstance } from 'fastify';
import { type WebSocket, WebSocketServer } from 'ws';
import { REFUSED, type RefusedStatus } from '../schemas/problems.ts';
import type { LiveFeed } from './live-feed.ts';
import { LOGIN_PAGE, LOGIN_SCRIPT, LOGIN_STYLE } from './login-page.ts';
import { describeApi } from './openapi.ts';
import { type ApiContext, refusalOf, refuse, register } from './route.ts';
import { API } from './routes.ts';
import { createGuards, type Guards } from './visitor.ts';

export interface ConsoleInit extends Omit<ApiContext, 'description' | 'isSecure'> {
  /** Where `npm run build` put the page. */
  readonly pageFolder: string;
  readonly feed: LiveFeed;
  /** Hosts, beside the one listened on, under which browsers may come. */
  readonly hosts: readonly string[];
  readonly tls: { readonly cert: string; readonly key: string } | null;
  /** Calls back once after about `ms`; the answer cancels it. */
  readonly after: (ms: number, callback: () => void) => () => void;
}

const BODY_BYTES_MAX = 512 * 1024;
const WATCHERS_MAX = 64;
/** A browser that has this much waiting does not keep up. */
const BEHIND_BYTES_MAX = 8 * 1024 * 1024;
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
  const guards = createGuards(app, init.sessions, init.hosts);
  app.addHook('onRequest', async (request, reply) => {
    for (const [name, value] of Object.entries(HEADERS)) reply.header(name, value);
    if (guards.isOwn(request.headers, request.method !== 'GET' && request.method !== 'HEAD')) return;
    const hint = 'scripts send a token and need no Origin; other names of this host go to --host';
    refuse(reply, [{ code: 'QUILT_CONSOLE_ORIGIN', message: 'not from here', hint }], 403);
  });
  ownRefusals(app);
  const description = (): object => describeApi(API, init.version);
  register(app, API, { ...init, isSecure: init.tls !== null, description }, guards);
  await pageRoutes(app, init, guards);
  const sockets = liveSocket(app, init, guards);
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

/** What Fastify and its plugins refuse, in the shape of everything that is refused. */
function ownRefusals(app: FastifyInstance): void {
  app.setNotFoundHandler(async (request, reply) => {
    const [path = ''] = request.url.split('?');
    return refuse(
      reply,
      [{ code: 'QUILT_CONSOLE_ROUTE', message: `there is no ${request.method} ${path}`, hint: '/api/v1/openapi.json' }],
      404,
    );
  });
  app.setErrorHandler(async ({ statusCode = 500, message }: FastifyError, _request, reply) => {
    const status = (statusCode in REFUSED ? statusCode : statusCode < 500 ? 400 : 500) as RefusedStatus;
    const code = status === 500 ? 'QUILT_CONSOLE_FAULT' : status === 429 ? 'QUILT_CONSOLE_TOO_OFTEN' : 'QUILT_CONSOLE_REQUEST';
    return refuse(reply, [{ code, message, hint: REFUSED[status] }], status);
  });
}

async function pageRoutes(app: FastifyInstance, { pageFolder }: ConsoleInit, { visitorOf }: Guards): Promise<void> {
  app.get('/login', (_request, reply) => reply.type('text/html; charset=utf-8').send(LOGIN_PAGE));
  app.get('/login.js', (_request, reply) => reply.type('text/javascript; charset=utf-8').send(LOGIN_SCRIPT));
  app.get('/login.css', (_request, reply) => reply.type('text/css; charset=utf-8').send(LOGIN_STYLE));
  if (!existsSync(pageFolder)) {
    app.get('/', (_request, reply) => reply.code(503).type('text/plain').send('the page is not built: npm run build'));
    return;
  }
  await app.register(fastifyStatic, { root: pageFolder, index: false, immutable: false, cacheControl: false });
  app.get('/', (request, reply) => {
    if (visitorOf(request.headers).role === null) return reply.redirect('/login');
    return reply.header('cache-control', 'no-cache').sendFile('index.html');
  });
}

function liveSocket(app: FastifyInstance, { feed, tls }: ConsoleInit, { isOwn, visitorOf }: Guards): WebSocketServer {
  // Each socket packs for itself: on loopback that would be most of the work, and spare nothing.
  const perMessageDeflate = tls === null ? false : { threshold: 4096 };
  const sockets = new WebSocketServer({ noServer: true, perMessageDeflate, maxPayload: 1024 });
  app.server.on('upgrade', (request, socket, head) => {
    const { role } = visitorOf(request.headers);
    const isWanted = request.url === '/api/v1/live' && isOwn(request.headers, true) && role !== null;
    if (isWanted && sockets.clients.size < WATCHERS_MAX) {
      sockets.handleUpgrade(request, socket, head, (webSocket) => serveLive(webSocket, feed, role === 'operator'));
      return;
    }
    const problem = isWanted
      ? ({ code: 'QUILT_CONSOLE_FULL', message: `${WATCHERS_MAX} watch already`, hint: 'close a page, or ask /api/v1/status' } as const)
      : ({ code: 'QUILT_CONSOLE_LOGIN', message: 'no session or token, or not from here', hint: 'the socket is /api/v1/live' } as const);
    const body = JSON.stringify(refusalOf(problem));
    const status = isWanted ? '503 Service Unavailable' : '403 Forbidden';
    const headers = `content-type: application/json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close`;
    socket.end(`HTTP/1.1 ${status}\r\n${headers}\r\n\r\n${body}`);
  });
  return sockets;
}

function serveLive(socket: WebSocket, feed: LiveFeed, isOperator: boolean): void {
  const stop = feed.watch({
    isOperator,
    send(message) {
      if (socket.readyState !== socket.OPEN || socket.bufferedAmount > BEHIND_BYTES_MAX) return false;
      socket.send(message);
      return true;
    },
  });
  socket.on('close', stop);
  socket.on('error', () => socket.terminate());
}
