// Media formats under hostile bytes: 80,000 packets and files gone wrong through every parser there is. Nothing throws, nothing reads or writes beyond
// what it was given, and what is accepted keeps its promises. Round trips of single codecs stand with their unit tests; SRTP's is here.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRng, type Rng } from '../../node/core/rng.ts';
import { pcapScript, wavScript } from '../../node/media/sources-files.ts';
import { createDtmfDetector, dtmfPackets, parseDtmf } from '../../node/wire/dtmf.ts';
import { readPcap } from '../../node/wire/pcap.ts';
import { datagramOf } from '../../node/wire/pcap-udp.ts';
import { createSrtpReceiver, createSrtpSender, SRTP_MALFORMED, SRTP_OVERHEAD_BYTES } from '../../node/wire/srtp.ts';
import { readWav } from '../../node/wire/wav.ts';
import { mutated } from '../support/sip-mutations.ts';

const key = { suite: 'AES_CM_128_HMAC_SHA1_80' as const, keyAndSalt: Uint8Array.from({ length: 30 }, (_, n) => n * 7) };

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value >>> 0, index * 4);
  return bytes;
}

function rtp(sequence: number, body: Uint8Array): Buffer {
  const header = Buffer.from([0x80, 0, sequence >> 8, sequence & 0xff, 0, 0, sequence >> 1, 0, 1, 2, 3, 4]);
  return Buffer.concat([header, body]);
}

function udpIp(payload: Uint8Array): Buffer {
  const header = Buffer.alloc(28);
  header.set([0x45, 0, (28 + payload.length) >> 8, (28 + payload.length) & 0xff]);
  header[9] = 17;
  header.writeUInt16BE(8 + payload.length, 24);
  return Buffer.concat([header, payload]);
}

const frames = [1, 2, 3].map((sequence) => udpIp(rtp(sequence, new Uint8Array(40))));
const wavFile = Buffer.concat([
  Buffer.from('RIFF\0\0\0\0WAVEfmt '),
  words(16, 0x0002_0001, 16_000, 64_000, 0x0010_0004),
  Buffer.from('data'),
  words(240),
  Buffer.alloc(240, 3),
]);
const pcapFile = Buffer.concat([
  words(0xa1b2c3d4, 0x0004_0002, 0, 0, 65_535, 101),
  ...frames.flatMap((frame, index) => [words(9, index * 20_000, frame.length, frame.length), frame]),
]);
const block = (type: number, body: Buffer): Buffer => Buffer.concat([words(type, 12 + body.length), body, words(12 + body.length)]);
const pcapngFile = Buffer.concat([
  block(0x0a0d0d0a, words(0x1a2b3c4d, 1, 0xffff_ffff, 0xffff_ffff)),
  block(1, words(101, 0, 0x0001_0009, 9, 0)),
  ...frames.map((frame, index) => block(6, Buffer.concat([words(0, 0, index * 20_000_000, frame.length, frame.length), frame]))),
]);
const files = [wavFile, pcapFile, pcapngFile];

function hostile(
  count: number,
  seed: number,
  corpus: readonly Buffer[],
  check: (bytes: Buffer, rng: Rng) => boolean,
): { accepted: number } {
  const rng = createRng(seed);
  let accepted = 0;
  for (let turn = 0; turn < count; turn++) if (check(mutated(rng, corpus), rng)) accepted++;
  return { accepted };
}

