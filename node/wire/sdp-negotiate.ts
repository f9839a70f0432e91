// Offer and answer (RFC 3264) for audio and video over RTP: how we answer, and what an exchange agreed on. Each m-line is answered in its place; a
// line that cannot be had gets port 0 and a reason. An answer names one codec (and telephone-event) under the offerer's payload types, so both
// directions carry the same numbers; an answer that names several or renumbers is understood. Security is never negotiated away: a line of ours
// with a key is SAVP or nothing, unless `isSrtpOptional`. Addresses are opaque here. What we offer is sdp-offer.ts.

import type { Direction, DtmfFormat, MediaDescription, SdpCodec, SdpCrypto, SessionDescription } from './sdp.ts';
import {
  cryptoLine,
  describe,
  directionFrom,
  formatsOf,
  type LocalMedia,
  type LocalSession,
  offerLine,
  receives,
  rejectedLine,
  sends,
} from './sdp-offer.ts';
import type { SrtpKey } from './srtp.ts';

/** Why an m-line is not used. `unused`: port 0 already in the offer. `declined`: port 0 in the answer. */
export type RejectReason = 'unused' | 'declined' | 'kind' | 'protocol' | 'codec' | 'security';

export interface RejectedMedia {
  readonly isRejected: true;
  readonly kind: string;
  readonly index: number;
  readonly reason: RejectReason;
}

export interface AcceptedMedia {
  readonly isRejected: false;
  readonly kind: 'audio' | 'video';
  /** Position of the m-line. */
  readonly index: number;
  /** Which of LocalSession.media it is. */
  readonly localIndex: number;
  /** Ours: may we send, may we expect to receive. */
  readonly direction: Direction;
  readonly codec: SdpCodec;
  readonly sendPayloadType: number;
  /** Of every agreed codec with the clock rate of `codec`. */
  readonly receivePayloadTypes: readonly number[];
  /** What we send digits with, and what they come in with; null: not agreed. */
  readonly dtmfPayloadType: number | null;
  readonly dtmfReceivePayloadType: number | null;
  /**
   * `host` '0.0.0.0' while held the old way (then `direction` does not send). `rtcpPort` null: multiplexed; RTCP goes to `host` even where a=rtcp
   * names another: load follows one address.
   */
  readonly remote: { readonly host: string; readonly port: number; readonly rtcpPort: number | null; readonly ssrc: number | null };
  readonly isMuxed: boolean;
  readonly srtp: { readonly send: SrtpKey; readonly receive: SrtpKey } | null;
  /** What the peer asks for. */
  readonly ptimeMs: number | null;
}

export type AgreedMedia = RejectedMedia | AcceptedMedia;

/** Why a whole exchange fails: for an offer the reason of its first line (answer 488), for an answer also that it does not fit the offer. */
export type SdpRefusal = RejectReason | 'media-count' | 'media-kind';

export type AnswerResult =
  | { readonly ok: true; readonly answer: SessionDescription; readonly agreed: readonly AgreedMedia[] }
  | { readonly ok: false; readonly refusal: SdpRefusal };

export type ApplyResult =
  | { readonly ok: true; readonly agreed: readonly AgreedMedia[] }
  | { readonly ok: false; readonly refusal: SdpRefusal };

const SUITE = 'AES_CM_128_HMAC_SHA1_80';
const SUITE_KEY_BYTES = 30;
/** Profiles we speak; the F of feedback (RFC 4585) only says that more RTCP is allowed. */
const PROTOCOLS: ReadonlyMap<string, { readonly isSecure: boolean }> = new Map([
  ['RTP/AVP', { isSecure: false }],
  ['RTP/AVPF', { isSecure: false }],
  ['RTP/SAVP', { isSecure: true }],
  ['RTP/SAVPF', { isSecure: true }],
]);

/** c=0.0.0.0 is hold as RFC 2543 had it: nothing may be sent there (RFC 3264, 8.4). */
const isHeldTheOldWay = (media: MediaDescription): boolean => media.host === '0.0.0.0' || media.host === '::';

/** What we do, from what we want and what the other side says that it does. */
function ourDirection(wanted: Direction, other: MediaDescription): Direction {
  const maySend = receives(other.direction) && !isHeldTheOldWay(other);
  return directionFrom(sends(wanted) && maySend, receives(wanted) && sends(other.direction));
}

