// One m-line of one call as the media side knows it: where packets go, which formats both sides agreed on, in which directions, and what was
// received. Plain state; media.ts acts on it, calls.ts owns it.

import { bitsAt, STREAMS } from '../chance.ts';
import type { PortPair, RemotePair } from './media-ports.ts';
import { createReception, type Reception } from './reception.ts';

export interface StreamFormat {
  /** As in SDP, upper case: PCMU, OPUS, TELEPHONE-EVENT. */
  readonly name: string;
  readonly clockRateHz: number;
}

/** What an offer and its answer settled for one m-line. */
export interface StreamPlan {
  readonly kind: 'audio' | 'video';
  /** By payload type, for both directions; the first is the one we would send with. */
  readonly formats: ReadonlyMap<number, StreamFormat>;
  /** Null until an answer to our offer tells it. `rtcpPort` null: multiplexed (RFC 5761). */
  readonly remote: { readonly host: string; readonly port: number; readonly rtcpPort: number | null } | null;
  readonly sends: boolean;
  readonly receives: boolean;
}

/** Whose stream it is. */
export interface StreamOwner {
  readonly meetingId: string;
  readonly onDigit: (digit: string) => void;
}

export interface MediaStream {
  readonly owner: StreamOwner;
  plan: StreamPlan;
  pair: PortPair<MediaStream> | null;
  remote: RemotePair | null;
  /** In its meeting: hears and is heard. Before that (PIN), it is received only. */
  isJoined: boolean;
  /** A packet kept back to go out after the next one. */
  held: Uint8Array | null;
  readonly reception: Reception;
  /** RTP timestamp of the last telephone event: its packets share one (RFC 4733, 2.5.1.2). */
  eventTimestamp: number;
  /** Our own source: tone and reports. */
  readonly ssrc: number;
  /** Our tone: its start, the next packet's number, packets sent. Null before the first. */
  tone: { readonly sinceMs: number; next: number; sent: number } | null;
}

export function createStream(seed: number, index: number, plan: StreamPlan, owner: StreamOwner): MediaStream {
  return {
    owner,
    plan,
    pair: null,
    remote: null,
    isJoined: false,
    held: null,
    reception: createReception(),
    eventTimestamp: -1,
    ssrc: bitsAt(seed, STREAMS.ssrc, index),
    tone: null,
  };
}