describe('SRTP', () => {
  it('opens what it protected, whatever it was', () => {
    const body = fc.uint8Array({ maxLength: 1400 });
    fc.assert(
      fc.property(fc.array(body, { minLength: 1, maxLength: 40 }), fc.nat(0xffff), (bodies, first) => {
        const [sender, receiver] = [createSrtpSender(key), createSrtpReceiver(key)];
        for (const [index, packet] of bodies.map((bytes, offset) => rtp((first + offset) & 0xffff, bytes)).entries()) {
          const sealed = sender.protect(packet);
          expect(sealed.length).toBe(packet.length + SRTP_OVERHEAD_BYTES);
          expect(Buffer.compare(receiver.unprotect(sealed) ?? Buffer.alloc(0), packet), `packet ${index}`).toBe(0);
        }
      }),
      { numRuns: 50 },
    );
  });

  it('lets none of 30,000 forged packets through, and the true ones after them', () => {
    const sender = createSrtpSender(key);
    const sealed = [1, 2, 3].map((sequence) => Buffer.from(sender.protect(rtp(sequence, new Uint8Array(sequence * 50)))));
    const report = Buffer.from(sender.protectRtcp(Buffer.from('80c90001010203040000000000000000', 'hex')));
    const receiver = createSrtpReceiver(key);
    const true_ = new Set([...sealed, report].map((packet) => packet.toString('latin1')));
    const { accepted } = hostile(30_000, 1, [...sealed, report], (bytes, rng) => {
      if (true_.has(bytes.toString('latin1'))) return false;
      // In an arena: what stands around the packet stays as it is.
      const arena = Buffer.concat([Buffer.alloc(8, 0xee), bytes, Buffer.alloc(8, 0xee)]);
      const before = Buffer.from(arena);
      const length = receiver.unprotectInPlace(arena, 8, bytes.length);
      expect(length).toBeGreaterThanOrEqual(SRTP_MALFORMED - 2);
      if (length < 0) expect(Buffer.compare(arena, before)).toBe(0);
      return length >= 0 || (rng.below(3) === 0 && receiver.unprotectRtcp(bytes) !== null);
    });
    expect(accepted).toBe(0);
    for (const packet of sealed) expect(receiver.unprotect(packet)).not.toBeNull();
    expect(receiver.unprotectRtcp(report)).not.toBeNull();
  });
});

it('hears no more digits than 20,000 events gone wrong began', () => {
  const corpus = dtmfPackets('159D', { clockRateHz: 8000, durationMs: 60, gapMs: 40, ptimeMs: 20 }).map(({ payload }) =>
    Buffer.from(payload),
  );
  let told = 0;
  let begun = 0;
  let before = 0;
  const detector = createDtmfDetector(8000, (digit, durationMs) => {
    told++;
    expect(digit).toMatch(/^[0-9*#A-D]$/);
    expect(durationMs).toBeGreaterThanOrEqual(0);
  });
  hostile(20_000, 2, corpus, (bytes, rng) => {
    const timestamp = rng.below(4) === 0 ? rng.uint32() : before;
    const isDigit = detector.packet(bytes, timestamp);
    expect(isDigit).toBe(parseDtmf(bytes) !== null);
    if (isDigit && timestamp !== before) begun++;
    if (isDigit) before = timestamp;
    return isDigit;
  });
  detector.flush();
  expect(told).toBeGreaterThan(100);
  expect(told).toBeLessThanOrEqual(begun + 1);
});

it('reads or refuses 30,000 files gone wrong', () => {
  const kinds = new Set<string>();
  const { accepted } = hostile(30_000, 3, files, (bytes) => {
    const wav = readWav(bytes);
    kinds.add(wav.ok ? 'wav' : wav.failure.kind);
    if (wav.ok) expect(wav.samples.length).toBeLessThanOrEqual(bytes.length);
    const pcap = readPcap(bytes);
    kinds.add(pcap.ok ? 'pcap' : pcap.failure.kind);
    if (pcap.ok) for (const frame of pcap.frames) expect(datagramOf(frame)?.payload.length ?? 0).toBeLessThanOrEqual(frame.bytes.length);
    const script = pcap.ok ? pcapScript({ bytes, kind: 'audio', codec: 'PCMU' }) : wavScript({ bytes, codec: 'PCMA', ptimeMs: 20 });
    if (!script.ok) return false;
    const { packets, cycleMs } = script.script;
    expect(
      Number.isFinite(cycleMs) && packets.every(({ dueMs }, index) => dueMs >= (packets[index - 1]?.dueMs ?? 0) && dueMs < cycleMs),
    ).toBe(true);
    return true;
  });
  expect(accepted).toBeGreaterThan(1000);
  for (const kind of ['wav', 'pcap', 'not-wav', 'not-pcap', 'encoding', 'channels', 'garbage', 'snapped']) expect(kinds).toContain(kind);
});
