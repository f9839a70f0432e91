// Hands the program bundle to machines that boot and have nothing yet but a shell: plain HTTP from the seed, one file under a path that nobody can guess.
// The bundle holds no secret and its hash travels in the user data, so the line needs no encryption; the path keeps strangers from using our bandwidth.
// Ranges are answered, so that `curl --continue-at -` goes on after a broken line. Connections and the rate of each are bounded.

import { createReadStream } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fail, ok, type Result } from '../node/core/errors.ts';
import { bundleName, type ProgramBundle } from './program-bundle.ts';

export interface BundleServerInit {
  readonly bundle: ProgramBundle;
  readonly host: string;
  /** 0 = any. */
  readonly port: number;
  /** Unguessable, for the path: at least 16 characters of a to z, 0 to 9. */
  readonly token: string;
}

export interface BundleServer {
  readonly port: number;
  /** Path and query of the bundle; the caller knows by which address machines reach this one. */
  readonly path: string;
  counters(): { readonly served: number; readonly bytes: number; readonly refused: number };
  close(): Promise<void>;
}

/** Machines that boot at the same moment; more than a swarm has is nobody's. */
const CONNECTIONS_MAX = 4096;
/** A machine that takes nothing for this long is gone. */
const IDLE_MS_MAX = 60_000;

/** Problem: QUILT_BUNDLE_PORT. */
export async function serveBundle({ bundle, host, port, token }: BundleServerInit): Promise<Result<BundleServer>> {
  const path = `/${token}/${bundleName(bundle)}`;
  const counted = { served: 0, bytes: 0, refused: 0 };
  const server = createServer((request, response) => {
    if (request.url === path && (request.method === 'GET' || request.method === 'HEAD')) return answer(bundle, request, response, counted);
    counted.refused += 1;
    response.writeHead(404).end();
  });
  server.maxConnections = CONNECTIONS_MAX;
  server.timeout = IDLE_MS_MAX;
  const problem = await new Promise<Error | null>((resolve) => {
    server.once('error', resolve);
    server.listen(port, host, () => resolve(null));
  });
  if (problem !== null) {
    const message = `cannot serve the bundle on ${host} port ${port}: ${problem.message}`;
    return fail({ code: 'QUILT_BUNDLE_PORT', message, hint: 'choose another port with --bundle-port' });
  }
  return ok({
    port: (server.address() as AddressInfo).port,
    path,
    counters: () => ({ ...counted }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

function answer(
  { path, sizeBytes }: ProgramBundle,
  request: IncomingMessage,
  response: ServerResponse,
  counted: { served: number; bytes: number },
): void {
  const from = firstByte(request.headers.range, sizeBytes);
  if (from === null) {
    response.writeHead(416, { 'content-range': `bytes */${sizeBytes}` }).end();
    return;
  }
  const headers = { 'content-type': 'application/gzip', 'content-length': sizeBytes - from, 'accept-ranges': 'bytes' };
  if (from > 0) response.writeHead(206, { ...headers, 'content-range': `bytes ${from}-${sizeBytes - 1}/${sizeBytes}` });
  else response.writeHead(200, headers);
  if (request.method === 'HEAD') {
    response.end();
    return;
  }
  const file = createReadStream(path, { start: from });
  file.on('data', (bytes) => {
    counted.bytes += bytes.length;
  });
  // The machine sees a cut line and asks for the rest; the headers are gone already.
  file.on('error', () => response.destroy());
  response.on('close', () => file.destroy());
  response.on('finish', () => {
    counted.served += 1;
  });
  file.pipe(response);
}

/** Only `bytes=N-`, which is what a continued download asks; null when there is nothing from there. Other forms get the whole (RFC 9110, 14.2). */
function firstByte(range: string | undefined, sizeBytes: number): number | null {
  const from = /^bytes=(\d{1,15})-$/.exec(range ?? '')?.[1];
  if (from === undefined) return 0;
  return Number(from) < sizeBytes ? Number(from) : null;
}
