// Offer and answer (RFC 3264): both sides of an exchange must agree on the same thing, m-line by m-line, under every option that SIP endpoints here
// have; and what no sides can agree on is refused with its reason. Answers of foreign make - renumbered, several codecs, wrong - are written out.

import { describe, expect, it } from 'vitest';
import { type Direction, parseSdp, type SdpCodec, type SessionDescription, writeSdp } from '../../node/wire/sdp.ts';
import { type AcceptedMedia, type AgreedMedia, answerOffer, applyAnswer } from '../../node/wire/sdp-negotiate.ts';
import { held, type LocalMedia, type LocalSession, makeOffer } from '../../node/wire/sdp-offer.ts';
import type { SrtpKey } from '../../node/wire/srtp.ts';

const CODECS = {
  PCMU: { payloadType: 0, name: 'PCMU', clockRateHz: 8000 },
  PCMA: { payloadType: 8, name: 'PCMA', clockRateHz: 8000 },
  opus: { payloadType: 111, name: 'opus', clockRateHz: 48_000, channels: 2 },
  H264: { payloadType: 96, name: 'H264', clockRateHz: 90_000, fmtp: 'profile-level-id=42e01f;packetization-mode=1' },
} as const satisfies Record<string, SdpCodec>;

const key = (byte: number): SrtpKey => ({ suite: 'AES_CM_128_HMAC_SHA1_80', keyAndSalt: new Uint8Array(30).fill(byte) });
const audio = (change: Partial<LocalMedia> = {}): LocalMedia => ({
  kind: 'audio',
  codecs: [CODECS.PCMU, CODECS.PCMA],
  port: 4000,
  rtcpPort: null,
  isMuxed: false,
  direction: 'sendrecv',
  ssrc: null,
  srtp: null,
  dtmf: true,
  ...change,
});
const video = (change: Partial<LocalMedia> = {}): LocalMedia =>
  audio({ kind: 'video', codecs: [CODECS.H264], port: 4002, dtmf: false, ...change });
const local = (...media: readonly LocalMedia[]): LocalSession => ({ sessionId: '77', host: '127.0.0.1', media });

/** As it would arrive. */
function sent(description: SessionDescription): SessionDescription {
  const result = parseSdp(writeSdp(description));
  if (!result.ok) throw new Error(result.failure.detail);
  return result.description;
}
const read = (...lines: readonly string[]): SessionDescription => {
  const result = parseSdp(['v=0', 'o=- 1 1 IN IP4 10.0.0.9', 's=-', 'c=IN IP4 10.0.0.9', 't=0 0', ...lines].join('\r\n'));
  if (!result.ok) throw new Error(result.failure.detail);
  return result.description;
};

interface Exchange {
  readonly offer: SessionDescription;
  readonly answer: SessionDescription;
  readonly caller: readonly AgreedMedia[];
  readonly callee: readonly AgreedMedia[];
}
function exchange(caller: LocalSession, callee: LocalSession): Exchange {
  const offer = makeOffer(caller);
  const answered = answerOffer(sent(offer), callee);
  if (!answered.ok) throw new Error(answered.refusal);
  const applied = applyAnswer(offer, sent(answered.answer), caller);
  if (!applied.ok) throw new Error(applied.refusal);
  return { offer, answer: answered.answer, caller: applied.agreed, callee: answered.agreed };
}
function accepted(media: AgreedMedia | undefined): AcceptedMedia {
  if (media === undefined || media.isRejected) throw new Error(`not accepted: ${JSON.stringify(media)}`);
  return media;
}
const refusalOf = (offer: SessionDescription, session: LocalSession): string => {
  const result = answerOffer(offer, session);
  return result.ok ? 'answered' : result.refusal;
};

