// One node's artifacts, from its folder to the store, during the run and after it: the follower and the sinks make segments, the ledger remembers them, the uploader sends
// them, and a list of all of them goes to the store beside them, so that the coordinator can tell what must be there without asking the node (manifest.ts). Disk is bounded
// by the spool's share, memory by one compressor a sink and the uploader's parts. After a crash `start` finds what was made and not confirmed, salvages what
// was half made, and goes on. When it may run, and how long the end may take, the node decides.

import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { assert } from '../core/assert.ts';
import { keyComplaint } from './address.ts';
import { type HashedFile, hashFile } from './files.ts';
import { createFollower, type Follower, filesBelow } from './follower.ts';
import type { Ledger, SealedSegment } from './ledger.ts';
import { type LedgerFile, openLedger } from './ledger-file.ts';
import { LIST_NAME, type NodeList, nodePrefix } from './manifest.ts';
import { createPacer } from './pacer.ts';
import { openPathOf, salvageSegment } from './pack.ts';
import { isEvidence, type Packing, type RotationRules, segmentKey } from './rotation.ts';
import { createSink, type Sink } from './sink.ts';
import type { ArtifactClock, ArtifactStore, StoreProblem } from './store.ts';
import { createUploader, type OutgoingFile, type Uploader, type UploaderCounters } from './uploader.ts';

export interface CollectorInit {
  /** The node's own; its spool and ledger go into `.artifacts` there. */
  readonly folder: string;
  readonly store: ArtifactStore;
  readonly runId: string;
  readonly node: string;
  readonly clock: ArtifactClock;
  readonly random: () => number;
  readonly limits?: Partial<CollectorLimits>;
  readonly packing?: Packing;
  readonly isWanted?: (path: string) => boolean;
  readonly onProblem: (problem: StoreProblem) => void;
  readonly onNote: (note: string) => void;
}

export interface CollectorLimits extends RotationRules {
  /** Packed bytes on disk that the store has not confirmed. */
  readonly spoolBytesMax: number;
  readonly filesMax: number;
  readonly filesAtOnce: number;
  /** Unpacked bits a second that are read from files: bounds what packing costs the load beside it. */
  readonly readBps: number;
  readonly scanMs: number;
}

export interface CollectorCounters extends UploaderCounters {
  /** In files, for want of room in the spool. */
  readonly heldBackBytes: number;
  readonly filesLeftOut: number;
  /** Could not be read or packed, for the reasons noted. */
  readonly troubledFiles: number;
  readonly lostBytes: number;
}

export interface CollectorEnd {
  /** Everything is in the store, confirmed, the final list included. */
  readonly isWhole: boolean;
  /** Still on this machine. */
  readonly left: readonly OutgoingFile[];
  readonly counters: CollectorCounters;
}

export interface Collector {
  /** For output that is not to be on disk unpacked; `path` names it, like a file that the folder has not. The same path gives the same sink. */
  sink(path: string): Sink;
  counters(): CollectorCounters;
  /** Takes what is left of every file, and waits for the store until `signal` aborts. Can be called once. */
  finish(signal: AbortSignal): Promise<CollectorEnd>;
}

const LIMITS: CollectorLimits = {
  ...{ segmentBytes: 64 * 1024 * 1024, ageMsMax: 30_000, spoolBytesMax: 1024 * 1024 * 1024, filesMax: 5_000, filesAtOnce: 1 },
  ...{ readBps: 160_000_000, scanMs: 1_000 },
};
const SPOOL_FOLDER = '.artifacts';
const LEDGER_NAME = 'ledger.jsonl';
/** Apart, because after a crash what was half made of a file is made again from the file, and of a sink there is nothing else. */
const FROM_FILES = 'files';
const FROM_SINKS = 'sinks';

/** Throws what the file system says about the folder. */
export async function startCollector(init: CollectorInit): Promise<Collector> {
  const limits = { ...LIMITS, ...init.limits };
  const spool = join(init.folder, SPOOL_FOLDER);
  await mkdir(spool, { recursive: true, mode: 0o700 });
  const ledger = await openLedger(join(spool, LEDGER_NAME));
  const parts = assemble(init, limits, spool, ledger);
  await goOn(parts, init, ledger.before);
  return run(init, limits, parts);
}