/**
 * Answers an offer. Of its lines of one kind the first that fits gets our medium of that kind. Refused only when lines were offered and none can be had.
 * `previous`: the description that we sent last in this session, when the offer is a re-offer.
 */
export function answerOffer(offer: SessionDescription, local: LocalSession, previous?: SessionDescription): AnswerResult {
  const lines: MediaDescription[] = [];
  const agreed: AgreedMedia[] = [];
  const free = new Set(local.media.keys());
  for (const [index, offered] of offer.media.entries()) {
    const matched = offered.port === 0 ? 'unused' : match(offered, local, free);
    if (typeof matched === 'string') {
      lines.push(rejectedLine(offered));
      agreed.push({ isRejected: true, kind: offered.kind, index, reason: matched });
      continue;
    }
    free.delete(matched.localIndex);
    const line = answerLine(offered, matched, local.host);
    lines.push(line);
    agreed.push(accepted(index, matched, line, offered));
  }
  const refusal = refusalOf(agreed);
  return refusal === null ? { ok: true, answer: describe(local, lines, previous), agreed } : { ok: false, refusal };
}

/** Null when something is accepted or nothing was wanted. */
function refusalOf(agreed: readonly AgreedMedia[]): RejectReason | null {
  if (agreed.some(({ isRejected }) => !isRejected)) return null;
  for (const media of agreed) if (media.isRejected && media.reason !== 'unused') return media.reason;
  return null;
}

interface Match {
  readonly localIndex: number;
  readonly media: LocalMedia;
  /** As the other side wrote it. */
  readonly codec: SdpCodec;
  readonly sdes: SdpCrypto | null;
}

function match(offered: MediaDescription, local: LocalSession, free: ReadonlySet<number>): Match | RejectReason {
  const localIndex = [...free].find((index) => local.media[index]?.kind === offered.kind);
  if (localIndex === undefined) return 'kind';
  const media = local.media[localIndex] as LocalMedia;
  const protocol = PROTOCOLS.get(offered.protocol);
  if (protocol === undefined) return 'protocol';
  const sdes = protocol.isSecure ? (offered.crypto.find(isUsable) ?? null) : null;
  if (protocol.isSecure ? media.srtp === null || sdes === null : media.srtp !== null && media.isSrtpOptional !== true) return 'security';
  const codec = media.codecs.map((ours) => offered.codecs.find((theirs) => isSameCodec(ours, theirs))).find((found) => found !== undefined);
  return codec === undefined ? 'codec' : { localIndex, media, codec, sdes };
}

/** A key identifier would stand in every packet and session parameters change the packets: both are not spoken here. */
const isUsable = ({ suite, keyAndSalt, mki, sessionParameters }: SdpCrypto): boolean =>
  suite === SUITE && keyAndSalt.length === SUITE_KEY_BYTES && mki === null && sessionParameters === null;

/** H.264 differs by packetization-mode too (RFC 6184, 8.2.2); profile and level do not matter for frames that nobody decodes. */
function isSameCodec(a: SdpCodec, b: SdpCodec): boolean {
  if (a.clockRateHz !== b.clockRateHz || (a.channels ?? 1) !== (b.channels ?? 1)) return false;
  const name = a.name.toUpperCase();
  return name === b.name.toUpperCase() && (name !== 'H264' || packetizationMode(a) === packetizationMode(b));
}

const packetizationMode = ({ fmtp = '' }: SdpCodec): string => /(?:^|;)\s*packetization-mode\s*=\s*(\d)/i.exec(fmtp)?.[1] ?? '0';

function answerLine(offered: MediaDescription, { media, codec, sdes }: Match, host: string): MediaDescription {
  const line = offerLine(media, host);
  const isMuxed = offered.isMuxed && media.isMuxed;
  const event = media.dtmf ? dtmfFor(codec, offered.dtmf) : undefined;
  const codecs = [codec];
  const dtmf = event === undefined ? [] : [event];
  return {
    ...line,
    protocol: offered.protocol,
    formats: formatsOf(codecs, dtmf),
    rtcp: isMuxed ? null : line.rtcp,
    isMuxed,
    direction: ourDirection(media.direction, offered),
    codecs,
    dtmf,
    crypto: sdes === null || media.srtp === null ? [] : [cryptoLine(media.srtp, sdes.tag)],
    mid: offered.mid,
  };
}