describe('codecs', () => {
  it("are chosen by the answerer's preference and carry the offerer's numbers both ways", () => {
    const caller = local(audio({ codecs: [{ ...CODECS.opus, payloadType: 98 }, CODECS.PCMU] }));
    const callee = local(audio({ codecs: [CODECS.opus, CODECS.PCMA], port: 5000 }));
    const { answer, caller: a, callee: b } = exchange(caller, callee);
    expect(answer.media[0]).toMatchObject({ formats: '98 102', port: 5000 });
    for (const media of [accepted(a[0]), accepted(b[0])]) {
      expect(media).toMatchObject({ codec: { name: 'opus' }, sendPayloadType: 98, receivePayloadTypes: [98] });
      expect([media.dtmfPayloadType, media.dtmfReceivePayloadType]).toEqual([102, 102]);
    }
    expect(accepted(a[0]).remote).toEqual({ host: '127.0.0.1', port: 5000, rtcpPort: 5001, ssrc: null });
  });

  it('may be several in an answer, and under other numbers: we send theirs and receive ours', () => {
    const caller = local(audio({ codecs: [CODECS.PCMU, CODECS.PCMA, CODECS.opus] }));
    const offer = makeOffer(caller);
    const answer = read('m=audio 6000 RTP/AVP 8 120 0 121', 'a=rtpmap:120 opus/48000/2', 'a=rtpmap:121 telephone-event/8000');
    const applied = applyAnswer(offer, answer, caller);
    expect(applied.ok && applied.agreed[0]).toMatchObject({
      codec: { name: 'PCMA' },
      sendPayloadType: 8,
      receivePayloadTypes: [0, 8],
      dtmfPayloadType: 121,
      dtmfReceivePayloadType: 101,
    });
  });

  it.each([
    ['rates', { name: 'PCMU', clockRateHz: 16_000 }, false],
    ['channels', { name: 'PCMU', clockRateHz: 8000, channels: 2 }, false],
    ['names', { name: 'PCMX', clockRateHz: 8000 }, false],
    ['capitals only', { name: 'pcmu', clockRateHz: 8000 }, true],
  ])('that differ in %s', (_, codec, isSame) => {
    const offer = makeOffer(local(audio({ codecs: [{ payloadType: 96, ...codec }] })));
    expect(refusalOf(sent(offer), local(audio()))).toBe(isSame ? 'answered' : 'codec');
  });

  it('of H.264 are the same in one packetization-mode, whatever their level', () => {
    const offer = read(
      'm=video 6000 RTP/AVP 96 97',
      'a=rtpmap:96 H264/90000',
      'a=fmtp:96 profile-level-id=42801e',
      'a=rtpmap:97 H264/90000',
      'a=fmtp:97 profile-level-id=42801e; packetization-mode=1',
    );
    const answered = answerOffer(offer, local(video()));
    expect(answered.ok && answered.agreed[0]).toMatchObject({ sendPayloadType: 97 });
    expect(answered.ok && answered.answer.media[0]?.codecs).toEqual([offer.media[0]?.codecs[1]]);
  });
});

describe('lines', () => {
  it('that cannot be had are rejected in their places, with the formats of the offer', () => {
    const offer = read(
      'm=image 7000 udptl t38',
      'm=audio 7002 RTP/AVP 0',
      'a=mid:x',
      'm=audio 7004 RTP/AVP 0',
      'm=video 7006 UDP/TLS/RTP/SAVPF 96',
      'a=rtpmap:96 H264/90000',
      'm=audio 0 RTP/AVP 8',
    );
    const answered = answerOffer(offer, local(video(), audio()));
    if (!answered.ok) throw new Error(answered.refusal);
    expect(sent(answered.answer).media.map(({ kind, port, protocol, formats, mid }) => [kind, port, protocol, formats, mid])).toEqual([
      ['image', 0, 'udptl', 't38', null],
      ['audio', 4000, 'RTP/AVP', '0', 'x'],
      ['audio', 0, 'RTP/AVP', '0', null],
      ['video', 0, 'UDP/TLS/RTP/SAVPF', '96', null],
      ['audio', 0, 'RTP/AVP', '8', null],
    ]);
    expect(answered.agreed.map((media) => (media.isRejected ? media.reason : media.localIndex))).toEqual([
      'kind',
      1,
      'kind',
      'protocol',
      'unused',
    ]);
  });

  it.each([
    ['kind', 'm=image 7000 udptl t38'],
    ['codec', 'm=audio 7000 RTP/AVP 18'],
    ['protocol', 'm=audio 7000 TCP/RTP/AVP 0'],
    ['security', 'm=audio 7000 RTP/SAVP 0'],
  ])('refuse the whole offer with %s when none is left', (refusal, line) => {
    expect(refusalOf(read(line), local(audio()))).toBe(refusal);
  });

  it('that were all given up are no refusal', () => {
    const answered = answerOffer(read('m=audio 0 RTP/AVP 0'), local(audio()));
    expect(answered.ok && answered.agreed).toEqual([{ isRejected: true, kind: 'audio', index: 0, reason: 'unused' }]);
  });

  it.each([
    ['media-count', ['m=audio 6000 RTP/AVP 0']],
    ['media-kind', ['m=video 6000 RTP/AVP 0', 'm=audio 6002 RTP/AVP 0']],
    ['declined', ['m=audio 0 RTP/AVP 0', 'm=video 0 RTP/AVP 96']],
    ['codec', ['m=audio 6000 RTP/AVP 18', 'm=video 0 RTP/AVP 96']],
    ['protocol', ['m=audio 6000 RTP/SAVP 0', 'm=video 0 RTP/AVP 96']],
  ])('of an answer that does not fit are refused with %s', (refusal, lines) => {
    const caller = local(audio(), video());
    expect(applyAnswer(makeOffer(caller), read(...lines), caller)).toEqual({ ok: false, refusal });
  });

  it('of an answer may be fewer than were offered', () => {
    const { caller } = exchange(local(audio(), video()), local(audio()));
    expect(caller.map((media) => (media.isRejected ? media.reason : 'had'))).toEqual(['had', 'declined']);
  });
});

