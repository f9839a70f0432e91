// The bridge's media ports: pairs of an even port for RTP and the next for RTCP (RFC 3550, section 11). A stream gets a pair of its own as real
// bridges do; when `portsMax` pairs are open, streams share them and are told apart by where their packets come from. Pairs stay open and are used
// again, the longest idle first, so that late packets of an old call meet nobody. What a packet means is media.ts's part.

import type { NetAddress, UdpNetwork, UdpSocket } from '../../../node/media/udp.ts';

export interface PortPair<Stream> {
  readonly rtp: UdpSocket;
  readonly rtcp: UdpSocket;
  /** By `index` of the address its packets come from. */
  readonly rtpStreams: Map<number, Stream>;
  readonly rtcpStreams: Map<number, Stream>;
}

export interface MediaPortsInit<Stream> {
  readonly network: UdpNetwork;
  /** Local IP literal to listen on. */
  readonly host: string;
  /** Pairs open at one time. */
  readonly portsMax: number;
  readonly onPacket: (pair: PortPair<Stream>, isRtcpPort: boolean, bytes: Uint8Array, from: NetAddress) => void;
}

/** Where a stream's packets come from; RTCP null when it comes with the RTP. */
export interface RemotePair {
  readonly rtp: NetAddress;
  readonly rtcp: NetAddress | null;
}

export interface MediaPorts<Stream> {
  /** A pair that can tell this stream from its others; null when every pair already has one from the same address. */
  take(stream: Stream, remote: RemotePair | null): Promise<PortPair<Stream> | null>;
  /** Another remote address; false when the pair has a stream from there. */
  move(pair: PortPair<Stream>, stream: Stream, from: RemotePair | null, to: RemotePair): boolean;
  release(pair: PortPair<Stream>, remote: RemotePair | null): void;
  close(): void;
}

/** The port next to a free one is free too, nearly always. */
const ATTEMPTS = 20;
const BUFFER_BYTES = 262_144;

async function openPair<Stream>({ network, host, onPacket }: MediaPortsInit<Stream>): Promise<PortPair<Stream>> {
  let pair: PortPair<Stream> | undefined;
  const open = async (port: number): Promise<UdpSocket> => {
    let isRtcp = false;
    const socket = await network.open({
      host,
      port,
      receiveBufferBytes: BUFFER_BYTES,
      sendBufferBytes: BUFFER_BYTES,
      onPacket: (bytes, from) => {
        if (pair !== undefined) onPacket(pair, isRtcp, bytes, from);
      },
    });
    isRtcp = socket.local.port % 2 === 1;
    return socket;
  };
  for (let attempt = 1; ; attempt += 1) {
    const first = await open(0);
    const isEven = first.local.port % 2 === 0;
    try {
      const second = await open(isEven ? first.local.port + 1 : first.local.port - 1);
      pair = { rtp: isEven ? first : second, rtcp: isEven ? second : first, rtpStreams: new Map(), rtcpStreams: new Map() };
      return pair;
    } catch (error) {
      first.close();
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || attempt === ATTEMPTS) throw error;
    }
  }
}

const isFree = <Stream>(pair: PortPair<Stream>, remote: RemotePair | null): boolean =>
  remote === null || !(pair.rtpStreams.has(remote.rtp.index) || (remote.rtcp !== null && pair.rtcpStreams.has(remote.rtcp.index)));

function bind<Stream>(pair: PortPair<Stream>, stream: Stream, remote: RemotePair | null): void {
  if (remote === null) return;
  pair.rtpStreams.set(remote.rtp.index, stream);
  if (remote.rtcp !== null) pair.rtcpStreams.set(remote.rtcp.index, stream);
}

function unbind<Stream>(pair: PortPair<Stream>, remote: RemotePair | null): void {
  if (remote === null) return;
  pair.rtpStreams.delete(remote.rtp.index);
  if (remote.rtcp !== null) pair.rtcpStreams.delete(remote.rtcp.index);
}

function closePair<Stream>(pair: PortPair<Stream>): void {
  pair.rtp.close();
  pair.rtcp.close();
}

export function createMediaPorts<Stream>(init: MediaPortsInit<Stream>): MediaPorts<Stream> {
  /** Open pairs and how many streams each has; what was taken last stands last, so that sharing spreads the load. */
  const users = new Map<PortPair<Stream>, number>();
  const idle = new Set<PortPair<Stream>>();
  const opening = new Set<Promise<PortPair<Stream>>>();
  let isClosed = false;

  function claim(pair: PortPair<Stream>, stream: Stream, remote: RemotePair | null): PortPair<Stream> {
    const streams = users.get(pair) ?? 0;
    users.delete(pair);
    users.set(pair, streams + 1);
    idle.delete(pair);
    bind(pair, stream, remote);
    return pair;
  }

  async function openAnother(stream: Stream, remote: RemotePair | null): Promise<PortPair<Stream> | null> {
    const promise = openPair(init);
    opening.add(promise);
    const pair = await promise.finally(() => opening.delete(promise));
    if (!isClosed) return claim(pair, stream, remote);
    closePair(pair);
    return null;
  }

  return {
    async take(stream, remote) {
      for (;;) {
        if (isClosed) return null;
        const [longestIdle] = idle;
        if (longestIdle !== undefined) return claim(longestIdle, stream, remote);
        if (users.size + opening.size < init.portsMax) return openAnother(stream, remote);
        const shared = users.keys().find((pair) => isFree(pair, remote));
        if (shared !== undefined) return claim(shared, stream, remote);
        const [soon] = opening;
        if (soon === undefined) return null;
        // Whoever asked for it hears of its failure; here it only means that there is nothing to share.
        await soon.catch(() => undefined);
      }
    },
    move(pair, stream, from, to) {
      unbind(pair, from);
      const isPossible = isFree(pair, to);
      bind(pair, stream, isPossible ? to : from);
      return isPossible;
    },
    release(pair, remote) {
      unbind(pair, remote);
      const streams = (users.get(pair) ?? 1) - 1;
      if (isClosed) return;
      users.set(pair, streams);
      if (streams === 0) idle.add(pair);
    },
    close() {
      isClosed = true;
      for (const pair of users.keys()) closePair(pair);
      users.clear();
      idle.clear();
    },
  };
}
