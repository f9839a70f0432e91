// RTP packets (RFC 3550, section 5): read and written whole as data, and measured in place for whoever has thousands a second. A packet is refused
// when it is no version 2 or when what its header promises (CSRCs, extension, padding) does not fit in; whether anybody wants it, and in which order
// it came, is the receiver's matter. RTP and RTCP on one port are told apart by RFC 5761.

export interface RtpPacket {
  readonly marker: boolean;
  /** 0 to 127. */
  readonly payloadType: number;
  readonly sequence: number;
  /** Unsigned 32 bits, as are the SSRCs. */
  readonly timestamp: number;
  readonly ssrc: number;
  /** At most 15. */
  readonly csrcs: readonly number[];
  /** Whole words of data behind 16 bits that its profile defines (5.3.1). */
  readonly extension: { readonly profile: number; readonly bytes: Uint8Array } | null;
  readonly payload: Uint8Array;
  /** Bytes after the payload, their count included; 0 = none. At most 255. */
  readonly paddingBytes: number;
}

export const RTP_HEADER_BYTES = 12;
const EXTENSION_BIT = 0x10;
const PADDING_BIT = 0x20;

/** What `rtpPayloadStart` and `rtpPayloadEnd` answer for bytes that are no RTP packet. */
export const RTP_TRUNCATED = -1;
export const RTP_VERSION = -2;
export const RTP_PADDING = -3;

export type RtpFailure = 'truncated' | 'version' | 'padding';

/** RTCP rather than RTP, on a port that carries both? Payload types 64 to 95 may not be used there (RFC 5761, section 4). */
export const isRtcp = (secondByte: number): boolean => secondByte >= 192 && secondByte <= 223;

/** Where the payload of the packet in bytes[start, end) begins, or RTP_TRUNCATED or RTP_VERSION. */
export function rtpPayloadStart(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start] as number;
  if (end - start < RTP_HEADER_BYTES) return RTP_TRUNCATED;
  if (first >> 6 !== 2) return RTP_VERSION;
  let at = start + RTP_HEADER_BYTES + 4 * (first & 0x0f);
  if ((first & EXTENSION_BIT) !== 0) {
    if (at + 4 > end) return RTP_TRUNCATED;
    at += 4 + 4 * (((bytes[at + 2] as number) << 8) | (bytes[at + 3] as number));
  }
  return at > end ? RTP_TRUNCATED : at;
}

/** Where its payload, which begins at `payloadStart`, ends, or RTP_PADDING: a count of 0, or more than there is (5.1). */
export function rtpPayloadEnd(bytes: Uint8Array, start: number, payloadStart: number, end: number): number {
  if (((bytes[start] as number) & PADDING_BIT) === 0) return end;
  const padding = end > payloadStart ? (bytes[end - 1] as number) : 0;
  return padding === 0 || padding > end - payloadStart ? RTP_PADDING : end - padding;
}

/** The packet, its byte fields views of `bytes`; or why it is none. */
export function parseRtp(bytes: Uint8Array): RtpPacket | RtpFailure {
  const payloadStart = rtpPayloadStart(bytes, 0, bytes.length);
  if (payloadStart < 0) return payloadStart === RTP_VERSION ? 'version' : 'truncated';
  const payloadEnd = rtpPayloadEnd(bytes, 0, payloadStart, bytes.length);
  if (payloadEnd < 0) return 'padding';
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const first = view.getUint8(0);
  const second = view.getUint8(1);
  const csrcs = Array.from({ length: first & 0x0f }, (_, index) => view.getUint32(RTP_HEADER_BYTES + 4 * index));
  const extensionAt = RTP_HEADER_BYTES + 4 * csrcs.length;
  const hasExtension = (first & EXTENSION_BIT) !== 0;
  return {
    marker: second >= 0x80,
    payloadType: second & 0x7f,
    sequence: view.getUint16(2),
    timestamp: view.getUint32(4),
    ssrc: view.getUint32(8),
    csrcs,
    extension: hasExtension ? { profile: view.getUint16(extensionAt), bytes: bytes.subarray(extensionAt + 4, payloadStart) } : null,
    payload: bytes.subarray(payloadStart, payloadEnd),
    paddingBytes: bytes.length - payloadEnd,
  };
}

/** The packet as bytes. Numbers are taken modulo their width; an extension's bytes must be whole words. */
export function writeRtp(packet: RtpPacket): Uint8Array {
  const { csrcs, extension, payload, paddingBytes } = packet;
  const extensionAt = RTP_HEADER_BYTES + 4 * csrcs.length;
  const payloadStart = extensionAt + (extension === null ? 0 : 4 + extension.bytes.length);
  const bytes = new Uint8Array(payloadStart + payload.length + paddingBytes);
  const view = new DataView(bytes.buffer);
  const flags = (paddingBytes > 0 ? PADDING_BIT : 0) | (extension === null ? 0 : EXTENSION_BIT);
  view.setUint8(0, 0x80 | flags | csrcs.length);
  view.setUint8(1, (packet.marker ? 0x80 : 0) | packet.payloadType);
  view.setUint16(2, packet.sequence);
  view.setUint32(4, packet.timestamp);
  view.setUint32(8, packet.ssrc);
  for (const [index, csrc] of csrcs.entries()) view.setUint32(RTP_HEADER_BYTES + 4 * index, csrc);
  if (extension !== null) {
    view.setUint16(extensionAt, extension.profile);
    view.setUint16(extensionAt + 2, extension.bytes.length / 4);
    bytes.set(extension.bytes, extensionAt + 4);
  }
  bytes.set(payload, payloadStart);
  if (paddingBytes > 0) bytes[bytes.length - 1] = paddingBytes;
  return bytes;
}
