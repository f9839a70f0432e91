// Keys and keystream of SRTP: session keys from a master key (RFC 3711, 4.3, key derivation rate 0) and AES in counter mode (4.1.1). A call into
// node:crypto costs as much as a kilobyte of AES, so each session keeps one AES-128-ECB cipher, feeds it the counter blocks of several packets to
// come, and takes the keystream out of that store. Which packet has which index is srtp.ts.

import { createCipheriv } from 'node:crypto';

type Cipher = ReturnType<typeof createCipheriv>;

/** Session keys of one kind of packet. */
export interface SessionKeys {
  /** AES-128, 16 bytes. */
  readonly cipher: Uint8Array;
  /** HMAC-SHA1, 20 bytes. */
  readonly auth: Uint8Array;
  /** 14 bytes. */
  readonly salt: Uint8Array;
}

const BLOCK_BYTES = 16;
const MASTER_KEY_BYTES = 16;
const SALT_BYTES = 14;

function ecb(key: Uint8Array): Cipher {
  const cipher = createCipheriv('aes-128-ecb', key, null);
  cipher.setAutoPadding(false);
  return cipher;
}

/** Session keys for RTP (labels 0 to 2) and RTCP (3 to 5). `keyAndSalt`: 30 bytes. */
export function deriveKeys(keyAndSalt: Uint8Array): { readonly rtp: SessionKeys; readonly rtcp: SessionKeys } {
  const salt = keyAndSalt.subarray(MASTER_KEY_BYTES, MASTER_KEY_BYTES + SALT_BYTES);
  /** Of each label two blocks: 32 bytes, of which the authentication key takes 20. */
  const blocks = new Uint8Array(6 * 2 * BLOCK_BYTES);
  for (let index = 0; index < 12; index++) {
    const at = index * BLOCK_BYTES;
    blocks.set(salt, at);
    // The label stands left of the 48 bits of the index (0), right-aligned with the salt.
    blocks[at + 7] = (blocks[at + 7] as number) ^ (index >> 1);
    blocks[at + 15] = index & 1;
  }
  const stream = ecb(keyAndSalt.subarray(0, MASTER_KEY_BYTES)).update(blocks);
  const take = (label: number, bytes: number): Uint8Array => Uint8Array.from(stream.subarray(label * 32, label * 32 + bytes));
  const keys = (label: number): SessionKeys => ({ cipher: take(label, 16), auth: take(label + 1, 20), salt: take(label + 2, SALT_BYTES) });
  return { rtp: keys(0), rtcp: keys(3) };
}

/** XORs bytes[start, end) with the keystream of a packet. `index`: 48 bits for RTP, 31 for RTCP. */
export type Keystream = (bytes: Uint8Array, start: number, end: number, ssrc: number, index: number) => void;

/** Keystream kept for packets to come: twelve of G.711. More costs memory for each stream, less costs calls. */
const STORE_BYTES = 2048;
/** Largest packet: its counter blocks, and with smaller ones those of all packets in the store. */
const counters = new Uint8Array(65_536);
const counterWords = new DataView(counters.buffer);

export function createKeystream({ cipher: key, salt }: Pick<SessionKeys, 'cipher' | 'salt'>): Keystream {
  const cipher = ecb(key);
  const saltWords = new DataView(salt.buffer, salt.byteOffset, SALT_BYTES);
  let store: Uint8Array = new Uint8Array(0);
  let storeSsrc = 0;
  let firstIndex = 0;
  /** Packets in the store, and what each has of it. */
  let packets = 0;
  let packetBytes = 0;

  /** (salt * 2^16) XOR (SSRC * 2^64) XOR (index * 2^16), plus the number of the block (RFC 3711, 4.1.1). */
  function writeCounters(at: number, ssrc: number, index: number): void {
    const second = saltWords.getUint32(4) ^ ssrc;
    const third = saltWords.getUint32(8) ^ Math.floor(index / 0x1_0000);
    const fourth = (saltWords.getUint16(12) ^ (index & 0xffff)) << 16;
    for (let block = 0; block * BLOCK_BYTES < packetBytes; block++) {
      const from = at + block * BLOCK_BYTES;
      counterWords.setUint32(from, saltWords.getUint32(0));
      counterWords.setUint32(from + 4, second);
      counterWords.setUint32(from + 8, third);
      counterWords.setUint32(from + 12, fourth | block);
    }
  }

  function fill(ssrc: number, index: number, bytes: number): void {
    packetBytes = Math.ceil(bytes / BLOCK_BYTES) * BLOCK_BYTES;
    packets = Math.max(1, Math.floor(STORE_BYTES / packetBytes));
    storeSsrc = ssrc;
    firstIndex = index;
    for (let packet = 0; packet < packets; packet++) writeCounters(packet * packetBytes, ssrc, index + packet);
    store = cipher.update(counters.subarray(0, packets * packetBytes));
  }

  return (bytes, start, end, ssrc, index) => {
    if (end === start) return;
    const isStored = ssrc === storeSsrc && index >= firstIndex && index < firstIndex + packets && end - start <= packetBytes;
    if (!isStored) fill(ssrc, index, end - start);
    for (let at = start, from = (index - firstIndex) * packetBytes; at < end; at++, from++) {
      bytes[at] = (bytes[at] as number) ^ (store[from] as number);
    }
  };
}
