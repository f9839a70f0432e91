// A swarm on this machine: a seed node in this process, which coordinates and carries no load, and N nodes as child processes. Nothing here is special
// to one machine: the seed is what `quilt-swarm seed` starts, the others are what `quilt-swarm join` starts, on any machine.

import { join } from 'node:path';
import { monotonicNowMs, wallNowMs } from '../adapters/clock.ts';
import { DEFAULT_TIMING } from '../core/config.ts';
import { ok, type Result } from '../core/errors.ts';
import type { ArtifactsChoice } from '../runtime/node-artifacts.ts';
import type { OutputsChoice } from '../runtime/node-outputs.ts';
import { RUN_FILES } from '../runtime/run-folder.ts';
import { createRuntimeClock } from '../runtime/runtime-clock.ts';
import { type ChildNodes, startChildNodes } from './child-nodes.ts';
import { type ComposedNode, composeNode } from './compose-node.ts';
import { machineCores, workersFor } from './node-options.ts';
import { makeSwarm, makeTicket, type SwarmSecrets, saveOperatorKey } from './operator.ts';
import { programVersion } from './program-version.ts';

export interface LocalSwarmInit {
  readonly runFolder: string;
  readonly nodes: number;
  /** Workers of each node; undefined = its share of the cores. */
  readonly workers: number | undefined;
  /** How long the ticket is good: joining is allowed while the run lasts. */
  readonly ticketMs: number;
  readonly artifacts: ArtifactsChoice | undefined;
  /** The same, for the command lines of the other nodes. */
  readonly extrasFolder: string | null;
  readonly artifactWords: readonly string[];
  /** Of the seed. */
  readonly outputs: OutputsChoice | undefined;
  /** The same for the command line of node `index`, from 1. */
  readonly outputWords: (index: number) => readonly string[];
}

export interface LocalSwarm {
  readonly swarm: SwarmSecrets;
  readonly seed: ComposedNode;
  readonly children: ChildNodes;
  readonly ticket: string;
}

/** On one machine nobody else needs to reach the nodes. */
const LISTEN = '/ip4/127.0.0.1/tcp/0';

export async function formLocalSwarm(init: LocalSwarmInit): Promise<Result<LocalSwarm>> {
  const swarm = makeSwarm();
  const saved = saveOperatorKey(init.runFolder, swarm.operator);
  if (!saved.ok) return saved;
  const nodesFolder = join(init.runFolder, RUN_FILES.nodes);
  const seed = await composeNode({
    swarm: { ...swarm, operatorKey: swarm.operator.publicKey },
    expectNodes: init.nodes,
    witnesses: 1,
    seeds: [],
    dataFolder: join(nodesFolder, 'seed'),
    runFolder: init.runFolder,
    listen: [LISTEN],
    announce: [],
    labels: { name: 'seed' },
    price: null,
    cores: 0,
    workers: 0,
    isWitness: true,
    isVoter: true,
    formMsMax: DEFAULT_TIMING.formMsMax,
    version: programVersion(),
    artifacts: init.artifacts,
    outputs: init.outputs,
    extrasFolder: init.extrasFolder ?? undefined,
  });
  if (!seed.ok) return seed;
  const ticket = makeTicket(swarm, {
    seeds: seed.value.addresses(),
    expectNodes: init.nodes,
    program: programVersion(),
    witnesses: 1,
    joinWithinMs: DEFAULT_TIMING.formMsMax,
    validMs: init.ticketMs,
  });
  if (!ticket.ok) return ticket;
  const coresEach = machineCores() / init.nodes;
  const children = startChildNodes({
    clock: createRuntimeClock(monotonicNowMs, wallNowMs),
    count: init.nodes,
    ticket: ticket.value,
    folder: nodesFolder,
    coresEach,
    workersEach: init.workers ?? workersFor(coresEach),
    listen: LISTEN,
    moreFlags: [...init.artifactWords, ...(init.extrasFolder === null ? [] : ['--extras', init.extrasFolder])],
    flagsOf: init.outputWords,
  });
  return ok({ swarm, seed: seed.value, children, ticket: ticket.value });
}
