// Back from the store to files: which runs it holds, and of one run the sources that somebody wants, unpacked, each as far as its segments are there without a hole. For
// whoever makes a report on another machine long after the run (P6); nothing of the run's own disks is needed. What the lists say is only trusted as far as bytes and
// hashes agree. What the files mean is the caller's.

import { createReadStream, createWriteStream } from 'node:fs';
import { rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createZstdDecompress } from 'node:zlib';
import type { SealedSegment } from './ledger.ts';
import { nodePrefix } from './manifest.ts';
import { nodeLists } from './manifest-writer.ts';
import { type ArtifactStore, type StoreResult, stored } from './store.ts';

export interface FetchOrder {
  readonly store: ArtifactStore;
  readonly runId: string;
  /** By the source's path within its node's folder. */
  readonly isWanted: (source: string) => boolean;
  /** Empty; gets one file a source and generation. */
  readonly folder: string;
  readonly signal: AbortSignal;
}

export interface FetchedFile {
  readonly node: string;
  readonly source: string;
  readonly generation: number;
  readonly path: string;
  /** False when its end, or what comes after a hole, is not in the store. */
  readonly isWhole: boolean;
}

export interface FetchedRun {
  /** All that have anything in the store. */
  readonly nodes: readonly string[];
  /** In the order of node, source, generation. */
  readonly files: readonly FetchedFile[];
}

/** More names than a person chooses from. */
const NAMES_MAX = 5_000;

/** Names directly below `prefix`, by one question a name: what is below each is skipped. */
async function namesBelow(store: ArtifactStore, prefix: string, signal: AbortSignal): Promise<StoreResult<readonly string[]>> {
  const names: string[] = [];
  for (let after = ''; names.length < NAMES_MAX; ) {
    const page = await store.list(prefix, after, signal, 1);
    if (!page.ok) return page;
    const key = page.value.items[0]?.key;
    if (key === undefined) break;
    const [name = '', ...rest] = key.slice(prefix.length).split('/');
    // The character after the slash sorts behind everything below the name.
    after = rest.length === 0 ? key : `${prefix}${name}0`;
    if (rest.length > 0) names.push(name);
  }
  return stored(names);
}

export const storedRuns = (store: ArtifactStore, signal: AbortSignal): Promise<StoreResult<readonly string[]>> =>
  namesBelow(store, '', signal);

export async function fetchRun(order: FetchOrder): Promise<StoreResult<FetchedRun>> {
  const { store, runId, isWanted, signal } = order;
  const nodes = await namesBelow(store, `${runId}/`, signal);
  if (!nodes.ok) return nodes;
  const lists = await nodeLists({ store, runId, roster: nodes.value, signal });
  if (!lists.ok) return lists;
  const files: FetchedFile[] = [];
  for (const [node, { segments }] of lists.value) {
    const wanted = Map.groupBy(
      segments.filter(({ source }) => isWanted(source)),
      ({ source, generation }) => `${source}#${String(generation).padStart(8, '0')}`,
    );
    for (const [, ofFile] of [...wanted].sort(([one], [other]) => (one < other ? -1 : 1))) {
      const path = join(order.folder, `source-${files.length}`);
      const fetched = await fetchFile(order, node, ofFile, path);
      if (!fetched.ok) return fetched;
      const { source, generation } = ofFile[0] as SealedSegment;
      files.push({ node, source, generation, path, isWhole: fetched.value });
    }
  }
  return stored({ nodes: nodes.value, files });
}

/** Whether all of it was there. */
async function fetchFile(
  { store, runId, signal }: FetchOrder,
  node: string,
  segments: readonly SealedSegment[],
  path: string,
): Promise<StoreResult<boolean>> {
  const packed = `${path}.packed`;
  let end = 0;
  for (const segment of [...segments].sort((one, other) => one.fromByte - other.fromByte)) {
    if (segment.fromByte !== end) return stored(false);
    const got = await store.getFile(`${nodePrefix(runId, node)}${segment.key}`, packed, signal);
    if (!got.ok && ['not-found', 'corrupt', 'invalid'].includes(got.problems[0]?.cause ?? '')) return stored(false);
    if (!got.ok) return got;
    const unpack = segment.key.endsWith('.gz') ? createGunzip() : createZstdDecompress();
    await pipeline(createReadStream(packed), unpack, createWriteStream(path, { flags: 'a', mode: 0o600 }), { signal });
    await rm(packed);
    end = segment.toByte;
    if ((await stat(path)).size !== end) return stored(false);
  }
  return stored(true);
}
