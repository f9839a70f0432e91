// bundle-spread: how long until 20 machines have a bundle of 50 MB that lies on a seed whose line carries 10 MB/s, each running the spread.py of a boot script on
// an address of its own; the baseline is the same for one machine, through the same line, in the same run. A star needs 20 times as long, and 1 is the least
// that there can be. The line is a relay before the seed with one token bucket for all connections, so reports and lists are paid for as well. Times are
// from the start of the processes until the last has the whole file, checked by its hash. What peers send each other is limited by this computer only.

import { type ChildProcess, spawn } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BundleServer, serveBundle } from '../../bootstrap/bundle-server.ts';
import type { ProgramBundle } from '../../bootstrap/program-bundle.ts';
import { monotonicNowMs } from '../../node/adapters/clock.ts';
import { out } from '../../node/adapters/terminal.ts';
import type { BenchOptions, BenchResult } from '../bench-kit.ts';

export const about = 'a 50 MB bundle to 20 machines from a seed limited to 10 MB/s; against one machine by itself';

const MACHINES = 20;
const BUNDLE_BYTES = 50_000_000;
const BYTES_PER_S = 10_000_000;
/** What a line passes on at once; connections take turns. */
const TURN_BYTES = 16 * 1024;
const TOKEN = 'benchbenchbenchbench';
const SCRIPT = fileURLToPath(new URL('../../bootstrap/spread.py', import.meta.url));

interface Line {
  readonly port: number;
  sentBytes(): number;
  close(): void;
}

/** A relay to the seed that sends at most so many bytes a second in all. */
async function limitedLine(seedPort: number): Promise<Line> {
  const sockets = new Set<Socket>();
  let sent = 0;
  /** When the line is free for the next turn. */
  let freeMs = 0;
  const turn = (bytes: Buffer, to: Socket): Promise<void> => {
    const nowMs = monotonicNowMs();
    freeMs = Math.max(freeMs, nowMs) + (bytes.length / BYTES_PER_S) * 1000;
    return new Promise((done) => {
      const pass = (): void => {
        sent += bytes.length;
        if (to.destroyed || to.write(bytes)) return done();
        to.once('drain', done).once('close', done);
      };
      setTimeout(pass, freeMs - nowMs);
    });
  };
  const relay = async (from: Socket, to: Socket): Promise<void> => {
    for await (const bytes of from)
      for (let start = 0; start < bytes.length; start += TURN_BYTES) await turn(bytes.subarray(start, start + TURN_BYTES), to);
    to.end();
  };
  const server: Server = createServer((machine) => {
    const seed = connect(seedPort, '127.0.0.1');
    for (const socket of [machine, seed]) sockets.add(socket.on('error', () => {}).on('close', () => sockets.delete(socket)));
    machine.on('close', () => seed.destroy()).pipe(seed);
    relay(seed, machine).catch(() => machine.destroy());
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  return {
    port: (server.address() as AddressInfo).port,
    sentBytes: () => sent,
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

interface Seed {
  readonly server: BundleServer;
  readonly line: Line;
}

async function startSeed(bundle: ProgramBundle, machines: number): Promise<Seed> {
  const server = await serveBundle({ bundle, host: '127.0.0.1', port: 0, token: TOKEN, machines });
  if (!server.ok) throw new Error(JSON.stringify(server.problems));
  return { server: server.value, line: await limitedLine(server.value.port) };
}

/** Resolves with the time when the machine had everything; rejects when it failed. */
function machine({ server, line }: Seed, index: number, path: string, started: ChildProcess[]): Promise<number> {
  const url = `http://127.0.0.1:${line.port}${server.spread.path}`;
  const args = ['--seed', url, '--blocks', server.spread.blocksSha256, '--out', path, '--listen', `127.0.0.${index + 2}:4001`];
  const child = spawn('python3', ['-I', '-B', SCRIPT, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
  started.push(child);
  return new Promise((done, failed) => {
    let said = '';
    let wholeMs = Number.NaN;
    child.stdout.on('data', (bytes) => {
      said += bytes;
      if (Number.isNaN(wholeMs) && said.includes('spread: all')) wholeMs = monotonicNowMs();
    });
    child.on('error', failed);
    child.on('close', (code) => (code === 0 ? done(wholeMs) : failed(new Error(`machine ${index} ended with ${code}: ${said}`))));
  });
}

async function measure(bundle: ProgramBundle, machines: number, folder: string): Promise<number> {
  const seed = await startSeed(bundle, machines);
  const started: ChildProcess[] = [];
  try {
    const beganMs = monotonicNowMs();
    const paths = Array.from({ length: machines }, (_, index) => join(folder, `${machines}-${index}`));
    const times = await Promise.all(paths.map((path, index) => machine(seed, index, path, started)));
    for (const path of paths)
      if (createHash('sha256').update(readFileSync(path)).digest('hex') !== bundle.sha256) throw new Error(`${path} is another file`);
    const s = times.map((ms) => (ms - beganMs) / 1000).sort((one, other) => one - other);
    const copies = (seed.line.sentBytes() / bundle.sizeBytes).toFixed(2);
    const { blocks } = seed.server.counters();
    out(
      `${machines} machines: first ${s[0]?.toFixed(2)} s, last ${s.at(-1)?.toFixed(2)} s; the seed sent ${copies} copies, ${blocks} blocks`,
    );
    return s.at(-1) as number;
  } finally {
    for (const child of started) child.kill('SIGKILL');
    seed.line.close();
    await seed.server.close();
  }
}

export async function bench(_options: BenchOptions): Promise<BenchResult> {
  const folder = mkdtempSync(join(tmpdir(), 'quilt-spread-'));
  try {
    const bytes = randomBytes(BUNDLE_BYTES);
    const path = join(folder, 'program.tar.gz');
    writeFileSync(path, bytes);
    const bundle = { path, sizeBytes: bytes.length, sha256: createHash('sha256').update(bytes).digest('hex') };
    const alone = await measure(bundle, 1, folder);
    const all = await measure(bundle, MACHINES, folder);
    return { figure: all, unit: 's', baseline: alone, reach: 2.5, reachIs: 'ratio', better: 'lower' };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
