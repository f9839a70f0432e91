// Telephone-events: the packets of RFC 4733 for a digit, and one digit told for each event whatever the network does to its packets.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createRng } from '../../node/core/rng.ts';
import { createDtmfDetector, type DtmfPacket, dtmfDurationMs, dtmfPackets, isDtmfDigits, parseDtmf } from '../../node/wire/dtmf.ts';

const timing = { clockRateHz: 8000, durationMs: 100, gapMs: 60, ptimeMs: 20 };
const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function heard(packets: readonly DtmfPacket[], { clockRateHz = 8000, firstTimestamp = 0xffff_ff00 } = {}): [string, number][] {
  const digits: [string, number][] = [];
  const detector = createDtmfDetector(clockRateHz, (digit, durationMs) => void digits.push([digit, Math.round(durationMs)]));
  for (const { payload, timestampOffset } of packets) detector.packet(payload, (firstTimestamp + timestampOffset) >>> 0);
  detector.flush();
  return digits;
}

describe('sending', () => {
  it('is a marked start, growing durations, and the end three times, all with one timestamp', () => {
    const lines = dtmfPackets('#', timing).map(
      ({ offsetMs, timestampOffset, marker, payload }) => `${offsetMs} +${timestampOffset} ${marker ? 'M' : '-'} ${hex(payload)}`,
    );
    expect(lines).toEqual([
      '0 +0 M 0b0a00a0',
      '20 +0 - 0b0a0140',
      '40 +0 - 0b0a01e0',
      '60 +0 - 0b0a0280',
      '80 +0 - 0b8a0320',
      '100 +0 - 0b8a0320',
      '120 +0 - 0b8a0320',
    ]);
  });

  it('keeps digits apart: the second begins after duration and gap', () => {
    const second = dtmfPackets('1d', timing).filter(({ payload }) => payload[0] === 15);
    expect(second[0]).toMatchObject({ offsetMs: 160, timestampOffset: 1280, marker: true });
    expect(dtmfDurationMs('1d', timing)).toBe(260);
    expect([dtmfPackets('', timing), dtmfDurationMs('', timing)]).toEqual([[], 0]);
  });

  it('drops repeated ends that would come after the next digit began', () => {
    const packets = dtmfPackets('12', { ...timing, gapMs: 10 });
    expect(packets.filter(({ payload }) => payload[0] === 1 && (payload[1] as number) >= 0x80)).toHaveLength(2);
    expect(packets.map(({ offsetMs }) => offsetMs)).toEqual(packets.map(({ offsetMs }) => offsetMs).toSorted((a, b) => a - b));
  });

  it('goes on in segments beyond 65,535 ticks, with one start and one end', () => {
    const packets = dtmfPackets('5', { ...timing, clockRateHz: 48_000, durationMs: 3000 });
    expect(new Set(packets.map(({ timestampOffset }) => timestampOffset))).toEqual(new Set([0, 0xffff, 2 * 0xffff]));
    expect(packets.filter(({ marker }) => marker)).toHaveLength(1);
    expect(packets.filter(({ payload }) => (payload[1] as number) >= 0x80)).toHaveLength(3);
    expect(heard(packets, { clockRateHz: 48_000 })).toEqual([['5', 3000]]);
  });

  it.each([
    ['', true],
    ['0123456789*#ABCDabcd', true],
    ['12 3', false],
    ['1,2', false],
    ['E', false],
  ])('says of %o whether a telephone has it', (text, expected) => {
    expect(isDtmfDigits(text)).toBe(expected);
    if (!expected) expect(() => dtmfPackets(text, timing)).toThrow('digits');
  });
});

describe('hearing', () => {
  it('tells digits as they were sent, equal ones in a row too, over the wrap of the timestamp', () => {
    expect(heard(dtmfPackets('1199*#AD', timing))).toEqual([...'1199*#AD'].map((digit) => [digit, 100]));
  });

  it('tells each digit of which any packet came, once and in order, under loss, repetition and disorder', () => {
    fc.assert(
      fc.property(fc.nat(), fc.stringMatching(/^[0-9*#A-D]{1,12}$/), (seed, digits) => {
        const rng = createRng(seed);
        const arrived = dtmfPackets(digits, timing)
          .flatMap((packet) => Array.from({ length: rng.below(3) }, () => ({ packet, at: packet.offsetMs + rng.below(50) })))
          .sort((a, b) => a.at - b.at)
          .map(({ packet }) => packet);
        const begun = new Set(arrived.map(({ timestampOffset }) => timestampOffset));
        const expected = [...digits].filter((_, index) => begun.has(index * 1280));
        expect(heard(arrived).map(([digit]) => digit)).toEqual(expected);
      }),
      { numRuns: 500 },
    );
  });

  it('hears on when the sender counts timestamps anew', () => {
    const first = dtmfPackets('1', timing);
    const second = dtmfPackets('2', timing).map((packet) => ({ ...packet, timestampOffset: -1_000_000 }));
    expect(heard([...first, ...second]).map(([digit]) => digit)).toEqual(['1', '2']);
  });

  it('refuses what is no digit', () => {
    expect([[], [1], [1, 0, 0], [16, 0, 0, 0], [255, 255, 255, 255]].map((bytes) => parseDtmf(Uint8Array.from(bytes)))).toEqual([
      null,
      null,
      null,
      null,
      null,
    ]);
    expect(createDtmfDetector(8000, () => {}).packet(Uint8Array.of(16, 0, 0, 0), 0)).toBe(false);
  });
});
