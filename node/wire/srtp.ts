// SRTP and SRTCP with AES_CM_128_HMAC_SHA1_80 (RFC 3711): protects what we send, and opens what came - authentic, not seen before - in place, so that
// the packet engine can work in its arenas. No key identifiers, no rekeying, no other suite: SDP (sdp-negotiate.ts) accepts no line that needs
// them. A sender has one SSRC at a time; a receiver keeps a rollover counter and a replay window for each SSRC.

import { assert } from '../core/assert.ts';
import { type Authenticator, createAuthenticator, TAG_BYTES } from './srtp-auth.ts';
import { createKeystream, deriveKeys, type Keystream, type SessionKeys } from './srtp-cipher.ts';

/** Keys of one direction, RFC 4568 inline: master key (16 bytes) and salt (14). */
export interface SrtpKey {
  readonly suite: 'AES_CM_128_HMAC_SHA1_80';
  readonly keyAndSalt: Uint8Array;
}

/** What protection adds to a packet. */
export const SRTP_OVERHEAD_BYTES = TAG_BYTES;
export const SRTCP_OVERHEAD_BYTES = 4 + TAG_BYTES;

/** Results of opening a packet beside its length: counted by kind. */
export const SRTP_MALFORMED = -1;
export const SRTP_NOT_AUTHENTIC = -2;
export const SRTP_REPLAYED = -3;

export interface SrtpSender {
  /**
   * Protects the RTP packet at bytes[start, start + length) where it stands and returns its new length, 10 more: that room must be there.
   * Sequence numbers must go up, a little disorder apart, and should begin below 32,768: else a receiver that misses the first packets may take the
   * wrong rollover counter (RFC 3711, 3.3.1).
   */
  readonly protectInPlace: (bytes: Uint8Array, start: number, length: number) => number;
  /** A protected copy. */
  readonly protect: (packet: Uint8Array) => Uint8Array;
  /** A protected copy of a compound RTCP packet. */
  readonly protectRtcp: (packet: Uint8Array) => Uint8Array;
}

export interface SrtpReceiver {
  /** Opens the packet at bytes[start, start + length) where it stands: its length without protection, or one of SRTP_MALFORMED ... (bytes untouched). */
  readonly unprotectInPlace: (bytes: Uint8Array, start: number, length: number) => number;
  /** An opened copy; null: malformed, not authentic or replayed. */
  readonly unprotect: (packet: Uint8Array) => Uint8Array | null;
  readonly unprotectRtcp: (packet: Uint8Array) => Uint8Array | null;
}

const RTP_HEADER_BYTES = 12;
/** Sender's packet type and SSRC stay readable (RFC 3711, 3.4). */
const RTCP_CLEAR_BYTES = 8;
/** Bound on SSRCs of one peer: each new authentic one beyond it forgets the oldest. */
const SSRC_COUNT_MAX = 16;
/** Packets behind the newest that can still be told from replays (RFC 3711, 3.3.2: at least 64). */
const REPLAY_WINDOW = 64;

const uint16 = (bytes: Uint8Array, at: number): number => ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
const uint32 = (bytes: Uint8Array, at: number): number => (uint16(bytes, at) * 0x1_0000 + uint16(bytes, at + 2)) >>> 0;

/** Where the payload of the RTP packet in bytes[start, end) begins, after CSRCs and extension; -1 when it is no RTP packet. */
function payloadStart(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start] as number;
  let at = start + RTP_HEADER_BYTES + 4 * (first & 0x0f);
  if (end - start < RTP_HEADER_BYTES || first >> 6 !== 2 || at > end) return -1;
  if ((first & 0x10) !== 0) {
    if (at + 4 > end) return -1;
    at += 4 + 4 * uint16(bytes, at + 2);
  }
  return at > end ? -1 : at;
}

/** The 48-bit index of a packet with this sequence number, nearest to the highest one known (RFC 3711, 3.3.1 and appendix A). */
function indexOf(highest: number, sequence: number): number {
  const ahead = (sequence - highest) & 0xffff;
  const index = highest + (ahead < 0x8000 ? ahead : ahead - 0x1_0000);
  return index < 0 ? index + 0x1_0000 : index;
}

/** What was received of one SSRC: `seen[index mod 64]` is the last index in that place. */
interface Window {
  highest: number;
  readonly seen: Float64Array;
}

const newWindow = (highest: number): Window => ({ highest, seen: new Float64Array(REPLAY_WINDOW).fill(-1) });

const isReplay = ({ highest, seen }: Window, index: number): boolean =>
  index <= highest - REPLAY_WINDOW || seen[index % REPLAY_WINDOW] === index;

function accept(windows: Map<number, Window>, ssrc: number, window: Window, index: number): void {
  window.seen[index % REPLAY_WINDOW] = index;
  if (index > window.highest) window.highest = index;
  if (windows.has(ssrc)) return;
  if (windows.size === SSRC_COUNT_MAX) windows.delete(windows.keys().next().value as number);
  windows.set(ssrc, window);
}

