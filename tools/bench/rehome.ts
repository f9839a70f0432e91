// rehome: kill -9 of an ordinary node, to all its shards running elsewhere. `run` with four nodes and default leases drives the embedded target, and
// the target is the witness: the figure ends with the first request of the last lost shard, counted from the kill. The target also proves that
// nothing overlapped - no request on a connection of the dead node afterwards, no endpoint on two connections at a time - and so do the
// claims in the windows. The baseline is the protocol's own arithmetic: the owner's lease, its time to stop, and the margin for drift.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { monotonicNowMs } from '../../node/adapters/clock.ts';
import { out } from '../../node/adapters/terminal.ts';
import { DEFAULT_TIMING } from '../../node/core/config.ts';
import type { StatusNode } from '../../node/runtime/node-status.ts';
import { type BenchOptions, type BenchResult, quantile } from '../bench-kit.ts';
import { type Arrival, type RecordingTarget, startRecordingTarget } from './kit/recording-target.ts';
import { overlapOf, readEvidence } from './kit/run-evidence.ts';
import { kill, pidOf, type Started, type SwarmKit, statusOf, until, withSwarmKit } from './kit/swarm-kit.ts';

export const about = 'kill -9 of an ordinary node to all its shards running elsewhere, at default leases';

const NODES = 4;
const ENDPOINTS = 96;
const THINK_MS = 200;
/** Since T0: everything has ramped up. */
const KILL_AT_MS = 3_000;
/** The dead are out of the kernel's queues, so that a later request is somebody else's. */
const IN_FLIGHT_MS = 100;
/** A living endpoint speaks more often than this. */
const SILENCE_MS = 5 * THINK_MS;
const REHOME_MS_MAX = 45_000;

const scenario = (url: string): string => `name: rehome
targets: { api: ${url} }
groups:
  callers:
    type: http
    load:
      endpoints: ${ENDPOINTS}
      shape: [{ ramp: 100%, over: 2s }, { hold: 3m }]
    behavior:
      baseUrl: ${url}
      think: ${THINK_MS}ms
      requests: [{ name: list, url: /api/meetings, headers: { x-endpoint: '\${endpoint.index}' } }]
gracefulStop: 1s
deadline: 5m
`;

interface Killed {
  readonly name: string;
  readonly node: string;
  readonly atMs: number;
}

async function killOne(nodesFolder: string, run: Started): Promise<Killed> {
  const victim = await until<StatusNode>('the load is up', async () => {
    const status = await statusOf(join(nodesFolder, 'seed'));
    if (status === null || (status.sinceT0Ms ?? 0) < KILL_AT_MS) return null;
    const ordinary = status.nodes.filter(({ load, state, node }) => load && state === 'live' && node !== status.coordinator);
    return ordinary.sort((one, other) => other.shards - one.shards)[0] ?? null;
  }, [run]);
  const pid = pidOf(join(nodesFolder, victim.name));
  const atMs = monotonicNowMs();
  kill(pid);
  return { name: victim.name, node: victim.node, atMs };
}

/** Every endpoint has been heard within the last moment, the dead node's again. */
function isWhole(arrivals: readonly Arrival[], killedAtMs: number): boolean {
  const sinceMs = monotonicNowMs() - SILENCE_MS;
  if (sinceMs < killedAtMs) return false;
  const heard = new Set<number>();
  for (let index = arrivals.length - 1; index >= 0 && arrivals[index]!.atMs > sinceMs; index--) heard.add(arrivals[index]!.endpoint);
  return heard.size === ENDPOINTS;
}

/** An endpoint that comes back to a connection after it used a later one is run by two nodes at a time. */
function checkConnections(arrivals: readonly Arrival[]): void {
  const latest = new Map<number, number>();
  for (const { endpoint, connection } of arrivals) {
    if (connection < (latest.get(endpoint) ?? -1)) throw new Error(`endpoint ${endpoint} was on two connections at a time`);
    latest.set(endpoint, connection);
  }
}

interface Rehomed {
  /** First request of each lost shard, from the kill. */
  readonly shardMs: readonly number[];
  /** First request of the last endpoint. */
  readonly endpointsMs: number;
  readonly lastOfDeadMs: number;
}

