// One node of the benchmark, composed like commands/compose-node.ts does it: real mesh on loopback, real codecs, real signatures and checks, the real
// core in the real runtime (startNode), plan fetched from peers and expanded. Three parts are stand-ins: the store keeps its bytes in memory (two
// hundred databases that sync to one disk would measure the disk), the worker answers at once instead of being a process, and the log file
// and run folder are not written. Entries that reach the run folder, own and others', go into the ledger.

import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { monotonicNowMs, wallNowMs } from '../../../node/adapters/clock.ts';
import { identityFromSeed, verifyByKey, verifyByNode } from '../../../node/adapters/identity.ts';
import { createMesh, type Mesh, type MeshLimits } from '../../../node/adapters/mesh.ts';
import { readScenario } from '../../../node/commands/read-scenario.ts';
import { DEFAULT_TIMING, type NodeConfig, type Timing } from '../../../node/core/config.ts';
import type { NodeId, WindowFrame } from '../../../node/core/messages.ts';
import type { MeshHandlers, RuntimeLog, RuntimeStore, SpawnWorker, WorkerHandlers } from '../../../node/runtime/components.ts';
import type { NodeProcess } from '../../../node/runtime/node-contract.ts';
import { startNode } from '../../../node/runtime/node-process.ts';
import type { RunFolder } from '../../../node/runtime/run-folder.ts';
import { createRuntimeClock } from '../../../node/runtime/runtime-clock.ts';
import type { FromWorker, ToWorker } from '../../../node/runtime/worker-protocol.ts';
import { createEntryCodec } from '../../../node/wire/entry-codec.ts';
import { createMessageCodec } from '../../../node/wire/message-codec.ts';
import { isSignedOrder } from '../../../node/wire/order-codec.ts';
import { createLedger, type Ledger } from './ledger.ts';

export interface SwarmFacts {
  readonly swarmId: string;
  readonly swarmKey: Uint8Array;
  readonly operatorKey: Uint8Array;
  readonly nodes: number;
  readonly shards: number;
  readonly rows: SharedArrayBuffer;
  /** Scenario bundles are unpacked here. */
  readonly folder: string;
}

export interface Member {
  readonly node: NodeProcess;
  readonly mesh: Mesh;
  readonly ledger: Ledger;
}

/**
 * The defaults but for the leases: two hundred nodes that share two cores are as slow together as none of them is on a machine of its own, and leases
 * of seconds would measure who gets the CPU. What is sent, and how often, stays the same.
 */
const TIMING: Timing = { ...DEFAULT_TIMING, leaseMs: 20_000, ownerLeaseMs: 40_000, graceMs: 120_000, formMsMax: 300_000 };

/** A handshake is ten round trips, and each waits for the work of all other nodes: given up and begun again, it would never end. */
const PATIENT: Partial<MeshLimits> = { dialMsMax: 60_000, requestMsMax: 60_000 };

/** Room for the whole plan on a handful of nodes: placing is not what is measured. */
const CORES = 64;

const NO_LOG: RuntimeLog = { info: () => {}, warn: () => {}, error: () => {}, flush: () => {}, tail: () => [] };

