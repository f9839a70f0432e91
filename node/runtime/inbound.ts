// From bytes of strangers to events: decoded, and every entry's signature verified, before the core hears of anything (P7). Whatever is malformed, not
// signed by its author or not meant for this version is refused and counted by the peer that sent it; nobody crashes and nothing is answered.
// Copies of an entry are common (gossip, anti-entropy, retries): a verified hash is remembered, so that only its first copy costs a signature check.

import type { Entry, NodeId } from '../core/messages.ts';
import type { MessageCodec } from '../wire/message-codec.ts';
import type { MeshTopic } from './components.ts';
import type { EventDraft } from './loop.ts';

export interface InboundInit {
  readonly codec: Pick<MessageCodec, 'decodeGossip' | 'decodeMessage'>;
  /** Whether its author signed it. */
  readonly verifyEntry: (entry: Entry) => boolean;
  readonly push: (event: EventDraft) => boolean;
}

export interface Inbound {
  gossip(from: NodeId, topic: MeshTopic, bytes: Uint8Array): void;
  message(from: NodeId, bytes: Uint8Array): void;
  /** Refused things by peer and reason, `${reason} ${peer}`. */
  refused(): ReadonlyMap<string, number>;
}

/** Verified hashes remembered: some 100 bytes each. */
const VERIFIED_MAX = 50_000;
/** Distinct (reason, peer) pairs; further peers are counted as one. */
const REFUSED_KEYS_MAX = 1_000;

export function createInbound(init: InboundInit): Inbound {
  const verified = new Set<string>();
  const refused = new Map<string, number>();

  const refuse = (from: NodeId, reason: string, count = 1): void => {
    let key = `${reason} ${from}`;
    if (!refused.has(key) && refused.size >= REFUSED_KEYS_MAX) key = `${reason} (others)`;
    refused.set(key, (refused.get(key) ?? 0) + count);
  };

  const isGenuine = (entry: Entry): boolean => {
    // Decoding computed the hash from the content, so equal hash and equal signature mean an equal entry.
    const key = `${entry.hash}${Buffer.from(entry.sig).toString('latin1')}`;
    if (verified.has(key)) return true;
    if (!init.verifyEntry(entry)) return false;
    if (verified.size >= VERIFIED_MAX) verified.clear();
    verified.add(key);
    return true;
  };

  const genuine = (from: NodeId, entries: readonly Entry[]): Entry[] => {
    const kept = entries.filter(isGenuine);
    if (kept.length < entries.length) refuse(from, 'bad-signature', entries.length - kept.length);
    return kept;
  };

  const accept = (from: NodeId, event: EventDraft): void => {
    if (!init.push(event)) refuse(from, 'inbox-full');
  };

  return {
    gossip(from, topic, bytes) {
      const decoded = init.codec.decodeGossip(bytes);
      if (!decoded.ok) return refuse(from, 'malformed-gossip');
      const { message: gossip, refusedEntries } = decoded.value;
      if (refusedEntries > 0) refuse(from, 'malformed-entry', refusedEntries);
      if ((topic === 'entries') !== (gossip.type === 'entries')) return refuse(from, 'wrong-topic');
      if (gossip.type !== 'entries') return accept(from, { type: 'gossip', from, gossip });
      const entries = genuine(from, gossip.entries);
      if (entries.length > 0) accept(from, { type: 'gossip', from, gossip: { ...gossip, entries } });
    },
    message(from, bytes) {
      const decoded = init.codec.decodeMessage(bytes);
      if (!decoded.ok) return refuse(from, 'malformed-message');
      const { message, refusedEntries } = decoded.value;
      if (refusedEntries > 0) refuse(from, 'malformed-entry', refusedEntries);
      if (message.type !== 'entries') return accept(from, { type: 'message', from, message });
      const entries = genuine(from, message.entries);
      if (entries.length > 0) accept(from, { type: 'message', from, message: { ...message, entries } });
    },
    refused: () => refused,
  };
}
