// VP8 packets (RFC 7741), read back by a depacketiser of this test's own, and the frame headers of RFC 6386.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { vp8Frame, vp8Payloads } from '../../node/wire/vp8.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** RFC 7741, 4.2: the frame, and the picture ids seen. */
function depacketize(payloads: readonly Uint8Array[]): { frame: string; pictureIds: (number | null)[] } {
  const pictureIds = payloads.map((payload, index) => {
    const first = payload[0] as number;
    expect((first & 0x10) !== 0).toBe(index === 0);
    expect(first & 0x4f).toBe(0);
    if ((first & 0x80) === 0) return null;
    expect(payload[1]).toBe(0x80);
    expect(payload[2]).toBeLessThan(0x80);
    return payload[2] as number;
  });
  const parts = payloads.map((payload) => payload.subarray(((payload[0] as number) & 0x80) === 0 ? 1 : 3));
  return { frame: hex(Buffer.concat(parts)), pictureIds };
}

describe('frames', () => {
  it('begin with the tag, the start code and the size on keyframes', () => {
    // Keyframe, shown, first partition of 90 bytes; 640x480 without scaling.
    expect(hex(vp8Frame({ isKeyframe: true, bytes: 100 }).subarray(0, 10))).toBe('500b009d012a8002e001');
    expect(hex(vp8Frame({ isKeyframe: false, bytes: 100 }).subarray(0, 3))).toBe('310c00');
  });

  it('have the bytes that were asked for, but room for the header', () => {
    expect([1, 11, 12, 4000].map((bytes) => vp8Frame({ isKeyframe: true, bytes }).length)).toEqual([11, 11, 12, 4000]);
  });
});

describe('packets', () => {
  it('give back every frame, with its picture id on each packet', () => {
    const pictureId = fc.option(fc.integer({ min: 0, max: 127 }), { nil: null });
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 1, maxLength: 5000 }),
        fc.integer({ min: 64, max: 1400 }),
        pictureId,
        (frame, bytesMax, id) => {
          const payloads = vp8Payloads(frame, bytesMax, id);
          expect(Math.max(...payloads.map(({ length }) => length))).toBeLessThanOrEqual(bytesMax);
          expect(depacketize(payloads)).toEqual({ frame: hex(frame), pictureIds: payloads.map(() => id) });
        },
      ),
      { numRuns: 200 },
    );
  });
});
