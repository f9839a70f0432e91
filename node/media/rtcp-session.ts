// One stream's RTCP (RFC 3550, section 6): what its reports say, when they are due, and the round trip that the peer's reports tell. NTP time is the
// clock's (time since boot), as the RFC allows where wall-clock time has no meaning (6.4.1): round trips need only the same clock twice.

import { type ReportBlock, type RtcpPacket, SDES_CNAME, type SenderReport, writeRtcp } from '../wire/rtcp.ts';

/** Least mean time between reports, ms (6.2). */
export const RTCP_INTERVAL_MS = 5_000;
/** Reports may take this share of the session's bandwidth (6.2), and have about this size with IP and UDP; a session has two members. */
const BANDWIDTH_SHARE = 0.05;
const REPORT_BYTES = 130;
const MEMBERS = 2;
/** Of a compact NTP time: 1/65536 s. */
const UNITS_PER_MS = 65.536;
/** A round trip longer than this is a broken peer's. */
const ROUND_TRIP_MS_MAX = 60_000;

/** Time to the next report: the deterministic interval times 0.5 to 1.5 (6.3.1), half of it for the first one. */
export function rtcpDelayMs(leastMs: number, bitsPerSecond: number, isFirst: boolean, random: number): number {
  const byBandwidthMs = bitsPerSecond > 0 ? (MEMBERS * REPORT_BYTES * 8 * 1000) / (bitsPerSecond * BANDWIDTH_SHARE) : 0;
  const leastNowMs = isFirst ? leastMs / 2 : leastMs;
  return Math.max(leastNowMs, byBandwidthMs) * (0.5 + random);
}

/** Middle 32 bits of an NTP time: 16 bits of seconds, 16 of fraction. */
export const compactNtp = (ms: number): number => Math.floor(ms * UNITS_PER_MS) % 0x1_0000_0000;

/** What the stream knows of itself when it reports. */
export interface ReportFacts {
  readonly nowMs: number;
  readonly ssrc: number;
  readonly cname: string;
  readonly rtpTimestamp: number;
  readonly packetsSent: number;
  readonly octetsSent: number;
  /** Null: nothing valid came. Duplicates count as received here (A.3). */
  readonly received: {
    readonly ssrc: number;
    readonly expected: number;
    readonly received: number;
    readonly highestSequence: number;
    readonly jitterTicks: number;
  } | null;
}

export class RtcpSession {
  #lastSenderReport = 0;
  #lastSenderReportMs = 0;
  #expectedPrior = 0;
  #receivedPrior = 0;
  #packetsSentPrior = 0;
  /** Ms; null while unknown. */
  roundTripMs: number | null = null;

  /** Sender report when something was sent since the last one, else receiver report; with our name. */
  report(facts: ReportFacts): Uint8Array {
    return writeRtcp(this.#parts(facts));
  }

  /** The last report, with BYE. */
  goodbye(facts: ReportFacts): Uint8Array {
    return writeRtcp([...this.#parts(facts), { type: 'bye', ssrcs: [facts.ssrc], reason: null }]);
  }

  #parts(facts: ReportFacts): RtcpPacket[] {
    const { ssrc, nowMs, packetsSent } = facts;
    const reports = facts.received === null ? [] : [this.#block(facts.received, nowMs)];
    const isSender = packetsSent > this.#packetsSentPrior;
    this.#packetsSentPrior = packetsSent;
    const report: RtcpPacket = isSender
      ? {
          type: 'sr',
          ssrc,
          ntpSeconds: Math.floor(nowMs / 1000) % 0x1_0000_0000,
          ntpFraction: Math.floor((nowMs % 1000) * (0x1_0000_0000 / 1000)),
          rtpTimestamp: facts.rtpTimestamp,
          packetCount: packetsSent,
          octetCount: facts.octetsSent,
          reports,
        }
      : { type: 'rr', ssrc, reports };
    return [report, { type: 'sdes', chunks: [{ ssrc, items: [{ type: SDES_CNAME, text: facts.cname }] }] }];
  }

  #block({ ssrc, expected, received, highestSequence, jitterTicks }: NonNullable<ReportFacts['received']>, nowMs: number): ReportBlock {
    const expectedNow = expected - this.#expectedPrior;
    const lostNow = expectedNow - (received - this.#receivedPrior);
    this.#expectedPrior = expected;
    this.#receivedPrior = received;
    return {
      ssrc,
      fractionLost: expectedNow <= 0 || lostNow <= 0 ? 0 : Math.min(255, Math.floor((lostNow * 256) / expectedNow)),
      cumulativeLost: Math.max(-0x80_0000, Math.min(0x7f_ffff, expected - received)),
      highestSequence,
      jitter: Math.floor(jitterTicks),
      lastSenderReport: this.#lastSenderReport,
      delaySinceLastSenderReport: this.#lastSenderReport === 0 ? 0 : Math.floor((nowMs - this.#lastSenderReportMs) * UNITS_PER_MS),
    };
  }

  /** A sender report of the peer's, received at `atMs`. */
  takeSenderReport({ ntpSeconds, ntpFraction }: SenderReport, atMs: number): void {
    this.#lastSenderReport = (((ntpSeconds & 0xffff) << 16) | (ntpFraction >>> 16)) >>> 0;
    this.#lastSenderReportMs = atMs;
  }

  /** A report block about our stream, received at `atMs`. Returns the round trip in ms (6.4.1), or null when it tells none. */
  takeReport({ lastSenderReport, delaySinceLastSenderReport }: ReportBlock, atMs: number): number | null {
    if (lastSenderReport === 0) return null;
    return this.#takeRoundTrip((compactNtp(atMs) - lastSenderReport - delaySinceLastSenderReport) | 0);
  }

  /** Our own sender report came back: the peer echoes, and the time since it left is the round trip. */
  takeEcho({ ntpSeconds, ntpFraction }: SenderReport, atMs: number): number | null {
    const sent = ((ntpSeconds & 0xffff) << 16) | (ntpFraction >>> 16);
    return this.#takeRoundTrip((compactNtp(atMs) - sent) | 0);
  }

  /** In units of compact NTP; a little below 0 by the granularity of both clocks. */
  #takeRoundTrip(units: number): number | null {
    const ms = units / UNITS_PER_MS;
    if (ms < -1 || ms > ROUND_TRIP_MS_MAX) return null;
    this.roundTripMs = Math.max(0, ms);
    return this.roundTripMs;
  }
}
