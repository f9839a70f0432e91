// The table that makes one object and one small number of each host and port. Looking up what the kernel wrote (four address words and a port)
// allocates nothing. Zone ids are refused, since no scenario can know a machine's interface numbers.

import { isIP } from 'node:net';
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from './ip-text.ts';
import type { NetAddress } from './udp.ts';

/** Of all networks together one process may meet so many; a flood of forged senders stops here instead of in memory. */
export const ADDRESSES_MAX = 262_144;
const WORDS = 5;

export interface AddressTable {
  /** Throws a TypeError for what is no IP literal or port, and a RangeError when the table is full. */
  readonly intern: (host: string, port: number) => NetAddress;
  /** As intern, but -1 for what has not been asked for or is no address. */
  readonly lookUp: (host: string, port: number) => number;
  /** Index of an address given as the kernel writes it, big-endian words as numbers (IPv4: in `word0`, others 0); -1 when unknown. */
  readonly find: (family: 4 | 6, port: number, word0: number, word1: number, word2: number, word3: number) => number;
  /** As find, but makes what is missing; -1 when the table is full. */
  readonly add: AddressTable['find'];
  readonly at: (index: number) => NetAddress;
  /** The four words of an address (IPv4: the first). */
  readonly words: (index: number) => readonly [number, number, number, number];
}

export function createAddressTable(): AddressTable {
  let slots = new Int32Array(512).fill(-1);
  let entries = new Int32Array(256 * WORDS);
  const objects: (NetAddress | undefined)[] = [];

  function slotOf(key: number, word0: number, word1: number, word2: number, word3: number): number {
    const mask = slots.length - 1;
    let slot = hashOf(key, word0, word1, word2, word3) & mask;
    for (;;) {
      const index = slots[slot] as number;
      if (index < 0) return slot;
      const at = index * WORDS;
      if (
        entries[at] === key &&
        entries[at + 1] === word0 &&
        entries[at + 2] === word1 &&
        entries[at + 3] === word2 &&
        entries[at + 4] === word3
      )
        return slot;
      slot = (slot + 1) & mask;
    }
  }

  function grow(): void {
    const larger = new Int32Array(entries.length * 2);
    larger.set(entries);
    entries = larger;
    slots = new Int32Array(slots.length * 2).fill(-1);
    for (let index = 0; index < objects.length; index++) {
      const [key, word0, word1, word2, word3] = entries.subarray(index * WORDS) as unknown as [number, number, number, number, number];
      slots[slotOf(key, word0, word1, word2, word3)] = index;
    }
  }

  const keyOf = (family: 4 | 6, port: number): number => (family << 16) | port;
  const find: AddressTable['find'] = (family, port, word0, word1, word2, word3) =>
    slots[slotOf(keyOf(family, port), word0 | 0, word1 | 0, word2 | 0, word3 | 0)] as number;

  const add: AddressTable['find'] = (family, port, word0, word1, word2, word3) => {
    const key = keyOf(family, port);
    const slot = slotOf(key, word0 | 0, word1 | 0, word2 | 0, word3 | 0);
    const known = slots[slot] as number;
    if (known >= 0) return known;
    const index = objects.length;
    if (index >= ADDRESSES_MAX) return -1;
    entries.set([key, word0, word1, word2, word3], index * WORDS);
    slots[slot] = index;
    objects.push(undefined);
    if ((index + 1) * WORDS >= entries.length) grow();
    return index;
  };

  const words: AddressTable['words'] = (index) => {
    const at = index * WORDS + 1;
    return [...entries.subarray(at, at + 4)] as unknown as readonly [number, number, number, number];
  };

  function at(index: number): NetAddress {
    let address = objects[index];
    if (address === undefined) {
      const key = entries[index * WORDS] as number;
      const family = key >> 16 === 6 ? 6 : 4;
      const [word0, ...rest] = words(index);
      const host = family === 4 ? formatIpv4(word0) : formatIpv6([word0, ...rest]);
      address = { host, port: key & 0xffff, family, index };
      objects[index] = address;
    }
    return address;
  }

  const byText = (look: AddressTable['find'], host: string, port: number): number =>
    isIP(host) === 4 ? look(4, port, parseIpv4(host), 0, 0, 0) : look(6, port, ...parseIpv6(host));

  return {
    find,
    add,
    at,
    words,
    lookUp: (host, port) => (isIP(host) === 0 ? -1 : byText(find, host, port)),
    intern(host, port) {
      if (isIP(host) === 0 || host.includes('%')) throw new TypeError(`no IP literal: ${host}`);
      if (!Number.isInteger(port) || port < 0 || port > 65_535) throw new TypeError(`no port: ${port}`);
      const index = byText(add, host, port);
      if (index < 0) throw new RangeError(`more than ${ADDRESSES_MAX} addresses`);
      return at(index);
    },
  };
}

/** Ports and last octets of neighbours differ by one: multiplications spread them over all bits. */
function hashOf(key: number, word0: number, word1: number, word2: number, word3: number): number {
  const mixed = Math.imul(key ^ word0, 0x9e3779b1) ^ Math.imul(word1 ^ word2, 0x85ebca6b) ^ Math.imul(word3, 0xc2b2ae35);
  const spread = Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d);
  return spread ^ (spread >>> 13);
}
