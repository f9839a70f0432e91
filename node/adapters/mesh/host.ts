// The libp2p node underneath the mesh, and every setting of it that differs from the defaults, with its reason. libp2p's defaults protect a node on
// a hostile public network from strangers; here everyone holds the swarm key, many nodes share one address (one machine, one NAT), and all of
// them start in the same second. Traps that were met and measured (guarded by test/integration/mesh-swarm.test.ts):
// - inboundConnectionThreshold is 5 a second per host: the seventh node that dials from one machine gets ECONNRESET;
// - a stream without traffic lives on, but a TCP connection without any is cut after 2 minutes: yamux keep-alives are needed, the connection
//   monitor (a new stream per ping) is not;
// - identify is what tells gossipsub of a peer; when it times out, the connection stays but carries no gossip for ever (see watch.ts);
// - the relay server limits a relayed connection to 2 minutes and 128 KiB unless told otherwise;
// - loggers are built per stream even when nobody listens, so a silent one is passed in.

import { noise } from '@chainsafe/libp2p-noise';
import { yamux } from '@chainsafe/libp2p-yamux';
import { circuitRelayServer, circuitRelayTransport } from '@libp2p/circuit-relay-v2';
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys';
import { identify } from '@libp2p/identify';
import type { ComponentLogger, ConnectionGater, Libp2p, Logger } from '@libp2p/interface';
import { preSharedKey } from '@libp2p/pnet';
import { tcp } from '@libp2p/tcp';
import { createLibp2p } from 'libp2p';
import { type GossipService, gossipService } from './gossip.ts';
import type { MeshInit, MeshLimits } from './types.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

export type Host = Libp2p<{ gossip: GossipService }>;

/** Not started: handlers must be in place before the first connection. */
export async function createHost(init: MeshInit, limits: MeshLimits, topics: readonly string[], gater: ConnectionGater): Promise<Host> {
  const services = {
    identify: identify({
      // Under the load of a mass start the default 5 s is not enough, and a peer that was not identified carries no gossip.
      timeout: limits.dialMsMax,
      maxMessageSize: 16 * KIB,
    }),
    gossip: gossipService(topics, limits),
    ...(init.relay === true ? { relay: relayServer() } : {}),
  };
  return createLibp2p({
    start: false,
    privateKey: await generateKeyPairFromSeed('Ed25519', init.privateKey),
    addresses: { listen: listenAddresses(init), announce: [...(init.announce ?? [])] },
    transports: [
      // A burst of joiners waits in the kernel's queue instead of being reset.
      tcp({
        backlog: 1024,
        inboundSocketInactivityTimeout: limits.silenceMsMax * 2,
        outboundSocketInactivityTimeout: limits.silenceMsMax * 2,
      }),
      circuitRelayTransport({ maxInboundStopStreams: limits.connectionsMax, maxOutboundStopStreams: limits.connectionsMax }),
    ],
    connectionProtector: preSharedKey({ psk: swarmKeyFile(init.swarmKey) }),
    connectionEncrypters: [noise()],
    streamMuxers: [yamux(muxerOptions(limits))],
    connectionGater: gater,
    connectionManager: connectionManagerOptions(limits),
    connectionMonitor: { enabled: false },
    logger: SILENT,
    nodeInfo: { name: 'quilt-swarm', userAgent: 'quilt-swarm' },
    services,
  }) as unknown as Host;
}

/** The text form that libp2p's pnet reads (the "swarm.key" file of IPFS). */
function swarmKeyFile(key: Uint8Array): Uint8Array {
  return new TextEncoder().encode(`/key/swarm/psk/1.0.0/\n/base16/\n${Buffer.from(key).toString('hex')}`);
}

/** Every seed relays, also one that joined later: a second relay keeps the node reachable when the first seed dies, a third adds nothing. */
const RELAYS = 2;

const listenAddresses = ({ listen, relayed }: MeshInit): string[] => [
  ...listen,
  ...Array<string>(relayed === true ? RELAYS : 0).fill('/p2p-circuit'),
];

function connectionManagerOptions(limits: MeshLimits) {
  return {
    maxConnections: limits.connectionsMax,
    // Per second and host. All nodes of a machine, or behind one NAT, are one host and dial the seed in the same second.
    inboundConnectionThreshold: 1000,
    // Handshakes under way. Each costs about 2 ms of CPU, so a full queue is worked off within dialMsMax.
    maxIncomingPendingConnections: 1000,
    inboundUpgradeTimeout: limits.dialMsMax,
    dialTimeout: limits.dialMsMax,
    // One dead address among several (a private one, seen from outside) must not use up the time of the others.
    addressDialTimeout: Math.ceil(limits.dialMsMax / 2),
    maxParallelDials: 32,
    maxDialQueueLength: 1024,
    maxPeerAddrsToDial: 16,
    outboundStreamProtocolNegotiationTimeout: limits.dialMsMax,
    inboundStreamProtocolNegotiationTimeout: limits.dialMsMax,
    // Whom to stay connected to is the core's decision (effects.dial), not libp2p's.
    reconnectRetries: 0,
  };
}

function muxerOptions(limits: MeshLimits) {
  return {
    enableKeepAlive: true,
    // Three pings within the time after which a silent connection is cut.
    keepAliveInterval: Math.ceil(limits.silenceMsMax / 3),
    // Streams a peer may open on one connection, all protocols together. Relayed connections are streams of the relay's connection.
    maxInboundStreams: 512,
    maxOutboundStreams: 1024,
    streamOptions: {
      // What a peer can make us buffer per stream while a handler is not reading.
      maxStreamWindowSize: 1 * MIB,
      maxReadBufferLength: 2 * MIB,
      // A stream that cannot be drained is reset instead of eating memory; the largest single thing written is a response.
      maxWriteBufferLength: limits.responseBytesMax + limits.messageBytesMax,
    },
  };
}

/** Relays of a seed are for the swarm's own nodes: no data or time limit, one slot for every node. */
function relayServer() {
  return circuitRelayServer({
    maxInboundHopStreams: 1024,
    maxOutboundHopStreams: 1024,
    maxOutboundStopStreams: 1024,
    reservations: { maxReservations: 1024, applyDefaultLimit: false },
  });
}

const silentLogger: Logger = Object.assign(() => {}, {
  error: () => {},
  trace: () => {},
  enabled: false,
  newScope: () => silentLogger,
});
const SILENT: ComponentLogger = { forComponent: () => silentLogger };
