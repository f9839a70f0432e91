// One libp2p node as a Mesh (types in mesh/types.ts): TCP, noise, yamux, identify, pre-shared key, gossipsub with strict signing, circuit relay.
// This file puts the parts together and owns their lifetime; what libp2p and gossipsub need and why is in mesh/host.ts and mesh/gossip.ts, and the
// traps stand there. Nothing here knows what the bytes mean: refusing them is the receiver's, counting them is ours. One timer for the whole
// node sweeps stalled frames and dead connections and keeps one seed connected.

import type { Connection, Stream } from '@libp2p/interface';
import { fail, ok, type Problem, type Result } from '../core/errors.ts';
import { type NodeId, WIRE_VERSION } from '../core/messages.ts';
import {
  type AddressBook,
  addressProblem,
  createAddressBook,
  dialProblem,
  NO_ADDRESS,
  parseAddresses,
  parsePeer,
  peerOf,
} from './mesh/dial.ts';
import { createDirect, type Direct } from './mesh/direct.ts';
import { wireGossip } from './mesh/gossip.ts';
import { createHost, type Host } from './mesh/host.ts';
import { createInboundStreams, type InboundStreams } from './mesh/inbound.ts';
import { DEFAULT_MESH_LIMITS, newCounters } from './mesh/limits.ts';
import { askOnStream } from './mesh/request.ts';
import {
  GOSSIP_TOPICS,
  type GossipTopic,
  type Mesh,
  type MeshCounters,
  type MeshInit,
  type MeshLimits,
  REQUEST_PROTOCOLS,
} from './mesh/types.ts';
import { createWatch, type Watch } from './mesh/watch.ts';

export type { GossipTopic, Mesh, MeshCounters, MeshHandlers, MeshInit, MeshLimits, RequestProtocol } from './mesh/types.ts';

/** What the parts share. */
interface Parts {
  readonly init: MeshInit;
  readonly limits: MeshLimits;
  readonly counters: MeshCounters;
  readonly host: Host;
  readonly watch: Watch;
  readonly inbound: InboundStreams;
  readonly book: AddressBook;
  readonly dialling: Map<NodeId, Promise<Result<null>>>;
}

/** Problems: QUILT_ADDRESS, QUILT_PORT_IN_USE, QUILT_LISTEN_FAILED. A bad key in `init` is the caller's error and throws. */
export async function createMesh(init: MeshInit): Promise<Result<Mesh>> {
  const wrong = addressProblem([...init.listen, ...(init.announce ?? [])]);
  if (wrong !== null) return fail(wrong);
  const limits: MeshLimits = { ...DEFAULT_MESH_LIMITS, ...init.limits };
  const counters = newCounters();
  const watch = createWatch(limits, counters);
  const host = await createHost(
    init,
    limits,
    GOSSIP_TOPICS.map((topic) => topicName(init.swarmId, topic)),
    watch.gater,
  );
  const inbound = createInboundStreams(limits, counters, init.handlers);
  const parts: Parts = { init, limits, counters, host, watch, inbound, book: createAddressBook(limits.bookPeersMax), dialling: new Map() };
  const direct = createDirect({ limits, counters, open: (peer) => openDirect(parts, peer) });
  await handleProtocols(parts);
  hearPeers(parts, direct);
  try {
    await host.start();
  } catch (error) {
    return fail(listenProblem(error, init.listen));
  }
  hearGossip(parts);
  return ok(assemble(parts, direct));
}

function topicName(swarmId: string, topic: GossipTopic): string {
  return `quilt/${WIRE_VERSION}/${swarmId}/${topic}`;
}

/** The version stands in the name, so that nodes of another wire version fail at the negotiation and not at the first byte. */
function protocolName(swarmId: string, name: string): string {
  return `/quilt/${WIRE_VERSION}/${swarmId}/${name}`;
}

async function handleProtocols({ init, limits, host, inbound }: Parts): Promise<void> {
  // Two direct streams per connection: a sender that reconnects may open the new one before the old one's end has arrived.
  await host.handle(protocolName(init.swarmId, 'direct'), inbound.onDirect, {
    maxInboundStreams: 2,
    maxOutboundStreams: 2,
    runOnLimitedConnection: true,
  });
  const options = { maxInboundStreams: limits.requestsPerPeerMax, maxOutboundStreams: 64, runOnLimitedConnection: true };
  for (const protocol of REQUEST_PROTOCOLS) {
    await host.handle(
      protocolName(init.swarmId, protocol),
      (stream, connection) => inbound.onRequest(protocol, stream, connection),
      options,
    );
  }
}