/** Node 0 is the seed: a witness that coordinates and claims nothing. */
export async function startMember(swarm: SwarmFacts, index: number, seeds: readonly string[]): Promise<Member> {
  const isSeed = index === 0;
  const self = identityFromSeed(randomBytes(32));
  const codec = createEntryCodec(swarm.swarmId);
  const bound: { handlers: MeshHandlers | null } = { handlers: null };
  const early: NodeId[] = [];
  const mesh = await createMesh({
    privateKey: self.seed,
    swarmKey: swarm.swarmKey,
    swarmId: swarm.swarmId,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    seeds,
    relay: isSeed,
    limits: PATIENT,
    handlers: {
      gossip: (from, topic, bytes) => bound.handlers?.gossip(from, topic, bytes),
      message: (from, bytes) => bound.handlers?.message(from, bytes),
      request: (from, protocol, bytes) => bound.handlers?.request(from, protocol, bytes) ?? Promise.reject(new Error('not ready')),
      peerUp: (peer) => (bound.handlers === null ? early.push(peer) : bound.handlers.peerUp(peer)),
      peerDown: (peer) => bound.handlers?.peerDown(peer),
    },
  });
  if (!mesh.ok) throw new Error(mesh.problems.map((problem) => problem.message).join('; '));
  const sizeOf = (entry: Parameters<typeof codec.encode>[0]): number => codec.encode(entry).byteLength;
  const ledger = createLedger({ rows: swarm.rows, index, self: self.nodeId, shards: swarm.shards, nowMs: monotonicNowMs, sizeOf });
  const config: NodeConfig = {
    self: self.nodeId,
    load: !isSeed,
    voter: true,
    electionRank: isSeed ? 0 : 1,
    capabilities: isSeed
      ? { types: [], cores: 0, memoryMb: 4096, capacityMillicores: 0, labels: { name: 'seed' } }
      : { types: ['http', 'websocket', 'exec'], cores: CORES, memoryMb: 4096, capacityMillicores: CORES * 1000, labels: { region: 'eu' } },
    addresses: mesh.value.addresses(),
    version: 'mesh-200',
    expectNodes: swarm.nodes - 1,
    expectWitnesses: 1,
    timing: TIMING,
    randomSeed: randomBytes(4).readUInt32LE(),
    incarnation: 1,
    seal: (draft) => codec.seal(draft, (hash) => self.sign(hash)),
    verifyOrder: (order) => isSignedOrder(swarm.swarmId, order, (bytes, signature) => verifyByKey(swarm.operatorKey, bytes, signature)),
  };
  const dataFolder = `${swarm.folder}/${index}`;
  mkdirSync(dataFolder, { recursive: true });
  const node = startNode({
    swarmId: swarm.swarmId,
    config,
    restored: { entries: [], windowLast: 0, held: {} },
    clock: createRuntimeClock(monotonicNowMs, wallNowMs),
    log: NO_LOG,
    mesh: mesh.value,
    store: memoryStore(),
    codec: createMessageCodec(codec),
    verifyEntry: (entry) => codec.isSigned(entry, verifyByNode),
    dataFolder,
    runFolder: ledgerFolder(dataFolder, ledger),
    spawnWorker: standInWorker,
    workerCount: isSeed ? 0 : 1,
    readScenario,
    renderSummary: () => '',
    ownSeries: () => [],
  });
  bound.handlers = node.handlers;
  for (const peer of early) node.handlers.peerUp(peer);
  return { node, mesh: mesh.value, ledger };
}

function memoryStore(): RuntimeStore {
  const spool = new Map<NodeId, Map<number, WindowFrame>>();
  return {
    appendOwn: async () => {},
    keep: async () => {},
    async putWindows(node, windows) {
      const frames = spool.get(node) ?? new Map<number, WindowFrame>();
      spool.set(node, frames);
      for (const frame of windows) frames.set(frame.number, frame);
    },
    windowNodes: async () => [...spool.keys()],
    windows: async (node, from, to) =>
      [...(spool.get(node)?.values() ?? [])].filter(({ number }) => number >= from && number <= to).sort((a, b) => a.number - b.number),
    close: async () => {},
  };
}

function ledgerFolder(path: string, ledger: Ledger): RunFolder {
  const nothing = (): void => {};
  return {
    path,
    appendEntries: (entries) => ledger.add(entries),
    writeManifest: nothing,
    writeScenario: nothing,
    writePlan: nothing,
    appendWindows: nothing,
    writeSummary: nothing,
    writeFacts: nothing,
    writeTimeline: nothing,
    writeHeat: nothing,
    close: nothing,
  };
}

/** Answers setup, provisioning, stops and teardown at once and runs no load. */
const standInWorker: SpawnWorker = (_index, handlers: WorkerHandlers) => {
  const say = (message: FromWorker): void => void setImmediate(() => handlers.message(message));
  return {
    pid: -1,
    kill: () => {},
    send(message: ToWorker) {
      if (message.type === 'setup') say({ type: 'ready' });
      if (message.type === 'stop') say({ type: 'stopped', ids: message.ids, finished: false });
      if (message.type === 'provision') {
        const facts = message.meetings.map((meeting) => ({ meeting, values: { id: `room-${meeting}` } }));
        say({ type: 'provisioned', id: message.id, facts });
      }
      if (message.type === 'teardown') {
        say({ type: 'torn-down', id: message.id, meetings: message.meetings.map(({ meeting }) => meeting), failures: 0 });
      }
    },
  };
};
