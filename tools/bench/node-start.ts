// node-start: `quilt-swarm join` from the start of its process to its `hello` in the seed's log, and the memory of a node that has joined and waits.
// Measured for the bundle, which is what child nodes run, and for the sources as the baseline. Memory is the process's resident set, shared
// libraries and all (VmRSS); its proportional share (PSS) is shown beside it. The final line is about whichever came closest to its limit.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { monotonicNowMs } from '../../node/adapters/clock.ts';
import { out } from '../../node/adapters/terminal.ts';
import { type BenchOptions, type BenchResult, quantile } from '../bench-kit.ts';
import { kill, type SwarmKit, sleep, sourceEntry, statusOf, ticketOf, until, withSwarmKit } from './kit/swarm-kit.ts';

export const about = 'node process start to hello seen by the seed, and memory of an idle node; the bundle against the sources';

const START_S_REACH = 1.5;
const MEMORY_MB_REACH = 110;
const POLL_MS = 5;
const BYTES_PER_MB = 1e6;

interface Measured {
  readonly startS: number;
  readonly residentMb: number;
  readonly shareMb: number;
}

/** A field of a /proc file that counts in kB. */
function megabytes(pid: number, file: string, field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'));
  return (Number(found?.[1] ?? Number.NaN) * 1024) / BYTES_PER_MB;
}

/** One node joins, waits for `idleMs`, and is killed. */
async function measure(kit: SwarmKit, seedFolder: string, ticket: string, name: string, idleMs: number, entry?: string): Promise<Measured> {
  const flags = ['--data', join(kit.folder, name), '--label', `name=${name}`, '--listen', '/ip4/127.0.0.1/tcp/0'];
  const node = kit.start(['join', ...flags], entry === undefined ? { ticket } : { ticket, entry });
  const isKnown = async (): Promise<true | null> => ((await statusOf(seedFolder))?.nodes.some((each) => each.name === name) ? true : null);
  await until(`the seed knows ${name}`, isKnown, [node], 20_000, POLL_MS);
  const startS = (monotonicNowMs() - node.startedAtMs) / 1000;
  await sleep(idleMs);
  const residentMb = megabytes(node.pid, 'status', 'VmRSS');
  const shareMb = megabytes(node.pid, 'smaps_rollup', 'Pss');
  kill(node.pid);
  await node.ended;
  return { startS, residentMb, shareMb };
}

const worst = (each: readonly Measured[], key: keyof Measured): number => Math.max(...each.map((one) => one[key]));
const median = (each: readonly Measured[], key: keyof Measured): number =>
  quantile(
    each.map((one) => one[key]),
    0.5,
  );

function show(title: string, each: readonly Measured[]): void {
  const start = `start median ${median(each, 'startS').toFixed(2)} s, worst ${worst(each, 'startS').toFixed(2)} s`;
  const memory = `resident median ${median(each, 'residentMb').toFixed(1)} MB, worst ${worst(each, 'residentMb').toFixed(1)} MB`;
  out(`${title.padEnd(8)} ${start}; ${memory}; proportional share ${median(each, 'shareMb').toFixed(1)} MB; ${each.length} starts`);
}

async function measureBoth(kit: SwarmKit, rounds: number, idleMs: number): Promise<{ bundle: Measured[]; sources: Measured[] }> {
  const bundle: Measured[] = [];
  const sources: Measured[] = [];
  for (let round = 0; round < rounds; round++) {
    // A seed for each round: one that waits for nodes in vain gives up after a minute.
    const seedFolder = join(kit.folder, `seed-${round}`);
    const seed = kit.start(['seed', '--expect-nodes', '50', '--data', seedFolder, '--listen', '/ip4/127.0.0.1/tcp/0', '--quiet']);
    const ticket = await ticketOf(seed);
    await until('the seed answers', () => statusOf(seedFolder), [seed]);
    bundle.push(await measure(kit, seedFolder, ticket, `bundle-${round}`, idleMs));
    sources.push(await measure(kit, seedFolder, ticket, `sources-${round}`, idleMs, sourceEntry));
    kill(seed.pid);
    await seed.ended;
  }
  return { bundle, sources };
}

export async function bench({ quick }: BenchOptions): Promise<BenchResult> {
  const { bundle, sources } = await withSwarmKit((kit) => measureBoth(kit, quick ? 2 : 5, quick ? 3_000 : 10_000));
  show('bundle', bundle);
  show('sources', sources);
  const start = worst(bundle, 'startS');
  const memory = worst(bundle, 'residentMb');
  if (start / START_S_REACH > memory / MEMORY_MB_REACH) {
    return { figure: start, unit: 's', baseline: worst(sources, 'startS'), reach: START_S_REACH, better: 'lower' };
  }
  return { figure: memory, unit: 'MB', baseline: worst(sources, 'residentMb'), reach: MEMORY_MB_REACH, better: 'lower' };
}
