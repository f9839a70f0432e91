// The program bundle as blocks that can be fetched from anybody: how large a block is, where each lies, and the list of their hashes as the bytes that
// machines get. The hash of those bytes travels in the user data, so whoever hands out the list or a block needs no trust. Reading the file is
// bundle-server.ts.

import { createHash } from 'node:crypto';

export interface BlockList {
  readonly sizeBytes: number;
  /** Of every block but the last. */
  readonly blockBytes: number;
  /** Hex, in the order of the blocks. */
  readonly sha256: readonly string[];
}

/** Small enough to be passed on while the seed still sends the next, large enough that a connection for each costs little. */
const BLOCK_BYTES_MIN = 1024 * 1024;
/** Machines report which blocks they have several times a second: more blocks make that dear, and spread.py takes no longer list. */
export const BLOCKS_MAX = 512;

/** A power of two, so that a bundle has at most BLOCKS_MAX of them. */
export function blockBytesFor(sizeBytes: number): number {
  let blockBytes = BLOCK_BYTES_MIN;
  while (blockBytes * BLOCKS_MAX < sizeBytes) blockBytes *= 2;
  return blockBytes;
}

/** First and last byte of a block; null when there is none of that number. */
export function blockRange({ sizeBytes, blockBytes }: Omit<BlockList, 'sha256'>, index: number): { start: number; end: number } | null {
  const start = index * blockBytes;
  if (!Number.isSafeInteger(index) || index < 0 || start >= sizeBytes) return null;
  return { start, end: Math.min(start + blockBytes, sizeBytes) - 1 };
}

export interface EncodedBlockList {
  readonly text: string;
  /** Of the text, hex. */
  readonly sha256: string;
}

export function encodeBlockList({ sizeBytes, blockBytes, sha256 }: BlockList): EncodedBlockList {
  const text = JSON.stringify({ sizeBytes, blockBytes, sha256 });
  return { text, sha256: createHash('sha256').update(text).digest('hex') };
}