interface Parts {
  readonly spool: string;
  readonly ledger: LedgerFile;
  readonly uploader: Uploader;
  readonly follower: Follower;
  readonly sinks: Map<string, Sink>;
  readonly segments: Map<string, SealedSegment>;
  readonly packing: Packing;
  readonly sealed: (segment: SealedSegment, inode: string, path: string) => Promise<void>;
  readonly send: (key: string, path: string, file: HashedFile) => void;
  readonly sinkOf: (path: string) => Sink;
}

const sinkInode = (path: string): string => `sink:${path}`;

function assemble(init: CollectorInit, limits: CollectorLimits, spool: string, ledger: LedgerFile): Parts {
  const { store, clock, runId, node, packing = 'zstd' } = init;
  const segments = new Map(ledger.before.segments);
  const sinks = new Map<string, Sink>();
  const prefix = nodePrefix(runId, node);
  const uploader = createUploader({
    ...{ store, clock, random: init.random, filesAtOnce: limits.filesAtOnce, onNote: init.onNote, onProblem: init.onProblem },
    async onConfirmed({ key, path }) {
      const own = key.slice(prefix.length);
      await ledger.append({ kind: 'confirmed', key: own });
      await rm(path, { force: true });
      const segment = segments.get(own);
      if (segment !== undefined) await follower.confirmed(segment);
    },
  });
  const send: Parts['send'] = (key, path, { sizeBytes, sha256 }) => uploader.add({ key: `${prefix}${key}`, path, sizeBytes, sha256 });
  const sealed: Parts['sealed'] = async (segment, inode, path) => {
    await ledger.append({ kind: 'sealed', inode, ...segment });
    segments.set(segment.key, segment);
    send(segment.key, path, segment);
  };
  const roomBytes = (): number => limits.spoolBytesMax - uploader.counters().waitingBytes;
  const follower = createFollower({
    ...{ folder: init.folder, spool: join(spool, FROM_FILES), before: ledger.before, rules: limits, packing, filesMax: limits.filesMax },
    ...{
      roomBytes,
      onSealed: sealed,
      isWanted: init.isWanted ?? isEvidence,
      onNote: init.onNote,
      readPacer: createPacer(clock, limits.readBps),
    },
  });
  const sinkOf = (source: string): Sink => {
    const ends = [...segments.values()].filter((segment) => segment.source === source).map(({ toByte }) => toByte);
    const keyFrom = (fromByte: number): string => segmentKey(source, 0, fromByte, packing);
    const pathOf = (fromByte: number): string => join(spool, FROM_SINKS, keyFrom(fromByte));
    return createSink({
      ...{ rules: limits, packing, roomBytes, nowMs: clock.nowMs, fromByte: Math.max(0, ...ends), pathOf },
      onSealed: (file, fromByte, toByte) =>
        sealed({ key: keyFrom(fromByte), ...file, source, generation: 0, fromByte, toByte }, sinkInode(source), pathOf(fromByte)),
      onProblem: (error) => init.onNote(`${source}: a segment was lost: ${(error as Error).message}`),
    });
  };
  return { spool, ledger, uploader, follower, sinks, segments, packing, sealed, send, sinkOf };
}

/** Sends what a dead process had sealed, makes whole what it had half made of a sink, and removes what will be made again from its file. */
async function goOn({ spool, packing, sealed, send }: Parts, { onNote }: CollectorInit, before: Ledger): Promise<void> {
  for (const home of [FROM_FILES, FROM_SINKS]) {
    const folder = join(spool, home);
    for (const name of await filesBelow(folder)) {
      const path = join(folder, name);
      const segment = before.segments.get(name);
      if (segment !== undefined && !before.confirmed.has(name)) send(name, path, segment);
      else if (segment !== undefined || home === FROM_FILES) {
        const isStateOfUpload = name.endsWith('.upload') && before.segments.has(name.slice(0, -'.upload'.length));
        if (!isStateOfUpload) await rm(path);
      } else await salvage(folder, name, { packing, sealed, onNote });
    }
  }
}

