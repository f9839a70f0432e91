// What we offer: LocalSession says what a participant has for each m-line, and becomes a session description - an offer, a re-offer (hold, resume,
// another address), or the frame of an answer. Re-offers keep places, payload types and keys as RFC 3264, section 8 asks; the version of o= counts up
// only when something changed. Reading answers and answering offers is sdp-negotiate.ts.

import type { Direction, DtmfFormat, MediaDescription, SdpCodec, SdpCrypto, SessionDescription } from './sdp.ts';
import { writeSdp } from './sdp.ts';
import type { SrtpKey } from './srtp.ts';

/** What we have for one m-line. */
export interface LocalMedia {
  readonly kind: 'audio' | 'video';
  /** By preference, with the payload types to offer them under. */
  readonly codecs: readonly SdpCodec[];
  readonly port: number;
  /** Null: the port after `port`, or `port` itself where multiplexed. */
  readonly rtcpPort: number | null;
  /** Offered, and accepted where offered (RFC 5761). */
  readonly isMuxed: boolean;
  readonly direction: Direction;
  /** Told in a=ssrc, with the CNAME that RTCP will carry; null: not told. */
  readonly ssrc: number | null;
  readonly cname?: string | null;
  /** The key we send with; null: no SRTP. */
  readonly srtp: SrtpKey | null;
  /** With a key: plain RTP is accepted too where the peer offers that. */
  readonly isSrtpOptional?: boolean;
  /** Offer and accept telephone-event at the clock rates of the codecs. */
  readonly dtmf: boolean;
  readonly ptimeMs?: number | null;
}

export interface LocalSession {
  /** Absent: '-'. */
  readonly originUser?: string;
  /** Decimal digits, random for each session. */
  readonly sessionId: string;
  /** Local address that media is wanted at. */
  readonly host: string;
  /** At most one of each kind: which m-line is which stays clear through all re-offers. */
  readonly media: readonly LocalMedia[];
}

export const sends = (direction: Direction): boolean => direction === 'sendrecv' || direction === 'sendonly';
export const receives = (direction: Direction): boolean => direction === 'sendrecv' || direction === 'recvonly';

export function directionFrom(isSending: boolean, isReceiving: boolean): Direction {
  if (isSending) return isReceiving ? 'sendrecv' : 'sendonly';
  return isReceiving ? 'recvonly' : 'inactive';
}

/** The session with every line held: we stop listening, the other side hears on (music). The re-offer is `makeOffer(held(local), ours)`. */
export function held(local: LocalSession): LocalSession {
  return { ...local, media: local.media.map((media) => ({ ...media, direction: directionFrom(sends(media.direction), false) })) };
}

/**
 * An offer for all of `local.media`. `previous`: the description that we sent last in this session (offer or answer): the re-offer has its lines and
 * no others, with their formats and keys (RFC 3264, 8); lines it rejected stay rejected; address, port and direction are those of `local`, and the
 * version counts up if anything changes. So hold is `makeOffer(held(local), previous)` and resume `makeOffer(local, previous)`.
 */
export function makeOffer(local: LocalSession, previous?: SessionDescription): SessionDescription {
  const { host, media: wanted } = local;
  if (previous === undefined)
    return describe(
      local,
      wanted.map((media) => offerLine(media, host)),
    );
  const queue = [...wanted];
  const lines = previous.media.map((line) => {
    const at = line.port === 0 ? -1 : queue.findIndex(({ kind }) => kind === line.kind);
    if (at < 0) return rejectedLine(line);
    const media = queue.splice(at, 1)[0] as LocalMedia;
    const { port, ssrc, cname = null, direction } = media;
    return { ...line, host, port, rtcp: line.isMuxed ? null : rtcpOf(media), ssrc, cname, direction };
  });
  return describe(local, lines, previous);
}

/** A description of ours with these lines; as `previous` with the next version when it is to replace that one and differs. */
export function describe(local: LocalSession, media: MediaDescription[], previous?: SessionDescription): SessionDescription {
  const { originUser = '-', sessionId, host } = local;
  const description = { originUser, sessionId, sessionVersion: '1', host, media };
  if (previous === undefined) return description;
  const same = { ...description, sessionId: previous.sessionId, sessionVersion: previous.sessionVersion };
  if (writeSdp(same) === writeSdp(previous)) return same;
  return { ...same, sessionVersion: String(BigInt(previous.sessionVersion) + 1n) };
}

/** The m-line that says all we have. */
export function offerLine(media: LocalMedia, host: string): MediaDescription {
  const { kind, codecs, port, isMuxed, direction, ssrc, cname = null, srtp, ptimeMs = null } = media;
  const dtmf = media.dtmf ? dtmfFormats(codecs) : [];
  return {
    kind,
    port,
    protocol: srtp === null ? 'RTP/AVP' : 'RTP/SAVP',
    formats: formatsOf(codecs, dtmf),
    host,
    rtcp: rtcpOf(media),
    isMuxed,
    direction,
    codecs,
    dtmf,
    ptimeMs,
    ssrc,
    cname,
    crypto: srtp === null ? [] : [cryptoLine(srtp, 1)],
    mid: null,
  };
}

const rtcpOf = ({ port, rtcpPort }: LocalMedia): MediaDescription['rtcp'] =>
  rtcpPort === null || rtcpPort === port + 1 ? null : { port: rtcpPort, host: null };

export const formatsOf = (codecs: readonly SdpCodec[], dtmf: readonly DtmfFormat[]): string =>
  [...codecs, ...dtmf].map(({ payloadType }) => payloadType).join(' ');

/** 101 for the lowest clock rate, as everybody has it; then whatever is free. */
function dtmfFormats(codecs: readonly SdpCodec[]): DtmfFormat[] {
  const taken = new Set(codecs.map(({ payloadType }) => payloadType));
  let payloadType = 100;
  const rates = [...new Set(codecs.map(({ clockRateHz }) => clockRateHz))].sort((a, b) => a - b);
  return rates.map((clockRateHz) => {
    do payloadType++;
    while (taken.has(payloadType));
    return { payloadType, clockRateHz };
  });
}

export const cryptoLine = ({ suite, keyAndSalt }: SrtpKey, tag: number): SdpCrypto => ({
  tag,
  suite,
  keyAndSalt,
  lifetimePackets: null,
  mki: null,
  sessionParameters: null,
});

/** A line in its place with port 0: formats repeated, nothing else (RFC 3264, 6). */
export const rejectedLine = ({ kind, protocol, formats, mid }: MediaDescription): MediaDescription => ({
  kind,
  port: 0,
  protocol,
  formats,
  host: '',
  rtcp: null,
  isMuxed: false,
  direction: 'inactive',
  codecs: [],
  dtmf: [],
  ptimeMs: null,
  ssrc: null,
  cname: null,
  crypto: [],
  mid,
});
