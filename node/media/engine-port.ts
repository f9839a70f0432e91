// The engine's ports: one socket where RTCP is multiplexed (RFC 5761), else an even one for RTP and the next for RTCP (RFC 3550, 11). A port's number
// is what a packet brings along; it is used again after closing.

import type { MediaPort, MediaPortInit } from './engine-types.ts';
import type { PacketNetwork, PacketSocket } from './packet-batch.ts';
import type { SeriesCounts } from './series-counts.ts';

/** Free ports come at random: so many may be odd ones, or have a taken neighbour, before something is wrong. */
const PAIR_ATTEMPTS = 64;

export interface EnginePort extends MediaPort {
  readonly id: number;
  readonly isMuxed: boolean;
  readonly rtpSocket: PacketSocket;
  /** The same when multiplexed. */
  readonly rtcpSocket: PacketSocket;
  /** Of the last stream opened on it: where packets that belong to nobody are counted. */
  counts: SeriesCounts | null;
  isOpen: boolean;
}

/** What sockets are tagged with: port number and whether it is the RTCP socket of a pair. */
export const portOfTag = (tag: number): number => tag >> 1;
export const isRtcpTag = (tag: number): boolean => (tag & 1) === 1;

/** `close` is told before the sockets close. Throws what the network throws: EMFILE, EADDRINUSE ... */
export async function openEnginePort(
  network: PacketNetwork,
  id: number,
  { host, isMuxed, port = 0 }: MediaPortInit,
  onClose: (port: EnginePort) => void,
): Promise<EnginePort> {
  const [rtpSocket, rtcpSocket] = isMuxed ? await openOne(network, id, host, port) : await openPair(network, id, host, port);
  const opened: EnginePort = {
    id,
    isMuxed,
    rtpSocket,
    rtcpSocket,
    rtp: rtpSocket.local,
    rtcp: rtcpSocket.local,
    counts: null,
    isOpen: true,
    close() {
      if (!opened.isOpen) return;
      onClose(opened);
      opened.isOpen = false;
      rtpSocket.close();
      if (!isMuxed) rtcpSocket.close();
    },
  };
  return opened;
}

async function openOne(network: PacketNetwork, id: number, host: string, port: number): Promise<[PacketSocket, PacketSocket]> {
  const socket = await network.openPackets({ host, port, tag: id * 2 });
  return [socket, socket];
}

async function openPair(network: PacketNetwork, id: number, host: string, port: number): Promise<[PacketSocket, PacketSocket]> {
  for (let attempt = 1; ; attempt++) {
    const first = await network.openPackets({ host, port, tag: id * 2 });
    if (first.local.port % 2 === 1) {
      first.close();
      if (port !== 0 || attempt === PAIR_ATTEMPTS) throw new RangeError(`no even port for RTP: ${host}:${first.local.port}`);
      continue;
    }
    try {
      return [first, await network.openPackets({ host, port: first.local.port + 1, tag: id * 2 + 1 })];
    } catch (error) {
      first.close();
      if (port !== 0 || attempt === PAIR_ATTEMPTS || (error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    }
  }
}
