// The artifact store in a folder: a disk of this machine, or one that all nodes mount. Objects are files under their keys, readable by anything; what the store knows besides
// (size and SHA-256 at the time of the put) is a small file under `.quilt/`, which no key can reach. An object appears by rename, so a reader never sees half of one. An
// interrupted put begins again: copying is quicker than proving which half of a copy is good. The rate bound counts here too, because the disk may be a network's.

import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, readdir, readFile, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { keyComplaint } from '../artifacts/address.ts';
import { hashFile, localProblem, makeFolders, receiveFile } from '../artifacts/files.ts';
import { type Pacer, PIECE_BYTES } from '../artifacts/pacer.ts';
import {
  type ArtifactInfo,
  type ArtifactStore,
  LIST_PAGE_MAX,
  type ListedArtifact,
  type PutReceipt,
  refused,
  type StoreProblem,
  type StoreResult,
  stored,
} from '../artifacts/store.ts';

export interface DirStoreInit {
  readonly path: string;
  readonly pacer?: Pacer;
}

const META_FOLDER = '.quilt';
/** Less free space, and a run would fill the disk before it ends. */
const FREE_BYTES_MIN = 64 * 1024 * 1024;
const PROBE_KEY = 'quilt-probe';

export function createDirStore({ path: root, pacer }: DirStoreInit): ArtifactStore {
  const pathOf = (key: string): string => join(root, ...key.split('/'));
  const metaOf = (key: string): string => join(root, META_FOLDER, `${key}.json`);
  const guarded = <T>(key: string, signal: AbortSignal, act: () => Promise<StoreResult<T>>): Promise<StoreResult<T>> =>
    guard(key, root, signal, act);

  const head = async (key: string): Promise<ArtifactInfo | null> => {
    const found = await stat(pathOf(key)).catch(absent);
    if (found === null || !found.isFile()) return null;
    const meta = await readFile(metaOf(key), 'utf8').catch(absent);
    return { key, sizeBytes: found.size, sha256: meta === null ? null : hashIn(meta) };
  };

  const putFile: ArtifactStore['putFile'] = (key, path, { signal, sha256 }) =>
    guarded(key, signal, async (): Promise<StoreResult<PutReceipt>> => {
      const wanted = sha256 ?? (await hashFile(path, signal)).sha256;
      const received = await receiveFile(readPaced(path, pacer, signal), pathOf(key), wanted);
      if (!received.ok) return received;
      await writeMeta(metaOf(key), received.value.sha256);
      return stored({ key, ...received.value, resumedBytes: 0 });
    });

  const getFile: ArtifactStore['getFile'] = (key, path, signal) =>
    guarded(key, signal, async (): Promise<StoreResult<ArtifactInfo>> => {
      const info = await head(key);
      if (info === null) return refused('not-found', `${key} is not in ${root}`, 'look at the list of what is there');
      const received = await receiveFile(createReadStream(pathOf(key), { signal }), path, info.sha256);
      return received.ok ? stored({ key, ...received.value }) : received;
    });

  return {
    address: `dir:${root}`,
    putFile,
    getFile,
    head: (key, signal) => guarded(key, signal, async () => stored(await head(key))),
    list: (prefix, after, signal, limit = LIST_PAGE_MAX) =>
      guarded(PROBE_KEY, signal, async () => {
        const found = (await keysBelow(root)).filter((key) => key.startsWith(prefix) && key > after).sort();
        const page = found.slice(0, Math.min(limit, LIST_PAGE_MAX));
        const items = (await Promise.all(page.map((key) => sized(key, pathOf(key))))).filter((item) => item !== null);
        return stored({ items, next: found.length > page.length ? (page.at(-1) ?? null) : null });
      }),
    delete: (key, signal) =>
      guarded(key, signal, async () => {
        await rm(pathOf(key), { force: true });
        await rm(metaOf(key), { force: true });
        return stored(null);
      }),
    check: (signal) => check(root, signal),
    close() {},
  };
}

async function guard<T>(key: string, root: string, signal: AbortSignal, act: () => Promise<StoreResult<T>>): Promise<StoreResult<T>> {
  const complaint = keyComplaint(key);
  if (complaint !== null) return refused('invalid', complaint, 'choose another key');
  try {
    signal.throwIfAborted();
    return await act();
  } catch (error) {
    if (signal.aborted) return refused('aborted', `${key}: given up`, 'try again');
    const path = (error as NodeJS.ErrnoException).path ?? root;
    return { ok: false, problems: [isBelow(path, root) ? folderProblem(error, path) : localProblem(error, path)] };
  }
}

const isBelow = (path: string, root: string): boolean => !relative(root, path).startsWith('..');

/** The same as `localProblem`, for the store's own folder: there the rights are what is denied, and the disk may come back. */
function folderProblem(error: unknown, path: string): StoreProblem {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS') {
    return refused('denied', `${path}: ${message}`, 'let this user write there, or name another folder').problems[0] as StoreProblem;
  }
  if (code === 'ENOTDIR' || code === 'ENOENT') {
    return refused('bucket-missing', `${path}: ${message}`, 'make the folder (mount it), or name another one').problems[0] as StoreProblem;
  }
  if (code === 'EIO' || code === 'ESTALE') {
    return refused('store-fault', `${path}: ${message}`, 'look at the disk, or at the machine it is mounted from')
      .problems[0] as StoreProblem;
  }
  return localProblem(error, path);
}

function absent(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null;
  throw error;
}

function hashIn(text: string): string | null {
  const found = /"sha256":"([0-9a-f]{64})"/.exec(text);
  return found?.[1] ?? null;
}

async function writeMeta(path: string, sha256: string): Promise<void> {
  await makeFolders(dirname(path));
  const file = await open(`${path}.part`, 'w', 0o600);
  await file.writeFile(`${JSON.stringify({ sha256 })}\n`);
  await file.sync();
  await file.close();
  await rename(`${path}.part`, path);
}

async function* readPaced(path: string, pacer: Pacer | undefined, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of createReadStream(path, { highWaterMark: PIECE_BYTES, signal })) {
    await pacer?.take(chunk.length, signal);
    signal.throwIfAborted();
    yield chunk;
  }
}

async function sized(key: string, path: string): Promise<ListedArtifact | null> {
  const found = await stat(path).catch(absent);
  return found === null ? null : { key, sizeBytes: found.size };
}

/** All keys: the folder is a small store; one of millions of objects wants s3. */
async function keysBelow(root: string): Promise<string[]> {
  const entries = (await readdir(root, { recursive: true, withFileTypes: true }).catch(absent)) ?? [];
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(root, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((key) => keyComplaint(key) === null);
}

async function check(root: string, signal: AbortSignal): Promise<readonly StoreProblem[]> {
  try {
    signal.throwIfAborted();
    await makeFolders(root);
    const { bavail, bsize } = await statfs(root);
    const freeBytes = bavail * bsize;
    if (freeBytes < FREE_BYTES_MIN) {
      return refused('full', `${root} has ${Math.round(freeBytes / 1e6)} MB left`, 'free some space, or name another folder').problems;
    }
    // Nodes ask at the same moment.
    const probe = join(root, `.${PROBE_KEY}-${randomUUID()}`);
    await writeFile(probe, PROBE_KEY);
    const read = await readFile(probe, 'utf8');
    await rm(probe);
    return read === PROBE_KEY ? [] : refused('corrupt', `${root}: what was written reads differently`, 'look at the disk').problems;
  } catch (error) {
    if (signal.aborted) return refused('aborted', `${root}: given up`, 'try again').problems;
    return [folderProblem(error, root)];
  }
}