function hearGossip({ init, limits, counters, host }: Parts): void {
  const topics = new Map(GOSSIP_TOPICS.map((topic) => [topicName(init.swarmId, topic), topic]));
  wireGossip(host.services.gossip, [...topics.keys()], limits, counters, (from, name, bytes) => {
    const topic = topics.get(name);
    if (topic !== undefined) init.handlers.gossip(from, topic, bytes);
  });
}

function assemble(parts: Parts, direct: Direct): Mesh {
  const { init, limits, counters, host, watch, inbound, book } = parts;
  const self = host.peerId.toString();
  const seeds = createSeedKeeper(parts);
  seeds.keep();
  const sweeper = setInterval(() => {
    inbound.sweep();
    watch.sweep(host.getConnections());
    seeds.keep();
  }, limits.sweepMs);
  sweeper.unref();

  return {
    self,
    addresses: () => dialableAddresses(host.getMultiaddrs().map(String)),
    dial: (peer, addresses) => dial(parts, peer, addresses),
    async publish(topic, bytes) {
      if (bytes.byteLength > limits.gossipBytesMax) {
        counters.refusedOwn += 1;
        return false;
      }
      try {
        await host.services.gossip.publish(topicName(init.swarmId, topic), bytes);
      } catch {
        // The node is stopping: gossipsub throws when it is not running.
        counters.dropped += 1;
        return false;
      }
      counters.gossipOutMessages += 1;
      counters.gossipOutBytes += bytes.byteLength;
      return true;
    },
    send: (peer, bytes) => direct.send(peer, bytes),
    async request(peer, protocol, bytes) {
      counters.requestsOut += 1;
      if (bytes.byteLength > limits.requestBytesMax) {
        counters.refusedOwn += 1;
        return fail(REQUEST_TOO_LARGE);
      }
      const opened = await openStream(parts, peer, protocol);
      return opened.stream === null ? fail(opened.problem) : askOnStream(opened.stream, bytes, limits);
    },
    learn: (peer, addresses) => book.learn(peer, addresses),
    peers: () => host.getPeers().map(String),
    async disconnect(peer) {
      const id = parsePeer(peer);
      if (id !== null) await host.hangUp(id, { signal: AbortSignal.timeout(1000) }).catch(() => {});
    },
    seedState: () => ({ connected: host.getPeers().length > 0, problem: seeds.problem() }),
    counters() {
      watch.countWire();
      counters.connections = host.getConnections().length;
      return { ...counters };
    },
    async stop() {
      clearInterval(sweeper);
      direct.stop();
      await host.stop();
    },
  };
}

function hearPeers({ init, host, book }: Parts, direct: Direct): void {
  // Who dialled us tells its addresses in identify: the way back, until its hello entry says more.
  host.addEventListener('peer:identify', (event) => {
    const peer = event.detail.peerId.toString();
    if (book.lookUp(peer).length === 0) book.learn(peer, dialableAddresses(event.detail.listenAddrs.map(String)));
  });
  host.addEventListener('peer:connect', (event) => init.handlers.peerUp(event.detail.toString()));
  host.addEventListener('peer:disconnect', (event) => {
    const peer = event.detail.toString();
    direct.forget(peer);
    init.handlers.peerDown(peer);
  });
}

/** Whoever asks for a peer that is being dialled waits for that dial: the core asks again at every round. */
function dial(parts: Parts, peer: NodeId, addresses: readonly string[]): Promise<Result<null>> {
  parts.book.learn(peer, addresses);
  const dialling = parts.dialling.get(peer);
  if (dialling !== undefined) return dialling;
  const dialled = dialPeer(parts, peer).finally(() => parts.dialling.delete(peer));
  parts.dialling.set(peer, dialled);
  return dialled;
}

async function dialPeer({ limits, counters, host, watch, book }: Parts, peer: NodeId): Promise<Result<null>> {
  const id = parsePeer(peer);
  if (id === null || id.equals(host.peerId)) return fail(NO_ADDRESS);
  if (host.getConnections(id).length > 0) return ok(null);
  const targets = parseAddresses(peer, book.lookUp(peer));
  if (targets.length === 0) return fail(NO_ADDRESS);
  counters.dials += 1;
  try {
    await host.dial(targets, { signal: AbortSignal.timeout(limits.dialMsMax) });
    return ok(null);
  } catch (error) {
    counters.dialsFailed += 1;
    return fail(dialProblem(error, watch.reached(peer)));
  } finally {
    watch.forgetReached(peer);
  }
}

