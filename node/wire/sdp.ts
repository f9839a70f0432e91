// What a session description (SDP, RFC 8866) is to this program, how it is read and how it is written. Only what offer/answer for RTP needs
// is kept; lines of other kinds are skipped when reading. sdp-transform splits the lines; what it lets through (ports beyond 65,535, multicast,
// m-lines it cannot read) is judged here, and hostile text ends as a failure, never as an exception. It doesn't write: its writer takes twice as
// long as concatenation, and every call writes two of these. Who agrees with whom on what is sdp-negotiate.ts.

import { type MediaDescription as SplitMedia, parse as splitLines } from 'sdp-transform';

export type Direction = 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';

export interface SdpCodec {
  readonly payloadType: number;
  /** As written; compared without regard to case. */
  readonly name: string;
  readonly clockRateHz: number;
  /** Absent: 1. */
  readonly channels?: number;
  /** Format parameters (a=fmtp) as written. */
  readonly fmtp?: string;
}

/** A telephone-event format (RFC 4733), one for each clock rate that the audio formats have. */
export interface DtmfFormat {
  readonly payloadType: number;
  readonly clockRateHz: number;
}

/** One a=crypto line (RFC 4568) that has one inline key. */
export interface SdpCrypto {
  readonly tag: number;
  readonly suite: string;
  /** Master key and salt. */
  readonly keyAndSalt: Uint8Array;
  /** Packets that the key may protect; null when not told. */
  readonly lifetimePackets: number | null;
  /** Master key identifier that every packet would carry; null when there is none. */
  readonly mki: { readonly value: number; readonly bytes: number } | null;
  /** Parameters such as UNENCRYPTED_SRTP, which change what packets look like. */
  readonly sessionParameters: string | null;
}

export interface MediaDescription {
  /** 'audio', 'video', or what else the m-line says: kept so that it can be rejected in its place. */
  readonly kind: string;
  /** 0: rejected, or no longer used. */
  readonly port: number;
  /** RTP/AVP, RTP/SAVP, RTP/AVPF ... */
  readonly protocol: string;
  /** The m-line's formats as written: an answer repeats them when it rejects the line. */
  readonly formats: string;
  /** Own c= line or the session's; IPv6 without brackets; '0.0.0.0' is the old hold. Empty only on a rejected line. */
  readonly host: string;
  /** a=rtcp (RFC 3605); null: the port after the RTP port. */
  readonly rtcp: { readonly port: number; readonly host: string | null } | null;
  /** a=rtcp-mux (RFC 5761). */
  readonly isMuxed: boolean;
  readonly direction: Direction;
  /** By preference, without telephone-event and without formats that have no name. */
  readonly codecs: readonly SdpCodec[];
  readonly dtmf: readonly DtmfFormat[];
  readonly ptimeMs: number | null;
  /** The first a=ssrc (RFC 5576). */
  readonly ssrc: number | null;
  readonly cname: string | null;
  readonly crypto: readonly SdpCrypto[];
  /** a=mid (RFC 5888), repeated by an answer. */
  readonly mid: string | null;
}

export interface SessionDescription {
  readonly originUser: string;
  /** Decimal digits: others use 64 bits. */
  readonly sessionId: string;
  readonly sessionVersion: string;
  /** Of the c= line of the session, else of o=. */
  readonly host: string;
  readonly media: readonly MediaDescription[];
}

/** `no-media`: no m-line. `bad-media`: an m-line that cannot be read. */
export type SdpFailureKind =
  | 'too-large'
  | 'garbage'
  | 'origin'
  | 'no-media'
  | 'too-many-media'
  | 'bad-media'
  | 'bad-port'
  | 'bad-connection';

export type SdpParseResult =
  | { readonly ok: true; readonly description: SessionDescription }
  | { readonly ok: false; readonly failure: { readonly kind: SdpFailureKind; readonly detail: string } };

/** Browsers with many candidates write 10 kB; the bound is what a hostile body may cost us (about 10 ms). */
export const SDP_CHARACTERS_MAX = 32_768;
/** Each line offered is a line answered: more is an amplifier, not a conference. */
export const SDP_MEDIA_MAX = 32;

/** Formats that need no rtpmap (RFC 3551, section 6). G722 is written with 8,000 although it samples 16,000. */
const STATIC_FORMATS: ReadonlyMap<number, { readonly name: string; readonly clockRateHz: number }> = new Map(
  [
    [0, 'PCMU', 8000] as const,
    [3, 'GSM', 8000] as const,
    [4, 'G723', 8000] as const,
    [8, 'PCMA', 8000] as const,
    [9, 'G722', 8000] as const,
    [13, 'CN', 8000] as const,
    [15, 'G728', 8000] as const,
    [18, 'G729', 8000] as const,
    [26, 'JPEG', 90_000] as const,
    [31, 'H261', 90_000] as const,
    [34, 'H263', 90_000] as const,
  ].map(([payloadType, name, clockRateHz]) => [payloadType, { name, clockRateHz }]),
);

