// Cuts the growing files of a node's folder into segments, one at a time: looks which files have enough that is new (rotation.ts), packs that range into the spool and writes it
// into the ledger. A file that was rotated away is deleted once the store has all of it; the others stay for whoever writes them. Symbolic links are
// not followed, and when the spool is full the files simply wait where they are: nothing is lost, and the disk is not filled twice.

import { type FileHandle, open, readdir, rm } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { Ledger, SealedSegment } from './ledger.ts';
import type { Pacer } from './pacer.ts';
import { openSegment } from './pack.ts';
import { bytesDue, isRotatedAway, type Packing, type RotationRules, segmentKey } from './rotation.ts';
import { createSources, type Source } from './sources.ts';
import { createTidier } from './tidy-memory.ts';

export interface FollowerInit {
  readonly folder: string;
  readonly spool: string;
  readonly before: Ledger;
  readonly rules: RotationRules;
  readonly packing: Packing;
  /** By path relative to the folder, with slashes. */
  readonly isWanted: (path: string) => boolean;
  /** Looked at, at most; more are counted. */
  readonly filesMax: number;
  /** Bytes that may still go into the spool. */
  readonly roomBytes: () => number;
  /** Bounds how fast files are read, and thereby what packing costs: bits a second of unpacked bytes. */
  readonly readPacer: Pacer;
  readonly onSealed: (segment: SealedSegment, inode: string, path: string) => Promise<void>;
  readonly onNote: (note: string) => void;
}

export interface Follower {
  /** Packs everything that is due; `isFinal` = every file is closed, and all of it is due. Trouble with one file is noted and does not keep the others. */
  scan(nowMs: number, isFinal: boolean, signal: AbortSignal): Promise<void>;
  /** The segment is in the store: its source is deleted when it was rotated away and this was the last of it. */
  confirmed(segment: SealedSegment): Promise<void>;
  counters(): { readonly heldBackBytes: number; readonly filesLeftOut: number; readonly troubledFiles: number };
}

const MEBIBYTE = 1024 * 1024;
const READ_BYTES = 256 * 1024;

export function createFollower(init: FollowerInit): Follower {
  const { rules, packing } = init;
  const sources = createSources(init.folder, init.before);
  let heldBackBytes = 0;
  let filesLeftOut = 0;
  let troubledFiles = 0;

  const take = async (source: Source, bytes: number, signal: AbortSignal): Promise<void> => {
    const fromByte = source.takenBytes;
    const key = segmentKey(source.source, source.generation, fromByte, packing);
    const path = join(init.spool, key);
    const from = join(init.folder, source.path ?? source.source);
    const packed = await packRange(from, { fromByte, bytes, path, packing }, init.readPacer, signal);
    const { source: name, generation } = source;
    const toByte = fromByte + bytes;
    source.takenBytes = toByte;
    await init.onSealed({ key, ...packed, source: name, generation, fromByte, toByte }, source.inode, path);
  };

  const drop = async (source: Source): Promise<void> => {
    const { path, sizeBytes, confirmedBytes } = source;
    if (path === null || sizeBytes === 0 || !isRotatedAway(path) || confirmedBytes < sizeBytes) return;
    await rm(join(init.folder, path), { force: true });
    sources.forget(source);
  };

  const takeDue = async (path: string, nowMs: number, isFinal: boolean, signal: AbortSignal): Promise<void> => {
    const source = await sources.see(path, nowMs);
    if (source === null) return;
    const dueNow = (): number => bytesDue(rules, { ...source, isClosed: isFinal || isRotatedAway(path) }, nowMs);
    for (let due = dueNow(); due > 0 && !signal.aborted; due = dueNow()) {
      if (init.roomBytes() < due) {
        heldBackBytes += source.sizeBytes - source.takenBytes;
        break;
      }
      await take(source, due, signal);
    }
    await drop(source);
  };

  return {
    async scan(nowMs, isFinal, signal) {
      const paths = (await filesBelow(init.folder)).filter(init.isWanted);
      filesLeftOut = Math.max(0, paths.length - init.filesMax);
      heldBackBytes = 0;
      troubledFiles = 0;
      for (const path of paths.slice(0, init.filesMax)) {
        if (signal.aborted) return;
        try {
          await takeDue(path, nowMs, isFinal, signal);
        } catch (error) {
          if (signal.aborted) return;
          troubledFiles += 1;
          init.onNote(`${path} is not collected for now: ${(error as Error).message}`);
        }
      }
    },
    async confirmed({ source: name, generation, fromByte, toByte }) {
      const source = sources.find(name, generation);
      if (source === undefined) return;
      source.confirmedBytes += toByte - fromByte;
      await drop(source);
    },
    counters: () => ({ heldBackBytes, filesLeftOut, troubledFiles }),
  };
}

interface Range {
  readonly fromByte: number;
  readonly bytes: number;
  readonly path: string;
  readonly packing: Packing;
}

/** Throws when the source has less than the range, or `signal` aborts; then nothing is left. */
async function packRange(
  from: string,
  { fromByte, bytes, path, packing }: Range,
  pacer: Pacer,
  signal: AbortSignal,
): Promise<{ sizeBytes: number; sha256: string }> {
  let file: FileHandle | null = null;
  const segment = await openSegment(path, packing);
  const tidier = createTidier('minor', 8 * MEBIBYTE);
  try {
    file = await open(from);
    // One buffer for the whole range: the segment has taken what it holds when `write` resolves.
    const buffer = Buffer.allocUnsafeSlow(Math.min(READ_BYTES, bytes));
    for (let taken = 0; taken < bytes; ) {
      signal.throwIfAborted();
      const { bytesRead } = await file.read(buffer, 0, Math.min(buffer.length, bytes - taken), fromByte + taken);
      if (bytesRead === 0) break;
      await pacer.take(bytesRead, signal);
      await segment.write(buffer.subarray(0, bytesRead));
      taken += bytesRead;
      tidier.passed(bytesRead);
    }
    if (segment.rawBytes() !== bytes) throw new Error(`${from} became shorter while it was read`);
    return await segment.seal();
  } catch (error) {
    await segment.discard();
    throw error;
  } finally {
    await file?.close();
  }
}

/** Relative, with slashes; sorted, so that every scan has the same order. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return [];
    throw error;
  });
  const files = entries.filter((entry) => entry.isFile());
  return files.map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/')).sort();
}
