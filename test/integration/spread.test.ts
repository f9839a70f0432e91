// The program bundle spreads between machines that boot: real python3 processes on loopback addresses, the real seed, and between them a front that counts and
// interferes. What is checked is bytes and files, not times: the seed sends far less than a copy each, whoever lies, dies or goes; strangers get
// nothing from a machine that serves; and what cannot work ends with a failure, for the boot script to fetch the bundle otherwise.

import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, request as httpRequest, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type BundleServer, serveBundle } from '../../bootstrap/bundle-server.ts';
import type { TrackerAnswer } from '../../bootstrap/bundle-tracker.ts';
import { needs } from '../support/parts.ts';
import { until } from '../support/until.ts';

const python = needs('python3');
const script = resolve(import.meta.dirname, '../../bootstrap/spread.py');
const TOKEN = 'a1b2c3d4e5f6a7b8';
const BLOCKS = 12;
const bytes = randomBytes(BLOCKS * 1024 * 1024 - 1000);
const sha256 = createHash('sha256').update(bytes).digest('hex');

let folder: string;
let seed: BundleServer;
let started: ChildProcess[];
let fronts: Server[];

async function startSeed(machines: number): Promise<void> {
  const path = join(folder, 'program.tar.gz');
  writeFileSync(path, bytes);
  const served = await serveBundle({
    bundle: { path, sha256, sizeBytes: bytes.length },
    host: '127.0.0.1',
    port: 0,
    token: TOKEN,
    machines,
  });
  if (!served.ok) throw new Error('not served');
  seed = served.value;
}

interface Front {
  readonly port: number;
  /** Blocks that a machine has received to the end. */
  readonly given: Set<string>;
  /** How many reports each machine made. */
  readonly reports: ReadonlyMap<string, number>;
  close(): void;
}

/** Passes on to the seed. `mayGive` is asked before a block is, and `onGiven` told after its asker has all of it. */
async function startFront(mayGive: () => boolean, onGiven: (front: Front) => void): Promise<Front> {
  const given = new Set<string>();
  const reports = new Map<string, number>();
  const server = createServer((asked, response) => {
    const block = asked.url?.split('/block/')[1];
    if (asked.method === 'POST')
      asked.once('data', (text) => {
        const { id } = JSON.parse(text);
        reports.set(id, (reports.get(id) ?? 0) + 1);
      });
    if (block !== undefined && (given.has(block) || !mayGive())) return void response.writeHead(404).end();
    const { url: path, method, headers } = asked;
    const passed = httpRequest({ port: seed.port, host: '127.0.0.1', path, method, headers }, (from) => {
      // Its headers are about its own line.
      response.writeHead(from.statusCode ?? 500);
      from.pipe(response);
      if (block === undefined) return;
      asked.socket.on('close', () => {
        given.add(block);
        onGiven(front);
      });
    });
    passed.on('error', () => response.destroy());
    asked.pipe(passed);
  });
  const front: Front = {
    port: await listen(server),
    given,
    reports,
    close() {
      server.close();
      server.closeAllConnections();
    },
  };
  return front;
}

async function listen(server: Server): Promise<number> {
  fronts.push(server);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return (server.address() as AddressInfo).port;
}

interface Ended {
  readonly code: number | null;
  readonly said: string;
}

interface Machine {
  readonly child: ChildProcess;
  readonly path: string;
  readonly ended: Promise<Ended>;
}

/** `listen`: null = it serves nobody. */
function boot(index: number, changes: { port?: number; blocks?: string; listen?: string | null } = {}): Machine {
  const path = join(folder, `machine-${index}`);
  const { port = seed.port, blocks = seed.spread.blocksSha256, listen: where = `127.0.0.${index + 2}:4001` } = changes;
  const args = [
    '--seed',
    `http://127.0.0.1:${port}/${TOKEN}`,
    '--blocks',
    blocks,
    '--out',
    path,
    ...(where === null ? [] : ['--listen', where]),
  ];
  const child = spawn('python3', ['-I', '-B', script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  started.push(child);
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      said += text;
    });
  return { child, path, ended: new Promise((done) => child.on('close', (code) => done({ code, said }))) };
}

/** Each ended well, and has the bundle. */
async function allHaveIt(machines: readonly Machine[]): Promise<string> {
  const ended = await Promise.all(machines.map(({ ended }) => ended));
  expect(ended.map(({ code, said }) => (code === 0 ? 'well' : said))).toEqual(machines.map(() => 'well'));
  for (const { path } of machines) expect(createHash('sha256').update(readFileSync(path)).digest('hex')).toBe(sha256);
  return ended.map(({ said }) => said).join('');
}

