// The mesh as the rest of the node sees it: peers by name, bytes in, bytes out. Nothing of libp2p shows here, and nothing here knows what the
// bytes mean. Three ways to speak, each with its own promise: `publish` reaches everybody, sooner or later, perhaps not (anti-entropy repairs);
// `send` reaches one peer in order while the stream lives; `request` gets one answer or one problem. Every expected failure is a value.

import type { Problem, Result } from '../../core/errors.ts';
import type { NodeId } from '../../core/messages.ts';

export const GOSSIP_TOPICS = ['entries', 'beats'] as const;
export type GossipTopic = (typeof GOSSIP_TOPICS)[number];

/** control: small questions of an operator's command. blob: content-addressed bulk (the scenario bundle). */
export const REQUEST_PROTOCOLS = ['control', 'blob'] as const;
export type RequestProtocol = (typeof REQUEST_PROTOCOLS)[number];

/**
 * What the node does with what arrives. All but `request` are synchronous: put it into the bounded inbox and return.
 * A throw is a programmer error and ends the process; hostile bytes are the handler's to refuse.
 */
export interface MeshHandlers {
  /** `from` is the author whose signature the mesh has checked, not the neighbour that passed it on. Never called for own messages. */
  gossip(from: NodeId, topic: GossipTopic, bytes: Uint8Array): void;
  message(from: NodeId, bytes: Uint8Array): void;
  /** A rejection refuses the request: the asker gets QUILT_REQUEST_REFUSED. */
  request(from: NodeId, protocol: RequestProtocol, bytes: Uint8Array): Promise<Uint8Array>;
  /** The first connection to this peer opened; the last one closed. */
  peerUp(peer: NodeId): void;
  peerDown(peer: NodeId): void;
}

export interface MeshLimits {
  /** One gossip message. Grows every node's traffic by this much times its mesh degree. */
  readonly gossipBytesMax: number;
  /** One direct message. A peer may make us hold this much per stream before a frame is complete. */
  readonly messageBytesMax: number;
  /** One request; one answer (a scenario bundle with its CSV files). */
  readonly requestBytesMax: number;
  readonly responseBytesMax: number;
  /** Requests of one peer that we work on at once. */
  readonly requestsPerPeerMax: number;
  /** Direct messages waiting for one slow or unreachable peer; the newest are dropped (and counted) beyond it. */
  readonly queueMessagesMax: number;
  readonly queueBytesMax: number;
  /** Open connections. Every node sends its pulses to the coordinator on a connection of its own, so this bounds the size of a swarm. */
  readonly connectionsMax: number;
  /** Peers in the address book. */
  readonly bookPeersMax: number;
  readonly dialMsMax: number;
  readonly requestMsMax: number;
  /** Period of the one housekeeping timer; a frame that made no progress for two of them is cut off. */
  readonly sweepMs: number;
  /** A connection that delivered nothing for this long (pings included) is dead: it is cut, so that it can be dialled anew. */
  readonly silenceMsMax: number;
}

export interface MeshInit {
  /** The 32-byte Ed25519 seed of this node (identity.ts). */
  readonly privateKey: Uint8Array;
  /** The 32-byte pre-shared key of the swarm: whoever lacks it cannot even start a handshake. */
  readonly swarmKey: Uint8Array;
  readonly swarmId: string;
  /** Multiaddrs to listen on, such as /ip4/0.0.0.0/tcp/0; none = dial only. */
  readonly listen: readonly string[];
  /** Multiaddrs to tell others instead of those listened on (public address of a NATed instance). */
  readonly announce?: readonly string[];
  /** Multiaddrs with /p2p/ID. Dialled at start and again whenever no seed is connected. */
  readonly seeds: readonly string[];
  /** Offer relaying to nodes that cannot be dialled (seeds do). */
  readonly relay?: boolean;
  /** This node cannot be dialled: reserve a relay slot on the seeds and announce that address. */
  readonly relayed?: boolean;
  readonly limits?: Partial<MeshLimits>;
  readonly handlers: MeshHandlers;
}

/** A flat record of numbers, all counting up from the start of the node, except `connections`. (A type, so that it passes for any such record.) */
export type MeshCounters = {
  gossipOutMessages: number;
  gossipOutBytes: number;
  gossipInMessages: number;
  gossipInBytes: number;
  directOutMessages: number;
  directOutBytes: number;
  directInMessages: number;
  directInBytes: number;
  requestsOut: number;
  requestsIn: number;
  /** On the wire, handshakes and encryption included; what relays carried counts at the relay's socket. */
  wireOutBytes: number;
  wireInBytes: number;
  connections: number;
  dials: number;
  dialsFailed: number;
  /** Inbound connections that never finished their handshake: wrong swarm key, port scanners, rubbish. */
  refusedConnections: number;
  /** Frames larger than allowed, frames that stalled, streams cut within a frame. */
  malformed: number;
  /** Gossip refused for its size. */
  refusedGossip: number;
  /** Own messages refused because they exceed the bound: a fault of this node, shown. */
  refusedOwn: number;
  /** Direct messages that were queued or in flight when their peer could not be reached, or that found the queue full. */
  dropped: number;
  refusedRequests: number;
  /** Connections cut because nothing came in for silenceMsMax, or because their gossip stream had died. */
  cutSilent: number;
  cutGossipless: number;
};

export interface Mesh {
  readonly self: NodeId;
  /** Own multiaddrs with /p2p/ID, as others should dial them. Changes when a relay slot comes or goes. */
  addresses(): string[];
  /** Connects, or confirms that it is connected; ends within limits.dialMsMax. */
  dial(peer: NodeId, addresses: readonly string[]): Promise<Result<null>>;
  /** True when handed to the gossip layer (which may know no peer yet); false when it is too large. */
  publish(topic: GossipTopic, bytes: Uint8Array): Promise<boolean>;
  /**
   * One message on the long-lived stream to `peer`, opened (and dialled from the address book) on demand. Order is kept per peer.
   * True when handed to the connection, which is not yet delivery; false when dropped.
   */
  send(peer: NodeId, bytes: Uint8Array): Promise<boolean>;
  request(peer: NodeId, protocol: RequestProtocol, bytes: Uint8Array): Promise<Result<Uint8Array>>;
  /** Remembers where a peer can be reached; replaces what was known. */
  learn(peer: NodeId, addresses: readonly string[]): void;
  peers(): NodeId[];
  disconnect(peer: NodeId): Promise<void>;
  /** Whether anybody is connected, and else why the first seed could not be reached; null while that is being tried. */
  seedState(): { readonly connected: boolean; readonly problem: Problem | null };
  counters(): MeshCounters;
  stop(): Promise<void>;
}
