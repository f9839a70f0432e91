// The main thread's side: starts the threads, forms one swarm over them, waits until every node holds the same log with the whole plan claimed, then
// watches it idle for some seconds. Nothing is hurried: timing is the product's default.

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { monotonicNowMs } from '../../../node/adapters/clock.ts';
import { makeIdentity } from '../../../node/adapters/identity.ts';
import type { MeshCounters } from '../../../node/adapters/mesh.ts';
import { createRows, isOneLog, type Row, readRows } from './ledger.ts';
import type { SwarmFacts } from './member.ts';
import { makeOrder } from './scenario.ts';
import type { Ask, Checked } from './thread.ts';

export interface SwarmRun {
  readonly nodes: number;
  /** Last hello written -> every node holds the same log, with every shard claimed. */
  readonly convergedMs: number;
  /** From the last hello; negative = before it. */
  readonly milestones: Readonly<Record<'first hello' | 'elected' | 'roster sealed' | 'last claim written' | 'claims held by all', number>>;
  /** Of all threads, from the last hello to convergence. */
  readonly cpuMs: number;
  readonly entries: number;
  readonly logBytes: number;
  readonly shards: number;
  readonly endpoints: number;
  /** By node, 0 is the coordinating seed: up to convergence, and per second afterwards. */
  readonly forming: readonly MeshCounters[];
  readonly idlePerS: readonly MeshCounters[];
}

export interface SwarmRunInit {
  readonly nodes: number;
  readonly threads: number;
  /** How long the formed swarm is watched. */
  readonly idleMs: number;
  readonly limitMs: number;
}

const POLL_MS = 10;

interface Thread {
  readonly worker: Worker;
  ask<T>(ask: Ask): Promise<T>;
}

