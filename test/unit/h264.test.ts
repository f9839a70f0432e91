// H.264 packets (RFC 6184), read back by a depacketiser of this test's own: every NAL unit comes out as it went in, and no packet is too long.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { h264Frame, h264Payloads } from '../../node/wire/h264.ts';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** RFC 6184, 5.6 to 5.8, refusing whatever mode 1 does not allow. */
function depacketize(payloads: readonly Uint8Array[]): Uint8Array[] {
  const nals: Uint8Array[] = [];
  let open: number[] | null = null;
  for (const payload of payloads) {
    const type = (payload[0] as number) & 0x1f;
    if (type === 28) {
      const fu = payload[1] as number;
      const isStart = (fu & 0x80) !== 0;
      expect(isStart).toBe(open === null);
      expect((fu & 0xc0) === 0xc0).toBe(false);
      open ??= [((payload[0] as number) & 0xe0) | (fu & 0x1f)];
      open.push(...payload.subarray(2));
      if ((fu & 0x40) !== 0) {
        nals.push(Uint8Array.from(open));
        open = null;
      }
      continue;
    }
    expect(open).toBeNull();
    if (type !== 24) {
      expect(type).toBeLessThan(24);
      nals.push(payload);
      continue;
    }
    for (let at = 1; at < payload.length; ) {
      const length = ((payload[at] as number) << 8) | (payload[at + 1] as number);
      nals.push(payload.subarray(at + 2, at + 2 + length));
      at += 2 + length;
    }
  }
  expect(open).toBeNull();
  return nals;
}

describe('frames', () => {
  it('begin with parameter sets and an IDR slice, or a P slice with its number', () => {
    expect(h264Frame({ isKeyframe: true, frameNumber: 0, bytes: 100 }).map((nal) => (nal[0] as number) & 0x1f)).toEqual([7, 8, 5]);
    const [slice] = h264Frame({ isKeyframe: false, frameNumber: 0x1d, bytes: 40 });
    // 1 00110 1 | 1101 | 000 | 1: first_mb 0, P slice, PPS 0, frame_num 13, no overrides, qp_delta 0.
    expect(hex((slice as Uint8Array).subarray(0, 3))).toBe('419ba3');
  });

  it.each([18, 100, 5000])('are %i bytes long and imitate no start code', (bytes) => {
    for (const isKeyframe of [true, false]) {
      const nals = h264Frame({ isKeyframe, frameNumber: 7, bytes });
      expect(nals.reduce((sum, nal) => sum + nal.length, 0)).toBe(bytes);
      for (const nal of nals) expect(hex(nal)).not.toMatch(/^(..)*0000(00|01|02|03)/);
    }
  });
});

describe('packets', () => {
  it('put parameter sets together and cut what is too long', () => {
    const payloads = h264Payloads(h264Frame({ isKeyframe: true, frameNumber: 0, bytes: 500 }), 200);
    expect(payloads.map((payload) => hex(payload.subarray(0, 2)))).toEqual(['7800', '7c85', '7c05', '7c45']);
    expect(hex(payloads[0] as Uint8Array)).toBe('7800096742e01fda0280f640000468ce3880');
  });

  it('leave a small unit alone', () => {
    const [nal] = h264Frame({ isKeyframe: false, frameNumber: 1, bytes: 64 });
    expect(h264Payloads([nal as Uint8Array], 64)).toEqual([nal]);
  });

  it('give back every unit, of any kind and size', () => {
    const nal = fc
      .tuple(fc.integer({ min: 1, max: 23 }), fc.integer({ min: 0, max: 3 }), fc.uint8Array({ maxLength: 3000 }))
      .map(([type, nri, rest]) => Uint8Array.of((nri << 5) | type, ...rest));
    fc.assert(
      fc.property(fc.array(nal, { minLength: 1, maxLength: 6 }), fc.integer({ min: 64, max: 1400 }), (nals, bytesMax) => {
        const payloads = h264Payloads(nals, bytesMax);
        expect(Math.max(...payloads.map(({ length }) => length))).toBeLessThanOrEqual(bytesMax);
        expect(depacketize(payloads).map(hex)).toEqual(nals.map(hex));
      }),
      { numRuns: 200 },
    );
  });
});
