// What the bridge takes of an offer (RFC 3264) and offers itself when a caller sends none: one audio line (PCMU, PCMA, Opus, telephone-event) and one
// video line (H.264, VP8), plain RTP. Every further line, every other kind and every secured one is refused in its place. Its own and not the
// generator's negotiation, so that both are wrong only when both misread the RFC. Ports come from media.ts.

import { isIP } from 'node:net';
import type { Direction, MediaDescription, SdpCodec, SessionDescription } from '../../../node/wire/sdp.ts';
import type { StreamFormat, StreamPlan } from './media-stream.ts';

/** One m-line as we answer it: a plan for a stream, or none where it is refused. */
export interface Line {
  readonly plan: StreamPlan | null;
  /** Our description but for port and host. */
  readonly media: MediaDescription;
}

const CODECS: Readonly<Record<'audio' | 'video', readonly string[]>> = {
  audio: ['PCMU/8000', 'PCMA/8000', 'OPUS/48000'],
  video: ['H264/90000', 'VP8/90000'],
};
const EVENTS = 'TELEPHONE-EVENT';
const PROTOCOLS = ['RTP/AVP', 'RTP/AVPF'];
const MIRRORED: Readonly<Record<Direction, Direction>> = {
  sendrecv: 'sendrecv',
  sendonly: 'recvonly',
  recvonly: 'sendonly',
  inactive: 'inactive',
};

const keyOf = ({ name, clockRateHz }: SdpCodec): string => `${name.toUpperCase()}/${clockRateHz}`;
const isServed = (kind: string): kind is 'audio' | 'video' => kind === 'audio' || kind === 'video';
const isUnspecified = (host: string): boolean => host === '0.0.0.0' || host === '::';

function formatsOf(codec: SdpCodec, eventPayloadType: number | undefined): Map<number, StreamFormat> {
  const { clockRateHz } = codec;
  const formats = new Map([[codec.payloadType, { name: codec.name.toUpperCase(), clockRateHz }]]);
  if (eventPayloadType !== undefined) formats.set(eventPayloadType, { name: EVENTS, clockRateHz });
  return formats;
}

function refused(media: MediaDescription): Line {
  const { kind, protocol, formats, mid } = media;
  const nothing = { codecs: [], dtmf: [], ptimeMs: null, ssrc: null, cname: null, crypto: [], rtcp: null, isMuxed: false };
  return { plan: null, media: { kind, protocol, formats, mid, port: 0, host: '', direction: 'inactive', ...nothing } };
}

/** What the peer's line and our part of it settle. `before`: the stream's plan until now; the old hold (c=0.0.0.0) names no address and keeps its. */
function settle(kind: 'audio' | 'video', theirs: MediaDescription, codec: SdpCodec, before: StreamPlan | null): StreamPlan {
  const direction = MIRRORED[theirs.direction];
  const isOldHold = isUnspecified(theirs.host);
  const events = theirs.dtmf.find(({ clockRateHz }) => clockRateHz === codec.clockRateHz);
  const rtcpPort = theirs.isMuxed ? null : (theirs.rtcp?.port ?? Math.min(theirs.port + 1, 65_535));
  return {
    kind,
    formats: formatsOf(codec, events?.payloadType),
    remote: isOldHold && before !== null ? before.remote : { host: theirs.host, port: theirs.port, rtcpPort },
    sends: direction.includes('send') && !isOldHold,
    receives: direction.includes('recv'),
  };
}

/** The answer to an offer, line by line; `before`: the plans of a re-INVITE's streams, by line. All lines may be refused: then answer 488. */
export function answerLines(offer: SessionDescription, before: readonly (StreamPlan | null)[]): Line[] {
  const taken = new Set<string>();
  return offer.media.map((theirs, index) => {
    const { kind } = theirs;
    const isTaken = theirs.port === 0 || taken.has(kind) || !PROTOCOLS.includes(theirs.protocol.toUpperCase()) || isIP(theirs.host) === 0;
    const codec = isTaken || !isServed(kind) ? undefined : theirs.codecs.find((each) => CODECS[kind].includes(keyOf(each)));
    if (codec === undefined || !isServed(kind)) return refused(theirs);
    taken.add(kind);
    const plan = settle(kind, theirs, codec, before[index] ?? null);
    const dtmf = theirs.dtmf.filter(({ clockRateHz }) => clockRateHz === codec.clockRateHz).slice(0, 1);
    const direction: Direction = plan.sends ? (plan.receives ? 'sendrecv' : 'sendonly') : plan.receives ? 'recvonly' : 'inactive';
    const formats = [...plan.formats.keys()].join(' ');
    return { plan, media: { ...theirs, formats, codecs: [codec], dtmf, direction, ssrc: null, cname: null, crypto: [], rtcp: null } };
  });
}

/** What we offer to an INVITE without a body. */
export function offerLine(): Line {
  const codecs: SdpCodec[] = [
    { payloadType: 0, name: 'PCMU', clockRateHz: 8000 },
    { payloadType: 8, name: 'PCMA', clockRateHz: 8000 },
  ];
  const dtmf = [{ payloadType: 101, clockRateHz: 8000 }];
  const nothing = { mid: null, ptimeMs: 20, ssrc: null, cname: null, crypto: [], rtcp: null, isMuxed: false };
  const media: MediaDescription = {
    ...nothing,
    kind: 'audio',
    port: 0,
    host: '',
    protocol: 'RTP/AVP',
    formats: '0 8 101',
    direction: 'sendrecv',
    codecs,
    dtmf,
  };
  const plan: StreamPlan = { kind: 'audio', formats: formatsOf(codecs[0]!, 101), remote: null, sends: true, receives: true };
  return { plan, media };
}

/** What the answer to a line of our offer makes of it; null when it is declined. `before`: the stream's plan until now. */
export function settleOffer(offered: MediaDescription, theirs: MediaDescription, before: StreamPlan | null): StreamPlan | null {
  const { kind } = theirs;
  if (kind !== offered.kind || !isServed(kind) || theirs.port === 0 || isIP(theirs.host) === 0) return null;
  const codec = theirs.codecs.find((each) => offered.codecs.some((own) => keyOf(own) === keyOf(each)));
  return codec === undefined ? null : settle(kind, theirs, codec, before);
}

/** Our session description with its lines' ports. The version is the caller's to count. */
export function describe(lines: readonly MediaDescription[], host: string, sessionId: number, version: number): SessionDescription {
  return { originUser: '-', sessionId: String(sessionId), sessionVersion: String(version), host, media: lines };
}
