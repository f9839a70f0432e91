// Puts one node together from the real parts: data folder, identity, store, log, mesh, workers, control socket. The same for `seed`, `join` and the
// node inside `run`. Whatever the surroundings lack (a locked or full folder, a taken port, a key of somebody else's) is a problem with
// advice before anything runs; after that the node is the runtime's.

import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { monotonicNowMs, wallNowMs } from '../adapters/clock.ts';
import { loadOrMakeIdentity, verifyByKey, verifyByNode } from '../adapters/identity.ts';
import { createLogger } from '../adapters/logger.ts';
import type { Mesh } from '../adapters/mesh/types.ts';
import { createMesh } from '../adapters/mesh.ts';
import { readSentBytes } from '../adapters/network-bytes.ts';
import { DEFAULT_TIMING, type NodeConfig } from '../core/config.ts';
import { fail, ok, type Problem, type Result } from '../core/errors.ts';
import type { Capabilities } from '../core/messages.ts';
import type { MachinePrice } from '../core/spending.ts';
import type { MeshHandlers } from '../runtime/components.ts';
import { type ControlServer, serveControl, socketPathOf } from '../runtime/control.ts';
import type { ReadScenario } from '../runtime/load-run.ts';
import { makeFolder } from '../runtime/make-folder.ts';
import type { ArtifactsChoice } from '../runtime/node-artifacts.ts';
import type { NodeExit, NodeProcess } from '../runtime/node-contract.ts';
import type { OutputsChoice } from '../runtime/node-outputs.ts';
import { startNode } from '../runtime/node-process.ts';
import { endpointTypeNames } from '../runtime/registry.ts';
import { openRunFolder } from '../runtime/run-folder.ts';
import { createRuntimeClock, wait } from '../runtime/runtime-clock.ts';
import { createSpendMeter } from '../runtime/spend-meter.ts';
import { createWorkerSpawner } from '../runtime/worker-process.ts';
import { createEntryCodec } from '../wire/entry-codec.ts';
import { createMessageCodec } from '../wire/message-codec.ts';
import { isSignedOrder } from '../wire/order-codec.ts';
import { entryPaths } from './entries.ts';
import { openNodeStore } from './node-store.ts';
import { summaryText } from './run-report.ts';

export interface ComposeInit {
  readonly swarm: { readonly swarmId: string; readonly swarmKey: Uint8Array; readonly operatorKey: Uint8Array };
  readonly expectNodes: number;
  readonly witnesses: number;
  /** Multiaddrs of the nodes to dial first; none for the first seed. */
  readonly seeds: readonly string[];
  readonly dataFolder: string;
  /** Where the report goes when this node coordinates; the log's entries in any case. */
  readonly runFolder: string;
  readonly listen: readonly string[];
  readonly announce: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Of the machine under this node; null = nobody is paid for it, or it is not known. */
  readonly price: MachinePrice | null;
  /** Cores that this node may load; a fraction when several nodes share the machine. 0 for witnesses. */
  readonly cores: number;
  readonly workers: number;
  readonly isWitness: boolean;
  /** Peers cannot dial this node: it asks seeds for a relay slot, and says hello when it has one. */
  readonly isRelayed?: boolean;
  /** False for load nodes beyond the expected number: majorities are counted over the expected nodes, and more voters could form two. */
  readonly isVoter: boolean;
  /** The swarm must have formed within this time, else everybody leaves with exit 113. */
  readonly formMsMax: number;
  readonly version: string;
  /** Simulator builds beside the program. */
  readonly extrasFolder?: string | undefined;
  readonly artifacts?: ArtifactsChoice;
  readonly outputs?: OutputsChoice | undefined;
}

export interface ComposedNode {
  readonly node: NodeProcess;
  readonly addresses: () => readonly string[];
  /** Whether the mesh has anybody, and else why not. */
  readonly seedState: Mesh['seedState'];
  /** With the control socket closed. */
  readonly exited: Promise<NodeExit>;
}

/** Share of the machine's memory that nodes and target leave to others is not known here; capabilities tell what is installed. */
const BYTES_PER_MB = 1024 * 1024;

function tryInFolder(folder: string, prepare: () => void): Problem | null {
  try {
    prepare();
    return null;
  } catch (error) {
    return {
      code: 'QUILT_DATA_FOLDER',
      message: `cannot write to the data folder ${folder}: ${(error as Error).message}`,
      hint: 'give another one with --data, or make room',
    };
  }
}

/** Counts the starts with this folder, so that peers can tell a restarted node's hello from its old one. */
function nextIncarnation(folder: string): number {
  const path = join(folder, 'incarnation');
  let last = 0;
  try {
    last = Number(readFileSync(path, 'utf8')) || 0;
  } catch {
    // The first start.
  }
  writeFileSync(path, String(last + 1), { flush: true });
  return last + 1;
}

async function capabilitiesOf(init: ComposeInit): Promise<Capabilities> {
  const types = init.isWitness ? [] : await endpointTypeNames();
  return {
    types,
    cores: init.cores,
    memoryMb: Math.round(totalmem() / BYTES_PER_MB),
    capacityMillicores: init.isWitness ? 0 : Math.round(init.cores * 1000),
    labels: init.labels,
  };
}