/** `key.keyAndSalt`: 30 bytes. */
export function createSrtpSender(key: SrtpKey): SrtpSender {
  const keys = deriveKeys(key.keyAndSalt);
  const keystream = createKeystream(keys.rtp);
  const authenticator = createAuthenticator(keys.rtp.auth);
  let senderSsrc = -1;
  let highest = 0;

  function protectInPlace(bytes: Uint8Array, start: number, length: number): number {
    const end = start + length;
    const payload = payloadStart(bytes, start, end);
    assert(payload >= 0 && end + TAG_BYTES <= bytes.length, 'an RTP packet with room for its tag');
    const ssrc = uint32(bytes, start + 8);
    const sequence = uint16(bytes, start + 2);
    if (ssrc !== senderSsrc) {
      senderSsrc = ssrc;
      highest = sequence;
    }
    const index = indexOf(highest, sequence);
    if (index > highest) highest = index;
    keystream(bytes, payload, end, ssrc, index);
    authenticator.sign(bytes, start, end, Math.floor(index / 0x1_0000), end);
    return length + TAG_BYTES;
  }

  return {
    protectInPlace,
    protect(packet) {
      const bytes = Buffer.allocUnsafe(packet.length + TAG_BYTES);
      bytes.set(packet);
      protectInPlace(bytes, 0, packet.length);
      return bytes;
    },
    protectRtcp: createRtcpProtector(keys.rtcp),
  };
}

interface RtcpSession {
  readonly keystream: Keystream;
  readonly authenticator: Authenticator;
}

/** RTCP is a packet in some seconds: its cipher is made with the first. */
function lazyRtcpSession(keys: SessionKeys): () => RtcpSession {
  let session: RtcpSession | null = null;
  return () => {
    session ??= { keystream: createKeystream(keys), authenticator: createAuthenticator(keys.auth) };
    return session;
  };
}

/** A bit that says "encrypted" stands before the 31 of the index (RFC 3711, 3.4). */
const ENCRYPTED = 0x8000_0000;

function createRtcpProtector(keys: SessionKeys): (packet: Uint8Array) => Uint8Array {
  const session = lazyRtcpSession(keys);
  let index = 0;
  return (packet) => {
    assert(packet.length >= RTCP_CLEAR_BYTES, 'an RTCP packet');
    const { keystream, authenticator } = session();
    const end = packet.length;
    const bytes = Buffer.allocUnsafe(end + SRTCP_OVERHEAD_BYTES);
    bytes.set(packet);
    keystream(bytes, RTCP_CLEAR_BYTES, end, uint32(bytes, 4), index);
    bytes.writeUInt32BE(ENCRYPTED + index, end);
    authenticator.sign(bytes, 0, end, ENCRYPTED + index, end + 4);
    index = (index + 1) % ENCRYPTED;
    return bytes;
  };
}

/** `key.keyAndSalt`: 30 bytes. */
export function createSrtpReceiver(key: SrtpKey): SrtpReceiver {
  const keys = deriveKeys(key.keyAndSalt);
  const keystream = createKeystream(keys.rtp);
  const authenticator = createAuthenticator(keys.rtp.auth);
  const windows = new Map<number, Window>();

  function unprotectInPlace(bytes: Uint8Array, start: number, length: number): number {
    const end = start + length - TAG_BYTES;
    const payload = payloadStart(bytes, start, end);
    if (payload < 0) return SRTP_MALFORMED;
    const ssrc = uint32(bytes, start + 8);
    const sequence = uint16(bytes, start + 2);
    const window = windows.get(ssrc) ?? newWindow(sequence);
    const index = indexOf(window.highest, sequence);
    if (isReplay(window, index)) return SRTP_REPLAYED;
    if (!authenticator.verify(bytes, start, end, Math.floor(index / 0x1_0000), end)) return SRTP_NOT_AUTHENTIC;
    accept(windows, ssrc, window, index);
    keystream(bytes, payload, end, ssrc, index);
    return length - TAG_BYTES;
  }

  return {
    unprotectInPlace,
    unprotect(packet) {
      const bytes = Buffer.allocUnsafe(packet.length);
      bytes.set(packet);
      const length = unprotectInPlace(bytes, 0, packet.length);
      return length < 0 ? null : bytes.subarray(0, length);
    },
    unprotectRtcp: createRtcpOpener(keys.rtcp),
  };
}

function createRtcpOpener(keys: SessionKeys): (packet: Uint8Array) => Uint8Array | null {
  const session = lazyRtcpSession(keys);
  const windows = new Map<number, Window>();
  return (packet) => {
    const end = packet.length - SRTCP_OVERHEAD_BYTES;
    if (end < RTCP_CLEAR_BYTES || (packet[0] as number) >> 6 !== 2) return null;
    const { keystream, authenticator } = session();
    const ssrc = uint32(packet, 4);
    const word = uint32(packet, end);
    const index = word % ENCRYPTED;
    const window = windows.get(ssrc) ?? newWindow(index);
    if (isReplay(window, index) || !authenticator.verify(packet, 0, end, word, end + 4)) return null;
    accept(windows, ssrc, window, index);
    const bytes = Buffer.from(packet.subarray(0, end));
    if (word >= ENCRYPTED) keystream(bytes, RTCP_CLEAR_BYTES, end, ssrc, index);
    return bytes;
  };
}
