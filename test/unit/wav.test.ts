// WAV files: every encoding that is read, what is refused and why, and that a tone comes through the resampler while what telephones cannot carry
// does not.

import { describe, expect, it } from 'vitest';
import { decodeG711, encodeG711 } from '../../node/wire/g711.ts';
import { readWav } from '../../node/wire/wav.ts';

interface Recipe {
  readonly code?: number;
  readonly channels?: number;
  readonly rateHz?: number;
  readonly bits?: number;
  readonly data?: Uint8Array;
  readonly before?: Uint8Array;
  readonly dataSize?: number;
}

const pcm16 = (samples: readonly number[]): Uint8Array => new Uint8Array(Int16Array.from(samples).buffer);
const chunk = (tag: string, data: Uint8Array, size = data.length): Uint8Array => {
  const header = Buffer.alloc(8);
  header.write(tag, 'latin1');
  header.writeUInt32LE(size, 4);
  return Buffer.concat([header, data, Buffer.alloc(data.length & 1)]);
};

function wav({ code = 1, channels = 1, rateHz = 8000, bits = 16, data = pcm16([1, -2, 300]), before, dataSize }: Recipe = {}): Uint8Array {
  const format = Buffer.alloc(code === 0xfffe ? 40 : 16);
  format.writeUInt16LE(code, 0);
  format.writeUInt16LE(channels, 2);
  format.writeUInt32LE(rateHz, 4);
  format.writeUInt16LE(bits, 14);
  if (code === 0xfffe) format.writeUInt16LE(1, 24);
  const chunks = Buffer.concat([before ?? Buffer.alloc(0), chunk('fmt ', format), chunk('data', data, dataSize)]);
  return Uint8Array.from(Buffer.concat([Buffer.from('RIFF'), Buffer.alloc(4), Buffer.from('WAVE'), chunks]));
}

function samplesOf(bytes: Uint8Array): number[] {
  const result = readWav(bytes);
  if (!result.ok) throw new Error(result.failure.detail);
  return [...result.samples];
}

const failureOf = (bytes: Uint8Array): string => {
  const result = readWav(bytes);
  return result.ok ? 'read' : result.failure.kind;
};

describe('encodings', () => {
  const codes = Uint8Array.of(0x00, 0x7e, 0x80, 0xd5);
  it.each([
    ['PCM 16', wav(), [1, -2, 300]],
    ['PCM 8', wav({ bits: 8, data: Uint8Array.of(128, 0, 255) }), [0, -32_768, 32_512]],
    ['mu-law', wav({ code: 7, bits: 8, data: codes }), [...decodeG711('PCMU', codes)]],
    ['A-law', wav({ code: 6, bits: 8, data: codes }), [...decodeG711('PCMA', codes)]],
    ['stereo', wav({ channels: 2, data: pcm16([100, 200, -5, -6, 9]) }), [150, -6]],
    ['extensible', wav({ code: 0xfffe }), [1, -2, 300]],
    ['other chunks before, of odd length', wav({ before: chunk('LIST', Uint8Array.of(1, 2, 3)) }), [1, -2, 300]],
    ['half a sample at the end', wav({ data: Uint8Array.of(1, 0, 2) }), [1]],
    ['a size of 0 in the header', wav({ dataSize: 0 }), [1, -2, 300]],
    ['a size of 4 GiB in the header', wav({ dataSize: 0xffff_ffff }), [1, -2, 300]],
  ])('%s', (_, bytes, expected) => {
    expect(samplesOf(bytes)).toEqual(expected);
  });
});

describe('refused', () => {
  it.each([
    ['not-wav', new Uint8Array(0)],
    ['not-wav', Buffer.from('RIFF....AVI LIST')],
    ['truncated', wav().subarray(0, 30)],
    ['truncated', wav().subarray(0, 36)],
    ['encoding', wav({ code: 3, bits: 32 })],
    ['encoding', wav({ bits: 24 })],
    ['channels', wav({ channels: 6 })],
    ['channels', wav({ channels: 0 })],
    ['rate', wav({ rateHz: 6000 })],
    ['rate', wav({ rateHz: 4_000_000 })],
    ['empty', wav({ data: new Uint8Array(0) })],
    ['too-long', wav({ bits: 8, data: new Uint8Array(8000 * 1801) })],
  ])('%s', (kind, bytes) => {
    expect(failureOf(bytes)).toBe(kind);
  });
});

describe('resampling', () => {
  const toneAt = (hz: number, rateHz: number): Uint8Array =>
    wav({ rateHz, data: pcm16(Array.from({ length: rateHz }, (_, n) => 10_000 * Math.sin((2 * Math.PI * hz * n) / rateHz))) });

  /** RMS of the middle, where the filter sees no end. */
  const level = (samples: readonly number[]): number => {
    const middle = samples.slice(1000, 7000);
    return Math.sqrt(middle.reduce((sum, sample) => sum + sample * sample, 0) / middle.length);
  };

  it.each([16_000, 22_050, 24_000, 44_100, 48_000])('from %i Hz keeps a tone of 1 kHz as it is', (rateHz) => {
    const samples = samplesOf(toneAt(1000, rateHz));
    expect(samples).toHaveLength(8000);
    const differences = samples.slice(1000, 7000).map((sample, n) => Math.abs(sample - 10_000 * Math.sin((2 * Math.PI * (n + 1000)) / 8)));
    expect(Math.max(...differences)).toBeLessThan(50);
  });

  it.each([16_000, 44_100, 48_000])('from %i Hz lets 5 kHz through at less than a hundredth', (rateHz) => {
    expect(level(samplesOf(toneAt(5000, rateHz)))).toBeLessThan(10_000 / Math.SQRT2 / 100);
  });

  it('leaves 8 kHz alone: G.711 comes out as it went in', () => {
    const codes = Uint8Array.from({ length: 256 }, (_, n) => n).filter((code) => code !== 0x7f);
    expect(encodeG711('PCMU', Int16Array.from(samplesOf(wav({ code: 7, bits: 8, data: codes }))))).toEqual(codes);
  });
});
