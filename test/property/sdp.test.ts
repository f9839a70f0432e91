// Session descriptions: what is written reads as it was meant, two sides of an exchange never contradict each other, and 20,000 descriptions gone
// wrong are read or refused: nothing throws, and what is answered to them can be read again.

import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createRng } from '../../node/core/rng.ts';
import {
  type Direction,
  type MediaDescription,
  parseSdp,
  SDP_MEDIA_MAX,
  type SdpCodec,
  type SdpCrypto,
  type SessionDescription,
  writeSdp,
} from '../../node/wire/sdp.ts';
import { answerOffer, applyAnswer } from '../../node/wire/sdp-negotiate.ts';
import { formatsOf, held, type LocalMedia, type LocalSession, makeOffer } from '../../node/wire/sdp-offer.ts';
import { mutated } from '../support/sip-mutations.ts';

const host = fc.constantFrom('127.0.0.1', '192.0.2.255', '2001:db8::1', 'media.example.com', '0.0.0.0');
const port = fc.integer({ min: 1, max: 65_535 });
const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });
const direction = fc.constantFrom<Direction>('sendrecv', 'sendonly', 'recvonly', 'inactive');
const token = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_.-]{0,10}$/);
const digits = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String);

const codec: fc.Arbitrary<SdpCodec> = fc
  .record({
    payloadType: fc.integer({ min: 0, max: 127 }),
    name: token.filter((name) => name.toLowerCase() !== 'telephone-event'),
    clockRateHz: fc.constantFrom(8000, 16_000, 48_000, 90_000),
    channels: fc.option(fc.integer({ min: 2, max: 8 }), { nil: undefined }),
    fmtp: fc.option(fc.stringMatching(/^[a-z][a-z=;, 0-9]{0,20}[a-z0-9]$/), { nil: undefined }),
  })
  .map(({ channels, fmtp, ...rest }) => ({ ...rest, ...(channels ? { channels } : {}), ...(fmtp ? { fmtp } : {}) }));

const crypto: fc.Arbitrary<SdpCrypto> = fc.record({
  tag: fc.integer({ min: 0, max: 999_999_999 }),
  suite: fc.stringMatching(/^[A-Z0-9_]{1,30}$/),
  keyAndSalt: fc.uint8Array({ minLength: 1, maxLength: 60 }),
  lifetimePackets: fc.option(fc.nat()),
  mki: fc.option(fc.record({ value: fc.nat(999), bytes: fc.integer({ min: 1, max: 128 }) })),
  sessionParameters: fc.option(token),
});

const media: fc.Arbitrary<MediaDescription> = fc
  .record({
    kind: fc.constantFrom('audio', 'video', 'application'),
    port,
    protocol: fc.constantFrom('RTP/AVP', 'RTP/SAVP', 'RTP/AVPF', 'UDP/TLS/RTP/SAVPF'),
    host,
    rtcp: fc.option(fc.record({ port, host: fc.option(host) })),
    isMuxed: fc.boolean(),
    direction,
    formats: fc.uniqueArray(codec, { minLength: 1, maxLength: 6, selector: ({ payloadType }) => payloadType }),
    dtmfCount: fc.nat(2),
    ptimeMs: fc.option(fc.integer({ min: 1, max: 1000 })),
    ssrc: fc.option(uint32),
    cname: token,
    crypto: fc.array(crypto, { maxLength: 2 }),
    mid: fc.option(token),
  })
  .map(({ formats, dtmfCount, ssrc, cname, ...rest }) => {
    const dtmf = formats.slice(1, 1 + dtmfCount).map(({ payloadType, clockRateHz }) => ({ payloadType, clockRateHz }));
    const codecs = formats.filter(({ payloadType }) => dtmf.every((event) => event.payloadType !== payloadType));
    return { ...rest, ssrc, cname: ssrc === null ? null : cname, codecs, dtmf, formats: formatsOf(codecs, dtmf) };
  });

const description: fc.Arbitrary<SessionDescription> = fc.record({
  originUser: fc.oneof(fc.constant('-'), token),
  sessionId: digits,
  sessionVersion: digits,
  host,
  media: fc.array(media, { minLength: 1, maxLength: 4 }),
});

const offered: SdpCodec[] = [
  { payloadType: 0, name: 'PCMU', clockRateHz: 8000 },
  { payloadType: 9, name: 'G722', clockRateHz: 8000 },
  { payloadType: 111, name: 'opus', clockRateHz: 48_000, channels: 2 },
  { payloadType: 96, name: 'H264', clockRateHz: 90_000, fmtp: 'packetization-mode=1' },
  { payloadType: 101, name: 'H264', clockRateHz: 90_000 },
];
const localMedia: fc.Arbitrary<LocalMedia> = fc.record({
  kind: fc.constantFrom('audio', 'video'),
  codecs: fc.subarray(offered, { minLength: 1 }),
  port,
  rtcpPort: fc.option(port),
  isMuxed: fc.boolean(),
  direction,
  ssrc: fc.option(uint32),
  srtp: fc.option(
    fc.uint8Array({ minLength: 30, maxLength: 30 }).map((keyAndSalt) => ({ suite: 'AES_CM_128_HMAC_SHA1_80' as const, keyAndSalt })),
  ),
  isSrtpOptional: fc.boolean(),
  dtmf: fc.boolean(),
  ptimeMs: fc.option(fc.constantFrom(10, 20, 30)),
});
const session: fc.Arbitrary<LocalSession> = fc.record({
  sessionId: digits,
  host: fc.constantFrom('127.0.0.1', '::1'),
  media: fc.uniqueArray(localMedia, { minLength: 1, maxLength: 2, selector: ({ kind }) => kind }),
});