const report = async (port: number, changes: Record<string, unknown>): Promise<TrackerAnswer> => {
  const nothing = '00'.repeat(Math.ceil(BLOCKS / 8));
  const body = JSON.stringify({ id: 'e'.repeat(32), port: null, host: null, have: nothing, taking: [], avoid: [], ...changes });
  return (await fetch(`http://127.0.0.1:${port}/${TOKEN}/peers`, { method: 'POST', body })).json() as Promise<TrackerAnswer>;
};
/** All blocks, as a machine tells it. */
const ALL = Buffer.from([0xff, (1 << (BLOCKS - 8)) - 1]).toString('hex');

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quilt-spread-'));
  started = [];
  fronts = [];
});
afterEach(async () => {
  for (const child of started) child.kill('SIGKILL');
  for (const server of fronts) {
    server.close();
    server.closeAllConnections();
  }
  await seed.close();
  rmSync(folder, { recursive: true, force: true });
});

describe.skipIf(python.isMissing)(python.title('a bundle that spreads'), { timeout: 60_000 }, () => {
  it('gets to six machines, and the seed sends far less than six copies', async () => {
    await startSeed(6);
    await allHaveIt(Array.from({ length: 6 }, (_, index) => boot(index)));
    expect(seed.counters().served).toBe(0);
    expect(seed.counters().bytes).toBeGreaterThanOrEqual(bytes.length);
    expect(seed.counters().bytes).toBeLessThan(2 * bytes.length);
    // Nothing but the file is left.
    expect(readdirSync(folder).sort()).toEqual([...Array.from({ length: 6 }, (_, index) => `machine-${index}`), 'program.tar.gz']);
  });

  it('gets to machines that nobody can reach', async () => {
    await startSeed(3);
    await allHaveIt([boot(0), boot(1, { listen: null }), boot(2, { listen: null })]);
  });

  it('is complete although the seed goes when one copy is out', async () => {
    await startSeed(6);
    let areAllThere = false;
    // Not before: the tracker tells them of each other while it can.
    const front = await startFront(
      () => areAllThere,
      ({ given, close }) => {
        if (given.size === BLOCKS) close();
      },
    );
    const machines = Array.from({ length: 6 }, (_, index) => boot(index, { port: front.port }));
    await until('all six report', async () => (await report(seed.port, {})).peers.length === 6);
    const before = new Map(front.reports);
    // The answer to the one before last named all others.
    await until('all have heard of each other', () => [...front.reports].every(([id, count]) => count >= (before.get(id) ?? 0) + 2));
    areAllThere = true;
    const said = await allHaveIt(machines);
    expect(said).toContain('the tracker cannot be asked');
    expect(seed.counters().bytes).toBe(bytes.length);
  });

  it('is complete although a machine is killed half way', async () => {
    await startSeed(5);
    // The victim gets half of it and no more. The others know it, and begin with its blocks.
    const half = await startFront(
      () => half.given.size < BLOCKS / 2,
      () => {},
    );
    const victim = boot(5, { port: half.port });
    await until('it has half', () => half.given.size >= BLOCKS / 2);
    const front = await startFront(
      () => front.reports.size === 5 && (victim.child.killed || victim.child.kill('SIGKILL')),
      // What is lost may be asked for again.
      () => front.given.clear(),
    );
    await allHaveIt(Array.from({ length: 5 }, (_, index) => boot(index, { port: front.port })));
    expect(await victim.ended).toMatchObject({ code: null });
    expect(seed.counters().bytes).toBeLessThan(3 * bytes.length);
  });

  it('is right although a machine gives wrong bytes for every block', async () => {
    await startSeed(3);
    let lies = 0;
    const liar = createServer((_asked, response) => {
      lies += 1;
      response.end(Buffer.alloc(1024 * 1024, 7));
    });
    await report(seed.port, { host: '127.0.0.1', port: await listen(liar), have: ALL });
    const said = await allHaveIt([boot(0), boot(1), boot(2)]);
    expect(said).toMatch(/127\.0\.0\.1:\d+ gave a wrong block \d+ and is left out/);
    // Two at once from one peer, and then no more.
    expect(lies).toBeLessThanOrEqual(6);
  });

  it('is right although a machine that says it has all gives nothing, or no end', async () => {
    await startSeed(3);
    const silent = createServer((_asked, response) => response.destroy());
    const endless = createServer((_asked, response) => {
      const more = (): void => {
        while (response.write(Buffer.alloc(64 * 1024)));
        response.once('drain', more);
      };
      more();
    });
    for (const [index, server] of [silent, endless].entries())
      await report(seed.port, { id: `${index}`.repeat(32), host: '127.0.0.1', port: await listen(server), have: ALL });
    await allHaveIt([boot(0), boot(1), boot(2)]);
  });
});

