// RTCP compound packets (RFC 3550, section 6): read and written as data. A compound is taken whole or refused with a reason, by the checks of
// appendix A.2: it begins with a sender or receiver report without padding, every part is version 2, padding is in the last one only, and the
// lengths add up. Parts of unknown types are kept as they are. When to send what is rtcp-session's matter.

export interface ReportBlock {
  readonly ssrc: number;
  /** Of the last interval, 1/256 (6.4.1). */
  readonly fractionLost: number;
  /** Signed 24 bits: duplicates can make it negative. */
  readonly cumulativeLost: number;
  /** Cycles in the upper 16 bits. */
  readonly highestSequence: number;
  /** In RTP ticks. */
  readonly jitter: number;
  /** Middle 32 bits of the NTP time of the last sender report; 0 = none came. */
  readonly lastSenderReport: number;
  /** Since then, 1/65536 s. */
  readonly delaySinceLastSenderReport: number;
}

export interface SenderReport {
  readonly type: 'sr';
  readonly ssrc: number;
  readonly ntpSeconds: number;
  readonly ntpFraction: number;
  readonly rtpTimestamp: number;
  readonly packetCount: number;
  readonly octetCount: number;
  /** At most 31, here and below. */
  readonly reports: readonly ReportBlock[];
}

export interface SdesItem {
  /** 1 CNAME, 2 NAME ... (6.5). */
  readonly type: number;
  /** At most 255 bytes of UTF-8. */
  readonly text: string;
}

export type RtcpPacket =
  | SenderReport
  | { readonly type: 'rr'; readonly ssrc: number; readonly reports: readonly ReportBlock[] }
  | { readonly type: 'sdes'; readonly chunks: readonly { readonly ssrc: number; readonly items: readonly SdesItem[] }[] }
  | { readonly type: 'bye'; readonly ssrcs: readonly number[]; readonly reason: string | null }
  | { readonly type: 'app'; readonly subtype: number; readonly ssrc: number; readonly name: string; readonly data: Uint8Array }
  | { readonly type: 'unknown'; readonly packetType: number; readonly count: number; readonly body: Uint8Array };

export type RtcpFailure = 'truncated' | 'version' | 'first-type' | 'padding' | 'length' | 'sdes' | 'bye';

export type RtcpParseResult =
  | { readonly ok: true; readonly packets: readonly RtcpPacket[] }
  | { readonly ok: false; readonly reason: RtcpFailure };

export const SDES_CNAME = 1;
const HEADER_BYTES = 4;
const REPORT_BYTES = 24;
const SR = 200;
const RR = 201;
const SDES = 202;
const BYE = 203;
const APP = 204;

const utf8 = new TextDecoder();

/** Every part of a compound packet, or why it is none. Byte fields are views of `bytes`. */
export function parseRtcp(bytes: Uint8Array): RtcpParseResult {
  const packets: RtcpPacket[] = [];
  const refuse = (reason: RtcpFailure): RtcpParseResult => ({ ok: false, reason });
  if (bytes.length < HEADER_BYTES + 4) return refuse('truncated');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at < bytes.length; ) {
    if (at + HEADER_BYTES > bytes.length) return refuse('length');
    const first = view.getUint8(at);
    const packetType = view.getUint8(at + 1);
    const end = at + HEADER_BYTES + 4 * view.getUint16(at + 2);
    if (first >> 6 !== 2) return refuse('version');
    if (at === 0 && packetType !== SR && packetType !== RR) return refuse('first-type');
    if (end > bytes.length) return refuse('length');
    let bodyEnd = end;
    if ((first & 0x20) !== 0) {
      const padding = view.getUint8(end - 1);
      if (at === 0 || end !== bytes.length || padding === 0 || padding % 4 !== 0 || padding > end - at - HEADER_BYTES)
        return refuse('padding');
      bodyEnd -= padding;
    }
    const body = new DataView(bytes.buffer, bytes.byteOffset + at + HEADER_BYTES, bodyEnd - at - HEADER_BYTES);
    const packet = parseOne(packetType, first & 0x1f, body);
    if (typeof packet === 'string') return refuse(packet);
    packets.push(packet);
    at = end;
  }
  return { ok: true, packets };
}

