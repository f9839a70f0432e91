// The modelled workers of one node: which claims' load runs, from when, until when. Endpoint lives are not played one by one; a
// shard runs or it does not. Workers are processes of their own: they go on while their node is paused and guard the grant
// themselves, on the node's clock; they die with their node, a little later. What they tell the node waits when it is paused.

import type { Start, Stop } from '../../node/core/events.ts';
import type { Claim } from '../../node/core/messages.ts';
import { toNodeMs, toTrueMs } from './clock.ts';
import type { ShardRun, SimNode, World } from './world.ts';

interface Load {
  readonly claim: Claim;
  phase: 'waiting' | 'running' | 'stopping';
  run: ShardRun | null;
  /** On the node's clock: when its last endpoint is to stop. */
  readonly stopAtNodeMs: number;
}

/** Load that ends this close to its planned stop was delivered: the coordinator's clock, which ends the run, differs a little. */
const DELIVERED_ERROR_MS = 400;
const DELIVERED_ERROR_SHARE = 0.012;

export interface Workers {
  readonly node: SimNode;
  readonly life: number;
  readonly loads: Map<string, Load>;
  /** Load may run until then, on the node's clock. */
  untilMs: number;
  isGuardScheduled: boolean;
  areDead: boolean;
}

export const createWorkers = (node: SimNode, life: number): Workers => ({
  node,
  life,
  loads: new Map(),
  untilMs: Number.NEGATIVE_INFINITY,
  isGuardScheduled: false,
  areDead: false,
});

const keyOf = (claim: Claim): string => `${claim.shard}.${claim.epoch}`;
const localNowMs = (world: World, workers: Workers): number => toNodeMs(workers.node.clock, world.agenda.nowMs);

function tellStopped(world: World, workers: Workers, claims: readonly Claim[], finished: boolean): void {
  const { node } = workers;
  if (node.life === workers.life) world.deliver(node, { type: 'load-stopped', nowMs: 0, claims, finished });
}

/** The stretch that ran up to now is over; the claim may go on in a restarted worker. */
function endRun(world: World, workers: Workers, load: Load, finished: boolean): void {
  const { run } = load;
  if (run === null) return;
  load.run = null;
  const { stopMs } = world.spec.plan.shards[load.claim.shard]!;
  run.isFinished = finished || localNowMs(world, workers) >= load.stopAtNodeMs - DELIVERED_ERROR_MS - stopMs * DELIVERED_ERROR_SHARE;
  run.endMs = world.agenda.nowMs;
  workers.node.ghost.loadEndedMs = world.agenda.nowMs;
  world.checkers.runEnds(workers.node, load.claim, finished);
}

function endLoad(world: World, workers: Workers, load: Load, finished: boolean): void {
  workers.loads.delete(keyOf(load.claim));
  endRun(world, workers, load, finished);
}

/** Ends the loads after `delayMs` (on any clock: short) and says so in one go. */
function windDown(world: World, workers: Workers, loads: readonly Load[], delayMs: number, finished: boolean): void {
  for (const load of loads) load.phase = 'stopping';
  world.agenda.after(delayMs, () => {
    if (workers.areDead) return;
    for (const load of loads) endLoad(world, workers, load, finished);
    tellStopped(
      world,
      workers,
      loads.map((load) => load.claim),
      finished,
    );
  });
}

const notStopping = (workers: Workers): Load[] => [...workers.loads.values()].filter((load) => load.phase !== 'stopping');

/** The workers' own guard: everything stops within stopMs once the grant has passed. */
function guardGrant(world: World, workers: Workers): void {
  workers.isGuardScheduled = false;
  if (workers.areDead || workers.loads.size === 0 || world.sabotage.workersIgnoreGrant === true) return;
  if (localNowMs(world, workers) < workers.untilMs) return scheduleGuard(world, workers);
  const lapsing = notStopping(workers);
  if (lapsing.length === 0) return;
  world.counts.lapses += 1;
  world.trace.note(world.agenda.nowMs, `workers of ${workers.node.id}: grant passed, ${lapsing.length} loads stop`);
  windDown(world, workers, lapsing, world.chance.workers.between(0, world.spec.timing.stopMs * 0.98), false);
}