type Opened = { readonly stream: Stream; readonly problem?: undefined } | { readonly stream: null; readonly problem: Problem };

async function openStream(parts: Parts, peer: NodeId, name: string): Promise<Opened> {
  const { init, limits, host } = parts;
  const dialled = await dial(parts, peer, []);
  if (!dialled.ok) return { stream: null, problem: dialled.problems[0] ?? NO_ADDRESS };
  const connection = openConnection(parts, peer);
  if (connection === undefined || host.status !== 'started') return { stream: null, problem: NO_STREAM };
  try {
    const options = { signal: AbortSignal.timeout(limits.dialMsMax), runOnLimitedConnection: true };
    return { stream: await connection.newStream(protocolName(init.swarmId, name), options) };
  } catch {
    return { stream: null, problem: NO_STREAM };
  }
}

async function openDirect(parts: Parts, peer: NodeId): Promise<Stream | null> {
  return (await openStream(parts, peer, 'direct')).stream;
}

/** The best connection: a direct one before a relayed one, the older before the younger, so that both ends tend to use the same. */
function openConnection({ host }: Parts, peer: NodeId): Connection | undefined {
  const id = parsePeer(peer);
  const open = id === null ? [] : host.getConnections(id).filter((connection) => connection.status === 'open');
  return open.find((connection) => connection.direct) ?? open[0];
}

/** A relayed node needs a slot on two seeds; and nodes that are each content with one seed can form islands that never hear of one another. */
const SEEDS_KEPT = 3;

/** Dials seeds until enough are connected, at every sweep: it heals a swarm that fell apart into parts which know no address of each other. */
function createSeedKeeper(parts: Parts): { keep(): void; problem(): Problem | null } {
  const { init, host } = parts;
  const seeds = new Map(
    init.seeds.flatMap((address) => {
      const peer = peerOf(address);
      return peer === null || peer === host.peerId.toString() ? [] : [[peer, address] as const];
    }),
  );
  let dialling = false;
  let problem: Problem | null = seeds.size > 0 || init.seeds.length === 0 ? null : NO_ADDRESS;
  const keep = (): void => {
    if (dialling || seeds.size === 0) return;
    const connected = new Set(host.getPeers().map(String));
    const missing = [...seeds.keys()].filter((peer) => !connected.has(peer));
    const wanted = Math.min(SEEDS_KEPT, seeds.size);
    if (seeds.size - missing.length >= wanted) return;
    dialling = true;
    void Promise.all(missing.map((peer) => dial(parts, peer, [seeds.get(peer) ?? ''])))
      .then((dialled) => {
        const failed = dialled.find((result) => !result.ok);
        problem = failed === undefined || failed.ok ? null : (failed.problems[0] ?? null);
      })
      .finally(() => {
        dialling = false;
      });
  };
  return { keep, problem: () => problem };
}

/** Loopback only when there is nothing else: another machine would dial itself. */
function dialableAddresses(addresses: readonly string[]): string[] {
  const remote = addresses.filter((address) => !/^\/ip4\/127\.|^\/ip6\/::1\//.test(address));
  return remote.length > 0 ? remote : [...addresses];
}

function listenProblem(error: unknown, listen: readonly string[]): Problem {
  const text = error instanceof Error ? error.message : String(error);
  if (text.includes('EADDRINUSE')) {
    return {
      code: 'QUILT_PORT_IN_USE',
      message: `cannot listen on ${listen.join(', ')}: the port is in use`,
      hint: 'end the other process, choose another port, or use port 0 for any free one',
    };
  }
  return {
    code: 'QUILT_LISTEN_FAILED',
    message: `cannot listen on ${listen.join(', ')}: ${
      text
        .split('\n')
        .find((line) => line.includes('Error:'))
        ?.trim() ?? text
    }`,
    hint: 'the address must belong to this machine, and ports below 1024 need privileges',
  };
}

const REQUEST_TOO_LARGE: Problem = {
  code: 'QUILT_REQUEST_TOO_LARGE',
  message: 'the request is larger than peers accept',
  hint: 'send less at once',
};
const NO_STREAM: Problem = {
  code: 'QUILT_NO_STREAM',
  message: 'the peer is connected but does not speak this protocol of this swarm',
  hint: 'it may run another version of quilt-swarm, or be shutting down',
};
