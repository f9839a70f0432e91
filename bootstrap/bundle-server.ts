// Hands the program bundle to machines that boot and have nothing yet but a shell: plain HTTP from the seed, under a path that nobody can guess. It is there
// whole, for curl, and as blocks with the tracker that lets machines fetch them from each other (spread.py, which is handed out here too). The bundle holds
// no secret and all hashes travel in the user data, so the line needs no encryption; the path keeps strangers from using our bandwidth. Ranges
// are answered, so that `curl --continue-at -` goes on after a broken line. Connections, requests and the rate of each are bounded.

import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, readFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { monotonicNowMs } from '../node/adapters/clock.ts';
import { fail, ok, type Result } from '../node/core/errors.ts';
import { type BlockList, blockBytesFor, blockRange, encodeBlockList } from './bundle-blocks.ts';
import { createTracker, parseReport, type Tracker } from './bundle-tracker.ts';
import { bundleName, type ProgramBundle } from './program-bundle.ts';

export interface BundleServerInit {
  readonly bundle: ProgramBundle;
  readonly host: string;
  /** 0 = any. */
  readonly port: number;
  /** Unguessable, for the path: at least 16 characters of a to z, 0 to 9. */
  readonly token: string;
  /** How many will fetch it. */
  readonly machines: number;
}

export interface BundleServer {
  readonly port: number;
  /** Path of the whole bundle; the caller knows by which address machines reach this one. */
  readonly path: string;
  /** What machines need to fetch it from each other: below which path, and the hashes of spread.py and of the block list. */
  readonly spread: { readonly path: string; readonly scriptSha256: string; readonly blocksSha256: string };
  /** Whole bundles, single blocks, bytes of both, and requests that were none of ours. */
  counters(): { readonly served: number; readonly blocks: number; readonly bytes: number; readonly refused: number };
  close(): Promise<void>;
}

type Counted = { -readonly [name in keyof ReturnType<BundleServer['counters']>]: number };

/** Machines that boot at the same moment; more than a swarm has is nobody's. */
const CONNECTIONS_MAX = 4096;
/** A machine that takes nothing for this long is gone. */
const IDLE_MS_MAX = 60_000;
/** For asking, report included. */
const REQUEST_MS_MAX = 30_000;
const REPORT_BYTES_MAX = 32 * 1024;

interface Served {
  readonly bundle: ProgramBundle;
  readonly blocks: BlockList;
  readonly blocksText: string;
  readonly script: Buffer;
  readonly tracker: Tracker;
  readonly counted: Counted;
}

/** Problem: QUILT_BUNDLE_PORT. */
export async function serveBundle({ bundle, host, port, token, machines }: BundleServerInit): Promise<Result<BundleServer>> {
  const counted: Counted = { served: 0, blocks: 0, bytes: 0, refused: 0 };
  const blocks = await readBlockList(bundle);
  const encoded = encodeBlockList(blocks);
  // Beside this module in the sources, and beside the program in dist/, where tools/build.ts puts it.
  const script = readFileSync(new URL('./spread.py', import.meta.url));
  const random = (): number => randomBytes(4).readUInt32LE() / 2 ** 32;
  const tracker = createTracker({ blockCount: blocks.sha256.length, expected: machines, random });
  const routes = routesOf({ bundle, blocks, blocksText: encoded.text, script, tracker, counted });
  const server = createServer((request, response) => {
    const prefix = `/${token}/`;
    if (request.url?.startsWith(prefix) && routes(request.url.slice(prefix.length), request, response)) return;
    counted.refused += 1;
    response.writeHead(404).end();
  });
  Object.assign(server, { maxConnections: CONNECTIONS_MAX, timeout: IDLE_MS_MAX, requestTimeout: REQUEST_MS_MAX });
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
    path: `/${token}/${bundleName(bundle)}`,
    spread: { path: `/${token}`, scriptSha256: createHash('sha256').update(script).digest('hex'), blocksSha256: encoded.sha256 },
    counters: () => ({ ...counted }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  });
}

