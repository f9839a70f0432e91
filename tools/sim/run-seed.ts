// One seed from beginning to end: build the cluster, play the safety phase with its faults, heal, wait for the run to end, look at
// what is left. Returns what was exercised, or the alarm that was raised; a failing seed is played again with its transcript on.

import { createAgenda } from './agenda.ts';
import { createChance, PURPOSE } from './chance.ts';
import { combine, type PromiseName, SimAlarm } from './checkers/checker.ts';
import { createGhost, watchGhosts } from './checkers/ghost.ts';
import { checkOneCoordinator } from './checkers/promise-1.ts';
import { checkConvergence } from './checkers/promise-2.ts';
import { checkOneOwner } from './checkers/promise-3.ts';
import { checkExactLoad } from './checkers/promise-4.ts';
import { checkNothingLeft } from './checkers/promise-5.ts';
import { checkNothingLost } from './checkers/promise-6.ts';
import { checkOnlyInvited } from './checkers/promise-7.ts';
import { core } from './core.ts';
import { type Counts, createCounts } from './counts.ts';
import { createDisk } from './disk.ts';
import { drawSpec } from './draw.ts';
import { heal, strike, submit } from './faults.ts';
import { createNetwork } from './network.ts';
import { deliver, startNode } from './node-runner.ts';
import { endBoundMs, type NodeSpec, type SimSpec } from './spec.ts';
import { createTrace } from './trace.ts';
import { createWorkers } from './workers.ts';
import { isUp, type Sabotage, type SimNode, type World } from './world.ts';

export interface Failure {
  readonly seed: number;
  /** `crash`: the core threw; that breaks every promise at once. */
  readonly promise: PromiseName | 'crash';
  readonly message: string;
  readonly atMs: number;
  /** The last lines of the transcript. */
  readonly lines: readonly string[];
}

export interface SeedOutcome {
  readonly seed: number;
  readonly traceHash: number;
  readonly counts: Counts;
  readonly failure: Failure | null;
}

export interface SeedOptions {
  readonly sabotage?: Sabotage;
  /** Called with every transcript line as it is made. */
  readonly write?: (line: string) => void;
  /** Plays this instead of what the seed would draw. */
  readonly spec?: SimSpec;
}

const LINES_SHOWN = 30;
const AUDIT_MS = 1000;

function createSimNode(spec: NodeSpec): SimNode {
  const node = {
    spec,
    index: spec.index,
    id: spec.id,
    clock: spec.clock,
    status: 'unborn' as const,
    life: 0,
    state: null,
    bornMs: 0,
    crashedMs: 0,
    isGone: false,
    inbox: [],
    syncing: null,
    isSyncedWhilePaused: false,
    tickAtMs: 0,
    tickStreak: 0,
    disk: createDisk(),
    slowDiskUntilMs: 0,
    slowDiskSyncMs: 0,
    hasBundle: false,
    exit: null,
    exitMs: 0,
    ghost: createGhost(),
  };
  const simNode = node as unknown as SimNode;
  simNode.workers = createWorkers(simNode, 0);
  return simNode;
}

function createWorld(spec: SimSpec, options: SeedOptions, linesKept: number): World {
  const nodes = spec.nodes.map(createSimNode);
  const chance = (purpose: number) => createChance(spec.seed, purpose);
  const world: World = {
    spec,
    core,
    agenda: createAgenda(),
    nodes,
    nodeById: new Map(nodes.map((node) => [node.id, node])),
    network: createNetwork(nodes.length),
    trace: createTrace({ keep: linesKept, ...(options.write === undefined ? {} : { write: options.write }) }),
    counts: createCounts(),
    sabotage: options.sabotage ?? {},
    chance: {
      network: chance(PURPOSE.network),
      disk: chance(PURPOSE.disk),
      workers: chance(PURPOSE.workers),
      nodes: chance(PURPOSE.nodes),
    },
    deliver: (node, event) => deliver(world, node, event),
    checkers: combine([]),
    isHealed: false,
    extraLoss: 0,
    sealed: new Set(),
    orders: { stops: 0, scales: 0, aborts: 0 },
    runs: spec.plan.shards.map(() => []),
  };
  const checks = [
    watchGhosts,
    checkOneCoordinator,
    checkConvergence,
    checkOneOwner,
    checkExactLoad,
    checkNothingLeft,
    checkNothingLost,
    checkOnlyInvited,
  ];
  world.checkers = combine(checks.map((check) => check(world)));
  return world;
}

function schedule(world: World): void {
  const { spec, agenda } = world;
  for (const node of world.nodes) {
    if (node.spec.bornMs === Number.POSITIVE_INFINITY) continue;
    agenda.at(node.spec.bornMs, () => startNode(world, node));
    if (node.spec.bornMs >= 5000) world.counts.lateJoiners += 1;
  }
  agenda.at(spec.submitMs, () => submit(world, world.nodes[spec.submitTo]!));
  for (const fault of spec.faults) agenda.at(fault.atMs, () => strike(world, fault));
  // After everything that ends at that moment.
  agenda.at(spec.healMs + 1, () => heal(world));
  const audit = (): void => {
    world.checkers.audit();
    agenda.after(AUDIT_MS, audit);
  };
  agenda.after(AUDIT_MS, audit);
}

const isOver = (world: World): boolean =>
  world.agenda.nowMs > world.spec.submitMs + 5000 &&
  world.nodes.every(
    (node) =>
      !isUp(node) &&
      (node.status !== 'unborn' || node.spec.bornMs === Number.POSITIVE_INFINITY) &&
      (node.status !== 'crashed' || node.isGone || world.isHealed),
  );

function play(world: World): void {
  schedule(world);
  const boundMs = endBoundMs(world.spec) + 2 * AUDIT_MS;
  let nextLookMs = 0;
  while (world.agenda.runNext(boundMs)) {
    if (world.agenda.nowMs < nextLookMs) continue;
    nextLookMs = world.agenda.nowMs + 250;
    if (isOver(world)) break;
  }
  const deathMs = world.agenda.nowMs + 2 * world.spec.timing.stopMs;
  while (world.agenda.runNext(deathMs)) {
    // Workers die a little after their nodes; the last of them may still be on their way out.
  }
  world.checkers.atEnd();
}

function playOnce(spec: SimSpec, options: SeedOptions, linesKept: number): SeedOutcome {
  const world = createWorld(spec, options, linesKept);
  let failure: Failure | null = null;
  try {
    play(world);
  } catch (error) {
    const promise = error instanceof SimAlarm ? error.promise : 'crash';
    const message = error instanceof SimAlarm ? error.message : String(error instanceof Error ? error.stack : error);
    failure = { seed: spec.seed, promise, message, atMs: world.agenda.nowMs, lines: world.trace.lines.slice(-LINES_SHOWN) };
  }
  world.counts.virtualSeconds = Math.round(world.agenda.nowMs / 1000);
  world.counts.faultFree = spec.isFaultFree ? 1 : 0;
  return { seed: spec.seed, traceHash: world.trace.hash, counts: world.counts, failure };
}

export function runSeed(seed: number, options: SeedOptions = {}): SeedOutcome {
  const spec = options.spec ?? drawSpec(seed);
  const outcome = playOnce(spec, options, 0);
  if (outcome.failure === null || options.write !== undefined) return outcome;
  const again = playOnce(spec, options, LINES_SHOWN);
  return { ...outcome, failure: { ...outcome.failure, lines: again.failure?.lines ?? [] } };
}
