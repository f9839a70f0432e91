// Files on their way to and from a store: hashing one, and receiving one so that it appears whole and compared, or not at all. A file that is being received is called
// `.NAME.part` until its bytes are on disk and their SHA-256 is the promised one; a cut-off transfer leaves nothing under the real name.

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { refused, type StoreProblem, type StoreResult, stored } from './store.ts';

const READ_BYTES = 256 * 1024;

export interface HashedFile {
  readonly sizeBytes: number;
  readonly sha256: string;
}

/** Throws what the file system or the signal says. */
export async function hashFile(path: string, signal: AbortSignal): Promise<HashedFile> {
  const hash = createHash('sha256');
  let sizeBytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: READ_BYTES, signal })) {
    hash.update(chunk);
    sizeBytes += chunk.length;
  }
  return { sizeBytes, sha256: hash.digest('hex') };
}

/** With those above it. Node's own recursive mkdir never returns, and burns a core, where the kernel refuses to make anything (/proc). */
export async function makeFolders(path: string): Promise<void> {
  try {
    await mkdir(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && (await isFolder(path))) return;
    if (code !== 'ENOENT' || dirname(path) === path || (await isFolder(dirname(path)))) throw error;
    await makeFolders(dirname(path));
    await makeFolders(path);
  }
}

const isFolder = async (path: string): Promise<boolean> => (await stat(path).catch(() => null))?.isDirectory() === true;

/** Writes the bytes to `path`; `sha256` null = there is nothing to compare with. Throws what the source or the file system says. */
export async function receiveFile(
  source: AsyncIterable<Uint8Array>,
  path: string,
  sha256: string | null,
): Promise<StoreResult<HashedFile>> {
  await makeFolders(dirname(path));
  // A leading dot: no key of a store begins with one.
  const partPath = join(dirname(path), `.${basename(path)}.part`);
  const hash = createHash('sha256');
  let sizeBytes = 0;
  const file = await open(partPath, 'w', 0o600);
  try {
    for await (const chunk of source) {
      hash.update(chunk);
      sizeBytes += chunk.byteLength;
      await file.writeFile(chunk);
    }
    await file.sync();
  } catch (error) {
    await file.close();
    await rm(partPath, { force: true });
    throw error;
  }
  await file.close();
  const received = { sizeBytes, sha256: hash.digest('hex') };
  if (sha256 !== null && received.sha256 !== sha256) {
    await rm(partPath, { force: true });
    return refused(
      'corrupt',
      `${path}: the bytes received hash to ${received.sha256} instead of ${sha256}`,
      'fetch it again; when it stays, the object was altered in the store',
    );
  }
  await rename(partPath, path);
  return stored(received);
}

const FULL_CODES = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** What went wrong with a file of this machine, as a problem. */
export function localProblem(error: unknown, path: string): StoreProblem {
  const { code = 'unknown', message } = error as NodeJS.ErrnoException;
  const isFull = FULL_CODES.has(code);
  const { problems } = isFull
    ? refused('full', `${path}: no room (${code})`, 'free some space, or name another place')
    : refused('local-file', `${path}: ${message}`, 'look at the file and the rights on its folder');
  return problems[0] as StoreProblem;
}
