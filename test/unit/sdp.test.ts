// Session descriptions: what is read out of them and what is refused, by table; and the exact text that is written.

import { describe, expect, it } from 'vitest';
import { type MediaDescription, parseSdp, SDP_CHARACTERS_MAX, type SessionDescription, writeSdp } from '../../node/wire/sdp.ts';

const head = ['v=0', 'o=alice 2890844526 2890844527 IN IP4 host.example.com', 's=-', 'c=IN IP4 192.0.2.1', 't=0 0'];
const text = (...lines: readonly string[]): string => `${[...head, ...lines].join('\r\n')}\r\n`;

function description(sdp: string): SessionDescription {
  const result = parseSdp(sdp);
  if (!result.ok) throw new Error(`${result.failure.kind}: ${result.failure.detail}`);
  return result.description;
}
const line = (...lines: readonly string[]): MediaDescription => description(text(...lines)).media[0] as MediaDescription;
const failureOf = (sdp: string): string => {
  const result = parseSdp(sdp);
  return result.ok ? 'read' : result.failure.kind;
};

describe('reading', () => {
  it('takes everything of a usual offer', () => {
    const sdp = text(
      'm=audio 49170 RTP/AVP 111 0 101',
      'a=rtpmap:111 opus/48000/2',
      'a=fmtp:111 minptime=10; useinbandfec=1',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-16',
      'a=ptime:20',
      'a=rtcp:53020 IN IP4 192.0.2.9',
      'a=rtcp-mux',
      'a=ssrc:4012345678 cname:alice@192.0.2.1',
      'a=mid:0',
      'a=sendonly',
    );
    expect(description(sdp)).toEqual({
      originUser: 'alice',
      sessionId: '2890844526',
      sessionVersion: '2890844527',
      host: '192.0.2.1',
      media: [
        {
          kind: 'audio',
          port: 49_170,
          protocol: 'RTP/AVP',
          formats: '111 0 101',
          host: '192.0.2.1',
          rtcp: { port: 53_020, host: '192.0.2.9' },
          isMuxed: true,
          direction: 'sendonly',
          codecs: [
            { payloadType: 111, name: 'opus', clockRateHz: 48_000, channels: 2, fmtp: 'minptime=10; useinbandfec=1' },
            { payloadType: 0, name: 'PCMU', clockRateHz: 8000 },
          ],
          dtmf: [{ payloadType: 101, clockRateHz: 8000 }],
          ptimeMs: 20,
          ssrc: 4_012_345_678,
          cname: 'alice@192.0.2.1',
          crypto: [],
          mid: '0',
        },
      ],
    });
  });

  it('knows static formats without rtpmap, and passes over dynamic ones without, strange numbers and repetitions', () => {
    const { codecs, formats } = line('m=audio 9000 RTP/AVP 8 9 0 96 200 x 8 18', 'a=rtpmap:97 PCMU/8000');
    expect(codecs.map(({ name }) => name)).toEqual(['PCMA', 'G722', 'PCMU', 'G729']);
    expect(formats).toBe('8 9 0 96 200 x 8 18');
  });

  it('keeps lines of every kind and protocol in their places', () => {
    const { media } = description(
      text(
        'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
        'm=image 9001 udptl t38',
        'm=audio 0 RTP/AVP 0',
        'm=video 9002 UDP/TLS/RTP/SAVPF 96',
        'a=rtpmap:96 VP8/90000',
      ),
    );
    expect(media.map(({ kind, port, protocol, formats, codecs }) => [kind, port, protocol, formats, codecs.length])).toEqual([
      ['application', 9, 'UDP/DTLS/SCTP', 'webrtc-datachannel', 0],
      ['image', 9001, 'udptl', 't38', 0],
      ['audio', 0, 'RTP/AVP', '0', 1],
      ['video', 9002, 'UDP/TLS/RTP/SAVPF', '96', 1],
    ]);
  });

  it.each([
    ['the c= line of the line', ['m=audio 9000 RTP/AVP 0', 'c=IN IP6 2001:db8::1'], '2001:db8::1'],
    ['the c= line of the session', ['m=audio 9000 RTP/AVP 0'], '192.0.2.1'],
    ['the old hold', ['m=audio 9000 RTP/AVP 0', 'c=IN IP4 0.0.0.0'], '0.0.0.0'],
    ['a name', ['m=audio 9000 RTP/AVP 0', 'c=IN IP4 media.example.com'], 'media.example.com'],
  ])('takes the address from %s', (_, lines, host) => {
    expect(line(...lines).host).toBe(host);
  });

  it('takes the direction of the session where a line has none', () => {
    const { media } = description(text('a=inactive', 'm=audio 9000 RTP/AVP 0', 'm=audio 9002 RTP/AVP 0', 'a=recvonly'));
    expect(media.map(({ direction }) => direction)).toEqual(['inactive', 'recvonly']);
    expect(line('m=audio 9000 RTP/AVP 0').direction).toBe('sendrecv');
  });

  it('reads LF alone as the end of a line, numbers of 64 bits, and passes over what it does not know', () => {
    const sdp =
      'v=0\no=- 18446744073709551615 9007199254740993 IN IP4 1.2.3.4\ns=x\nx=?\nm=audio 5000 RTP/AVP 0\nc=IN IP4 1.2.3.4\na=what:ever\nb=AS:64\n\nrubbish';
    expect(description(sdp)).toMatchObject({ sessionId: '18446744073709551615', sessionVersion: '9007199254740993', host: '1.2.3.4' });
  });

  it.each([
    ['inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR', { lifetimePackets: null, mki: null }],
    ['inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:32', { lifetimePackets: 1_048_576, mki: { value: 1, bytes: 32 } }],
    ['inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|1000', { lifetimePackets: 1000, mki: null }],
    ['inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|1:4', { lifetimePackets: null, mki: { value: 1, bytes: 4 } }],
    ['inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR UNENCRYPTED_SRTCP', { sessionParameters: 'UNENCRYPTED_SRTCP' }],
  ])('reads the key %s (RFC 4568)', (key, expected) => {
    const [crypto] = line('m=audio 9000 RTP/SAVP 0', `a=crypto:7 AES_CM_128_HMAC_SHA1_80 ${key}`).crypto;
    expect(crypto).toMatchObject({ tag: 7, suite: 'AES_CM_128_HMAC_SHA1_80', ...expected });
    expect(Buffer.from(crypto?.keyAndSalt ?? []).toString('base64')).toBe('PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR');
  });

  it('leaves out keys that it cannot read', () => {
    const keys = ['uri:https://x', 'inline:', 'inline:!!!!', 'inline:abcd;inline:efgh', 'inline:abcd|2^', 'inline:abcd|x:y'];
    expect(line('m=audio 9000 RTP/SAVP 0', ...keys.map((key, tag) => `a=crypto:${tag} AES_CM_128_HMAC_SHA1_80 ${key}`)).crypto).toEqual([]);
  });
});

