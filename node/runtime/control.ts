// How commands talk to a running node: one JSON line in, one JSON line out, over a Unix socket in the node's data folder that only its owner can
// open. The same requests come over the mesh ('control'), from whoever holds the ticket. Reading is open to both; orders carry the
// operator's signature and are judged by the core, so neither way gives more than the other.

import { createHash } from 'node:crypto';
import { chmodSync, rmSync } from 'node:fs';
import { createConnection, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fail, ok, type Result } from '../core/errors.ts';

export const CONTROL_ASKS = ['status', 'order', 'report', 'timeline', 'log'] as const;
export interface ControlRequest {
  readonly ask: (typeof CONTROL_ASKS)[number];
  /** order: base64 of the signed order's encoding. */
  readonly order?: string;
  /** timeline: only points that reach beyond it, ms from T0. */
  readonly fromMs?: number;
  /** log: whose; default: the asked node's own. */
  readonly node?: string;
  /** Answer for yourself: do not ask the coordinator. */
  readonly direct?: boolean;
}
export type ControlAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string };
export type ControlHandler = (request: ControlRequest) => Promise<ControlAnswer>;

export interface ControlServer {
  readonly path: string;
  close(): Promise<void>;
}

/** A signed order is some 30 kB at most; a status of a thousand nodes some 300 kB. */
const LINE_BYTES_MAX = 4 * 1024 * 1024;
const CONNECTIONS_MAX = 32;
const ANSWER_MS_MAX = 10_000;
/** Kernels limit socket paths to 104 bytes or so. */
const PATH_BYTES_MAX = 100;

/** The socket of the node with this data folder; elsewhere when the folder's name is too long for a socket. */
export function socketPathOf(dataFolder: string): string {
  const path = join(resolve(dataFolder), 'control.sock');
  if (Buffer.byteLength(path) <= PATH_BYTES_MAX) return path;
  return join(tmpdir(), `quilt-${createHash('sha256').update(path).digest('hex').slice(0, 20)}.sock`);
}

export function parseControlRequest(text: string): ControlRequest | undefined {
  try {
    const value = JSON.parse(text) as Partial<ControlRequest>;
    const isKnown = CONTROL_ASKS.some((ask) => ask === value?.ask);
    if (
      !isKnown ||
      (value.order !== undefined && typeof value.order !== 'string') ||
      (value.node !== undefined && typeof value.node !== 'string') ||
      (value.fromMs !== undefined && !Number.isFinite(value.fromMs))
    )
      return undefined;
    return value as ControlRequest;
  } catch {
    return undefined;
  }
}

export const badRequest: ControlAnswer = { ok: false, code: 'QUILT_CONTROL_BAD', message: 'this node does not understand the request' };

/** Calls `onLine` with the first line; destroys a connection that sends more than one line may hold. */
function readLine(socket: Socket, onLine: (line: string) => void): void {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  let isDone = false;
  socket.on('data', (chunk: Buffer) => {
    if (isDone) return;
    parts.push(chunk);
    sizeBytes += chunk.byteLength;
    if (chunk.includes(10)) {
      isDone = true;
      onLine(Buffer.concat(parts).toString('utf8').split('\n', 1)[0] ?? '');
    } else if (sizeBytes > LINE_BYTES_MAX) {
      socket.destroy();
    }
  });
}

export async function serveControl(path: string, handle: ControlHandler): Promise<ControlServer> {
  rmSync(path, { force: true });
  const server: Server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    socket.setTimeout(ANSWER_MS_MAX, () => socket.destroy());
    readLine(socket, (line) => {
      const request = parseControlRequest(line);
      const answering = request === undefined ? Promise.resolve(badRequest) : handle(request);
      answering
        .catch((error): ControlAnswer => ({ ok: false, code: 'QUILT_CONTROL_FAILED', message: (error as Error).message }))
        .then((answer) => socket.end(`${JSON.stringify(answer)}\n`));
    });
  });
  server.maxConnections = CONNECTIONS_MAX;
  await new Promise<void>((resolveListening, reject) => {
    server.once('error', reject);
    server.listen(path, resolveListening);
  });
  chmodSync(path, 0o600);
  return {
    path,
    close: () =>
      new Promise((resolveClosed) => {
        server.close(() => resolveClosed());
        rmSync(path, { force: true });
      }),
  };
}

/** The client's side. Problems: QUILT_NODE_AWAY when nobody listens there. */
export function askControl(path: string, request: ControlRequest): Promise<Result<ControlAnswer>> {
  return new Promise((settle) => {
    const socket = createConnection(path);
    const away = (why: string): void => {
      socket.destroy();
      settle(
        fail({ code: 'QUILT_NODE_AWAY', message: `no node answers at ${path}: ${why}`, hint: 'Is the run still going? See its log.' }),
      );
    };
    socket.setTimeout(ANSWER_MS_MAX, () => away('no answer in time'));
    socket.on('error', (error) => away(error.message));
    socket.on('close', () => away('it closed the connection'));
    socket.on('connect', () => socket.write(`${JSON.stringify(request)}\n`));
    readLine(socket, (line) => {
      try {
        settle(ok(JSON.parse(line) as ControlAnswer));
        socket.destroy();
      } catch {
        away('its answer is no JSON');
      }
    });
  });
}
