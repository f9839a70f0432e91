// Gossipsub as this swarm needs it. Traps (FACTS.md, "libp2p"), each guarded by the 20-node test:
// - the peer score punishes more than 10 peers on one IP: at 15 nodes of one machine nothing is delivered and publish reports no error, so
//   IPColocationFactorWeight is 0. The behaviour penalty is 0 too: an overloaded machine answers late and looks exactly like a liar, and every
//   peer here holds the swarm key. Signatures are what protects (strict signing: a message whose author did not sign it is not passed on);
// - verifying a signature costs about 0.1 ms and every message arrives three or four times: the fast message id drops copies before that. It is
//   (author, sequence number), stored only after its signature was good, so nobody can block another's message with a forged one;
// - publish refuses when nobody is subscribed: the first node of a swarm publishes to nobody, deliberately; anti-entropy delivers later.

import { type GossipSub, gossipsub, type Message, StrictSign, TopicValidatorResult } from '@chainsafe/libp2p-gossipsub';
import type { Connection } from '@libp2p/interface';
import type { MeshCounters, MeshLimits } from './types.ts';

/** The pubsub service, with the two methods that gossipsub leaves out of its own interface. */
export type GossipService = GossipSub;

const MIB = 1024 * 1024;

export function gossipService(topics: readonly string[], limits: MeshLimits) {
  return gossipsub({
    globalSignaturePolicy: StrictSign,
    emitSelf: false,
    fallbackToFloodsub: false,
    canRelayMessage: false,
    // Flooding own messages to all peers would make the seed's cost grow with the swarm.
    floodPublish: false,
    // One encoding for all receivers of a published message.
    batchPublish: true,
    allowPublishToZeroTopicPeers: true,
    ignoreDuplicatePublishError: true,
    doPX: false,
    // Tags write to the peer store at every graft and prune, and only serve connection pruning, which we do not need.
    tagMeshPeers: false,
    allowedTopics: [...topics],
    // Four neighbours reach 200 nodes in about five hops; each more costs every node another copy of every message.
    D: 4,
    Dlo: 3,
    Dhi: 8,
    Dscore: 2,
    Dout: 1,
    Dlazy: 4,
    // A share of all peers would make the seed's heartbeat grow with the swarm; Dlazy alone is enough.
    gossipFactor: 0,
    // Below 8 KiB the notice "do not send me this" costs more than the copy it saves.
    idontwantMinDataSize: 8192,
    fastMsgIdFn: (message) => fastMessageId(message.from, message.seqno),
    // One RPC carries several messages when a peer asks for what it missed; beyond this the stream is cut.
    maxInboundDataLength: 8 * MIB,
    maxOutboundBufferSize: 16 * MIB,
    maxInboundStreams: 4,
    maxOutboundStreams: 4,
    runOnLimitedConnection: true,
    decodeRpcLimits: {
      maxSubscriptions: 16,
      maxMessages: 2000,
      maxIhaveMessageIDs: 5000,
      maxIwantMessageIDs: 5000,
      maxControlMessages: 64,
      maxIdontwantMessageIDs: 512,
      maxPeerInfos: 16,
    },
    scoreParams: { IPColocationFactorWeight: 0, behaviourPenaltyWeight: 0 },
  });
}

function fastMessageId(author: Uint8Array | undefined, sequence: Uint8Array | undefined): string {
  return Buffer.concat([author ?? new Uint8Array(0), sequence ?? new Uint8Array(0)]).toString('latin1');
}

/** Refuses oversized messages before they are passed on, and hands the rest to `deliver`. */
export function wireGossip(
  service: GossipService,
  topics: readonly string[],
  limits: MeshLimits,
  counters: MeshCounters,
  deliver: (from: string, topic: string, bytes: Uint8Array) => void,
): void {
  for (const topic of topics) {
    service.topicValidators.set(topic, (_peer, message) => {
      if (message.data.byteLength <= limits.gossipBytesMax) return TopicValidatorResult.Accept;
      counters.refusedGossip += 1;
      return TopicValidatorResult.Reject;
    });
    service.subscribe(topic);
  }
  service.addEventListener('message', (event: CustomEvent<Message>) => {
    const message = event.detail;
    if (message.type !== 'signed') return;
    counters.gossipInMessages += 1;
    counters.gossipInBytes += message.data.byteLength;
    deliver(message.from.toString(), message.topic, message.data);
  });
}

/**
 * Whether gossip can leave on this connection. Identify or the stream's negotiation may have failed while the connection lives on. The other side
 * never writes on this stream; when it closed its end of it, it stopped listening as well.
 */
export function carriesGossip(connection: Connection): boolean {
  return connection.streams.some(
    (stream) => stream.direction === 'outbound' && stream.protocol.startsWith('/meshsub/') && stream.remoteWriteStatus === 'writable',
  );
}