describe('directions', () => {
  const all: readonly Direction[] = ['sendrecv', 'sendonly', 'recvonly', 'inactive'];
  const sending = (direction: Direction): boolean => direction === 'sendrecv' || direction === 'sendonly';
  const receiving = (direction: Direction): boolean => direction === 'sendrecv' || direction === 'recvonly';

  it.each(all.flatMap((a) => all.map((b) => [a, b] as const)))('%s against %s: each sends what the other receives', (a, b) => {
    const { caller, callee } = exchange(local(audio({ direction: a })), local(audio({ direction: b })));
    const [mine, theirs] = [accepted(caller[0]).direction, accepted(callee[0]).direction];
    expect([sending(mine), receiving(mine)]).toEqual([receiving(theirs), sending(theirs)]);
    expect(sending(mine)).toBe(sending(a) && receiving(b));
    expect(receiving(mine)).toBe(receiving(a) && sending(b));
  });

  it('do not send to 0.0.0.0, the hold of old', () => {
    const answered = answerOffer(read('m=audio 6000 RTP/AVP 0', 'c=IN IP4 0.0.0.0'), local(audio()));
    expect(answered.ok && accepted(answered.agreed[0]).direction).toBe('recvonly');
    expect(answered.ok && answered.answer.media[0]?.direction).toBe('recvonly');
  });
});

describe('re-offers', () => {
  const caller = local(audio({ codecs: [CODECS.PCMU, CODECS.opus], srtp: key(1) }), video({ srtp: key(2) }));
  const callee = local(audio({ port: 5000, srtp: key(3) }));

  it('hold and resume with the same formats, keys and places, and count versions up only for changes', () => {
    const { offer } = exchange(caller, callee);
    const hold = makeOffer(held(caller), offer);
    expect(hold).toEqual({
      ...offer,
      sessionVersion: '2',
      media: offer.media.map((media) => ({ ...media, direction: 'sendonly' })),
    });
    expect(makeOffer(held(caller), hold)).toEqual(hold);
    expect(makeOffer(caller, hold)).toEqual({ ...offer, sessionVersion: '3' });
  });

  it.each([
    ['sendrecv', 'sendonly'],
    ['recvonly', 'inactive'],
    ['sendonly', 'sendonly'],
    ['inactive', 'inactive'],
  ] as const)('hold %s as %s', (direction, expected) => {
    expect(held(local(audio({ direction }))).media[0]?.direction).toBe(expected);
  });

  it('of the one who answered keep the agreed numbers and the rejected lines', () => {
    const { answer } = exchange(caller, callee);
    const hold = makeOffer(held(callee), answer);
    expect(hold.media.map(({ port, formats, direction }) => [port, formats, direction])).toEqual([
      [5000, '0 101', 'sendonly'],
      [0, '96', 'inactive'],
    ]);
    const answered = answerOffer(sent(hold), caller, makeOffer(caller));
    expect(answered.ok && answered.answer.sessionVersion).toBe('2');
    expect(answered.ok && accepted(answered.agreed[0])).toMatchObject({ direction: 'recvonly', srtp: { send: key(1), receive: key(3) } });
  });

  it('move to another address and port', () => {
    const { offer } = exchange(caller, callee);
    const moved = makeOffer(
      { ...caller, host: '127.0.0.2', media: caller.media.map((media) => ({ ...media, port: 9000, rtcpPort: 9007 })) },
      offer,
    );
    expect(moved.media[0]).toMatchObject({ host: '127.0.0.2', port: 9000, rtcp: { port: 9007, host: null } });
    expect(moved.sessionVersion).toBe('2');
  });

  it('count versions of 64 bits', () => {
    const offer = { ...makeOffer(caller), sessionVersion: '9007199254740993' };
    expect(makeOffer(held(caller), offer).sessionVersion).toBe('9007199254740994');
  });
});

