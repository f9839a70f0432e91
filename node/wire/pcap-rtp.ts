// The RTP stream in a capture: which datagrams are one stream (an SSRC between two ports), the choice among several, and its packets in the order of
// their sequence numbers, each once, with the times at which they were captured. Encrypted payloads look like any other. Turning it into a
// script is media/sources-files.ts.

import { type PcapFailureKind, readPcap } from './pcap.ts';
import { type CapturedDatagram, datagramOf, isKnownLinkType } from './pcap-udp.ts';

export interface CapturedRtp {
  /** From the first packet, ms; not decreasing. */
  readonly atMs: number;
  /** From the first packet, ticks; may be negative where the sender's order of timestamps differs (B-frames). */
  readonly ticks: number;
  readonly marker: boolean;
  readonly payload: Uint8Array;
}

export interface CapturedStream {
  readonly ssrc: number;
  readonly payloadType: number;
  readonly packets: readonly CapturedRtp[];
}

export interface StreamChoice {
  readonly ssrc?: number;
  /** Source or destination port. */
  readonly port?: number;
  readonly payloadType?: number;
}

export type CaptureFailureKind = PcapFailureKind | 'link-type' | 'no-udp' | 'no-rtp';

export type StreamResult =
  | { readonly ok: true; readonly stream: CapturedStream }
  | { readonly ok: false; readonly failure: { readonly kind: CaptureFailureKind; readonly detail: string } };

interface RtpPacket extends CapturedDatagram {
  readonly payloadType: number;
  readonly marker: boolean;
  readonly sequence: number;
  readonly timestamp: number;
  readonly ssrc: number;
  readonly media: Uint8Array;
}

const fail = (kind: CaptureFailureKind, detail: string): StreamResult => ({ ok: false, failure: { kind, detail } });

/** The stream of a capture file that fits `choice` and has the most packets. Never throws. */
export function readRtpStream(bytes: Uint8Array, choice: StreamChoice = {}): StreamResult {
  const capture = readPcap(bytes);
  if (!capture.ok) return capture;
  const datagrams = capture.frames.map(datagramOf).filter((datagram) => datagram !== null);
  if (datagrams.length === 0) {
    const strange = capture.frames.find(({ linkType }) => !isKnownLinkType(linkType));
    if (strange !== undefined)
      return fail('link-type', `link type ${strange.linkType}; Ethernet, Linux cooked, loopback and raw IP are read`);
    return fail('no-udp', `no UDP in ${capture.frames.length} packets`);
  }
  const streams = new Map<string, RtpPacket[]>();
  for (const datagram of datagrams) {
    const packet = rtpOf(datagram);
    if (packet === null || !fits(packet, choice)) continue;
    const key = `${packet.ssrc} ${packet.payloadType} ${packet.sourcePort} ${packet.destinationPort}`;
    const packets = streams.get(key) ?? [];
    streams.set(key, packets);
    packets.push(packet);
  }
  const largest = [...streams.values()].sort((a, b) => b.length - a.length)[0];
  // One packet has no rate, and stray datagrams look like RTP often enough.
  if (largest === undefined || largest.length < 2)
    return fail('no-rtp', `no RTP stream that was asked for in ${datagrams.length} datagrams`);
  return { ok: true, stream: streamOf(largest) };
}

function fits({ ssrc, payloadType, sourcePort, destinationPort }: RtpPacket, choice: StreamChoice): boolean {
  if (choice.ssrc !== undefined && choice.ssrc !== ssrc) return false;
  if (choice.payloadType !== undefined && choice.payloadType !== payloadType) return false;
  return choice.port === undefined || choice.port === sourcePort || choice.port === destinationPort;
}

/** RFC 3550, 5.1, without CSRCs, extension and padding. Null for RTCP (RFC 5761, 4) and what is no RTP. */
function rtpOf(datagram: CapturedDatagram): RtpPacket | null {
  const { payload } = datagram;
  if (payload.length < 12) return null;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  const first = view.getUint8(0);
  const second = view.getUint8(1);
  if (first >> 6 !== 2 || (second >= 192 && second <= 223)) return null;
  let start = 12 + 4 * (first & 0x0f);
  if ((first & 0x10) !== 0) {
    if (start + 4 > payload.length) return null;
    start += 4 + 4 * view.getUint16(start + 2);
  }
  const end = payload.length - ((first & 0x20) !== 0 ? view.getUint8(payload.length - 1) : 0);
  if (start > end) return null;
  return {
    ...datagram,
    payloadType: second & 0x7f,
    marker: second >= 0x80,
    sequence: view.getUint16(2),
    timestamp: view.getUint32(4),
    ssrc: view.getUint32(8),
    media: payload.subarray(start, end),
  };
}

function streamOf(captured: readonly RtpPacket[]): CapturedStream {
  const first = captured[0] as RtpPacket;
  let highest = first.sequence;
  const byIndex = new Map<number, RtpPacket>();
  for (const packet of captured) {
    const index = highest + (((packet.sequence - highest) << 16) >> 16);
    if (index > highest) highest = index;
    if (!byIndex.has(index)) byIndex.set(index, packet);
  }
  const inOrder = [...byIndex].sort(([a], [b]) => a - b).map(([, packet]) => packet);
  const begin = inOrder[0] as RtpPacket;
  let atMs = 0;
  let ticks = 0;
  let before = begin.timestamp;
  const packets = inOrder.map((packet): CapturedRtp => {
    atMs = Math.max(atMs, packet.atMs - begin.atMs);
    ticks += (packet.timestamp - before) | 0;
    before = packet.timestamp;
    return { atMs, ticks, marker: packet.marker, payload: packet.media };
  });
  return { ssrc: first.ssrc, payloadType: first.payloadType, packets };
}
