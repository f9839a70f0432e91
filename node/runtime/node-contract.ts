// What a node process is made from and what it offers: the contract between node-process.ts and whoever puts a node together (commands/compose-node.ts,
// benchmarks, tests with stand-ins).

import type { NodeConfig } from '../core/config.ts';
import type { ExitName } from '../core/errors.ts';
import type { Departure, Restored } from '../core/events.ts';
import type { Entry, NodeId, SignedOrder } from '../core/messages.ts';
import type { Series } from '../core/stats-types.ts';
import type { Summary } from '../core/summary-types.ts';
import type { MessageCodec } from '../wire/message-codec.ts';
import type { Report as RunReport } from './collector.ts';
import type { MeshHandlers, RuntimeClock, RuntimeLog, RuntimeMesh, RuntimeStore, SpawnWorker } from './components.ts';
import type { ControlAnswer, ControlRequest } from './control.ts';
import type { ReadScenario } from './load-run.ts';
import type { ArtifactsChoice } from './node-artifacts.ts';
import type { OutputsChoice } from './node-outputs.ts';
import type { StatusView } from './node-status.ts';
import type { RunFolder } from './run-folder.ts';

export interface NodeExit {
  readonly exit: ExitName;
  readonly message: string;
}

export interface NodeProcessInit {
  readonly swarmId: string;
  readonly config: NodeConfig;
  readonly restored: Restored;
  readonly clock: RuntimeClock;
  readonly log: RuntimeLog;
  readonly mesh: RuntimeMesh;
  readonly store: RuntimeStore;
  readonly codec: MessageCodec;
  readonly verifyEntry: (entry: Entry) => boolean;
  /** For blobs and unpacked bundles. */
  readonly dataFolder: string;
  /** Gets the log's entries and, when this node coordinates, windows and the report. */
  readonly runFolder: RunFolder;
  readonly spawnWorker: SpawnWorker;
  readonly workerCount: number;
  readonly readScenario: ReadScenario;
  readonly extrasFolder?: string | undefined;
  readonly renderSummary: (summary: Summary) => string;
  /** What the node itself has to say in each of its windows, which are that long: what its machine costs. */
  readonly ownSeries: (durationMs: number) => readonly Series[];
  /** Absent = the evidence stays where it is written. */
  readonly artifacts?: ArtifactsChoice;
  /** Absent = the run's figures stay in the swarm while it runs. */
  readonly outputs?: OutputsChoice | undefined;
}

export interface NodeProcess {
  readonly self: NodeId;
  readonly handlers: MeshHandlers;
  readonly exited: Promise<NodeExit>;
  /** Keeps a bundle here, so that peers can fetch it; answers its hash. */
  putBundle(bytes: Uint8Array): string;
  order(order: SignedOrder): void;
  /** 'leave': hand over and go. 'now': go. */
  signal(mode: 'leave' | 'now', why?: Departure): void;
  control(request: ControlRequest): Promise<ControlAnswer>;
  status(): StatusView;
  report(): RunReport | null;
}