/** Answers what lies under the token; false when there is no such thing. */
function routesOf(served: Served): (rest: string, request: IncomingMessage, response: ServerResponse) => boolean {
  const whole = bundleName(served.bundle);
  return (rest, request, response) => {
    if (request.method === 'POST') {
      if (rest !== 'peers') return false;
      takeReport(served, request, response);
      return true;
    }
    if (request.method !== 'GET' && request.method !== 'HEAD') return false;
    const block = /^block\/(\d{1,6})$/.exec(rest)?.[1];
    const range = block === undefined ? null : blockRange(served.blocks, Number(block));
    if (rest === whole) answer(served, request, response);
    else if (rest === 'spread.py') response.writeHead(200, { 'content-type': 'text/x-python' }).end(served.script);
    // Under which address a machine is seen from outside: most vendors' public addresses are on no interface of it.
    else if (rest === 'address') response.writeHead(200).end((request.socket.remoteAddress ?? '').replace(/^::ffff:/, ''));
    else if (rest === 'blocks') response.writeHead(200, { 'content-type': 'application/json' }).end(served.blocksText);
    else if (range !== null) send(served, response, { ...range, status: 200, headers: {}, counter: 'blocks' });
    else return false;
    return true;
  };
}

async function readBlockList({ path, sizeBytes }: ProgramBundle): Promise<BlockList> {
  const blockBytes = blockBytesFor(sizeBytes);
  const sha256: string[] = [];
  let file: FileHandle | undefined;
  try {
    file = await open(path);
    const bytes = Buffer.alloc(blockBytes);
    for (
      let range = blockRange({ sizeBytes, blockBytes }, 0);
      range !== null;
      range = blockRange({ sizeBytes, blockBytes }, sha256.length)
    ) {
      const length = range.end - range.start + 1;
      const { bytesRead } = await file.read(bytes, 0, length, range.start);
      if (bytesRead !== length) throw new Error(`${path} is shorter than the ${sizeBytes} bytes that were packed`);
      sha256.push(createHash('sha256').update(bytes.subarray(0, length)).digest('hex'));
    }
  } finally {
    await file?.close();
  }
  return { sizeBytes, blockBytes, sha256 };
}

function takeReport({ tracker, blocks, counted }: Served, request: IncomingMessage, response: ServerResponse): void {
  const parts: Buffer[] = [];
  let sizeBytes = 0;
  request.on('data', (bytes: Buffer) => {
    sizeBytes += bytes.length;
    if (sizeBytes <= REPORT_BYTES_MAX) parts.push(bytes);
    else request.destroy();
  });
  request.on('end', () => {
    const report = parseReport(Buffer.concat(parts).toString(), blocks.sha256.length);
    const told = report && tracker.report(report, request.socket.remoteAddress ?? '', monotonicNowMs());
    if (told === null) {
      counted.refused += 1;
      response.writeHead(report === null ? 400 : 503).end();
    } else response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(told));
  });
}

function answer(served: Served, request: IncomingMessage, response: ServerResponse): void {
  const { sizeBytes } = served.bundle;
  const from = firstByte(request.headers.range, sizeBytes);
  if (from === null) {
    response.writeHead(416, { 'content-range': `bytes */${sizeBytes}` }).end();
    return;
  }
  const headers = { 'content-type': 'application/gzip', 'accept-ranges': 'bytes' };
  const partial = { ...headers, 'content-range': `bytes ${from}-${sizeBytes - 1}/${sizeBytes}` };
  const part = { start: from, end: sizeBytes - 1, counter: 'served' } as const;
  send(served, response, from > 0 ? { ...part, status: 206, headers: partial } : { ...part, status: 200, headers });
}

interface Part {
  readonly start: number;
  /** Included. */
  readonly end: number;
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly counter: 'served' | 'blocks';
}

function send({ bundle, counted }: Served, response: ServerResponse, { start, end, status, headers, counter }: Part): void {
  response.writeHead(status, { ...headers, 'content-length': end - start + 1 });
  if (response.req.method === 'HEAD') {
    response.end();
    return;
  }
  const file = createReadStream(bundle.path, { start, end });
  file.on('data', (bytes) => {
    counted.bytes += bytes.length;
  });
  // The machine sees a cut line and asks for the rest; the headers are gone already.
  file.on('error', () => response.destroy());
  response.on('close', () => file.destroy());
  response.on('finish', () => {
    counted[counter] += 1;
  });
  file.pipe(response);
}

/** Only `bytes=N-`, which is what a continued download asks; null when there is nothing from there. Other forms get the whole (RFC 9110, 14.2). */
function firstByte(range: string | undefined, sizeBytes: number): number | null {
  const from = /^bytes=(\d{1,15})-$/.exec(range ?? '')?.[1];
  if (from === undefined) return 0;
  return Number(from) < sizeBytes ? Number(from) : null;
}