function parseOne(packetType: number, count: number, body: DataView): RtcpPacket | RtcpFailure {
  switch (packetType) {
    case SR: {
      const reports = parseReports(body, 24, count);
      if (reports === null) return 'length';
      return {
        type: 'sr',
        ssrc: body.getUint32(0),
        ntpSeconds: body.getUint32(4),
        ntpFraction: body.getUint32(8),
        rtpTimestamp: body.getUint32(12),
        packetCount: body.getUint32(16),
        octetCount: body.getUint32(20),
        reports,
      };
    }
    case RR: {
      const reports = parseReports(body, 4, count);
      return reports === null ? 'length' : { type: 'rr', ssrc: body.getUint32(0), reports };
    }
    case SDES:
      return parseSdes(body, count);
    case BYE:
      return parseBye(body, count);
    case APP:
      if (body.byteLength < 8) return 'length';
      return {
        type: 'app',
        subtype: count,
        ssrc: body.getUint32(0),
        name: textAt(body, 4, 4),
        data: bytesAt(body, 8, body.byteLength - 8),
      };
    default:
      return { type: 'unknown', packetType, count, body: bytesAt(body, 0, body.byteLength) };
  }
}

const bytesAt = (view: DataView, at: number, length: number): Uint8Array => new Uint8Array(view.buffer, view.byteOffset + at, length);
const textAt = (view: DataView, at: number, length: number): string => utf8.decode(bytesAt(view, at, length));

/** What lies behind the blocks is a profile's own extension (6.4.3), and passed over. */
function parseReports(body: DataView, start: number, count: number): ReportBlock[] | null {
  if (body.byteLength < start + count * REPORT_BYTES) return null;
  return Array.from({ length: count }, (_, index) => {
    const at = start + index * REPORT_BYTES;
    return {
      ssrc: body.getUint32(at),
      fractionLost: body.getUint8(at + 4),
      cumulativeLost: (body.getInt32(at + 4) << 8) >> 8,
      highestSequence: body.getUint32(at + 8),
      jitter: body.getUint32(at + 12),
      lastSenderReport: body.getUint32(at + 16),
      delaySinceLastSenderReport: body.getUint32(at + 20),
    };
  });
}

/** Chunks begin at whole words; a zero ends the items of each. */
function parseSdes(body: DataView, count: number): RtcpPacket | 'sdes' {
  const chunks: { ssrc: number; items: SdesItem[] }[] = [];
  let at = 0;
  for (let index = 0; index < count; index++) {
    if (at + 8 > body.byteLength) return 'sdes';
    const chunk = { ssrc: body.getUint32(at), items: [] as SdesItem[] };
    at += 4;
    for (;;) {
      if (at >= body.byteLength) return 'sdes';
      const type = body.getUint8(at);
      if (type === 0) break;
      if (at + 2 > body.byteLength) return 'sdes';
      const length = body.getUint8(at + 1);
      if (at + 2 + length > body.byteLength) return 'sdes';
      chunk.items.push({ type, text: textAt(body, at + 2, length) });
      at += 2 + length;
    }
    at = (at + 4) & ~3;
    chunks.push(chunk);
  }
  return { type: 'sdes', chunks };
}

function parseBye(body: DataView, count: number): RtcpPacket | 'bye' {
  const reasonAt = count * 4;
  if (body.byteLength < reasonAt) return 'bye';
  const ssrcs = Array.from({ length: count }, (_, index) => body.getUint32(index * 4));
  if (body.byteLength === reasonAt) return { type: 'bye', ssrcs, reason: null };
  const length = body.getUint8(reasonAt);
  if (reasonAt + 1 + length > body.byteLength) return 'bye';
  return { type: 'bye', ssrcs, reason: textAt(body, reasonAt + 1, length) };
}

const utf8Bytes = new TextEncoder();