/** `name` is the hidden one of a segment in the making, or the final one when the ledger did not hear of it any more. */
async function salvage(
  folder: string,
  name: string,
  { packing, sealed, onNote }: Pick<Parts, 'packing' | 'sealed'> & Pick<CollectorInit, 'onNote'>,
): Promise<void> {
  const file = basename(name);
  const key = join(dirname(name), file.startsWith('.') ? file.slice(1).replace(/\.open(\.left)?$/, '') : file);
  const path = join(folder, key);
  const found = /^(.+)\.(\d{16})\.(?:zst|gz)$/.exec(key);
  if (found === null) return rm(join(folder, name));
  if (join(folder, name) !== openPathOf(path)) await rename(join(folder, name), openPathOf(path));
  const salvaged = await salvageSegment(path, packing);
  if (salvaged === null) return;
  const { rawBytes, ...hashed } = salvaged;
  const [, source = '', digits] = found;
  const fromByte = Number(digits);
  onNote(`${source}: ${rawBytes} bytes of a segment that was cut short are saved`);
  await sealed({ key, ...hashed, source, generation: 0, fromByte, toByte: fromByte + rawBytes }, sinkInode(source), path);
}

function run(init: CollectorInit, limits: CollectorLimits, parts: Parts): Collector {
  const { clock, onNote } = init;
  const { uploader, follower, sinks, segments, spool } = parts;
  const ending = new AbortController();
  let cancelTimer: () => void = () => {};
  let scanning: Promise<void> = Promise.resolve();
  let listedMs = clock.nowMs();
  let listedCount = segments.size;

  const lostBytes = (): Record<string, number> => Object.fromEntries([...sinks].map(([path, sink]) => [path, sink.lostBytes()]));
  const counters = (): CollectorCounters => ({
    ...{ ...uploader.counters(), ...follower.counters() },
    lostBytes: Object.values(lostBytes()).reduce((sum, bytes) => sum + bytes, 0),
  });

  const sendList = async (isFinal: boolean, signal: AbortSignal): Promise<void> => {
    const path = join(spool, isFinal ? LIST_NAME : `interim-${LIST_NAME}`);
    if (uploader.waiting().some((file) => file.path === path)) return;
    const list: NodeList = { version: 1, node: init.node, isFinal, segments: [...segments.values()], lostBytes: lostBytes() };
    await writeFile(path, `${JSON.stringify(list)}\n`, { mode: 0o600, flush: true });
    parts.send(LIST_NAME, path, await hashFile(path, signal));
  };

  const turn = async (): Promise<void> => {
    await follower.scan(clock.nowMs(), false, ending.signal);
    for (const sink of sinks.values()) await sink.tick();
    // A list of the files so far, for the case that the node dies.
    if (segments.size > listedCount && clock.nowMs() - listedMs >= limits.ageMsMax) {
      listedMs = clock.nowMs();
      listedCount = segments.size;
      await sendList(false, ending.signal).catch((error) => onNote(`artifacts: ${error.message}`));
    }
  };
  const schedule = (): void => {
    if (ending.signal.aborted) return;
    cancelTimer = clock.after(limits.scanMs, () => {
      scanning = turn().finally(schedule);
    });
  };
  schedule();

  return {
    sink(path) {
      assert(keyComplaint(path) === null, `a sink is named like a key: ${path}`);
      const sink = sinks.get(path) ?? parts.sinkOf(path);
      sinks.set(path, sink);
      return sink;
    },
    counters,
    async finish(signal) {
      ending.abort();
      cancelTimer();
      await scanning;
      for (const sink of sinks.values()) await sink.close();
      do {
        await follower.scan(clock.nowMs(), true, signal);
        await uploader.idle(signal);
      } while (follower.counters().heldBackBytes > 0 && !signal.aborted);
      const isComplete = uploader.waiting().length === 0 && follower.counters().troubledFiles === 0;
      const isListed = await sendList(isComplete, signal)
        .then(() => true)
        .catch((error) => {
          onNote(`artifacts: the list of files is missing: ${error.message}`);
          return false;
        });
      await uploader.idle(signal);
      await uploader.stop();
      await parts.ledger.close();
      const left = uploader.waiting();
      return { isWhole: isListed && left.length === 0 && follower.counters().troubledFiles === 0, left, counters: counters() };
    },
  };
}