const HOST = /^[A-Za-z0-9.:_-]{1,255}$/;

/** What reading gives up with; caught in parseSdp. */
class SdpError extends Error {
  readonly kind: SdpFailureKind;
  constructor(kind: SdpFailureKind, detail: string) {
    super(detail);
    this.kind = kind;
  }
}

/** sdp-transform gives numbers for digits and the text itself where they are too many: an integer of 0 to `max`, or null. */
function integer(value: unknown, max: number): number | null {
  const number = typeof value === 'number' ? value : typeof value === 'string' && /^\d{1,10}$/.test(value) ? Number(value) : -1;
  return Number.isInteger(number) && number >= 0 && number <= max ? number : null;
}

/**
 * Reads a session description. Unknown lines and formats are skipped; an m-line of any kind is kept. Refused: no v=0 first, no o=, no m-line, an
 * m-line that cannot be read, ports beyond 65,535, and (unless the line is rejected) no unicast address to send to. Never throws.
 */
export function parseSdp(text: string): SdpParseResult {
  try {
    return { ok: true, description: readDescription(text) };
  } catch (error) {
    if (!(error instanceof SdpError)) throw error;
    return { ok: false, failure: { kind: error.kind, detail: error.message } };
  }
}

function readDescription(text: string): SessionDescription {
  if (text.length > SDP_CHARACTERS_MAX) throw new SdpError('too-large', `${text.length} characters`);
  if (!/^v=0[\r\n]/.test(text)) throw new SdpError('garbage', `does not begin with v=0: ${JSON.stringify(text.slice(0, 40))}`);
  const { origin, connection, direction = 'sendrecv', media } = splitLines(text);
  const sessionId = String(origin?.sessionId ?? '');
  const sessionVersion = String(origin?.sessionVersion ?? '');
  if (!/^\d{1,20}$/.test(sessionId) || !/^\d{1,20}$/.test(sessionVersion)) throw new SdpError('origin', 'no o= line that can be read');
  if (media.length === 0) throw new SdpError('no-media', 'no m= line');
  if (media.length > SDP_MEDIA_MAX) throw new SdpError('too-many-media', `${media.length} m= lines`);
  const host = readHost(connection?.ip) ?? readHost(origin.address) ?? '';
  return {
    originUser: String(origin.username),
    sessionId,
    sessionVersion,
    host,
    media: media.map((lines) => readMedia(lines, readHost(connection?.ip), direction)),
  };
}

/** Multicast, written with its time to live, is refused with all else that is no name: load goes to one host. */
function readHost(ip: unknown): string | null {
  return typeof ip === 'string' && HOST.test(ip) ? ip : null;
}

function readMedia(lines: SplitMedia, sessionHost: string | null, sessionDirection: Direction): MediaDescription {
  // A line that the library's grammar does not match leaves no fields at all.
  if (typeof lines.type !== 'string' || lines.payloads === undefined || lines.payloads === '') {
    throw new SdpError('bad-media', 'an m= line that is not "media port protocol formats"');
  }
  const port = integer(lines.port, 65_535);
  if (port === null) throw new SdpError('bad-port', `m=${lines.type} ${String(lines.port).slice(0, 20)}`);
  const host = lines.connection === undefined ? sessionHost : readHost(lines.connection.ip);
  if (host === null && port !== 0) throw new SdpError('bad-connection', `no unicast address for m=${lines.type}`);
  const ssrc = integer(lines.ssrcs?.[0]?.id, 0xffff_ffff);
  const cname = ssrc === null ? undefined : lines.ssrcs?.find(({ id, attribute }) => id === ssrc && attribute === 'cname')?.value;
  return {
    kind: lines.type,
    port,
    protocol: lines.protocol,
    formats: String(lines.payloads),
    host: host ?? '',
    rtcp: readRtcp(lines.rtcp),
    isMuxed: lines.rtcpMux !== undefined,
    direction: lines.direction ?? sessionDirection,
    ...readFormats(lines),
    ptimeMs: typeof lines.ptime === 'number' && lines.ptime > 0 && lines.ptime <= 1000 ? lines.ptime : null,
    ssrc,
    cname: cname === undefined ? null : String(cname),
    crypto: (lines.crypto ?? []).flatMap(readCrypto),
    mid: lines.mid === undefined ? null : String(lines.mid),
  };
}

function readRtcp(rtcp: SplitMedia['rtcp']): MediaDescription['rtcp'] {
  if (rtcp === undefined) return null;
  const port = integer(rtcp.port, 65_535);
  if (port === null) throw new SdpError('bad-port', `a=rtcp:${String(rtcp.port).slice(0, 20)}`);
  return { port, host: readHost(rtcp.address) };
}