function analyse(folder: string, { arrivals }: RecordingTarget, { node, atMs }: Killed): Rehomed {
  const { claimants, spans, shardOf } = readEvidence(folder);
  const overlap = overlapOf(spans);
  if (overlap !== null) throw new Error(`windows with load of two claims at a time: ${overlap}`);
  checkConnections(arrivals);
  const isLost = ({ endpoint }: Arrival): boolean => claimants.get(`${shardOf(endpoint)}.1`) === node;
  const lost = arrivals.filter(isLost);
  const connectionsOfDead = new Set(lost.filter((arrival) => arrival.atMs <= atMs).map(({ connection }) => connection));
  const lastOfDeadMs =
    Math.max(...lost.filter(({ connection }) => connectionsOfDead.has(connection)).map((arrival) => arrival.atMs)) - atMs;
  if (lastOfDeadMs > IN_FLIGHT_MS) throw new Error(`the dead node still sent ${lastOfDeadMs.toFixed(0)} ms after its death`);
  const firstByShard = new Map<number, number>();
  const firstByEndpoint = new Map<number, number>();
  for (const arrival of lost) {
    if (connectionsOfDead.has(arrival.connection)) continue;
    const shard = shardOf(arrival.endpoint);
    if (!firstByShard.has(shard)) firstByShard.set(shard, arrival.atMs - atMs);
    if (!firstByEndpoint.has(arrival.endpoint)) firstByEndpoint.set(arrival.endpoint, arrival.atMs - atMs);
  }
  const lostShards = [...claimants].filter(([claim, claimant]) => claim.endsWith('.1') && claimant === node);
  if (lostShards.length === 0 || firstByShard.size !== lostShards.length) {
    throw new Error(`${firstByShard.size} of the dead node's ${lostShards.length} shards came back`);
  }
  return { shardMs: [...firstByShard.values()], endpointsMs: Math.max(...firstByEndpoint.values()), lastOfDeadMs };
}

async function measure(kit: SwarmKit, target: RecordingTarget, round: number): Promise<number> {
  target.forget();
  const runs = join(kit.folder, `runs-${round}`);
  const flags = ['--nodes', String(NODES), '--workers', '1', '--run-folder', runs, '--quiet', '--no-color'];
  const run = kit.start(['run', kit.writeScenario(scenario(target.url)), ...flags]);
  const folder = join(runs, 'latest');
  const killed = await killOne(join(folder, 'nodes'), run);
  await until('all endpoints are back', () => (isWhole(target.arrivals, killed.atMs) ? true : null), [run], REHOME_MS_MAX, 100);
  kill(run.pid, 'SIGINT');
  await run.ended;
  if (!existsSync(join(folder, 'summary.json'))) throw new Error(`the run left no summary:\n${run.text()}`);
  const { shardMs, endpointsMs, lastOfDeadMs } = analyse(folder, target, killed);
  const [first, last] = [Math.min(...shardMs), Math.max(...shardMs)];
  out(
    `kill -9 ${killed.name}: its ${shardMs.length} shards run elsewhere after ${(first / 1000).toFixed(2)} to ${(last / 1000).toFixed(2)} s, ` +
      `all their endpoints after ${(endpointsMs / 1000).toFixed(2)} s; last request of the dead node ${lastOfDeadMs.toFixed(1)} ms after the kill; no overlap`,
  );
  return last;
}

export async function bench({ quick }: BenchOptions): Promise<BenchResult> {
  const target = await startRecordingTarget();
  try {
    const figures = await withSwarmKit(async (kit) => {
      const each: number[] = [];
      for (let round = 0; round < (quick ? 1 : 3); round++) each.push(await measure(kit, target, round));
      return each;
    });
    const { ownerLeaseMs, stopMs, downMarginMs } = DEFAULT_TIMING;
    out(`median ${(quantile(figures, 0.5) / 1000).toFixed(2)} s; the figure is the worst; the baseline is lease + stop + margin`);
    return {
      figure: Math.max(...figures) / 1000,
      unit: 's',
      baseline: (ownerLeaseMs + stopMs + downMarginMs) / 1000,
      reach: 10,
      better: 'lower',
    };
  } finally {
    await target.stop();
  }
}
