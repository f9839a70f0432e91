// What a captured frame carries, as far as it is UDP: through Ethernet (with VLAN tags), Linux cooked capture, loopback or bare IP, then IPv4 or IPv6,
// to addresses and payload. Fragments, other protocols and everything malformed give null: a capture of a call has plenty of it, and it is not
// media. Which of the payloads are RTP is pcap-rtp.ts.

import type { CapturedFrame } from './pcap.ts';

export interface CapturedDatagram {
  readonly atMs: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
  readonly payload: Uint8Array;
}

/** Link types (tcpdump.org's list): where the EtherType stands, or that there is none. */
const LINK_HEADERS: ReadonlyMap<number, { readonly etherTypeAt: number | null; readonly bytes: number }> = new Map([
  // BSD loopback: four bytes of address family, which the version nibble of IP tells as well.
  [0, { etherTypeAt: null, bytes: 4 }],
  [1, { etherTypeAt: 12, bytes: 14 }],
  [12, { etherTypeAt: null, bytes: 0 }],
  [101, { etherTypeAt: null, bytes: 0 }],
  [108, { etherTypeAt: null, bytes: 4 }],
  [113, { etherTypeAt: 14, bytes: 16 }],
  [228, { etherTypeAt: null, bytes: 0 }],
  [229, { etherTypeAt: null, bytes: 0 }],
  [276, { etherTypeAt: 0, bytes: 20 }],
]);

const ETHER_IPV4 = 0x0800;
const ETHER_IPV6 = 0x86dd;
const VLAN_TAGS: ReadonlySet<number> = new Set([0x8100, 0x88a8]);
const PROTOCOL_UDP = 17;
/** Hop-by-hop, routing, destination options: each has its length in units of eight bytes after the first. */
const IPV6_OPTIONS: ReadonlySet<number> = new Set([0, 43, 60]);
const UDP_HEADER_BYTES = 8;

/** Past the end there are zeros, which no check below lets through. */
const uint16 = (bytes: Uint8Array, at: number): number => ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);

/** Do these link types carry IP that is read here? For telling "no UDP" from "cannot look". */
export const isKnownLinkType = (linkType: number): boolean => LINK_HEADERS.has(linkType);

/** The datagram of a frame; null when there is none that is whole. */
export function datagramOf({ atMs, linkType, bytes }: CapturedFrame): CapturedDatagram | null {
  const header = LINK_HEADERS.get(linkType);
  if (header === undefined) return null;
  let start = header.bytes;
  if (header.etherTypeAt !== null) {
    let etherType = uint16(bytes, header.etherTypeAt);
    for (; VLAN_TAGS.has(etherType); start += 4) etherType = uint16(bytes, start + 2);
    if (etherType !== ETHER_IPV4 && etherType !== ETHER_IPV6) return null;
  }
  const udp = udpOf(bytes.subarray(start));
  if (udp === null || udp.length < UDP_HEADER_BYTES) return null;
  const length = uint16(udp, 4);
  if (length < UDP_HEADER_BYTES || length > udp.length) return null;
  return { atMs, sourcePort: uint16(udp, 0), destinationPort: uint16(udp, 2), payload: udp.subarray(UDP_HEADER_BYTES, length) };
}

/** What follows the IP header, when that is UDP and no fragment. */
function udpOf(ip: Uint8Array): Uint8Array | null {
  const first = ip[0] ?? 0;
  if (first >> 4 === 4) {
    const headerBytes = (first & 0x0f) * 4;
    const isFragment = (uint16(ip, 6) & 0x3fff) !== 0;
    if (headerBytes < 20 || isFragment || ip[9] !== PROTOCOL_UDP) return null;
    return ip.subarray(headerBytes, uint16(ip, 2));
  }
  if (first >> 4 !== 6) return null;
  let next = ip[6] ?? 0;
  let at = 40;
  for (; IPV6_OPTIONS.has(next) && at < ip.length; at += 8 + 8 * (ip[at + 1] ?? 0)) next = ip[at] ?? 0;
  return next === PROTOCOL_UDP ? ip.subarray(at, 40 + uint16(ip, 4)) : null;
}
