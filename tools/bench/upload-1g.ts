// upload-1g: what collecting 1 GB of logs costs the machine that writes them. Four files grow by 1 GB within a minute, which is far more than a node logs; a process of its own
// follows, packs and uploads them to an S3 server (another process, not counted) while they grow, and is whole at the end by the manifest. Its CPU time, start included, is
// taken as a share of one core over that time, its memory as the highest resident set. The baseline is what the system's tools take for the same bytes after the
// run: `gzip -1` and `cp`, over the same time. The final line is about whichever of CPU and memory came closest to its limit.

import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { monotonicNowMs, wallNowMs } from '../../node/adapters/clock.ts';
import { childEnvironment } from '../../node/adapters/environment.ts';
import { out } from '../../node/adapters/terminal.ts';
import { createRng } from '../../node/core/rng.ts';
import { createRuntimeClock, wait } from '../../node/runtime/runtime-clock.ts';
import type { BenchOptions, BenchResult } from '../bench-kit.ts';
import type { UploadCost } from './kit/upload-node.ts';

export const about = 'CPU and memory of collecting 1 GB of growing logs into an S3 store; against gzip and cp of the system';

const CPU_PERCENT_REACH = 30;
const MEMORY_MB_REACH = 150;
const FILES = 4;
const CHUNK_BYTES = 1024 * 1024;
const SIZES = { quick: { bytes: 150e6, seconds: 9 }, full: { bytes: 1e9, seconds: 60 } } as const;

const clock = createRuntimeClock(monotonicNowMs, wallNowMs);

interface Child {
  readonly process: ChildProcess;
  line(): Promise<string>;
  end(): Promise<void>;
}

function start(file: string, args: readonly string[], additions: Readonly<Record<string, string>> = {}): Child {
  const path = fileURLToPath(new URL(`kit/${file}`, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ['pipe', 'pipe', 'inherit'], env: childEnvironment(additions) });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  return {
    process: child,
    async line() {
      const { value, done } = await lines.next();
      if (done) throw new Error(`${file} ended`);
      return value;
    },
    end() {
      child.stdin.end();
      return ended;
    },
  };
}

/** Log lines as a node writes them: mostly the same words, with numbers and ids that are not. */
function logChunk(seed: number): Buffer {
  const random = createRng(seed);
  const lines: string[] = [];
  for (let bytes = 0; bytes < CHUNK_BYTES; ) {
    const number = (): number => Math.floor(random.float() * 1e9);
    const fields = { level: 'info', time: 1.79e12 + number() / 1e3, node: 'n17', endpoint: number() % 5000, call: number().toString(36) };
    const line = `${JSON.stringify({ ...fields, event: 'window', rttMs: number() / 1e7, jitterMs: number() / 1e8, lost: number() % 7 })}\n`;
    lines.push(line);
    bytes += line.length;
  }
  return Buffer.from(lines.join(''));
}

/** Appends to the files in turn, evenly over the time. */
async function writeLogs(folder: string, { bytes, seconds }: { bytes: number; seconds: number }): Promise<number> {
  const chunks = Array.from({ length: 16 }, (_, seed) => logChunk(seed + 1));
  const files = Array.from({ length: FILES }, (_, index) => openSync(join(folder, `worker-${index}.log`), 'a'));
  const startMs = monotonicNowMs();
  let written = 0;
  for (let count = 0; written < bytes; count++) {
    written += writeSync(files[count % FILES] as number, chunks[(count * 7) % chunks.length] as Buffer);
    await wait(clock, startMs + (written / bytes) * seconds * 1000 - monotonicNowMs());
  }
  for (const file of files) closeSync(file);
  return written;
}

/** CPU seconds of gzip and cp for all files, as bash's `times` counts its children. */
function systemTools(folder: string, copyFolder: string): number {
  const script = 'for f in "$1"/*.log; do gzip -1 -c "$f" >"$f.packed" && cp "$f.packed" "$2"/ || exit 1; done; times';
  const { stdout, status } = spawnSync('bash', ['-c', script, 'bash', folder, copyFolder], { encoding: 'utf8' });
  const children = /(\d+)m([\d.]+)s (\d+)m([\d.]+)s\s*$/.exec(stdout);
  if (status !== 0 || children === null) throw new Error('gzip or cp failed');
  const [userM, userS, systemM, systemS] = children.slice(1).map(Number) as [number, number, number, number];
  return userM * 60 + userS + systemM * 60 + systemS;
}

async function measure(
  root: string,
  size: { bytes: number; seconds: number },
): Promise<{ cost: UploadCost; written: number; toolsS: number }> {
  const folder = join(root, 'node');
  const copyFolder = join(root, 'copy');
  for (const path of [folder, copyFolder]) mkdirSync(path);
  const server = start('s3-server.ts', []);
  const variables = { AWS_ENDPOINT_URL_S3: await server.line(), AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' };
  const node = start('upload-node.ts', [folder, 's3://artifacts/bench'], variables);
  try {
    await node.line();
    const written = await writeLogs(folder, size);
    node.process.stdin?.write('finish\n');
    const cost: UploadCost = JSON.parse(await node.line());
    return { cost, written, toolsS: systemTools(folder, copyFolder) };
  } finally {
    await Promise.all([node.end(), server.end()]);
  }
}

export async function bench({ quick }: BenchOptions): Promise<BenchResult> {
  const root = mkdtempSync(join(tmpdir(), 'quilt-upload-'));
  const { cost, written, toolsS } = await measure(root, quick ? SIZES.quick : SIZES.full).finally(() =>
    rmSync(root, { recursive: true, force: true }),
  );
  const percent = (cost.cpuS / cost.wallS) * 100;
  const toolsPercent = (toolsS / cost.wallS) * 100;
  const sent = `${(written / 1e6).toFixed(0)} MB of logs, ${(cost.sentBytes / 1e6).toFixed(0)} MB packed in ${cost.files} files`;
  out(
    `${sent}; ${cost.cpuS.toFixed(2)} s of CPU in ${cost.wallS.toFixed(1)} s: ${percent.toFixed(1)} % of a core; at most ${cost.residentMbMax.toFixed(0)} MB resident`,
  );
  out(`gzip -1 and cp take ${toolsS.toFixed(2)} s of CPU for the same bytes`);
  if (cost.gaps > 0) throw new Error(`${cost.gaps} gaps in the manifest`);
  if (percent / CPU_PERCENT_REACH < cost.residentMbMax / MEMORY_MB_REACH) {
    return { figure: cost.residentMbMax, unit: 'MB', baseline: null, reach: MEMORY_MB_REACH, better: 'lower' };
  }
  return { figure: percent, unit: '% of a core', baseline: toolsPercent, reach: CPU_PERCENT_REACH, better: 'lower' };
}