/** A compound packet as bytes, without padding. The first part should be a report; numbers are taken modulo their width. */
export function writeRtcp(packets: readonly RtcpPacket[]): Uint8Array {
  const bodies = packets.map(bodyOf);
  const bytes = new Uint8Array(bodies.reduce((sum, { words, tail }) => sum + HEADER_BYTES + 4 * words.length + wholeWords(tail.length), 0));
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { packetType, count, words, tail } of bodies) {
    view.setUint8(at, 0x80 | count);
    view.setUint8(at + 1, packetType);
    view.setUint16(at + 2, words.length + wholeWords(tail.length) / 4);
    at += HEADER_BYTES;
    for (let index = 0; index < words.length; index++) view.setUint32(at + 4 * index, words[index] as number);
    at += 4 * words.length;
    bytes.set(tail, at);
    at += wholeWords(tail.length);
  }
  return bytes;
}

const wholeWords = (length: number): number => (length + 3) & ~3;

/** What follows a packet's header: words, then bytes that zeros fill up to a whole word. */
interface Body {
  readonly packetType: number;
  readonly count: number;
  readonly words: readonly number[];
  readonly tail: Uint8Array;
}

const NOTHING = new Uint8Array(0);

function bodyOf(packet: RtcpPacket): Body {
  switch (packet.type) {
    case 'sr': {
      const words = [packet.ssrc, packet.ntpSeconds, packet.ntpFraction, packet.rtpTimestamp, packet.packetCount, packet.octetCount];
      for (const report of packet.reports) pushReport(words, report);
      return { packetType: SR, count: packet.reports.length, words, tail: NOTHING };
    }
    case 'rr': {
      const words = [packet.ssrc];
      for (const report of packet.reports) pushReport(words, report);
      return { packetType: RR, count: packet.reports.length, words, tail: NOTHING };
    }
    case 'sdes':
      return { packetType: SDES, count: packet.chunks.length, words: [], tail: chunkBytes(packet.chunks) };
    case 'bye':
      return {
        packetType: BYE,
        count: packet.ssrcs.length,
        words: packet.ssrcs,
        tail: packet.reason === null ? NOTHING : reasonBytes(packet.reason),
      };
    case 'app': {
      const tail = new Uint8Array(4 + packet.data.length);
      utf8Bytes.encodeInto(packet.name, tail.subarray(0, 4));
      tail.set(packet.data, 4);
      return { packetType: APP, count: packet.subtype, words: [packet.ssrc], tail };
    }
    case 'unknown':
      return { packetType: packet.packetType, count: packet.count, words: [], tail: packet.body };
  }
}

function pushReport(words: number[], report: ReportBlock): void {
  words.push(
    report.ssrc,
    (report.fractionLost << 24) | (report.cumulativeLost & 0xff_ffff),
    report.highestSequence,
    report.jitter,
    report.lastSenderReport,
    report.delaySinceLastSenderReport,
  );
}

/** Text behind its length. */
function reasonBytes(reason: string): Uint8Array {
  const bytes = utf8Bytes.encode(reason);
  const counted = new Uint8Array(1 + bytes.length);
  counted[0] = bytes.length;
  counted.set(bytes, 1);
  return counted;
}

/** Each chunk ends with at least one zero, at a whole word. */
function chunkBytes(chunks: readonly { readonly ssrc: number; readonly items: readonly SdesItem[] }[]): Uint8Array {
  const texts = chunks.map(({ items }) => items.map(({ text }) => utf8Bytes.encode(text)));
  const lengths = texts.map((items) => 4 + wholeWords(1 + items.reduce((sum, { length }) => sum + 2 + length, 0)));
  const bytes = new Uint8Array(lengths.reduce((sum, length) => sum + length, 0));
  const view = new DataView(bytes.buffer);
  let start = 0;
  for (const [index, { ssrc, items }] of chunks.entries()) {
    view.setUint32(start, ssrc);
    let at = start + 4;
    for (const [item, text] of (texts[index] as Uint8Array[]).entries()) {
      bytes[at] = (items[item] as SdesItem).type;
      bytes[at + 1] = text.length;
      bytes.set(text, at + 2);
      at += 2 + text.length;
    }
    start += lengths[index] as number;
  }
  return bytes;
}
