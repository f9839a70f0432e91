// What a receiver knows of one RTP source and tells it in RTCP: sequence numbers seen and lost (RFC 3550, A.1 and A.3), jitter (A.8), the last
// sender report. Short on purpose: it serves a test server's reports, and must not share a fault with the generator's own statistics.

/** RFC 3550, 6.4.1: all 32-bit units as they go out. */
export interface ReportBlock {
  readonly ssrc: number;
  readonly fractionLost: number;
  readonly cumulativeLost: number;
  readonly highestSequence: number;
  readonly jitter: number;
  /** Middle of the last sender report's NTP time, and 1/65,536 s since it came. */
  readonly lastReport: number;
  readonly sinceLastReport: number;
}

export interface Reception {
  ssrc: number;
  /** First sequence number, and the highest with its wrap-arounds in the upper bits. */
  base: number;
  highest: number;
  received: number;
  expectedBefore: number;
  receivedBefore: number;
  transit: number;
  jitter: number;
  /** Middle 32 bits of the last sender report's NTP time, 0 before the first. */
  lastReport: number;
  lastReportAtMs: number;
}

/** A larger jump is a source that started again (RFC 3550, A.1: MAX_DROPOUT). */
const JUMP_MAX = 3000;

function start(reception: Reception, ssrc: number, sequence: number): void {
  Object.assign(reception, { ssrc, base: sequence, highest: sequence, received: 0, expectedBefore: 0, receivedBefore: 0 });
  Object.assign(reception, { transit: Number.NaN, jitter: 0, lastReport: 0, lastReportAtMs: 0 });
}

export function createReception(): Reception {
  const reception = {} as Reception;
  start(reception, -1, 0);
  return reception;
}

/** One packet; `arrivalTicks`: when it came, in units of its own timestamps. */
export function recordPacket(reception: Reception, ssrc: number, sequence: number, timestamp: number, arrivalTicks: number): void {
  const ahead = ((sequence - reception.highest) << 16) >> 16;
  if (ssrc !== reception.ssrc || Math.abs(ahead) > JUMP_MAX) start(reception, ssrc, sequence);
  else if (ahead > 0) reception.highest += ahead;
  reception.received += 1;
  // Both clocks are 32 bits wide: so is their difference.
  const transit = (arrivalTicks - timestamp) | 0;
  if (!Number.isNaN(reception.transit)) reception.jitter += (Math.abs((transit - reception.transit) | 0) - reception.jitter) / 16;
  reception.transit = transit;
}

/** What a report says now. Null before the first packet. The fraction is that since the last call. */
export function takeReport(reception: Reception, nowMs: number): ReportBlock | null {
  if (reception.ssrc < 0) return null;
  const expected = reception.highest - reception.base + 1;
  const lost = expected - reception.expectedBefore - (reception.received - reception.receivedBefore);
  const fractionLost = lost > 0 ? Math.floor((256 * lost) / (expected - reception.expectedBefore)) : 0;
  reception.expectedBefore = expected;
  reception.receivedBefore = reception.received;
  return {
    ssrc: reception.ssrc,
    fractionLost: Math.min(255, fractionLost),
    cumulativeLost: Math.max(-0x80_0000, Math.min(0x7f_ffff, expected - reception.received)),
    highestSequence: reception.highest >>> 0,
    jitter: Math.round(reception.jitter),
    lastReport: reception.lastReport,
    sinceLastReport: reception.lastReport === 0 ? 0 : Math.round((nowMs - reception.lastReportAtMs) * 65.536),
  };
}
