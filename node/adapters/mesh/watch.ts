// Watches the connections: counts what goes over the wire and what was refused before it got in, and cuts what only looks alive. A dead TCP
// connection (partition, pulled cable, stopped process) accepts writes for minutes and would keep both ends from dialling anew; keep-alive
// pings come every third of silenceMsMax, so a socket that read nothing in all that time is dead. A connection without a gossip stream is cut
// for the same reason. libp2p's events do not tell either, hence the sockets' own byte counts, read in one sweep for the whole node.

import type { Socket } from 'node:net';
import type { Connection, ConnectionGater, MultiaddrConnection, PeerId } from '@libp2p/interface';
import { carriesGossip } from './gossip.ts';
import type { MeshCounters, MeshLimits } from './types.ts';

interface Watched {
  readonly wire: MultiaddrConnection;
  readonly socket: Socket | undefined;
  readBytes: number;
  silentSweeps: number;
}

export interface Watch {
  readonly gater: ConnectionGater;
  /** Peers that accepted a connection of ours below the handshake: tells "refused our key" from "nobody there". */
  reached(peer: string): boolean;
  forgetReached(peer: string): void;
  sweep(connections: readonly Connection[]): void;
  /** Adds the bytes of all sockets, living and dead, to the counters. */
  countWire(): void;
}

export function createWatch(limits: MeshLimits, counters: MeshCounters): Watch {
  const watched = new Map<MultiaddrConnection, Watched>();
  const upgraded = new WeakSet<MultiaddrConnection>();
  const gossiplessSweeps = new WeakMap<Connection, number>();
  const reached = new Set<string>();
  const closed = { inBytes: 0, outBytes: 0 };
  const sweepsMax = Math.max(1, Math.ceil(limits.silenceMsMax / limits.sweepMs));

  const watch = (wire: MultiaddrConnection, inbound: boolean): boolean => {
    // The socket is not in the interface; a transport without one (a relayed connection) is watched through its relay's connection.
    const socket = (wire as { socket?: Socket }).socket;
    watched.set(wire, { wire, socket, readBytes: 0, silentSweeps: 0 });
    wire.addEventListener('close', () => {
      watched.delete(wire);
      closed.inBytes += socket?.bytesRead ?? 0;
      closed.outBytes += socket?.bytesWritten ?? 0;
      if (inbound && !upgraded.has(wire)) counters.refusedConnections += 1;
    });
    return false;
  };

  const sweepSilent = (): void => {
    for (const entry of watched.values()) {
      if (entry.socket === undefined) continue;
      const progressed = entry.socket.bytesRead !== entry.readBytes;
      entry.readBytes = entry.socket.bytesRead;
      entry.silentSweeps = progressed ? 0 : entry.silentSweeps + 1;
      if (entry.silentSweeps <= sweepsMax) continue;
      counters.cutSilent += 1;
      entry.wire.abort(new Error('nothing received, keep-alive pings included'));
    }
  };

  const sweepGossipless = (connections: readonly Connection[]): void => {
    for (const connection of connections) {
      const sweeps = carriesGossip(connection) ? 0 : (gossiplessSweeps.get(connection) ?? 0) + 1;
      gossiplessSweeps.set(connection, sweeps);
      if (sweeps <= sweepsMax || hasGossipTwin(connection, connections)) continue;
      counters.cutGossipless += 1;
      connection.abort(new Error('the connection carries no gossip'));
    }
  };

  return {
    gater: {
      denyInboundConnection: (wire) => watch(wire, true),
      denyOutboundConnection: (peer, wire) => {
        reached.add(peer.toString());
        return watch(wire, false);
      },
      denyInboundUpgradedConnection: (_peer: PeerId, wire) => {
        upgraded.add(wire);
        return false;
      },
    },
    reached: (peer) => reached.has(peer),
    forgetReached: (peer) => {
      reached.delete(peer);
    },
    sweep(connections) {
      sweepSilent();
      sweepGossipless(connections);
    },
    countWire() {
      counters.wireInBytes = closed.inBytes;
      counters.wireOutBytes = closed.outBytes;
      for (const { socket } of watched.values()) {
        counters.wireInBytes += socket?.bytesRead ?? 0;
        counters.wireOutBytes += socket?.bytesWritten ?? 0;
      }
    },
  };
}

/** Gossipsub uses one connection of a pair that dialled each other at once; the other is only idle. */
function hasGossipTwin(connection: Connection, connections: readonly Connection[]): boolean {
  return connections.some((other) => other !== connection && other.remotePeer.equals(connection.remotePeer) && carriesGossip(other));
}
