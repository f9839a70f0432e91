// G.711 against the decoder output values of the Recommendation (tables 1 and 2, there in 13 and 14 bits), and what must hold for every code and sample.

import { describe, expect, it } from 'vitest';
import { decodeG711, encodeG711, type G711Law } from '../../node/wire/g711.ts';

const decode = (law: G711Law, byte: number): number => decodeG711(law, Uint8Array.of(byte))[0] as number;
const encode = (law: G711Law, sample: number): number => encodeG711(law, Int16Array.of(sample))[0] as number;
const allBytes = Uint8Array.from({ length: 256 }, (_, byte) => byte);

describe('tables', () => {
  it.each([
    // Table 2a: character signal 1000 0000 is +8031 of 14 bits, 1111 1111 is 0.
    ['PCMU', 0x80, 8031 * 4],
    ['PCMU', 0x8f, 4191 * 4],
    ['PCMU', 0x9f, 2079 * 4],
    ['PCMU', 0xaf, 1023 * 4],
    ['PCMU', 0xbf, 495 * 4],
    ['PCMU', 0xcf, 231 * 4],
    ['PCMU', 0xdf, 99 * 4],
    ['PCMU', 0xef, 33 * 4],
    ['PCMU', 0xfe, 2 * 4],
    ['PCMU', 0xff, 0],
    ['PCMU', 0x00, -8031 * 4],
    ['PCMU', 0x7e, -2 * 4],
    // Table 1a: +4032 of 13 bits is 1111 1111 before the even bits are inverted.
    ['PCMA', 0xff ^ 0x55, 4032 * 8],
    ['PCMA', 0xf0 ^ 0x55, 2112 * 8],
    ['PCMA', 0xe0 ^ 0x55, 1056 * 8],
    ['PCMA', 0xd0 ^ 0x55, 528 * 8],
    ['PCMA', 0xc0 ^ 0x55, 264 * 8],
    ['PCMA', 0xb0 ^ 0x55, 132 * 8],
    ['PCMA', 0xa0 ^ 0x55, 66 * 8],
    ['PCMA', 0x80 ^ 0x55, 1 * 8],
    ['PCMA', 0x00 ^ 0x55, -1 * 8],
    ['PCMA', 0x7f ^ 0x55, -4032 * 8],
  ] as const)('%s %i is %i', (law, byte, sample) => {
    expect(decode(law, byte)).toBe(sample);
  });
});

describe.each(['PCMU', 'PCMA'] as const)('%s', (law) => {
  it('gives every code back, but for the second zero of mu-law', () => {
    const again = encodeG711(law, decodeG711(law, allBytes));
    expect([...again].filter((byte, index) => byte !== index)).toEqual(law === 'PCMU' ? [0xff] : []);
  });

  it('decodes to within half a step of every sample that it does not clip, and never turns the order round', () => {
    const values = [...new Set(decodeG711(law, allBytes))].sort((a, b) => a - b);
    const samples = Int16Array.from({ length: 2 * 32_124 + 1 }, (_, index) => index - 32_124);
    const decoded = decodeG711(law, encodeG711(law, samples));
    const isWrong = (sample: number, index: number): boolean => {
      const value = decoded[index] as number;
      const place = values.indexOf(value);
      const stepMax = Math.max(value - (values[place - 1] ?? value), (values[place + 1] ?? value) - value);
      return Math.abs(value - sample) > stepMax / 2 || value < (decoded[index - 1] ?? value);
    };
    expect(samples.filter(isWrong)).toEqual(new Int16Array(0));
  });

  it('clips the loudest', () => {
    expect([decode(law, encode(law, 32_767)), decode(law, encode(law, -32_768))]).toEqual(
      law === 'PCMU' ? [32_124, -32_124] : [32_256, -32_256],
    );
  });
});
