// RTP headers (RFC 3550, 5.1 and 5.3.1): read, written, and refused when they promise what is not there.

import { describe, expect, it } from 'vitest';
import { isRtcp, parseRtp, type RtpPacket, writeRtp } from '../../node/wire/rtp.ts';

const bytesOf = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex.replaceAll(' ', ''), 'hex'));
const plain: RtpPacket = {
  ...{ marker: true, payloadType: 8, sequence: 0xfffe, timestamp: 0xdead_beef, ssrc: 0xcafe_babe },
  ...{ csrcs: [], extension: null, payload: Uint8Array.of(1, 2, 3), paddingBytes: 0 },
};
const rich: RtpPacket = {
  ...plain,
  marker: false,
  csrcs: [1, 0xffff_ffff],
  extension: { profile: 0xbede, bytes: Uint8Array.of(0x10, 0xaa, 0, 0) },
  paddingBytes: 5,
};

describe('RTP', () => {
  it('writes a header as the RFC draws it', () => {
    expect(Buffer.from(writeRtp(plain)).toString('hex')).toBe('8088fffedeadbeefcafebabe010203');
    expect(Buffer.from(writeRtp(rich)).toString('hex')).toBe('b208fffedeadbeefcafebabe00000001ffffffffbede000110aa00000102030000000005');
  });

  it.each([
    ['plain', plain],
    ['with CSRCs, extension and padding', rich],
    ['without payload', { ...rich, payload: new Uint8Array(0), extension: { profile: 1, bytes: new Uint8Array(0) } }],
  ])('reads back what it writes: %s', (_name, packet) => {
    expect(JSON.stringify(parseRtp(writeRtp(packet)))).toBe(JSON.stringify(packet));
  });

  it.each([
    ['nothing', '', 'truncated'],
    ['eleven bytes', '8000000100000002000000', 'truncated'],
    ['version 1', '400000010000000200000003', 'version'],
    ['version 3', 'c00000010000000200000003', 'version'],
    ['a CSRC that is not there', '810000010000000200000003', 'truncated'],
    ['half an extension header', '900000010000000200000003 bede', 'truncated'],
    ['an extension that is longer than the packet', '900000010000000200000003 bede0002 00000000', 'truncated'],
    ['padding of nothing', 'a00000010000000200000003', 'padding'],
    ['padding of 0 bytes', 'a00000010000000200000003 0100', 'padding'],
    ['padding that reaches into the header', 'a00000010000000200000003 0103', 'padding'],
  ])('refuses %s', (_name, hex, reason) => {
    expect(parseRtp(bytesOf(hex))).toBe(reason);
  });

  it('knows RTCP on a shared port by RFC 5761', () => {
    for (const type of [200, 201, 207, 192, 223]) expect(isRtcp(type)).toBe(true);
    for (const type of [0, 96, 127, 0x80, 0x80 | 63, 0x80 | 96, 191, 224]) expect(isRtcp(type)).toBe(false);
  });
});