describe('refused', () => {
  it.each([
    ['garbage', ''],
    ['garbage', 'hello'],
    ['garbage', text('m=audio 1 RTP/AVP 0').slice(5)],
    ['garbage', 'v=1\r\no=- 1 1 IN IP4 1.2.3.4\r\nm=audio 1 RTP/AVP 0\r\n'],
    ['origin', 'v=0\r\nm=audio 1 RTP/AVP 0\r\nc=IN IP4 1.2.3.4\r\n'],
    ['origin', 'v=0\r\no=- one two IN IP4 1.2.3.4\r\nm=audio 1 RTP/AVP 0\r\n'],
    ['origin', `v=0\r\no=- ${'1'.repeat(400)} 1 IN IP4 1.2.3.4\r\nm=audio 1 RTP/AVP 0\r\n`],
    ['no-media', text()],
    ['too-many-media', text(...Array.from({ length: 33 }, () => 'm=audio 9000 RTP/AVP 0'))],
    ['bad-media', text('m=audio')],
    ['bad-media', text('m=audio 9000')],
    ['bad-media', text('m=audio 9000 RTP/AVP')],
    ['bad-media', text('m=audio 9000 RTP/AVP ')],
    ['bad-media', text('m=audio 9000/2 RTP/AVP 0')],
    ['bad-media', text('m=audio -1 RTP/AVP 0')],
    ['bad-port', text('m=audio 65536 RTP/AVP 0')],
    ['bad-port', text('m=audio 99999999999999999999 RTP/AVP 0')],
    ['bad-port', text('m=audio 9000 RTP/AVP 0', 'a=rtcp:70000')],
    ['bad-connection', text('m=audio 9000 RTP/AVP 0', 'c=IN IP4 224.2.1.1/127')],
    ['bad-connection', text('m=audio 9000 RTP/AVP 0').replace('c=IN IP4 192.0.2.1\r\n', '')],
    ['bad-connection', text('m=audio 9000 RTP/AVP 0', 'c=IN IP4 a|b')],
    ['too-large', text('m=audio 9000 RTP/AVP 0').padEnd(SDP_CHARACTERS_MAX + 1)],
  ])('%s', (kind, sdp) => {
    expect(failureOf(sdp)).toBe(kind);
  });

  it('does not miss an address on a line that is rejected anyway', () => {
    expect(failureOf(text('m=audio 0 RTP/AVP 0').replace('c=IN IP4 192.0.2.1\r\n', ''))).toBe('read');
  });
});

describe('writing', () => {
  it('has the lines of RFC 8866 in their order', () => {
    const audio = line('m=audio 4000 RTP/SAVP 8 101', 'a=rtpmap:101 telephone-event/8000', 'c=IN IP6 ::1');
    const media: MediaDescription = {
      ...audio,
      ptimeMs: 20,
      isMuxed: true,
      rtcp: { port: 4005, host: null },
      ssrc: 5,
      cname: 'x@y',
      mid: 'a',
      crypto: [
        { tag: 1, suite: 'S', keyAndSalt: Uint8Array.of(1, 2, 3), lifetimePackets: 4, mki: { value: 5, bytes: 6 }, sessionParameters: 'P' },
      ],
    };
    const sdp = {
      originUser: '-',
      sessionId: '1',
      sessionVersion: '2',
      host: '127.0.0.1',
      media: [media, { ...audio, host: '127.0.0.1' }],
    };
    expect(writeSdp(sdp).split('\r\n')).toEqual([
      'v=0',
      'o=- 1 2 IN IP4 127.0.0.1',
      's=-',
      'c=IN IP4 127.0.0.1',
      't=0 0',
      'm=audio 4000 RTP/SAVP 8 101',
      'c=IN IP6 ::1',
      'a=mid:a',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=ptime:20',
      'a=crypto:1 S inline:AQID|4|5:6 P',
      'a=rtcp:4005',
      'a=rtcp-mux',
      'a=ssrc:5 cname:x@y',
      'a=sendrecv',
      'm=audio 4000 RTP/SAVP 8 101',
      'a=rtpmap:8 PCMA/8000',
      'a=rtpmap:101 telephone-event/8000',
      'a=fmtp:101 0-15',
      'a=sendrecv',
      '',
    ]);
  });
});