/** What comes back for these bytes, until the other side closes. */
const raw = (host: string, text: string): Promise<string> =>
  new Promise((done) => {
    let got = '';
    const line = connect(4001, host, () => line.write(text));
    line.on('data', (part) => {
      got += part.toString('latin1');
    });
    line.on('error', () => {}).on('close', () => done(got));
  });

describe.skipIf(python.isMissing)(python.title('a machine that serves'), { timeout: 60_000 }, () => {
  it('gives blocks to who knows the path, nothing to others, and its port back', async () => {
    await startSeed(2);
    const { path, ended } = boot(0);
    await until('it has all', () => existsSync(path));
    const host = '127.0.0.2';
    const refused = [
      `GET /${TOKEN}/../../../../etc/passwd HTTP/1.1\r\n\r\n`,
      `GET /${TOKEN}/block/../../etc/passwd HTTP/1.1\r\n\r\n`,
      `GET /${TOKEN}/block/%2e%2e/1 HTTP/1.1\r\n\r\n`,
      `GET /${TOKEN}/block/${BLOCKS} HTTP/1.1\r\n\r\n`,
      `GET /${TOKEN}/block/-1 HTTP/1.1\r\n\r\n`,
      `GET /${TOKEN}/block/999999999999 HTTP/1.1\r\n\r\n`,
      `GET /${TOKEN}x/block/0 HTTP/1.1\r\n\r\n`,
      'GET /wrongwrongwrongwrong/block/0 HTTP/1.1\r\n\r\n',
      `POST /${TOKEN}/block/0 HTTP/1.1\r\n\r\n`,
      `GET /${TOKEN}/block/0\r\n\r\n`,
      '\0\xff\r\n\r\n',
    ];
    for (const text of refused)
      expect({ text, answer: await raw(host, text) }).toMatchObject({ answer: expect.stringMatching(/^HTTP\/1.0 404 /) });
    // Too long to be a request: the line is cut, and nothing is said.
    expect(await raw(host, `GET /${TOKEN}/block/0 HTTP/1.1\r\nx: ${'y'.repeat(100_000)}\r\n\r\n`)).not.toContain('200');
    const lastBlock = await fetch(`http://${host}:4001/${TOKEN}/block/${BLOCKS - 1}`);
    expect(Buffer.from(await lastBlock.arrayBuffer())).toEqual(bytes.subarray((BLOCKS - 1) * 1024 * 1024));
    expect(await (await fetch(`http://${host}:4001/${TOKEN}/have`)).text()).toBe(ALL);
    // The second machine has all as well: nobody needs this one any more.
    await report(seed.port, { have: ALL });
    expect(await ended).toMatchObject({ code: 0 });
    const next = createTcpServer();
    await new Promise<void>((done, failed) => next.once('error', failed).listen(4001, host, done));
    next.close();
  });

  it('answers others while strangers hold lines open', async () => {
    await startSeed(2);
    const { path } = boot(0);
    await until('it has all', () => existsSync(path));
    const held = Array.from({ length: 40 }, () => connect(4001, '127.0.0.2').on('error', () => {}));
    const answer = await fetch(`http://127.0.0.2:4001/${TOKEN}/block/0`);
    expect((await answer.arrayBuffer()).byteLength).toBe(1024 * 1024);
    for (const line of held) line.destroy();
  });
});

describe.skipIf(python.isMissing)(python.title('a spread that cannot work'), { timeout: 60_000 }, () => {
  it.each([
    ['the port is taken', async () => ({ listen: `127.0.0.1:${await listen(createServer())}` }), 'Address already in use'],
    ['there is no seed', async () => ({ port: 9 }), 'Connection refused'],
    ['the block list is another', async () => ({ blocks: '0'.repeat(64) }), 'not the one that was ordered'],
    ['the address is none', async () => ({ listen: 'nowhere' }), 'ValueError'],
  ])('ends with a failure and leaves nothing: %s', async (_what, changes, words) => {
    await startSeed(1);
    expect(await boot(0, await changes()).ended).toMatchObject({ code: 1, said: expect.stringContaining(words) });
    expect(readdirSync(folder)).toEqual(['program.tar.gz']);
  });

  it('refuses reports that are none, and too long ones', async () => {
    await startSeed(1);
    const post = async (path: string, body: string) =>
      (await fetch(`http://127.0.0.1:${seed.port}/${path}`, { method: 'POST', body }).catch(() => ({ status: 'cut' }))).status;
    expect(await post(`${TOKEN}/peers`, '{}')).toBe(400);
    expect(await post('wrongwrongwrongwrong/peers', '{}')).toBe(404);
    expect(await post(`${TOKEN}/blocks`, '{}')).toBe(404);
    expect(await post(`${TOKEN}/peers`, 'x'.repeat(1_000_000))).toBe('cut');
  });
});
