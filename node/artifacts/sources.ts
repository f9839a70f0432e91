// The growing files that a follower knows, by their inode: one that its writer rotates away (`x.log` to `x.log.1`) goes on under its first name, and one that was emptied, or
// replaced by a new file of the same name, begins a new generation, so that no two ranges ever share a key. Begins with what the ledger remembers of an earlier life.

import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Ledger, SourceMark } from './ledger.ts';

export interface Source extends SourceMark {
  readonly inode: string;
  /** Where it is now, and how long; null = it has not been seen in this life. */
  path: string | null;
  sizeBytes: number;
  takenBytes: number;
  confirmedBytes: number;
  waitingSinceMs: number;
}

export interface Sources {
  /** Looks at the file; null = it is gone. */
  see(path: string, nowMs: number): Promise<Source | null>;
  find(source: string, generation: number): Source | undefined;
  /** It was deleted. */
  forget(source: Source): void;
}

export function createSources(folder: string, before: Ledger): Sources {
  const sources = new Map<string, Source>();
  const generations = new Map<string, number>();
  const confirmedOf = new Map<string, number>();
  for (const { key, source, generation, fromByte, toByte } of before.segments.values()) {
    const file = `${source}#${generation}`;
    if (before.confirmed.has(key)) confirmedOf.set(file, (confirmedOf.get(file) ?? 0) + toByte - fromByte);
  }
  for (const [inode, mark] of before.sources) {
    const confirmedBytes = confirmedOf.get(`${mark.source}#${mark.generation}`) ?? 0;
    sources.set(inode, { ...mark, inode, path: null, sizeBytes: 0, confirmedBytes, waitingSinceMs: 0 });
    generations.set(mark.source, Math.max(generations.get(mark.source) ?? 0, mark.generation));
  }

  const begin = (inode: string, path: string, nowMs: number): Source => {
    const last = generations.get(path);
    const generation = last === undefined ? 0 : last + 1;
    generations.set(path, generation);
    const source = { inode, source: path, generation, path, sizeBytes: 0, takenBytes: 0, confirmedBytes: 0, waitingSinceMs: nowMs };
    sources.set(inode, source);
    return source;
  };

  const see = async (path: string, nowMs: number): Promise<Source | null> => {
    const found = await stat(join(folder, path), { bigint: true }).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null;
      throw error;
    });
    if (found === null) return null;
    // A file system gives the inode of a deleted file away again; not with the same birth.
    const inode = `${found.ino}-${found.birthtimeMs}`;
    const sizeBytes = Number(found.size);
    let source = sources.get(inode) ?? begin(inode, path, nowMs);
    if (sizeBytes < source.takenBytes) source = begin(inode, source.source, nowMs);
    if (source.sizeBytes <= source.takenBytes) source.waitingSinceMs = nowMs;
    source.sizeBytes = sizeBytes;
    source.path = path;
    return source;
  };

  return {
    see,
    find: (name, generation) => [...sources.values()].find((each) => each.source === name && each.generation === generation),
    forget: (source) => void sources.delete(source.inode),
  };
}
