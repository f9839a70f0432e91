// Content-addressed bulk of one node: scenario bundles, kept in its data folder and served to peers by the mesh's 'blob' request, which carries
// nothing but the hash. What a peer answers is believed only when it hashes to what was asked for, so any peer will do.

import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, ok, type Problem, type Result } from '../core/errors.ts';
import type { NodeId } from '../core/messages.ts';
import { BUNDLE_BYTES_MAX, hashOf } from './bundle.ts';

export interface Blobs {
  /** Keeps the bytes and answers their hash. */
  put(bytes: Uint8Array): string;
  get(hash: string): Uint8Array | undefined;
  /** From this node or else from the first of `peers` that has it. */
  fetch(hash: string, peers: readonly NodeId[]): Promise<Result<Uint8Array>>;
  /** Answers a peer's request; throws (which refuses it) when the blob is not here. */
  serve(request: Uint8Array): Uint8Array;
}

type BlobRequest = (peer: NodeId, request: Uint8Array) => Promise<Result<Uint8Array>>;

const HASH_PATTERN = /^[0-9a-f]{64}$/;

export function createBlobs(folder: string, requestBlob: BlobRequest): Blobs {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  /** The one that the run uses is asked for by every joiner. */
  let last: { hash: string; bytes: Uint8Array } | undefined;

  const put = (bytes: Uint8Array): string => {
    const hash = hashOf(bytes);
    const path = join(folder, hash);
    if (!existsSync(path)) {
      writeFileSync(`${path}.part`, bytes, { mode: 0o600 });
      renameSync(`${path}.part`, path);
    }
    last = { hash, bytes };
    return hash;
  };

  const get = (hash: string): Uint8Array | undefined => {
    if (!HASH_PATTERN.test(hash)) return undefined;
    if (last?.hash === hash) return last.bytes;
    const path = join(folder, hash);
    if (!existsSync(path)) return undefined;
    const bytes = readFileSync(path);
    // A file that a full disk cut short must not be served, nor be run.
    if (hashOf(bytes) !== hash) return undefined;
    last = { hash, bytes };
    return bytes;
  };

  return {
    put,
    get,
    async fetch(hash, peers) {
      const local = get(hash);
      if (local !== undefined) return ok(local);
      const problems: Problem[] = [];
      for (const peer of peers) {
        const answer = await requestBlob(peer, new TextEncoder().encode(hash));
        if (!answer.ok) problems.push(...answer.problems);
        else if (answer.value.byteLength <= BUNDLE_BYTES_MAX * 2 && hashOf(answer.value) === hash) {
          put(answer.value);
          return answer;
        } else problems.push({ code: 'QUILT_BLOB_MISMATCH', message: `what ${peer} sent is not ${hash}` });
      }
      return fail({ code: 'QUILT_BLOB_MISSING', message: `no peer has ${hash}` }, ...problems);
    },
    serve(request) {
      const bytes = get(new TextDecoder().decode(request.subarray(0, 128)));
      if (bytes === undefined) throw new Error('no such blob');
      return bytes;
    },
  };
}
