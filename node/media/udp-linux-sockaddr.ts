// Socket addresses in the kernel's form: written once for each address of the table, at a place that never moves, so that a send names its
// destination by writing a pointer. Reading goes the other way: what the kernel wrote becomes an index of the table.

import { type Arena, createArena, highWord, lowWord } from './arena.ts';
import type { AddressTable } from './udp-addresses.ts';
import type { LinuxCalls } from './udp-linux-calls.ts';
import { AF_INET, AF_INET6, SOCKADDR_BYTES, SOCKADDR_IN_BYTES, SOCKADDR_IN6_BYTES } from './udp-linux-layout.ts';

const CHUNK_ADDRESSES = 1024;

export interface SockaddrTable {
  /** Writes msg_name and msg_namelen of the message header at word `at`. */
  readonly writeName: (words: Int32Array, at: number, index: number) => void;
}

export function createSockaddrTable(calls: LinuxCalls, addresses: AddressTable): SockaddrTable {
  const chunks: Arena[] = [];
  let low = new Int32Array(CHUNK_ADDRESSES);
  let high = new Int32Array(CHUNK_ADDRESSES);
  /** 0: not written yet. */
  let length = new Uint8Array(CHUNK_ADDRESSES);

  function fill(index: number): void {
    const chunkIndex = Math.floor(index / CHUNK_ADDRESSES);
    while (chunks.length <= chunkIndex) chunks.push(createArena(calls, CHUNK_ADDRESSES * SOCKADDR_BYTES));
    if (index >= length.length) {
      const size = chunks.length * CHUNK_ADDRESSES * 2;
      low = grown(low, new Int32Array(size));
      high = grown(high, new Int32Array(size));
      length = grown(length, new Uint8Array(size));
    }
    const chunk = chunks[chunkIndex] as Arena;
    const at = (index % CHUNK_ADDRESSES) * SOCKADDR_BYTES;
    length[index] = writeSockaddr(chunk, at, addresses, index);
    const address = chunk.addressOf(at);
    low[index] = lowWord(address);
    high[index] = highWord(address);
  }

  return {
    writeName(words, at, index) {
      if (!((length[index] as number) > 0)) fill(index);
      words[at] = low[index] as number;
      words[at + 1] = high[index] as number;
      words[at + 2] = length[index] as number;
    },
  };
}

function grown<T extends Int32Array | Uint8Array>(from: T, to: T): T {
  to.set(from);
  return to;
}

/** Writes one at a byte offset and returns its length. */
export function writeSockaddr(arena: Arena, at: number, addresses: AddressTable, index: number): number {
  const { view } = arena;
  const { family, port } = addresses.at(index);
  const words = addresses.words(index);
  view.setUint16(at, family === 4 ? AF_INET : AF_INET6, true);
  view.setUint16(at + 2, port);
  if (family === 4) {
    view.setInt32(at + 4, words[0]);
    return SOCKADDR_IN_BYTES;
  }
  for (const [part, word] of words.entries()) view.setInt32(at + 8 + part * 4, word);
  return SOCKADDR_IN6_BYTES;
}

/** Which address lies at a byte offset: its index by `look` (find or add of the table), -1 when unknown. */
export function readSockaddr(arena: Arena, at: number, look: AddressTable['find']): number {
  const { words, view } = arena;
  // Family and port are one word: little-endian family, big-endian port.
  const head = words[at >> 2] as number;
  const port = ((head >>> 8) & 0xff00) | (head >>> 24);
  if ((head & 0xffff) === AF_INET) return look(4, port, view.getInt32(at + 4), 0, 0, 0);
  return look(6, port, view.getInt32(at + 8), view.getInt32(at + 12), view.getInt32(at + 16), view.getInt32(at + 20));
}
