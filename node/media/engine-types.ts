// The packet engine's face: ports, streams, and what is told about each stream. A stream is one m-line's media in both directions with its RTCP.
// engine.ts implements it; endpoint types use it and know nothing of batches, wheels and arenas. One engine a worker process, shared by all groups.

import type { SrtpKey } from '../wire/srtp.ts';
import type { PacketNetwork } from './packet-batch.ts';
import type { PacketScript } from './packet-script.ts';
import type { NetAddress } from './udp.ts';

export type { SrtpKey } from '../wire/srtp.ts';

export interface MediaPort {
  readonly rtp: NetAddress;
  /** Same as `rtp` when multiplexed (RFC 5761). */
  readonly rtcp: NetAddress;
  readonly close: () => void;
}

export interface MediaPortInit {
  /** Local IP literal. */
  readonly host: string;
  /** RTCP on the RTP port; otherwise the pair is an even port and the next one (RFC 3550, 11). */
  readonly isMuxed: boolean;
  /** 0 or absent: any. */
  readonly port?: number;
}

export interface RemoteMedia {
  readonly host: string;
  readonly port: number;
  /** Null: RTCP goes to the RTP port (muxed). */
  readonly rtcpPort: number | null;
  /** Its SSRC where the SDP told it (a=ssrc); lets many streams share one pair of addresses. */
  readonly ssrc: number | null;
}

export interface MediaStreamInit {
  /** May be shared by many streams: what comes in is told apart by remote address, then by SSRC (told, or our own where a peer echoes). */
  readonly port: MediaPort;
  readonly remote: RemoteMedia;
  /** Random 32 bits, and random 16 and 32 bits to start at (RFC 3550, 5.1). */
  readonly ssrc: number;
  readonly firstSequence: number;
  readonly firstTimestamp: number;
  readonly cname: string;
  /** Null: receive only. */
  readonly script: PacketScript | null;
  readonly sendPayloadType: number;
  /** Clock time of the script's first packet; all others are due relative to it. */
  readonly startAtMs: number;
  /** Null: what comes in is counted as a stranger's. */
  readonly receive: {
    readonly payloadTypes: readonly number[];
    readonly clockRateHz: number;
    /** For the E-model's Ie and Bpl; null = no MOS (video). */
    readonly codec: string | null;
    /** What should come in, bit/s on the wire, to compare with; null when unknown. */
    readonly expectedBitsPerSecond: number | null;
  } | null;
  /** Payload type of telephone-event (RFC 4733), null when not negotiated. */
  readonly dtmfPayloadType: number | null;
  readonly srtp: { readonly send: SrtpKey; readonly receive: SrtpKey } | null;
  readonly series: MediaSeries;
  /** Once: the first valid packet. */
  readonly onFirstPacket?: (atMs: number) => void;
  readonly onDtmf?: (digit: string, durationMs: number) => void;
}

export interface MediaStream {
  /** Off: nothing is due; on again: the script goes on where it would be (hold, mute without silence). */
  readonly setSending: (isSending: boolean) => void;
  /** Off: what comes in is neither measured nor missed (hold). */
  readonly setReceiving: (isReceiving: boolean) => void;
  /** After a re-INVITE. */
  readonly retarget: (remote: RemoteMedia) => void;
  /** Digits 0-9 * # A-D. Returns the clock time at which the last one ends. Audio packets of that time are left out, as RFC 4733 asks. */
  readonly sendDtmf: (digits: string, options?: { readonly durationMs?: number; readonly gapMs?: number }) => number;
  /** Sends RTCP BYE, and nothing after it (RFC 3550, 6.3.7); what still comes in is measured until `close`. For who is about to leave. */
  readonly sendBye: () => void;
  readonly totals: () => MediaTotals;
  /** Sends RTCP BYE where `sendBye` has not, records the last, unfinished interval, and forgets the stream. */
  readonly close: () => MediaTotals;
}

/** Of the whole stream so far. */
export interface MediaTotals {
  readonly packetsSent: number;
  readonly packetsReceived: number;
  /** By extended sequence numbers; duplicates are not received twice (RFC 3550, A.3). */
  readonly packetsExpected: number;
  readonly lost: number;
  readonly reordered: number;
  readonly duplicates: number;
  /** RFC 3550, A.8, ms. */
  readonly jitterMs: number;
  readonly roundTripMs: number | null;
  readonly mosMin: number | null;
}

type Trend = { record(value: number): void };
type Counter = { add(n: number): void };
type Rate = { add(pass: boolean, count?: number): void };

/** Where a stream's measurements go: made once a group and media kind (metrics.ts). */
export interface MediaSeries {
  readonly packetsSent: Counter;
  readonly packetsReceived: Counter;
  readonly bytesSent: Counter;
  readonly bytesReceived: Counter;
  /** Per packet expected: true = lost on the way. */
  readonly lost: Rate;
  /** One value a stream and interval. */
  readonly lossShare: Trend;
  readonly jitterMs: Trend;
  readonly roundTripMs: Trend;
  readonly mos: Trend;
  /** Received against expected bit rate, share. */
  readonly bitrateShare: Trend;
  /** Silence between two packets that was longer than three packet times and than 60 ms, ms. */
  readonly gapMs: Trend;
  readonly firstPacketMs: Trend;
  /** How late our own packets left, ms: the generator's, not the target's. */
  readonly sendLatenessMs: Trend;
  readonly reordered: Counter;
  readonly duplicates: Counter;
  /** Packets that are no RTP for us, by kind: version, truncated, stranger, payload-type, ssrc, auth, rtcp ... */
  readonly rejected: (kind: string, count: number) => void;
}

export interface MediaEngineInit {
  readonly nowMs: () => number;
  readonly network: PacketNetwork;
  readonly random: () => number;
  /** A stream and interval gives one value of each quality metric, ms. */
  readonly qualityIntervalMs?: number;
  /** Least mean time between a stream's RTCP reports; absent: 5,000 (RFC 3550, 6.2). */
  readonly rtcpIntervalMs?: number;
  readonly health: { readonly taint: (reason: string) => void; readonly socketDrops: (count: number) => void };
}

export interface MediaEngine {
  readonly network: PacketNetwork;
  readonly openPort: (init: MediaPortInit) => Promise<MediaPort>;
  readonly openStream: (init: MediaStreamInit) => MediaStream;
  /** Brings the series up to date; called before every delta. */
  readonly flush: () => void;
  readonly streamCount: () => number;
  readonly close: () => void;
}