function scheduleGuard(world: World, workers: Workers): void {
  if (workers.isGuardScheduled || workers.untilMs === Number.NEGATIVE_INFINITY) return;
  workers.isGuardScheduled = true;
  world.agenda.at(toTrueMs(workers.node.clock, workers.untilMs) + 0.01, () => guardGrant(world, workers));
}

function beginLoad(world: World, workers: Workers, load: Load): void {
  if (workers.areDead || load.phase !== 'waiting') return;
  const { node } = workers;
  if (localNowMs(world, workers) >= workers.untilMs && world.sabotage.workersIgnoreGrant !== true) {
    windDown(world, workers, [load], 1, false);
    return;
  }
  load.phase = 'running';
  load.run = { nodeIndex: node.index, claim: load.claim, beginMs: world.agenda.nowMs, endMs: Number.POSITIVE_INFINITY, isFinished: false };
  world.runs[load.claim.shard]!.push(load.run);
  world.counts.runsOfShards += 1;
  world.checkers.runBegins(node, load.claim);
  const politeMs = world.chance.workers.between(0, world.spec.plan.gracefulStopMs * 0.5);
  world.agenda.at(toTrueMs(node.clock, load.stopAtNodeMs) + politeMs, () => {
    if (!workers.areDead && load.phase === 'running') windDown(world, workers, [load], 0, true);
  });
}

export function startLoad(world: World, workers: Workers, start: Extract<Start, { what: 'load' }>): void {
  const { node } = workers;
  const shard = world.spec.plan.shards[start.claim.shard];
  if (shard === undefined || workers.loads.has(keyOf(start.claim))) return;
  const stopAtNodeMs = start.t0Ms + shard.stopMs;
  const load: Load = { claim: start.claim, phase: 'waiting', run: null, stopAtNodeMs };
  workers.loads.set(keyOf(start.claim), load);
  if (stopAtNodeMs <= localNowMs(world, workers)) return windDown(world, workers, [load], 1, true);
  world.agenda.at(toTrueMs(node.clock, start.t0Ms + shard.startMs), () => beginLoad(world, workers, load));
  scheduleGuard(world, workers);
}

export function grantLoad(world: World, workers: Workers, untilMs: number): void {
  workers.untilMs = untilMs;
  scheduleGuard(world, workers);
}

export function stopLoad(world: World, workers: Workers, stop: Stop): void {
  const known: Load[] = [];
  const unknown: Claim[] = [];
  for (const claim of stop.claims) {
    const load = workers.loads.get(keyOf(claim));
    if (load === undefined) unknown.push(claim);
    else if (load.phase !== 'stopping') known.push(load);
  }
  // Never in the same breath: what the workers said before is still on its way to the node.
  if (unknown.length > 0) world.agenda.after(0.2, () => tellStopped(world, workers, unknown, false));
  const { stopMs } = world.spec.timing;
  if (known.length > 0)
    windDown(world, workers, known, Math.min(stopMs, stop.graceMs + 50) * world.chance.workers.between(0.01, 0.98), false);
}

/** A worker process dies and is started again: the same claims go on after a gap, and the node's core never hears of it. */
export function crashWorkers(world: World, workers: Workers, gapMs: number): void {
  if (workers.areDead) return;
  for (const load of workers.loads.values()) {
    if (load.phase !== 'running') continue;
    endRun(world, workers, load, false);
    load.phase = 'waiting';
    world.agenda.after(gapMs, () => {
      if (workers.loads.get(keyOf(load.claim)) === load) beginLoad(world, workers, load);
    });
  }
}

/** The node is gone (crash or exit): its workers notice the closed channel and leave. */
export function killWorkers(world: World, workers: Workers): void {
  if (world.sabotage.workersOutliveNode === true) return;
  world.agenda.after(world.chance.workers.between(0, 100), () => {
    workers.areDead = true;
    for (const load of [...workers.loads.values()]) endLoad(world, workers, load, false);
  });
}

/** Loads that run at this moment. */
export function runningCount(workers: Workers): number {
  let count = 0;
  for (const load of workers.loads.values()) if (load.run !== null) count += 1;
  return count;
}
