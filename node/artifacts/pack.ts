// A segment in the making: bytes go in, zstd or gzip of them goes to a file, and the SHA-256 of what is in the file is known when it is sealed, so that it is read only once
// more, by the upload. The file has a hidden name until it is whole and on disk. Writing waits for the disk, so memory stays at the compressor's few megabytes. A segment
// that a dead process left can be salvaged up to its last flush. Compression runs in Node's thread pool, not in the event loop.

import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { Duplex } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createGunzip, createGzip, createZstdCompress, createZstdDecompress } from 'node:zlib';
import type { HashedFile } from './files.ts';
import type { Packing } from './rotation.ts';

/** Logs shrink to about a tenth at the lowest levels; the next ones cost twice the time for a few per cent. */
const ZSTD_LEVEL = 1;
const GZIP_LEVEL = 1;

export interface OpenSegment {
  /** Unpacked bytes so far. */
  readonly rawBytes: () => number;
  write(chunk: Uint8Array): Promise<void>;
  /** What was written so far can be salvaged. */
  flush(): Promise<void>;
  /** The file stands under its name, synced. */
  seal(): Promise<HashedFile>;
  /** Nothing of it is left. */
  discard(): Promise<void>;
}

/** Where a segment is while it is made. */
export const openPathOf = (path: string): string => join(dirname(path), `.${basename(path)}.open`);

export async function openSegment(path: string, packing: Packing): Promise<OpenSegment> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const openPath = openPathOf(path);
  const packer = packerOf(packing);
  const hash = createHash('sha256');
  let sizeBytes = 0;
  let rawBytes = 0;
  const hashed = async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    for await (const chunk of source) {
      hash.update(chunk);
      sizeBytes += chunk.byteLength;
      yield chunk;
    }
  };
  const done = pipeline(packer, hashed, createWriteStream(openPath, { mode: 0o600, flush: true }));
  // Whoever writes or seals hears of a failure; in between nobody may be waiting.
  done.catch(() => undefined);
  const settled = (act: (done: (error?: Error | null) => void) => void): Promise<void> =>
    Promise.race([
      new Promise<void>((resolve, reject) => act((error) => (error ? reject(error) : resolve()))),
      done.then(() => {
        throw new Error('the segment is closed');
      }),
    ]);
  return {
    rawBytes: () => rawBytes,
    async write(chunk) {
      rawBytes += chunk.byteLength;
      await settled((finished) => packer.write(chunk, finished));
    },
    flush: () => settled((finished) => flushOf(packer, packing, finished)),
    async seal() {
      packer.end();
      await done;
      await rename(openPath, path);
      return { sizeBytes, sha256: hash.digest('hex') };
    },
    async discard() {
      packer.destroy();
      await done.catch(() => undefined);
      await rm(openPath, { force: true });
    },
  };
}

const packerOf = (packing: Packing): Duplex =>
  packing === 'gzip'
    ? createGzip({ level: GZIP_LEVEL })
    : createZstdCompress({ params: { [constants.ZSTD_c_compressionLevel]: ZSTD_LEVEL, [constants.ZSTD_c_checksumFlag]: 1 } });

function flushOf(packer: Duplex, packing: Packing, finished: () => void): void {
  const kind = packing === 'gzip' ? constants.Z_SYNC_FLUSH : constants.ZSTD_e_flush;
  (packer as unknown as { flush(kind: number, finished: () => void): void }).flush(kind, finished);
}

/** Unpacks; a file that is cut short gives what is readable of it. */
export async function* unpack(path: string, packing: Packing): AsyncGenerator<Uint8Array, void, undefined> {
  const unpacker =
    packing === 'gzip'
      ? createGunzip({ finishFlush: constants.Z_SYNC_FLUSH })
      : createZstdDecompress({ finishFlush: constants.ZSTD_e_flush });
  const source = createReadStream(path);
  source.on('error', (error) => unpacker.destroy(error));
  yield* source.pipe(unpacker) as AsyncIterable<Uint8Array>;
}

/** Makes a whole segment of one that a dead process left; null = there was nothing readable in it. */
export async function salvageSegment(path: string, packing: Packing): Promise<(HashedFile & { readonly rawBytes: number }) | null> {
  const leftPath = `${openPathOf(path)}.left`;
  await rename(openPathOf(path), leftPath);
  const segment = await openSegment(path, packing);
  try {
    for await (const chunk of unpack(leftPath, packing)) await segment.write(chunk);
  } catch {
    // Cut in the middle of a block: what came before it is in.
  }
  const rawBytes = segment.rawBytes();
  const sealed = rawBytes === 0 ? null : await segment.seal();
  if (sealed === null) await segment.discard();
  await rm(leftPath, { force: true });
  return sealed === null ? null : { ...sealed, rawBytes };
}