/** Until the node is there the mesh's events wait for it; nothing arrives in that time but connections. */
function lateHandlers(): MeshHandlers & { bind(handlers: MeshHandlers): void } {
  let target: MeshHandlers | null = null;
  const early = new Set<string>();
  return {
    bind(handlers) {
      target = handlers;
      for (const peer of early) handlers.peerUp(peer);
    },
    gossip: (from, topic, bytes) => target?.gossip(from, topic, bytes),
    message: (from, bytes) => target?.message(from, bytes),
    request: (from, protocol, bytes) => target?.request(from, protocol, bytes) ?? Promise.reject(new Error('not ready')),
    peerUp: (peer) => (target === null ? early.add(peer) : target.peerUp(peer)),
    peerDown: (peer) => (target === null ? early.delete(peer) : target.peerDown(peer)),
  };
}

export async function composeNode(init: ComposeInit): Promise<Result<ComposedNode>> {
  const { swarm, dataFolder } = init;
  const folderProblem = tryInFolder(dataFolder, () => makeFolder(join(dataFolder, 'work'), 0o700));
  if (folderProblem !== null) return fail(folderProblem);
  const identity = loadOrMakeIdentity(join(dataFolder, 'node.key'));
  if (!identity.ok) return identity;
  const self = identity.value;
  const entryCodec = createEntryCodec(swarm.swarmId);
  const store = await openNodeStore(join(dataFolder, 'store'), entryCodec);
  if (!store.ok) return store;
  // Only now is the folder ours: another process may hold it, and people look here for its pid.
  const pidProblem = tryInFolder(dataFolder, () => writeFileSync(join(dataFolder, 'pid'), `${process.pid}\n`));
  if (pidProblem !== null) {
    await store.value.close();
    return fail(pidProblem);
  }
  const log = createLogger({ path: join(dataFolder, 'node.log'), fields: { node: self.nodeId.slice(-6) } });
  const handlers = lateHandlers();
  const mesh = await createMesh({
    privateKey: self.seed,
    swarmKey: swarm.swarmKey,
    swarmId: swarm.swarmId,
    listen: init.listen,
    announce: init.announce,
    seeds: init.seeds,
    relay: init.isWitness,
    relayed: init.isRelayed === true,
    handlers,
  });
  if (!mesh.ok) {
    await store.value.close();
    return mesh;
  }
  const config: NodeConfig = {
    self: self.nodeId,
    load: !init.isWitness,
    voter: init.isVoter,
    electionRank: init.isWitness ? 0 : 1,
    capabilities: await capabilitiesOf(init),
    addresses: init.isRelayed === true ? await relayedAddresses(mesh.value) : mesh.value.addresses(),
    version: init.version,
    expectNodes: init.expectNodes,
    expectWitnesses: init.witnesses,
    timing: { ...DEFAULT_TIMING, formMsMax: init.formMsMax },
    randomSeed: randomBytes(4).readUInt32LE(),
    incarnation: nextIncarnation(dataFolder),
    seal: (draft) => entryCodec.seal(draft, (hash) => self.sign(hash)),
    verifyOrder: (order) => isSignedOrder(swarm.swarmId, order, (bytes, signature) => verifyByKey(swarm.operatorKey, bytes, signature)),
  };
  const node = startNode({
    swarmId: swarm.swarmId,
    config,
    restored: await store.value.restore(self.nodeId),
    clock: createRuntimeClock(monotonicNowMs, wallNowMs),
    log,
    mesh: mesh.value,
    store: store.value,
    codec: createMessageCodec(entryCodec),
    verifyEntry: (entry) => entryCodec.isSigned(entry, verifyByNode),
    dataFolder,
    runFolder: openRunFolder(init.runFolder),
    spawnWorker: createWorkerSpawner({
      scriptPath: entryPaths().worker,
      logPath: join(dataFolder, 'workers.log'),
      runtimePath: process.execPath,
    }),
    workerCount: init.workers,
    ...{ readScenario: readScenarioLater, extrasFolder: init.extrasFolder },
    renderSummary: summaryText,
    ownSeries: init.price === null ? () => [] : createSpendMeter({ price: init.price, wallNowMs, sentBytes: readSentBytes }),
    ...{ artifacts: init.artifacts, outputs: init.outputs },
  });
  handlers.bind(node.handlers);
  const control = await openControl(dataFolder, node);
  const exited = node.exited.then(async (exit) => {
    await control?.close();
    return exit;
  });
  return ok({ node, addresses: () => mesh.value.addresses(), seedState: () => mesh.value.seedState(), exited });
}

const RELAY_LOOK_MS = 100;
const RELAY_LOOKS_MAX = 150;

/** Its hello carries the addresses, so it waits for the slot. Without one after 15 s it can still dial, which is enough to be in the swarm. */
async function relayedAddresses(mesh: Mesh): Promise<readonly string[]> {
  const clock = createRuntimeClock(monotonicNowMs, wallNowMs);
  for (let looks = 0; looks < RELAY_LOOKS_MAX; looks++) {
    const relayed = mesh.addresses().filter((address) => address.includes('/p2p-circuit'));
    if (relayed.length > 0) return relayed;
    await wait(clock, RELAY_LOOK_MS);
  }
  return [];
}

/** The parser is a third of the program, and a node that waits for its run needs none of it. */
const readScenarioLater: ReadScenario = async (source) => (await import('./read-scenario.ts')).readScenario(source);

/** Without its socket a node is as good as with it, only `status` cannot see it from this machine. */
async function openControl(dataFolder: string, node: NodeProcess): Promise<ControlServer | null> {
  try {
    return await serveControl(socketPathOf(dataFolder), (request) => node.control(request));
  } catch {
    return null;
  }
}