/** Events share the clock of the audio (RFC 4733, 2.1); where only the usual 8,000 is offered, that is better than none. */
const dtmfFor = (codec: SdpCodec, dtmf: readonly DtmfFormat[]): DtmfFormat | undefined =>
  dtmf.find(({ clockRateHz }) => clockRateHz === codec.clockRateHz) ?? dtmf.find(({ clockRateHz }) => clockRateHz === 8000);

/** `ours` and `theirs` after negotiation: the line we sent and the line that came. */
function accepted(
  index: number,
  { localIndex, media, codec, sdes }: Match,
  ours: MediaDescription,
  theirs: MediaDescription,
): AcceptedMedia {
  const isMuxed = ours.isMuxed && theirs.isMuxed;
  const send = dtmfFor(codec, theirs.dtmf);
  const receive = send === undefined ? undefined : ours.dtmf.find(({ clockRateHz }) => clockRateHz === send.clockRateHz);
  const rtcpPort = isMuxed ? null : (theirs.rtcp?.port ?? (theirs.port < 65_535 ? theirs.port + 1 : null));
  return {
    isRejected: false,
    kind: media.kind,
    index,
    localIndex,
    direction: ourDirection(ours.direction, theirs),
    codec,
    sendPayloadType: codec.payloadType,
    receivePayloadTypes: ours.codecs
      .filter((mine) => mine.clockRateHz === codec.clockRateHz && theirs.codecs.some((other) => isSameCodec(mine, other)))
      .map(({ payloadType }) => payloadType),
    dtmfPayloadType: receive === undefined ? null : (send?.payloadType ?? null),
    dtmfReceivePayloadType: receive?.payloadType ?? null,
    remote: { host: theirs.host, port: theirs.port, rtcpPort, ssrc: theirs.ssrc },
    isMuxed,
    srtp: sdes === null || media.srtp === null ? null : { send: media.srtp, receive: { suite: SUITE, keyAndSalt: sdes.keyAndSalt } },
    ptimeMs: theirs.ptimeMs,
  };
}

/**
 * What an answer to our `offer` agreed on. `local` is what the offer was made of. The first codec of the answer is the one we send; codecs that we did
 * not offer are passed over. Refused when the lines do not fit the offer or none is accepted.
 */
export function applyAnswer(offer: SessionDescription, answer: SessionDescription, local: LocalSession): ApplyResult {
  if (answer.media.length !== offer.media.length) return { ok: false, refusal: 'media-count' };
  const agreed: AgreedMedia[] = [];
  const free = new Set(local.media.keys());
  for (const [index, ours] of offer.media.entries()) {
    const theirs = answer.media[index] as MediaDescription;
    if (theirs.kind !== ours.kind) return { ok: false, refusal: 'media-kind' };
    const localIndex = [...free].find((at) => ours.port !== 0 && local.media[at]?.kind === ours.kind);
    if (localIndex !== undefined) free.delete(localIndex);
    const matched = localIndex === undefined ? 'unused' : matchAnswer(ours, theirs, localIndex, local);
    if (typeof matched === 'string') agreed.push({ isRejected: true, kind: ours.kind, index, reason: matched });
    else agreed.push(accepted(index, matched, ours, theirs));
  }
  const refusal = refusalOf(agreed);
  return refusal === null ? { ok: true, agreed } : { ok: false, refusal };
}

function matchAnswer(ours: MediaDescription, theirs: MediaDescription, localIndex: number, local: LocalSession): Match | RejectReason {
  if (theirs.port === 0) return 'declined';
  const isSecure = PROTOCOLS.get(ours.protocol)?.isSecure ?? false;
  if (PROTOCOLS.get(theirs.protocol)?.isSecure !== isSecure) return 'protocol';
  const sdes = theirs.crypto.find((line) => isUsable(line) && ours.crypto.some(({ tag }) => tag === line.tag)) ?? null;
  if (isSecure && sdes === null) return 'security';
  const codec = theirs.codecs.find((other) => ours.codecs.some((mine) => isSameCodec(mine, other)));
  if (codec === undefined) return 'codec';
  return { localIndex, media: local.media[localIndex] as LocalMedia, codec, sdes: isSecure ? sdes : null };
}
