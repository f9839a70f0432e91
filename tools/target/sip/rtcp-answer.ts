// RTCP as far as the bridge needs it (RFC 3550, section 6): each compound of a caller gets one of ours back at once, with a report on what came from it, so
// that the caller can measure its round trip from its sender report's time (6.4.1, LSR and DLSR). While we play a tone it is a sender report. At
// once instead of at random moments (6.2): one compound for one is never a flood, and it needs no timer.

import type { MediaStream } from './media-stream.ts';
import { type ReportBlock, takeReport } from './reception.ts';

const SENDER_REPORT = 200;
const RECEIVER_REPORT = 201;
const SOURCE_DESCRIPTION = 202;
const BYE = 203;
const NOTHING = new Uint8Array(0);
const TONE_BYTES = 160;

interface Compound {
  /** The sender report's NTP time, middle 32 bits; null without one. */
  readonly reportTime: number | null;
  readonly hasBye: boolean;
}

/** Checks as RFC 3550, A.2, does: version, a report first, lengths that add up. Null when it is no compound. */
export function readCompound(bytes: Uint8Array): Compound | null {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let reportTime: number | null = null;
  let hasBye = false;
  let at = 0;
  while (at + 4 <= bytes.length) {
    const type = view.getUint8(at + 1);
    const end = at + 4 + 4 * view.getUint16(at + 2);
    const isReport = type === SENDER_REPORT || type === RECEIVER_REPORT;
    if (view.getUint8(at) >> 6 !== 2 || end > bytes.length || (at === 0 && !isReport)) return null;
    if (type === SENDER_REPORT) {
      if (end - at < 28) return null;
      reportTime = view.getUint32(at + 10);
    }
    hasBye ||= type === BYE;
    at = end;
  }
  return at === bytes.length && at > 0 ? { reportTime, hasBye } : null;
}

function writeBlock(view: DataView, at: number, block: ReportBlock): void {
  view.setUint32(at, block.ssrc);
  view.setUint32(at + 4, ((block.fractionLost << 24) | (block.cumulativeLost & 0xff_ffff)) >>> 0);
  view.setUint32(at + 8, block.highestSequence);
  view.setUint32(at + 12, block.jitter);
  view.setUint32(at + 16, block.lastReport);
  view.setUint32(at + 20, block.sinceLastReport);
}

/** A report and the CNAME that every compound has to have (6.1). */
function writeCompound(stream: MediaStream, block: ReportBlock | null, nowMs: number): Uint8Array {
  const { ssrc, tone } = stream;
  const isSender = tone !== null && tone.sent > 0;
  const cname = Buffer.from(`bridge-${ssrc.toString(16)}`);
  const reportBytes = (isSender ? 28 : 8) + (block === null ? 0 : 24);
  const describedBytes = 8 + 4 * Math.ceil((2 + cname.length + 1) / 4);
  const bytes = new Uint8Array(reportBytes + describedBytes);
  const view = new DataView(bytes.buffer);
  view.setUint8(0, 0x80 | (block === null ? 0 : 1));
  view.setUint8(1, isSender ? SENDER_REPORT : RECEIVER_REPORT);
  view.setUint16(2, reportBytes / 4 - 1);
  view.setUint32(4, ssrc);
  if (isSender) {
    // 6.4.1 allows a time that counts from anywhere.
    view.setUint32(8, Math.floor(nowMs / 1000));
    view.setUint32(12, Math.floor((nowMs % 1000) * 4_294_967.296));
    view.setUint32(16, Math.floor((nowMs - tone.sinceMs) * 8) >>> 0);
    view.setUint32(20, tone.sent >>> 0);
    view.setUint32(24, (tone.sent * TONE_BYTES) >>> 0);
  }
  if (block !== null) writeBlock(view, reportBytes - 24, block);
  view.setUint8(reportBytes, 0x81);
  view.setUint8(reportBytes + 1, SOURCE_DESCRIPTION);
  view.setUint16(reportBytes + 2, describedBytes / 4 - 1);
  view.setUint32(reportBytes + 4, ssrc);
  view.setUint8(reportBytes + 8, 1);
  view.setUint8(reportBytes + 9, cname.length);
  bytes.set(cname, reportBytes + 10);
  return bytes;
}

/** What to send back; empty after a BYE, null for what is no RTCP. */
export function answerRtcp(stream: MediaStream, bytes: Uint8Array, nowMs: number): Uint8Array | null {
  const compound = readCompound(bytes);
  if (compound === null) return null;
  if (compound.hasBye) return NOTHING;
  const { reception } = stream;
  if (compound.reportTime !== null) {
    reception.lastReport = compound.reportTime;
    reception.lastReportAtMs = nowMs;
  }
  return writeCompound(stream, takeReport(reception, nowMs), nowMs);
}