describe('RTCP', () => {
  it.each([
    [true, true, null],
    [true, false, 5001],
    [false, true, 5001],
  ])('is multiplexed when both want it: %s and %s', (a, b, rtcpPort) => {
    const { caller, callee, answer } = exchange(local(audio({ isMuxed: a })), local(audio({ isMuxed: b, port: 5000 })));
    expect([accepted(caller[0]).isMuxed, accepted(callee[0]).isMuxed, answer.media[0]?.isMuxed]).toEqual([a && b, a && b, a && b]);
    expect(accepted(caller[0]).remote.rtcpPort).toBe(rtcpPort);
  });

  it('has its own port where a=rtcp says so', () => {
    const { caller } = exchange(local(audio()), local(audio({ port: 5000, rtcpPort: 5555 })));
    expect(accepted(caller[0]).remote.rtcpPort).toBe(5555);
  });

  it('goes to the RTP port where there is no next one', () => {
    const answered = answerOffer(read('m=audio 65535 RTP/AVP 0'), local(audio()));
    expect(answered.ok && accepted(answered.agreed[0]).remote.rtcpPort).toBeNull();
  });
});

describe('security', () => {
  it('crosses the keys, under the tag of the offer', () => {
    const { caller, callee } = exchange(local(audio({ srtp: key(1) })), local(audio({ srtp: key(2) })));
    expect(accepted(caller[0]).srtp).toEqual({ send: key(1), receive: key(2) });
    expect(accepted(callee[0]).srtp).toEqual({ send: key(2), receive: key(1) });
  });

  const inline = Buffer.alloc(30, 9).toString('base64');
  const secure = (...crypto: readonly string[]) => read('m=audio 6000 RTP/SAVP 0', ...crypto);
  it.each([
    ['no key', []],
    ['an unknown suite', [`a=crypto:1 AES_256_CM_HMAC_SHA1_80 inline:${inline}`]],
    ['a short key', ['a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:AAAA']],
    ['a key identifier', [`a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${inline}|2^31|1:4`]],
    ['session parameters', [`a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:${inline} UNENCRYPTED_SRTP`]],
  ])('is not to be had with %s', (_, crypto) => {
    expect(refusalOf(secure(...crypto), local(audio({ srtp: key(1) })))).toBe('security');
  });

  it('takes the first line that is spoken here and answers with its tag', () => {
    const offer = secure(`a=crypto:1 AES_CM_128_HMAC_SHA1_32 inline:${inline}`, `a=crypto:5 AES_CM_128_HMAC_SHA1_80 inline:${inline}|2^31`);
    const answered = answerOffer(offer, local(audio({ srtp: key(1) })));
    expect(answered.ok && answered.answer.media[0]?.crypto.map(({ tag }) => tag)).toEqual([5]);
  });

  it('is not given up for a plain offer, unless it is optional', () => {
    const plain = read('m=audio 6000 RTP/AVP 0');
    expect(refusalOf(plain, local(audio({ srtp: key(1) })))).toBe('security');
    const answered = answerOffer(plain, local(audio({ srtp: key(1), isSrtpOptional: true })));
    expect(answered.ok && [accepted(answered.agreed[0]).srtp, answered.answer.media[0]?.crypto]).toEqual([null, []]);
  });

  it('refuses an answer with another tag or without a key', () => {
    const caller = local(audio({ srtp: key(1) }));
    for (const crypto of [[], [`a=crypto:2 AES_CM_128_HMAC_SHA1_80 inline:${inline}`]]) {
      expect(applyAnswer(makeOffer(caller), secure(...crypto), caller)).toEqual({ ok: false, refusal: 'security' });
    }
  });
});

describe('what is told besides', () => {
  it('SSRCs and packet times reach the other side', () => {
    const { caller, callee } = exchange(
      local(audio({ ssrc: 11, cname: 'a@h', ptimeMs: 30 })),
      local(audio({ ssrc: 4_294_967_295, cname: 'b@h', ptimeMs: 20 })),
    );
    expect([accepted(caller[0]).remote.ssrc, accepted(caller[0]).ptimeMs]).toEqual([4_294_967_295, 20]);
    expect([accepted(callee[0]).remote.ssrc, accepted(callee[0]).ptimeMs]).toEqual([11, 30]);
  });

  it.each([
    [true, false],
    [false, true],
    [false, false],
  ])('digits are agreed by both or neither: %s and %s', (a, b) => {
    const { caller, callee } = exchange(local(audio({ dtmf: a })), local(audio({ dtmf: b })));
    expect([accepted(caller[0]).dtmfPayloadType, accepted(callee[0]).dtmfPayloadType]).toEqual([null, null]);
  });

  it('events get numbers that no codec has', () => {
    const codecs = [{ ...CODECS.opus, payloadType: 101 }, CODECS.PCMU, { payloadType: 102, name: 'G722', clockRateHz: 8000 }];
    expect(makeOffer(local(audio({ codecs }))).media[0]?.dtmf).toEqual([
      { payloadType: 103, clockRateHz: 8000 },
      { payloadType: 104, clockRateHz: 48_000 },
    ]);
  });
});
