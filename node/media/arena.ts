// Memory that the kernel reads and writes by address: one ArrayBuffer with views for bytes, words and big-endian fields. Whoever builds structures
// in it writes 32-bit words by index (offset / 4); a pointer is two of them.

import type { LinuxCalls } from './udp-linux-calls.ts';

export interface Arena {
  readonly bytes: Uint8Array;
  readonly words: Int32Array;
  readonly view: DataView;
  /** Memory address of a byte of it. */
  readonly addressOf: (offset: number) => number;
}

/** Zeroed, whole words. Lives as long as any of its views is referenced. */
export function createArena(calls: LinuxCalls, byteLength: number): Arena {
  const buffer = new ArrayBuffer((byteLength + 7) & ~7);
  const base = calls.addressOf(buffer);
  return {
    bytes: new Uint8Array(buffer),
    words: new Int32Array(buffer),
    view: new DataView(buffer),
    addressOf: (offset) => base + offset,
  };
}

export const lowWord = (address: number): number => address | 0;
export const highWord = (address: number): number => Math.floor(address / 0x1_0000_0000) | 0;

/** Writes a pointer at a word index. */
export function writePointer(words: Int32Array, at: number, address: number): void {
  words[at] = lowWord(address);
  words[at + 1] = highWord(address);
}
