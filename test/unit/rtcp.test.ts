// RTCP compound packets: what is written is read back, known bytes mean what RFC 3550 (section 6) says, and appendix A.2 decides what is refused.

import { describe, expect, it } from 'vitest';
import { parseRtcp, type ReportBlock, type RtcpPacket, writeRtcp } from '../../node/wire/rtcp.ts';

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const report: ReportBlock = {
  ssrc: 0xdeadbeef,
  fractionLost: 64,
  cumulativeLost: -2,
  highestSequence: 0x0001_fffe,
  jitter: 17,
  lastSenderReport: 0x89ab_cdef,
  delaySinceLastSenderReport: 0x0001_8000,
};
const sr: RtcpPacket = {
  ...{ type: 'sr', ssrc: 0xcafe_babe, ntpSeconds: 0xe000_0001, ntpFraction: 0x8000_0000, rtpTimestamp: 0xffff_fff0 },
  ...{ packetCount: 1_000, octetCount: 160_000, reports: [report] },
};
const rr: RtcpPacket = { type: 'rr', ssrc: 7, reports: [] };

describe('RTCP', () => {
  it('reads back every kind of part that it writes', () => {
    const packets: RtcpPacket[] = [
      sr,
      {
        type: 'sdes',
        chunks: [
          { ssrc: 7, items: [{ type: 1, text: 'me' }] },
          { ssrc: 8, items: [] },
        ],
      },
      {
        type: 'sdes',
        chunks: [
          {
            ssrc: 9,
            items: [
              { type: 1, text: 'four' },
              { type: 2, text: 'Jürgen' },
            ],
          },
        ],
      },
      { type: 'app', subtype: 3, ssrc: 7, name: 'quil', data: Uint8Array.of(1, 2, 3, 4) },
      { type: 'unknown', packetType: 205, count: 1, body: new Uint8Array(8) },
      { type: 'bye', ssrcs: [7, 8], reason: 'done' },
      { type: 'bye', ssrcs: [], reason: null },
    ];
    const bytes = writeRtcp(packets);
    expect(bytes.length % 4).toBe(0);
    const parsed = parseRtcp(bytes);
    // Views of a larger buffer and fresh arrays are equal only by their bytes.
    expect(JSON.stringify(parsed)).toBe(JSON.stringify({ ok: true, packets }));
  });

  it('writes a sender report as the RFC draws it', () => {
    const hex = Buffer.from(writeRtcp([sr])).toString('hex');
    expect(hex).toBe('81c8000ccafebabee000000180000000fffffff0000003e800027100deadbeef40fffffe0001fffe0000001189abcdef00018000');
  });

  it('passes over the profile extension of a report, and takes padding at the end off', () => {
    expect(parseRtcp(bytesOf('80c90002 00000007 11223344'))).toEqual({ ok: true, packets: [rr] });
    expect(parseRtcp(bytesOf('80c90001 00000007 a0cb0002 00000000 00000004'))).toEqual({
      ok: true,
      packets: [rr, { type: 'bye', ssrcs: [], reason: '' }],
    });
    expect(parseRtcp(bytesOf('80c90001 00000007 a1cb0002 00000007 00000004'))).toEqual({
      ok: true,
      packets: [rr, { type: 'bye', ssrcs: [7], reason: null }],
    });
  });

  it.each([
    ['too short', '80c90000', 'truncated'],
    ['version 1', '40c90001 00000007', 'version'],
    ['version 1 in a later part', '80c90001 00000007 41cb0001 00000007', 'version'],
    ['begins with SDES', '81ca0002 00000007 00000000', 'first-type'],
    ['padding in the first part', 'a0c90002 00000007 00000004', 'padding'],
    ['padding in a part that is not the last', '80c90001 00000007 a1cb0002 00000007 00000004 80cb0000', 'padding'],
    ['no padding where it is announced', '80c90001 00000007 a1cb0001 00000000', 'padding'],
    ['padding longer than the part', '80c90001 00000007 a1cb0001 0000000c', 'padding'],
    ['longer than the packet', '80c90002 00000007', 'length'],
    ['a rest that is no header', '80c90001 00000007 80', 'length'],
    ['fewer report blocks than counted', '81c90001 00000007', 'length'],
    ['a sender report without its facts', '80c80001 00000007', 'length'],
    ['a receiver report without its SSRC', '80c90000 80c90000', 'length'],
    ['APP without a name', '80c90001 00000007 80cc0001 00000007', 'length'],
    ['an SDES chunk without items', '80c90001 00000007 81ca0001 00000007', 'sdes'],
    ['an SDES item beyond its packet', '80c90001 00000007 81ca0002 00000007 01096162', 'sdes'],
    ['SDES items that nothing ends', '80c90001 00000007 81ca0002 00000007 01026162', 'sdes'],
    ['fewer SSRCs in BYE than counted', '80c90001 00000007 82cb0001 00000007', 'bye'],
    ['a reason beyond its packet', '80c90001 00000007 81cb0002 00000007 09616263', 'bye'],
  ])('refuses %s', (_name, hex, reason) => {
    expect(parseRtcp(bytesOf(hex))).toEqual({ ok: false, reason });
  });
});
