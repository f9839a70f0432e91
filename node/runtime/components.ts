// What the runtime needs from the outside, as small interfaces: the clock, the mesh, the store, the log, the worker processes. The commands
// compose the real ones (commands/compose.ts) and hand them in, so this level imports no adapter and its tests use plain objects.
// The shapes are those of node/adapters; each one's promises are written there.

import type { Result } from '../core/errors.ts';
import type { Entry, NodeId, WindowFrame } from '../core/messages.ts';
import type { FromWorker, ToWorker } from './worker-protocol.ts';

export interface RuntimeClock {
  /** Monotonic, ms. */
  readonly nowMs: () => number;
  readonly wallMs: () => number;
  /** Calls back once after about `ms`; the answer cancels it. */
  readonly after: (ms: number, callback: () => void) => () => void;
  /** Resolves after the process's other pending work had its turn. */
  readonly turn: () => Promise<void>;
}

export type LogFields = Readonly<Record<string, unknown>>;
export interface RuntimeLog {
  readonly info: (fields: LogFields, message: string) => void;
  readonly warn: (fields: LogFields, message: string) => void;
  readonly error: (fields: LogFields, message: string) => void;
  /** Everything logged so far is in the file when it returns. */
  readonly flush: () => void;
  /** The last lines, oldest first. */
  readonly tail: () => readonly string[];
}

export type MeshTopic = 'entries' | 'beats';
export type MeshProtocol = 'control' | 'blob';

export interface MeshHandlers {
  gossip(from: NodeId, topic: MeshTopic, bytes: Uint8Array): void;
  message(from: NodeId, bytes: Uint8Array): void;
  request(from: NodeId, protocol: MeshProtocol, bytes: Uint8Array): Promise<Uint8Array>;
  peerUp(peer: NodeId): void;
  peerDown(peer: NodeId): void;
}

export interface RuntimeMesh {
  readonly self: NodeId;
  addresses(): readonly string[];
  dial(peer: NodeId, addresses: readonly string[]): Promise<Result<null>>;
  publish(topic: MeshTopic, bytes: Uint8Array): Promise<boolean>;
  send(peer: NodeId, bytes: Uint8Array): Promise<boolean>;
  request(peer: NodeId, protocol: MeshProtocol, bytes: Uint8Array): Promise<Result<Uint8Array>>;
  learn(peer: NodeId, addresses: readonly string[]): void;
  peers(): readonly NodeId[];
  counters(): Readonly<Record<string, number>>;
  stop(): Promise<void>;
}

export interface RuntimeStore {
  /** On disk and synced when it resolves; a rejection means that it is not (disk full, read-only). */
  appendOwn(entries: readonly Entry[]): Promise<void>;
  /** On disk some time. */
  keep(entries: readonly Entry[]): Promise<void>;
  /** Idempotent by (node, number). Synced. */
  putWindows(node: NodeId, windows: readonly WindowFrame[]): Promise<void>;
  /** Nodes of whom any windows are here, this one included. */
  windowNodes(): Promise<NodeId[]>;
  /** In order of number, those of [from, to] that are there. */
  windows(node: NodeId, from: number, to: number): Promise<WindowFrame[]>;
  close(): Promise<void>;
}

/** One worker process, seen from its node. */
export interface WorkerLink {
  readonly pid: number;
  readonly send: (message: ToWorker) => void;
  readonly kill: () => void;
}
export interface WorkerHandlers {
  readonly message: (message: FromWorker) => void;
  /** Once, when the process is gone (or never came to be). */
  readonly exit: (description: string) => void;
}
export type SpawnWorker = (workerIndex: number, handlers: WorkerHandlers) => WorkerLink;
