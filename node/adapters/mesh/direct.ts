// Direct messages: one long-lived stream in each direction between two peers that talk, opened by the sender when it first has something to say.
// Order is kept while the stream lives; what was queued or in flight when it died is dropped and counted, because the protocol above repairs by
// state (version vectors, acknowledged windows) and a replayed message would only be stale. One queue per peer, bounded in messages and bytes.

import type { Stream } from '@libp2p/interface';
import type { NodeId } from '../../core/messages.ts';
import { encodeFrame } from './frames.ts';
import type { MeshCounters, MeshLimits } from './types.ts';

interface Waiting {
  readonly bytes: Uint8Array;
  readonly settle: (handedOver: boolean) => void;
}

interface Outbox {
  readonly queue: Waiting[];
  queuedBytes: number;
  stream: Stream | null;
  pumping: boolean;
}

export interface DirectInit {
  readonly limits: MeshLimits;
  readonly counters: MeshCounters;
  /** Opens the stream, dialling if need be; null when the peer cannot be reached. Bounded in time. */
  readonly open: (peer: NodeId) => Promise<Stream | null>;
}

export interface Direct {
  send(peer: NodeId, bytes: Uint8Array): Promise<boolean>;
  /** The last connection to the peer closed. */
  forget(peer: NodeId): void;
  stop(): void;
}

export function createDirect({ limits, counters, open }: DirectInit): Direct {
  const outboxes = new Map<NodeId, Outbox>();
  let stopped = false;

  const drop = (waiting: Waiting): void => {
    counters.dropped += 1;
    waiting.settle(false);
  };

  const dropAll = (outbox: Outbox): void => {
    for (const waiting of outbox.queue.splice(0)) drop(waiting);
    outbox.queuedBytes = 0;
  };

  const attach = async (peer: NodeId, outbox: Outbox): Promise<Stream | null> => {
    if (outbox.stream !== null) return outbox.stream;
    const stream = await open(peer);
    if (stream === null || stopped) return null;
    outbox.stream = stream;
    stream.addEventListener('close', () => {
      if (outbox.stream === stream) outbox.stream = null;
    });
    return stream;
  };

  /** Runs until the queue is empty; only one per outbox. A stream that dies meanwhile is replaced once per message, then the queue is dropped. */
  const pump = async (peer: NodeId, outbox: Outbox): Promise<void> => {
    outbox.pumping = true;
    try {
      while (outbox.queue.length > 0) {
        const stream = await attach(peer, outbox);
        if (stream === null) {
          dropAll(outbox);
          break;
        }
        await writeQueued(stream, outbox);
      }
    } finally {
      outbox.pumping = false;
      if (outbox.queue.length === 0 && outbox.stream === null) outboxes.delete(peer);
    }
  };

  /** Writes while the stream takes more; on a dead stream the message in hand is dropped and the caller finds another stream for the rest. */
  const writeQueued = async (stream: Stream, outbox: Outbox): Promise<void> => {
    for (let waiting = outbox.queue.shift(); waiting !== undefined; waiting = outbox.queue.shift()) {
      outbox.queuedBytes -= waiting.bytes.byteLength;
      try {
        const canSendMore = stream.send(encodeFrame(waiting.bytes));
        counters.directOutMessages += 1;
        counters.directOutBytes += waiting.bytes.byteLength;
        waiting.settle(true);
        if (!canSendMore) await stream.onDrain();
      } catch {
        // Closed or reset under us. `settle` again is harmless when the failure came from waiting for the drain.
        drop(waiting);
        if (outbox.stream === stream) outbox.stream = null;
        return;
      }
    }
  };

  return {
    send(peer, bytes) {
      if (stopped) return Promise.resolve(false);
      if (bytes.byteLength > limits.messageBytesMax) {
        counters.refusedOwn += 1;
        return Promise.resolve(false);
      }
      let outbox = outboxes.get(peer);
      if (outbox === undefined) {
        outbox = { queue: [], queuedBytes: 0, stream: null, pumping: false };
        outboxes.set(peer, outbox);
      }
      if (outbox.queue.length >= limits.queueMessagesMax || outbox.queuedBytes + bytes.byteLength > limits.queueBytesMax) {
        counters.dropped += 1;
        return Promise.resolve(false);
      }
      const target = outbox;
      return new Promise((settle) => {
        target.queue.push({ bytes, settle });
        target.queuedBytes += bytes.byteLength;
        if (!target.pumping) void pump(peer, target);
      });
    },
    forget(peer) {
      const outbox = outboxes.get(peer);
      if (outbox === undefined || outbox.pumping) return;
      dropAll(outbox);
      outboxes.delete(peer);
    },
    stop() {
      stopped = true;
      for (const outbox of outboxes.values()) dropAll(outbox);
      outboxes.clear();
    },
  };
}
