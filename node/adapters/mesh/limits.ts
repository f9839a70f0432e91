// The bounds of the mesh, with the reason for each (STYLE.md rule 6), and the counters that show when one was reached.

import type { MeshCounters, MeshLimits } from './types.ts';

const KIB = 1024;
const MIB = 1024 * KIB;

export const DEFAULT_MESH_LIMITS: MeshLimits = {
  // The largest entry (a roster of thousands of nodes, wire ENTRY_BYTES_MAX) with its envelope; bulk belongs on direct streams.
  gossipBytesMax: 1 * MIB + 64 * KIB,
  // 400 entries (core BOUNDS.entriesPerMessageMax) or 30 windows fit.
  messageBytesMax: 4 * MIB,
  requestBytesMax: 1 * MIB,
  // The scenario bundle with its data files.
  responseBytesMax: 64 * MIB,
  requestsPerPeerMax: 16,
  // About a minute of pulses and anti-entropy for a peer that is away.
  queueMessagesMax: 512,
  queueBytesMax: 16 * MIB,
  connectionsMax: 4096,
  bookPeersMax: 8192,
  // On a machine that starts hundreds of nodes at once a handshake takes seconds of waiting for the CPU.
  dialMsMax: 12_000,
  requestMsMax: 30_000,
  sweepMs: 5_000,
  silenceMsMax: 45_000,
};

export function newCounters(): MeshCounters {
  return {
    gossipOutMessages: 0,
    gossipOutBytes: 0,
    gossipInMessages: 0,
    gossipInBytes: 0,
    directOutMessages: 0,
    directOutBytes: 0,
    directInMessages: 0,
    directInBytes: 0,
    requestsOut: 0,
    requestsIn: 0,
    wireOutBytes: 0,
    wireInBytes: 0,
    connections: 0,
    dials: 0,
    dialsFailed: 0,
    refusedConnections: 0,
    malformed: 0,
    refusedGossip: 0,
    refusedOwn: 0,
    dropped: 0,
    refusedRequests: 0,
    cutSilent: 0,
    cutGossipless: 0,
  };
}