function read(sdp: SessionDescription): SessionDescription {
  const result = parseSdp(writeSdp(sdp));
  if (!result.ok) throw new Error(result.failure.detail);
  return result.description;
}

it('reads what it wrote', () => {
  fc.assert(
    fc.property(description, (sdp) => {
      expect(read(sdp)).toEqual(sdp);
    }),
    { numRuns: 1000 },
  );
});

it('leaves both sides of an exchange with the same idea of it, and of what follows', () => {
  fc.assert(
    fc.property(session, session, (caller, callee) => {
      const offer = makeOffer(caller);
      const answered = answerOffer(read(offer), callee);
      if (!answered.ok) return;
      const applied = applyAnswer(offer, read(answered.answer), caller);
      if (!applied.ok) throw new Error(applied.refusal);
      for (const [index, ours] of applied.agreed.entries()) {
        const theirs = answered.agreed[index];
        expect(theirs?.isRejected).toBe(ours.isRejected);
        if (ours.isRejected || theirs === undefined || theirs.isRejected) continue;
        expect(theirs.receivePayloadTypes).toContain(ours.sendPayloadType);
        expect(ours.receivePayloadTypes).toContain(theirs.sendPayloadType);
        expect(theirs.dtmfReceivePayloadType).toBe(ours.dtmfPayloadType);
        expect(theirs.isMuxed).toBe(ours.isMuxed);
        expect(theirs.srtp?.send).toEqual(ours.srtp?.receive);
        expect(theirs.srtp?.receive).toEqual(ours.srtp?.send);
        expect([ours.remote.port, theirs.remote.port]).toEqual([
          callee.media[theirs.localIndex]?.port,
          caller.media[ours.localIndex]?.port,
        ]);
      }
      const hold = answerOffer(read(makeOffer(held(callee), answered.answer)), caller, offer);
      if (!hold.ok) throw new Error(hold.refusal);
      expect(hold.agreed.map(({ isRejected }) => isRejected)).toEqual(applied.agreed.map(({ isRejected }) => isRejected));
      for (const line of hold.agreed) if (!line.isRejected) expect(['sendrecv', 'sendonly']).not.toContain(line.direction);
    }),
    { numRuns: 1000 },
  );
});

const foreign = [
  'v=0',
  'o=mozilla-THIS_IS_SDPARTA 4858251974351650128 0 IN IP4 0.0.0.0',
  's=-',
  't=0 0',
  'a=group:BUNDLE 0 1',
  'a=msid-semantic:WMS *',
  'm=audio 9 UDP/TLS/RTP/SAVPF 109 9 0 101',
  'c=IN IP4 10.1.2.3',
  'a=rtpmap:109 opus/48000/2',
  'a=fmtp:109 maxplaybackrate=48000;stereo=1',
  'a=candidate:0 1 UDP 2122252543 10.1.2.3 50842 typ host',
  'a=ice-ufrag:x',
  'a=fingerprint:sha-256 AA:BB',
  'a=extmap:1/sendonly urn:ietf:params:rtp-hdrext:ssrc-audio-level',
  'a=ssrc:1 cname:{a}',
  'a=rtcp-fb:109 nack pli',
  'a=simulcast:send 1;2',
  'm=video 51372 RTP/SAVP 31 99',
  'b=TIAS:1000',
  'c=IN IP6 FF15::101',
  'a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:PS1uQCVeeCFCanVmcjkpPywjNWhcYD0mXXtxaVBR|2^20|1:32 KDR=1',
  'a=rtpmap:99 h263-1998/90000',
  'a=imageattr:99 send [x=800,y=640]',
  '',
].join('\r\n');

it('reads or refuses 20,000 descriptions gone wrong', () => {
  const rng = createRng(20_260);
  const random = fc.sample(description, { numRuns: 30, seed: 4 }).map(writeSdp);
  const samples = [foreign, ...random].map((text) => Buffer.from(text));
  const [local] = fc.sample(session, { numRuns: 1, seed: 5 }) as [LocalSession];
  const kinds = new Map<string, number>();
  for (let turn = 0; turn < 20_000; turn++) {
    const result = parseSdp(mutated(rng, samples).toString('utf8'));
    const kind = result.ok ? 'read' : result.failure.kind;
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
    if (!result.ok || turn % 5 !== 0) continue;
    expect(result.description.media.length).toBeLessThanOrEqual(SDP_MEDIA_MAX);
    const answered = answerOffer(result.description, local);
    if (answered.ok) expect(read(answered.answer).media.length).toBe(result.description.media.length);
    applyAnswer(makeOffer(local), result.description, local);
  }
  for (const kind of ['read', 'garbage', 'origin', 'no-media', 'bad-media', 'bad-port', 'bad-connection'])
    expect(kinds.get(kind)).toBeGreaterThan(0);
});