function readFormats(lines: SplitMedia): Pick<MediaDescription, 'codecs' | 'dtmf'> {
  const codecs: SdpCodec[] = [];
  const dtmf: DtmfFormat[] = [];
  const seen = new Set<number>();
  for (const word of String(lines.payloads).split(' ')) {
    const payloadType = integer(word, 127);
    if (payloadType === null || seen.has(payloadType)) continue;
    seen.add(payloadType);
    const map = lines.rtp.find(({ payload }) => payload === payloadType);
    const name = map === undefined ? STATIC_FORMATS.get(payloadType)?.name : String(map.codec);
    const clockRateHz = map === undefined ? STATIC_FORMATS.get(payloadType)?.clockRateHz : integer(map.rate, 1_000_000);
    if (!name || !clockRateHz) continue;
    if (name.toLowerCase() === 'telephone-event') dtmf.push({ payloadType, clockRateHz });
    else {
      const channels = integer(map?.encoding, 255) ?? 1;
      const fmtp = lines.fmtp.find(({ payload }) => payload === payloadType)?.config;
      codecs.push({
        payloadType,
        name,
        clockRateHz,
        ...(channels > 1 ? { channels } : {}),
        ...(fmtp === undefined ? {} : { fmtp: String(fmtp) }),
      });
    }
  }
  return { codecs, dtmf };
}

/** RFC 4568, section 9.2: inline:key[|lifetime][|MKI:bytes]. Several keys in a line, or none that can be read: no line for us. */
function readCrypto(line: NonNullable<SplitMedia['crypto']>[number]): SdpCrypto[] {
  const tag = integer(line.id, 999_999_999);
  const parts = /^inline:([A-Za-z0-9+/]{1,200}={0,2})(?:\|(2\^)?(\d{1,15}))?(?:\|(\d{1,9}):(\d{1,3}))?$/.exec(String(line.config));
  if (tag === null || parts === null) return [];
  const [, key, power, lifetime, mki, mkiBytes] = parts;
  return [
    {
      tag,
      suite: String(line.suite),
      keyAndSalt: Uint8Array.from(Buffer.from(key as string, 'base64')),
      lifetimePackets: lifetime === undefined ? null : power === undefined ? Number(lifetime) : 2 ** Number(lifetime),
      mki: mki === undefined ? null : { value: Number(mki), bytes: Number(mkiBytes) },
      sessionParameters: line.sessionConfig === undefined ? null : String(line.sessionConfig),
    },
  ];
}

const addressOf = (host: string): string => (host.includes(':') ? `IN IP6 ${host}` : `IN IP4 ${host}`);

/** The description as text, lines in the order of RFC 8866, section 5. The session's c= stands where a line has no own. */
export function writeSdp(description: SessionDescription): string {
  const { originUser, sessionId, sessionVersion, host, media } = description;
  const address = addressOf(host);
  let text = `v=0\r\no=${originUser} ${sessionId} ${sessionVersion} ${address}\r\ns=-\r\nc=${address}\r\nt=0 0\r\n`;
  for (const line of media) text += writeMedia(line, host);
  return text;
}

function writeMedia(media: MediaDescription, sessionHost: string): string {
  let text = `m=${media.kind} ${media.port} ${media.protocol} ${media.formats}\r\n`;
  if (media.host !== sessionHost && media.host !== '') text += `c=${addressOf(media.host)}\r\n`;
  if (media.mid !== null) text += `a=mid:${media.mid}\r\n`;
  for (const { payloadType, name, clockRateHz, channels, fmtp } of media.codecs) {
    text += `a=rtpmap:${payloadType} ${name}/${clockRateHz}${channels === undefined ? '' : `/${channels}`}\r\n`;
    if (fmtp !== undefined) text += `a=fmtp:${payloadType} ${fmtp}\r\n`;
  }
  for (const { payloadType, clockRateHz } of media.dtmf) {
    text += `a=rtpmap:${payloadType} telephone-event/${clockRateHz}\r\na=fmtp:${payloadType} 0-15\r\n`;
  }
  if (media.ptimeMs !== null) text += `a=ptime:${media.ptimeMs}\r\n`;
  for (const line of media.crypto) text += writeCrypto(line);
  if (media.rtcp !== null) text += `a=rtcp:${media.rtcp.port}${media.rtcp.host === null ? '' : ` ${addressOf(media.rtcp.host)}`}\r\n`;
  if (media.isMuxed) text += 'a=rtcp-mux\r\n';
  if (media.ssrc !== null) text += `a=ssrc:${media.ssrc}${media.cname === null ? '' : ` cname:${media.cname}`}\r\n`;
  return `${text}a=${media.direction}\r\n`;
}

function writeCrypto({ tag, suite, keyAndSalt, lifetimePackets, mki, sessionParameters }: SdpCrypto): string {
  const key = Buffer.from(keyAndSalt.buffer, keyAndSalt.byteOffset, keyAndSalt.length).toString('base64');
  let text = `a=crypto:${tag} ${suite} inline:${key}`;
  if (lifetimePackets !== null) text += `|${lifetimePackets}`;
  if (mki !== null) text += `|${mki.value}:${mki.bytes}`;
  return sessionParameters === null ? `${text}\r\n` : `${text} ${sessionParameters}\r\n`;
}
