// SRTP against the vectors of RFC 3711 (appendix B) and those of libsrtp's self-test, against node:crypto, and against a hostile network: order,
// loss, wrap-around, replays, forgeries.

import { createCipheriv, createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../node/core/rng.ts';
import {
  createSrtpReceiver,
  createSrtpSender,
  SRTP_MALFORMED,
  SRTP_NOT_AUTHENTIC,
  SRTP_REPLAYED,
  type SrtpKey,
} from '../../node/wire/srtp.ts';
import { createAuthenticator } from '../../node/wire/srtp-auth.ts';
import { createKeystream, deriveKeys } from '../../node/wire/srtp-cipher.ts';

const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
const toHex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const keyAndSalt = hex('e1f97a0d3e018be0d64fa32c06de4139 0ec675ad498afeebb6960b3aabe6');
const key: SrtpKey = { suite: 'AES_CM_128_HMAC_SHA1_80', keyAndSalt };

function rtp(sequence: number, payload: Uint8Array, ssrc = 0xcafebabe): Uint8Array {
  const header = Buffer.from('8000 0000 decafbad 00000000'.replaceAll(' ', ''), 'hex');
  header.writeUInt16BE(sequence & 0xffff, 2);
  header.writeUInt32BE(ssrc, 8);
  return Uint8Array.from(Buffer.concat([header, payload]));
}

describe('vectors', () => {
  it('derives the session keys of RFC 3711, B.3', () => {
    const { rtp: keys } = deriveKeys(keyAndSalt);
    expect(toHex(keys.cipher)).toBe('c61e7a93744f39ee10734afe3ff7a087');
    expect(toHex(keys.salt)).toBe('30cbbc08863d8c85d49db34a9ae1');
    expect(toHex(keys.auth)).toBe('cebe321f6ff7716b6fd4ab49af256a156d38baa4');
  });

  it('makes the keystream of RFC 3711, B.2', () => {
    const keystream = createKeystream({ cipher: hex('2b7e151628aed2a6abf7158809cf4f3c'), salt: hex('f0f1f2f3f4f5f6f7f8f9fafbfcfd') });
    const bytes = new Uint8Array(48);
    keystream(bytes, 0, bytes.length, 0, 0);
    expect(toHex(bytes)).toBe('e03ead0935c95e80e166b16dd92b4eb4d23513162b02d0f72a43a2fe4a5f97ab41e95b3bb0a2e8dd477901e4fca894c0');
  });

  it("protects and opens libsrtp's RTP packet", () => {
    const plain = hex('800f1234decafbadcafebabe abababababababababababababababab');
    const protectedHex = '800f1234decafbadcafebabe4e55dc4ce79978d88ca4d215949d2402b78d6acc99ea179b8dbb';
    expect(toHex(createSrtpSender(key).protect(plain))).toBe(protectedHex);
    expect(createSrtpReceiver(key).unprotect(hex(protectedHex))).toEqual(Buffer.from(plain));
  });

  it("opens libsrtp's RTCP packet, whose index is 1, and protects it as the second of a sender", () => {
    const plain = hex('81c8000bcafebabe abababababababababababababababab');
    const protectedHex = '81c8000bcafebabe7128035be487b9bdbef89041f977a5a880000001993e08cd54d6c1230798';
    expect(createSrtpReceiver(key).unprotectRtcp(hex(protectedHex))).toEqual(Buffer.from(plain));
    const sender = createSrtpSender(key);
    sender.protectRtcp(plain);
    expect(toHex(sender.protectRtcp(plain))).toBe(protectedHex);
  });
});

describe('parts', () => {
  it('signs as node:crypto does, for every length around the block boundaries', () => {
    const rng = createRng(7);
    const secret = Uint8Array.from({ length: 20 }, () => rng.below(256));
    const authenticator = createAuthenticator(secret);
    for (let length = 0; length < 300; length++) {
      const bytes = Uint8Array.from({ length: length + 14 }, () => rng.below(256));
      const suffix = rng.uint32();
      const message = Buffer.concat([bytes.subarray(3, 3 + length), Buffer.from(suffix.toString(16).padStart(8, '0'), 'hex')]);
      const expected = createHmac('sha1', secret).update(message).digest('hex').slice(0, 20);
      authenticator.sign(bytes, 3, 3 + length, suffix, 3 + length);
      expect(toHex(bytes.subarray(3 + length, 13 + length))).toBe(expected);
      expect(authenticator.verify(bytes, 3, 3 + length, suffix, 3 + length)).toBe(true);
      expect(authenticator.verify(bytes, 3, 3 + length, suffix ^ 1, 3 + length)).toBe(false);
    }
  });

  it('makes the keystream that AES-CTR makes, in any order of packets', () => {
    const rng = createRng(8);
    const { rtp: keys } = deriveKeys(keyAndSalt);
    const keystream = createKeystream(keys);
    for (let turn = 0; turn < 500; turn++) {
      const ssrc = 0x80000001 + rng.below(2);
      const index = rng.below(3) * 0xffff_ffff_f + rng.below(20);
      const bytes = new Uint8Array(rng.below(5) === 0 ? 1400 : rng.below(200));
      const iv = Buffer.concat([keys.salt, Buffer.alloc(2)]);
      iv.writeUInt32BE((iv.readUInt32BE(4) ^ ssrc) >>> 0, 4);
      iv.writeUIntBE(Number(BigInt(iv.readUIntBE(8, 6)) ^ BigInt(index)), 8, 6);
      keystream(bytes, 0, bytes.length, ssrc, index);
      expect(toHex(bytes)).toBe(createCipheriv('aes-128-ctr', keys.cipher, iv).update(Buffer.alloc(bytes.length), undefined, 'hex'));
    }
  });
});

describe('a stream', () => {
  it('is the same after protection and opening, over the wrap of the sequence number, with loss and disorder', () => {
    const rng = createRng(9);
    const sender = createSrtpSender(key);
    const receiver = createSrtpReceiver(key);
    let opened = 0;
    for (let sequence = 65_000; sequence < 67_000; sequence += 40) {
      const block = Array.from({ length: 40 }, (_, offset) => {
        const plain = rtp(sequence + offset, new Uint8Array(rng.below(400)).fill(offset));
        return { plain, sealed: sender.protect(plain), place: rng.float() };
      });
      for (const { plain, sealed } of block.sort((a, b) => a.place - b.place)) {
        if (rng.below(10) === 0) continue;
        expect(toHex(receiver.unprotect(sealed) ?? new Uint8Array())).toBe(toHex(plain));
        opened++;
      }
    }
    expect(opened).toBeGreaterThan(1700);
  });

  it('leaves header, CSRCs and extension readable', () => {
    const plain = hex('b100 0001 00000000 cafebabe 01020304 bede0001 51ab0000 ffffffff');
    const sealed = createSrtpSender(key).protect(plain);
    expect(toHex(sealed.subarray(0, 24))).toBe(toHex(plain.subarray(0, 24)));
    expect(toHex(sealed.subarray(24, 28))).not.toBe('ffffffff');
    expect(toHex(createSrtpReceiver(key).unprotect(sealed) ?? new Uint8Array())).toBe(toHex(plain));
  });

  it('refuses replays within the window and behind it, and says which', () => {
    const sender = createSrtpSender(key);
    const receiver = createSrtpReceiver(key);
    const sealed = Array.from({ length: 100 }, (_, sequence) => sender.protect(rtp(sequence, hex('00'))));
    for (const packet of sealed) expect(receiver.unprotect(packet)).not.toBeNull();
    for (const packet of sealed) expect(receiver.unprotectInPlace(packet, 0, packet.length)).toBe(SRTP_REPLAYED);
  });

  it('refuses every packet with one bit changed, untouched', () => {
    const sealed = createSrtpSender(key).protect(rtp(1, hex('0011223344')));
    const receiver = createSrtpReceiver(key);
    for (let bit = 0; bit < sealed.length * 8; bit++) {
      const forged = Uint8Array.from(sealed);
      forged[bit >> 3] = (forged[bit >> 3] as number) ^ (1 << (bit & 7));
      const before = toHex(forged);
      expect([SRTP_NOT_AUTHENTIC, SRTP_MALFORMED]).toContain(receiver.unprotectInPlace(forged, 0, forged.length));
      expect(toHex(forged)).toBe(before);
    }
    expect(receiver.unprotect(sealed)).not.toBeNull();
  });

  it('tells SSRCs apart, goes on after a change, and forgets the oldest of too many', () => {
    const receiver = createSrtpReceiver(key);
    const packets = Array.from({ length: 17 }, (_, ssrc) => createSrtpSender(key).protect(rtp(5, hex('00'), ssrc)));
    for (const packet of packets) expect(receiver.unprotect(packet)).not.toBeNull();
    expect(receiver.unprotect(packets[16] as Uint8Array)).toBeNull();
    expect(receiver.unprotect(packets[0] as Uint8Array)).not.toBeNull();
  });

  it.each([0, 1, 11, 12, 21])('calls %i bytes malformed', (length) => {
    expect(createSrtpReceiver(key).unprotectInPlace(new Uint8Array(length).fill(0x80), 0, length)).toBe(SRTP_MALFORMED);
  });

  it('carries RTCP once each, encrypted or not, and no forgery', () => {
    const sender = createSrtpSender(key);
    const receiver = createSrtpReceiver(key);
    const plain = hex('80c90001 cafebabe 81ca0002 cafebabe 01026162');
    const sealed = sender.protectRtcp(plain);
    const forged = Uint8Array.from(sealed);
    forged[9] = (forged[9] as number) ^ 1;
    expect(receiver.unprotectRtcp(forged)).toBeNull();
    expect(toHex(receiver.unprotectRtcp(sealed) ?? new Uint8Array())).toBe(toHex(plain));
    expect(receiver.unprotectRtcp(sealed)).toBeNull();
    expect(receiver.unprotectRtcp(sealed.subarray(0, 21))).toBeNull();
    const open = Buffer.concat([plain, hex('00000007'), new Uint8Array(10)]);
    createAuthenticator(deriveKeys(keyAndSalt).rtcp.auth).sign(open, 0, plain.length, 7, plain.length + 4);
    expect(toHex(receiver.unprotectRtcp(open) ?? new Uint8Array())).toBe(toHex(plain));
  });
});
