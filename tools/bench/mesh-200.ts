// mesh-200: two hundred real nodes in one process form a swarm through one seed, elect it, and claim a plan of 20,000 endpoints; the figure is the time
// from the last hello written until every node holds the same log with every shard claimed once. Real: libp2p over TCP on loopback, signatures and
// their checks, the core, the runtime. Stand-ins: stores in memory, workers that answer at once, leases long enough for nodes that share two cores
// (mesh-200/member.ts says why). The nodes live in two worker threads. The cost per node is shown at four sizes: what a node sends and
// receives has to follow the length of the log, which everybody holds, and not the number of nodes beyond that.

import { availableParallelism, loadavg } from 'node:os';
import type { MeshCounters } from '../../node/adapters/mesh.ts';
import type { BenchOptions, BenchResult } from '../bench-kit.ts';
import { runSwarm, type SwarmRun } from './mesh-200/swarm.ts';

export const about =
  '200 real nodes in one process: seconds from the last hello to one log with 20,000 endpoints claimed, against growth with the square';

const SIZES = [25, 50, 100, 200];
/** Small, because a busy machine must manage it in 30 s; the reach is then in proportion to the nodes. */
const SIZES_QUICK = [6, 12];
const IDLE_MS = 10_000;
const IDLE_QUICK_MS = 3_000;
const LIMIT_MS = 270_000;
const REACH_S = 30;

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const seconds = (ms: number): string => (ms / 1000).toFixed(1);

export async function bench({ quick }: BenchOptions): Promise<BenchResult> {
  const threads = Math.min(2, availableParallelism());
  say(
    `${threads} worker threads, loopback, one seed that coordinates as witness; stores in memory, stand-in workers, long leases and dial limits, joins paced`,
  );
  const runs: SwarmRun[] = [];
  for (const nodes of quick ? SIZES_QUICK : SIZES) {
    const run = await runSwarm({ nodes, threads, idleMs: quick ? IDLE_QUICK_MS : IDLE_MS, limitMs: LIMIT_MS });
    runs.push(run);
    describeTimes(run);
  }
  describeCosts(runs);
  const largest = runs.at(-1)!;
  const smallest = runs[0]!;
  // Every node must get and check what every other wrote: n nodes' work on one machine grows at least so, whatever the protocol.
  const squaredMs = smallest.convergedMs * (largest.nodes / smallest.nodes) ** 2;
  say(
    `baseline: the time of ${smallest.nodes} nodes times (${largest.nodes}/${smallest.nodes})^2 = ${seconds(squaredMs)} s, as if all nodes spoke with all others`,
  );
  const reach = (REACH_S * largest.nodes) / SIZES.at(-1)!;
  if (quick) say(`quick: ${largest.nodes} nodes instead of 200, so the reach is ${reach} s instead of ${REACH_S}`);
  return {
    figure: largest.convergedMs / 1000,
    unit: `s at ${largest.nodes} nodes`,
    baseline: squaredMs / 1000,
    reach,
    better: 'lower',
  };
}

function describeTimes(run: SwarmRun): void {
  const steps = Object.entries(run.milestones).map(([name, ms]) => `${name} ${seconds(ms)}`);
  const load = loadavg()[0]?.toFixed(1);
  say(
    `${run.nodes} nodes: one log of ${run.entries} entries (${kilobytes(run.logBytes)} kB), ${run.shards} shards, ${run.endpoints} endpoints claimed ` +
      `${seconds(run.convergedMs)} s after the last hello; CPU ${seconds(run.cpuMs)} s, load average ${load}`,
  );
  say(`   s from the last hello: ${steps.join(', ')}`);
}

const kilobytes = (bytes: number): string => (bytes / 1000).toFixed(0);

/** Means of the ordinary nodes; the coordinator is the first. */
function ordinary(counters: readonly MeshCounters[], value: (each: MeshCounters) => number): number {
  const others = counters.slice(1);
  return others.reduce((sum, each) => sum + value(each), 0) / others.length;
}

const gossip = (each: MeshCounters): number => each.gossipInMessages + each.gossipOutMessages;
const direct = (each: MeshCounters): number => each.directInMessages + each.directOutMessages;
const bytes = (each: MeshCounters): number => each.gossipInBytes + each.gossipOutBytes + each.directInBytes + each.directOutBytes;
const wireBytes = (each: MeshCounters): number => each.wireInBytes + each.wireOutBytes;

/** Messages are the node's own; those that gossipsub relays show in the bytes on the wire only. */
function describeCosts(runs: readonly SwarmRun[]): void {
  say('an ordinary node, sent and received, from its start until the log is one:');
  say('  nodes  connections  gossip msgs  direct msgs  msgs/entry     kB  kB/log kB  wire kB/log kB');
  for (const { nodes, forming, entries, logBytes } of runs) {
    const mean = (value: (each: MeshCounters) => number): number => ordinary(forming, value);
    const columns = [
      nodes,
      mean((each) => each.connections),
      mean(gossip),
      mean(direct),
      mean((each) => gossip(each) + direct(each)) / entries,
    ];
    const widths = [7, 13, 13, 13, 12];
    const perLog = [mean(bytes) / 1000, mean(bytes) / logBytes, mean(wireBytes) / logBytes];
    say(table([...columns, ...perLog], [...widths, 7, 11, 16], [0, 1, 0, 0, 2, 0, 2, 2]));
  }
  say('a second of the formed swarm (beats, pulses with windows, digests):');
  say('  nodes  node: gossip msgs  direct msgs   bytes  wire bytes   coordinator: direct msgs   bytes');
  for (const { nodes, idlePerS } of runs) {
    const mean = (value: (each: MeshCounters) => number): number => ordinary(idlePerS, value);
    const [coordinator] = idlePerS as [MeshCounters];
    const columns = [nodes, mean(gossip), mean(direct), mean(bytes), mean(wireBytes), direct(coordinator), bytes(coordinator)];
    say(table(columns, [7, 19, 13, 8, 12, 27, 8], [0, 2, 2, 0, 0, 0, 0]));
  }
  say('the coordinator until the log is one:');
  say('  nodes  direct msgs/node  kB/node');
  for (const { nodes, forming } of runs) {
    const [coordinator] = forming as [MeshCounters];
    say(table([nodes, direct(coordinator) / (nodes - 1), bytes(coordinator) / (nodes - 1) / 1000], [7, 18, 9], [0, 0, 0]));
  }
}

function table(values: readonly number[], widths: readonly number[], digits: readonly number[]): string {
  return values.map((value, at) => value.toFixed(digits[at]).padStart(widths[at] ?? 0)).join('');
}
