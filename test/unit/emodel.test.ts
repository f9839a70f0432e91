// The E-model against figures that ITU-T publishes, and against what any quality model must do: more loss, delay or jitter is never better.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { delayImpairment, lossImpairment, mosOf, mosOfRFactor, playoutOf, type QualityInput, rFactorOf } from '../../node/media/emodel.ts';

const undisturbed: QualityInput = { codec: 'PCMU', lossShare: 0, oneWayDelayMs: 0, jitterMs: 0 };

describe('ratings', () => {
  it('has R = 93.2 and MOS 4.41 with all defaults (G.107, 7.7)', () => {
    expect(rFactorOf(undisturbed)).toBeCloseTo(93.2, 1);
    expect(mosOf(undisturbed)).toBeCloseTo(4.41, 2);
  });

  it.each([
    // G.107, Annex B, table B.1 (the limits of user satisfaction), and the ends of the scale.
    [90, 4.34],
    [80, 4.03],
    [70, 3.6],
    [60, 3.1],
    [50, 2.58],
    [-5, 1],
    [0, 1],
    [3, 1],
    [100, 4.5],
    [120, 4.5],
  ])('R = %i is MOS %f', (r, mos) => {
    expect(Math.abs(mosOfRFactor(r) - mos)).toBeLessThan(0.01);
  });

  it.each([
    // Ie,eff = Ie + (95 - Ie) Ppl / (Ppl / BurstR + Bpl), by hand.
    ['G.711 without concealment, 1 %', { ie: 0, bpl: 4.3 }, 0.01, 1, 95 / 5.3],
    ['G.711 without concealment, 5 %', { ie: 0, bpl: 4.3 }, 0.05, 1, (95 * 5) / 9.3],
    ['no loss', { ie: 11, bpl: 19 }, 0, 1, 11],
    ['G.729A, 2 %', { ie: 11, bpl: 19 }, 0.02, 1, 11 + (84 * 2) / 21],
    ['in bursts twice as long', { ie: 0, bpl: 25.1 }, 0.05, 2, (95 * 5) / 27.6],
  ])('%s costs what the formula says', (_, impairment, lossShare, burstRatio, expected) => {
    expect(lossImpairment(impairment, lossShare, burstRatio)).toBeCloseTo(expected, 9);
  });

  it.each([
    // A second program's results for G.107, 7.4 (Idte with TELR 65, Idle with WEPL 110, Idd; No from 7.2); at 0 only Idle is left.
    [0, 0.149],
    [100, 2.69],
    [150, 3.82],
    [300, 20.69],
    [400, 31.11],
  ])('a delay of %i ms costs %f', (ms, points) => {
    expect(Math.abs(delayImpairment(ms) - points)).toBeLessThan(0.01);
  });

  it('knows the codecs by their SDP names in any case, and says when it does not', () => {
    expect(['PCMU', 'pcma', 'opus', 'Opus', 'G729'].map((codec) => mosOf({ ...undisturbed, codec }) !== null)).toEqual([
      true,
      true,
      true,
      true,
      true,
    ]);
    expect([mosOf({ ...undisturbed, codec: 'H264' }), rFactorOf({ ...undisturbed, codec: '' })]).toEqual([null, null]);
  });
});

describe('jitter', () => {
  it('costs the delay of a buffer of four mean deviations, and beyond 200 ms what comes too late', () => {
    expect(playoutOf(0)).toEqual({ delayMs: 0, lateShare: 0 });
    expect(playoutOf(10).delayMs).toBeCloseTo(28.28, 2);
    expect(playoutOf(70.7)).toMatchObject({ lateShare: 0 });
    expect(playoutOf(71).lateShare).toBeLessThan(0.001);
    expect(playoutOf(141.42).lateShare).toBeCloseTo((Math.exp(-2) - Math.exp(-4)) / 2, 4);
  });
});

it('is never better for more loss, burstiness, delay or jitter, and stays on the scale', () => {
  const share = fc.double({ min: 0, max: 1, noNaN: true });
  const ms = fc.double({ min: 0, max: 3000, noNaN: true });
  const input = fc.record({
    codec: fc.constantFrom('PCMU', 'PCMA', 'opus', 'G729'),
    lossShare: share,
    burstRatio: fc.double({ min: 1, max: 10, noNaN: true }),
    oneWayDelayMs: ms,
    jitterMs: ms,
  });
  fc.assert(
    fc.property(input, fc.constantFrom('lossShare', 'burstRatio', 'oneWayDelayMs', 'jitterMs'), share, (better, key, more) => {
      const worse = { ...better, [key]: key === 'lossShare' ? Math.min(1, better.lossShare + more) : better[key] + more * 1000 };
      const [a, b] = [mosOf(better) as number, mosOf(worse) as number];
      // The Recommendation's own Idte is as low as -0.2 around 1 ms, against 0 without any delay: 0.002 of a point.
      expect(b).toBeLessThanOrEqual(a + (better.oneWayDelayMs < 3 && better.jitterMs < 3 ? 0.005 : 1e-9));
      expect(b).toBeGreaterThanOrEqual(1);
      expect(a).toBeLessThanOrEqual(4.5);
    }),
    { numRuns: 2000 },
  );
});