function startThread(swarm: SwarmFacts): Thread {
  const worker = new Worker(new URL('thread.ts', import.meta.url), { workerData: swarm });
  const waiting: { resolve: (answer: never) => void; reject: (error: Error) => void }[] = [];
  worker.on('message', ({ answer, error }: { answer?: never; error?: string }) => {
    const first = waiting.shift();
    if (error === undefined) first?.resolve(answer as never);
    else first?.reject(new Error(error));
  });
  worker.on('error', (error: Error) => {
    for (const each of waiting.splice(0)) each.reject(error);
  });
  return {
    worker,
    ask: (ask) =>
      new Promise((resolve, reject) => {
        waiting.push({ resolve, reject });
        worker.postMessage(ask);
      }),
  };
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
const latest = (rows: readonly Row[], field: keyof Row): number => Math.max(...rows.map((row) => row[field]));

export async function runSwarm(init: SwarmRunInit): Promise<SwarmRun> {
  const folder = mkdtempSync(join(tmpdir(), 'quilt-mesh-'));
  const threads: Thread[] = [];
  try {
    return await formAndWatch(init, folder, threads);
  } finally {
    await Promise.all(threads.map(({ worker }) => worker.terminate()));
    rmSync(folder, { recursive: true, force: true });
  }
}

async function formAndWatch(init: SwarmRunInit, folder: string, threads: Thread[]): Promise<SwarmRun> {
  const { nodes } = init;
  const operator = makeIdentity();
  const swarmId = `s${randomBytes(6).toString('hex')}`;
  const { plan, bundle, order } = await makeOrder(swarmId, operator);
  const shards = plan.shards.length;
  const rows = createRows(nodes);
  const swarm: SwarmFacts = {
    swarmId,
    swarmKey: new Uint8Array(randomBytes(32)),
    operatorKey: operator.publicKey,
    nodes,
    shards,
    rows,
    folder,
  };
  for (let count = 0; count < init.threads; count++) threads.push(startThread(swarm));
  const [seedThread] = threads as [Thread];
  const seeds = await seedThread.ask<string[]>({ ask: 'start', indexes: [0], seeds: [] });
  await seedThread.ask({ ask: 'order', bundle, order });
  const others = Array.from({ length: nodes - 1 }, (_, index) => index + 1);
  const startMs = monotonicNowMs();
  const shareOf = (thread: number): number[] => others.filter((index) => index % threads.length === thread);
  await Promise.all(threads.map((thread, at) => thread.ask({ ask: 'start', indexes: shareOf(at), seeds })));
  const cpuAtHello = process.cpuUsage();
  const converged = await untilOneLog(rows, shards, startMs + init.limitMs);
  const cpu = process.cpuUsage(cpuAtHello);
  const forming = await countersOf(threads, nodes);
  await checkAll(threads, shards);
  await untilRunning(rows, startMs + init.limitMs);
  const idleFrom = await countersOf(threads, nodes);
  await pause(init.idleMs);
  const after = await countersOf(threads, nodes);
  return {
    nodes,
    ...timesOf(converged),
    cpuMs: (cpu.user + cpu.system) / 1000,
    entries: converged[0]?.entries ?? 0,
    logBytes: converged[0]?.logBytes ?? 0,
    shards,
    endpoints: plan.endpointCount,
    forming: forming.counters,
    idlePerS: after.counters.map((counters, index) => perSecond(idleFrom.counters[index]!, counters, after.atMs - idleFrom.atMs)),
  };
}

async function untilOneLog(rows: SharedArrayBuffer, shards: number, limitMs: number): Promise<Row[]> {
  for (;;) {
    const now = readRows(rows);
    const isClaimed = now.reduce((sum, row) => sum + row.ownClaims, 0) >= shards && now.every((row) => row.claimsHeld >= shards);
    if (isClaimed && isOneLog(now)) return now;
    if (monotonicNowMs() > limitMs) throw new Error(`no common log in time: ${describeRows(now, shards)}`);
    await pause(POLL_MS);
  }
}

/** Nodes may agree on the claims before everybody is ready: only once the start is decided, and known, is there nothing left to tell. */
async function untilRunning(rows: SharedArrayBuffer, limitMs: number): Promise<void> {
  for (;;) {
    const now = readRows(rows);
    if (latest(now, 'runningMs') > 0 && isOneLog(now)) return;
    if (monotonicNowMs() > limitMs) throw new Error('one log, but no start was decided in time');
    await pause(POLL_MS);
  }
}

function describeRows(rows: readonly Row[], shards: number): string {
  const counts = rows.map((row) => row.entries);
  const written = rows.reduce((sum, row) => sum + row.ownEntries, 0);
  const claims = rows.reduce((sum, row) => sum + row.ownClaims, 0);
  const hellos = rows.filter((row) => row.helloMs > 0).length;
  return `${hellos} hellos, ${written} entries written, ${Math.min(...counts)} to ${Math.max(...counts)} held, ${claims} of ${shards} shards claimed`;
}

function timesOf(rows: readonly Row[]): Pick<SwarmRun, 'convergedMs' | 'milestones'> {
  const helloMs = latest(rows, 'helloMs');
  return {
    convergedMs: latest(rows, 'lastEntryMs') - helloMs,
    milestones: {
      'first hello': Math.min(...rows.map((row) => row.helloMs)) - helloMs,
      elected: latest(rows, 'leadMs') - helloMs,
      'roster sealed': latest(rows, 'rosterMs') - helloMs,
      'last claim written': latest(rows, 'claimMs') - helloMs,
      'claims held by all': latest(rows, 'heldAllClaimsMs') - helloMs,
    },
  };
}

async function countersOf(threads: readonly Thread[], nodes: number): Promise<{ atMs: number; counters: MeshCounters[] }> {
  const shares = await Promise.all(threads.map((thread) => thread.ask<[number, MeshCounters][]>({ ask: 'counters' })));
  const counters: MeshCounters[] = [];
  for (const [index, each] of shares.flat()) counters[index] = each;
  if (counters.length !== nodes) throw new Error(`${counters.length} of ${nodes} nodes answered`);
  return { atMs: monotonicNowMs(), counters };
}

function perSecond(before: MeshCounters, after: MeshCounters, elapsedMs: number): MeshCounters {
  const rates = { ...after };
  for (const key of Object.keys(after) as (keyof MeshCounters)[]) rates[key] = ((after[key] - before[key]) / elapsedMs) * 1000;
  return rates;
}

/** The whole sets, not their digests: one log everywhere, and every shard in it once. */
async function checkAll(threads: readonly Thread[], shards: number): Promise<void> {
  const checked = (await Promise.all(threads.map((thread) => thread.ask<Checked[]>({ ask: 'verify' })))).flat();
  const logs = new Set(checked.map(({ logHash }) => logHash));
  const bad = checked.filter(({ claims, claimsTwice }) => claims !== shards || claimsTwice > 0);
  if (logs.size !== 1 || bad.length > 0)
    throw new Error(`${logs.size} different logs, ${bad.length} nodes without each shard claimed once`);
}
