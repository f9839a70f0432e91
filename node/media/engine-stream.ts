// One media stream of the engine: what it sends (script, digits, RTCP), what it makes of each packet that is its own, and what its owner may do with it.
// The shared machinery - pacing, receive statistics, whose packet it is, periodic chores - comes from the engine; this file decides for one stream.

import { createDtmfDetector, type DtmfDetector } from '../wire/dtmf.ts';
import type { RtcpPacket } from '../wire/rtcp.ts';
import { RTP_HEADER_BYTES } from '../wire/rtp.ts';
import { createSrtpReceiver, createSrtpSender, type SrtpReceiver, type SrtpSender } from '../wire/srtp.ts';
import { type Demux, type DemuxStream, UNBOUND } from './demux.ts';
import { DigitQueue } from './digit-queue.ts';
import type { EnginePort } from './engine-port.ts';
import { BYTES_RECEIVED, IS_RECEIVING, OCTETS_SENT, PACKETS_SENT, REMOTE, type StreamRows } from './engine-rows.ts';
import type { MediaStream, MediaStreamInit, MediaTotals, RemoteMedia } from './engine-types.ts';
import type { CompiledScript, Pacer } from './pacer.ts';
import type { PacketNetwork, PayloadStore } from './packet-batch.ts';
import { type IntervalFacts, QualityMeter } from './quality.ts';
import type { ReceiveTable } from './receive-stats.ts';
import { DUPLICATE, OUT_OF_RANGE, PROBATION_FAILED, REORDERED, RESTARTED, TOO_LATE, VALIDATED } from './receive-stats.ts';
import { type ReportFacts, RtcpSession, rtcpDelayMs } from './rtcp-session.ts';
import type { SeriesCounts } from './series-counts.ts';
import type { NetAddress } from './udp.ts';
import type { Wheel } from './wheel.ts';

/** IPv4 20, UDP 8: what a packet has on the wire beside its RTP bytes. */
export const IP_UDP_BYTES = 28;
const PACKET_BYTES_MAX = 2_048;

/** Outcomes of receiving that are counted as rejections, by kind. */
const REFUSALS: ReadonlyMap<number, string> = new Map([
  [TOO_LATE, 'late'],
  [OUT_OF_RANGE, 'sequence'],
  [PROBATION_FAILED, 'probation'],
  [RESTARTED, 'restart'],
]);

/** What all streams of an engine share. */
export interface StreamParts {
  readonly nowMs: () => number;
  readonly random: () => number;
  readonly network: PacketNetwork;
  readonly pacer: Pacer<PayloadStore>;
  readonly table: ReceiveTable;
  readonly rows: StreamRows;
  readonly demux: Demux;
  /** Entry 2 x id: end of an interval; 2 x id + 1: RTCP report. */
  readonly chores: Wheel;
  readonly intervalMs: number;
  readonly rtcpIntervalMs: number;
  readonly forget: (stream: EngineStream) => void;
}

/** SRTP works on a copy, so that stored payloads stay what they are. */
const scratch = Buffer.alloc(PACKET_BYTES_MAX);

export class EngineStream implements MediaStream {
  readonly id: number;
  readonly port: EnginePort;
  readonly counts: SeriesCounts;
  readonly init: MediaStreamInit;
  readonly demuxStream: DemuxStream;
  readonly rtcp = new RtcpSession();
  readonly sendPayloadType: number;
  readonly ssrc: number;
  readonly srtpReceiver: SrtpReceiver | null;
  readonly #parts: StreamParts;
  readonly #quality: QualityMeter | null;
  readonly #srtpSender: SrtpSender | null;
  readonly #dtmfReceiver: DtmfDetector | null;
  /** Of the session, for RTCP's share of it. */
  readonly #bitsPerSecond: number;
  remote: NetAddress;
  #remoteRtcp: NetAddress;
  readonly #digits = new DigitQueue();
  #isOpen = true;
  #hasSentBye = false;
  #hasFirst = false;
  #lastTotals: MediaTotals | null = null;

  /** `countsIndex`: of `counts` in the engine's list. */
  constructor(
    id: number,
    init: MediaStreamInit,
    counts: SeriesCounts,
    countsIndex: number,
    compiled: CompiledScript<PayloadStore> | null,
    parts: StreamParts,
  ) {
    const { port, receive, srtp, series, remote } = init;
    this.id = id;
    this.init = init;
    this.port = port as EnginePort;
    this.counts = counts;
    this.#parts = parts;
    this.sendPayloadType = init.sendPayloadType;
    this.ssrc = init.ssrc;
    this.#bitsPerSecond = compiled?.bitsPerSecond ?? receive?.expectedBitsPerSecond ?? 0;
    this.#srtpSender = srtp === null ? null : createSrtpSender(srtp.send);
    this.srtpReceiver = srtp === null ? null : createSrtpReceiver(srtp.receive);
    const { onDtmf } = init;
    this.#dtmfReceiver = onDtmf === undefined ? null : createDtmfDetector(this.#clockRateHz(), onDtmf);
    this.remote = parts.network.address(remote.host, remote.port);
    this.#remoteRtcp = parts.network.address(remote.host, remote.rtcpPort ?? remote.port);
    this.demuxStream = {
      id,
      port: this.port.id,
      ownSsrc: init.ssrc >>> 0,
      payloadTypes: [...(receive?.payloadTypes ?? []), ...(init.dtmfPayloadType === null ? [] : [init.dtmfPayloadType])],
      address: this.remote.index,
      rtcpAddress: this.#remoteRtcp.index,
      toldSsrc: remote.ssrc,
      remoteSsrc: null,
      flowAddress: UNBOUND,
      candidate: null,
    };
    const { table } = parts;
    this.#quality =
      receive === null
        ? null
        : new QualityMeter({ table, row: id, series, codec: receive.codec, expectedBitsPerSecond: receive.expectedBitsPerSecond });
    this.#start(compiled, countsIndex);
  }

  #start(compiled: CompiledScript<PayloadStore> | null, countsIndex: number): void {
    const { pacer, table, rows, demux, nowMs } = this.#parts;
    const { startAtMs, firstSequence, firstTimestamp, receive } = this.init;
    demux.add(this.demuxStream, receive !== null);
    rows.open(this.id, [
      ...[this.port.id, countsIndex, this.ssrc | 0, this.remote.index, this.sendPayloadType, receive?.payloadTypes[0] ?? -1],
      ...[this.init.dtmfPayloadType ?? -1, this.#srtpSender === null ? 0 : 1, receive === null ? 0 : 1],
    ]);
    table.open(this.id, receive?.clockRateHz ?? this.#clockRateHz());
    pacer.open(this.id, { compiled, group: this.port.id, startMs: startAtMs, firstSequence, firstTimestamp });
    const beginMs = Math.max(nowMs(), startAtMs);
    this.#quality?.begin(this.#facts(beginMs));
    if (this.#quality !== null) this.#awaitInterval(beginMs);
    this.#awaitReport(beginMs, true);
  }

  // ---- sending ----

  /** A packet of the script, where the payload cannot go out as it is stored. */
  sendProtected(markerAndType: number, sequence: number, timestamp: number, store: PayloadStore, payload: number): void {
    this.#sendCopied(markerAndType, sequence, timestamp, store.bytes.subarray(store.offsets[payload], store.offsets[payload + 1]));
  }

  #sendCopied(markerAndType: number, sequence: number, timestamp: number, payload: Uint8Array): void {
    scratch[0] = 0x80;
    scratch[1] = markerAndType;
    scratch.writeUInt16BE(sequence & 0xffff, 2);
    scratch.writeInt32BE(timestamp | 0, 4);
    scratch.writeInt32BE(this.ssrc | 0, 8);
    scratch.set(payload, RTP_HEADER_BYTES);
    let length = RTP_HEADER_BYTES + payload.length;
    if (this.#srtpSender !== null) length = this.#srtpSender.protectInPlace(scratch, 0, length);
    this.port.rtpSocket.send(scratch.subarray(0, length), this.remote);
    const { rows } = this.#parts;
    rows.add(this.id, PACKETS_SENT, 1);
    rows.add(this.id, OCTETS_SENT, payload.length);
    this.counts.packetsSent += 1;
    this.counts.bytesSent += length + IP_UDP_BYTES;
  }

  /** A packet that was counted as sent did not leave. */
  uncountSent(code: string): void {
    this.#parts.rows.add(this.id, PACKETS_SENT, -1);
    this.counts.packetsSent -= 1;
    this.counts.reject(`unsent-${code}`);
  }

  sendDtmf(digits: string, options: { readonly durationMs?: number; readonly gapMs?: number } = {}): number {
    if (this.init.dtmfPayloadType === null) throw new Error('telephone-event was not negotiated');
    const { pacer, network, nowMs } = this.#parts;
    if (this.#hasSentBye) return nowMs();
    const { script } = this.init;
    const ptimeMs = script === null ? undefined : script.cycleMs / script.packets.length;
    const clockRateHz = this.#clockRateHz();
    const timestampAt = (atMs: number): number => pacer.timestampAt(this.id, atMs, clockRateHz);
    const endMs = this.#digits.add(digits, { ...options, ptimeMs, clockRateHz, nowMs: nowMs(), timestampAt });
    pacer.setQuiet(this.id, this.#digits.quietUntilMs);
    pacer.wakeAt(this.id, this.#digits.nextMs);
    network.wake();
    return endMs;
  }

  /** Digits that are due leave. */
  sendDueDigits(nowMs: number): void {
    const { pacer } = this.#parts;
    for (const { timestamp, marker, payload } of this.#digits.takeDue(nowMs)) {
      const markerAndType = (marker ? 0x80 : 0) | (this.init.dtmfPayloadType as number);
      this.#sendCopied(markerAndType, pacer.takeSequence(this.id), timestamp, payload);
    }
    pacer.wakeAt(this.id, this.#digits.nextMs);
  }

  // ---- receiving ----

  takesPayloadType(payloadType: number): boolean {
    return this.demuxStream.payloadTypes.includes(payloadType);
  }

  /** What became of an RTP packet of ours that was not simply accepted; `wireBytes`: with IP and UDP headers. */
  receiveOther(outcome: number, atMs: number, wireBytes: number): void {
    const { counts } = this;
    const refusal = REFUSALS.get(outcome);
    if (refusal !== undefined) counts.reject(refusal);
    if (outcome === DUPLICATE) counts.duplicates += 1;
    if (outcome === REORDERED) counts.reordered += 1;
    // A packet on probation is counted with the one that confirms it, of about the same size.
    const packets = outcome === VALIDATED ? 2 : outcome === REORDERED || outcome === RESTARTED ? 1 : 0;
    counts.packetsReceived += packets;
    counts.bytesReceived += packets * wireBytes;
    this.#parts.rows.add(this.id, BYTES_RECEIVED, packets * wireBytes);
    if (outcome === VALIDATED) this.#noteFirst(this.#parts.table.firstMs, atMs);
  }

  #noteFirst(firstMs: number, atMs: number): void {
    if (this.#hasFirst) return;
    this.#hasFirst = true;
    this.counts.series.firstPacketMs.record(Math.max(0, firstMs - this.init.startAtMs));
    this.init.onFirstPacket?.(Math.min(firstMs, atMs));
  }

  receiveDigit(payload: Uint8Array, timestamp: number): void {
    if (this.#dtmfReceiver?.packet(payload, timestamp) === false) this.counts.reject('event');
  }

  receiveRtcp(packet: RtcpPacket, from: number, atMs: number): void {
    if (from !== this.#remoteRtcp.index && from !== this.remote.index) return this.counts.reject('rtcp-stranger');
    let roundTripMs: number | null = null;
    if (packet.type === 'sr' && packet.ssrc === this.demuxStream.ownSsrc) roundTripMs = this.rtcp.takeEcho(packet, atMs);
    else if (packet.type === 'sr') this.rtcp.takeSenderReport(packet, atMs);
    if ((packet.type === 'sr' || packet.type === 'rr') && packet.ssrc !== this.demuxStream.ownSsrc) {
      for (const report of packet.reports)
        if (report.ssrc === this.demuxStream.ownSsrc) roundTripMs = this.rtcp.takeReport(report, atMs) ?? roundTripMs;
    }
    if (roundTripMs !== null) this.counts.series.roundTripMs.record(roundTripMs);
  }

  // ---- periodic chores ----

  endInterval(atMs: number): void {
    this.#quality?.end(this.#facts(atMs));
    this.#awaitInterval(atMs);
  }

  #awaitInterval(nowMs: number): void {
    const { chores, intervalMs } = this.#parts;
    const { startAtMs } = this.init;
    const passed = Math.floor((nowMs - startAtMs) / intervalMs + 1e-6);
    chores.insert(this.id * 2, startAtMs + (passed + 1) * intervalMs);
  }

  #facts(atMs: number): IntervalFacts {
    const socketDrops = this.port.rtpSocket.drops();
    return { atMs, bytes: this.#parts.rows.get(this.id, BYTES_RECEIVED), socketDrops, roundTripMs: this.rtcp.roundTripMs };
  }

  sendReport(nowMs: number): void {
    this.#sendRtcp(this.rtcp.report(this.#reportFacts(nowMs)));
    this.#awaitReport(nowMs, false);
  }

  #awaitReport(nowMs: number, isFirst: boolean): void {
    const { chores, rtcpIntervalMs, random } = this.#parts;
    chores.insert(this.id * 2 + 1, nowMs + rtcpDelayMs(rtcpIntervalMs, this.#bitsPerSecond, isFirst, random()));
  }

  #sendRtcp(bytes: Uint8Array): void {
    this.port.rtcpSocket.send(this.#srtpSender === null ? bytes : this.#srtpSender.protectRtcp(bytes), this.#remoteRtcp);
  }

  #reportFacts(nowMs: number): ReportFacts {
    const { table, rows, pacer } = this.#parts;
    const { remoteSsrc } = this.demuxStream;
    const { id } = this;
    return {
      nowMs,
      ssrc: this.ssrc,
      cname: this.init.cname,
      rtpTimestamp: pacer.timestampAt(id, nowMs, this.#clockRateHz()),
      packetsSent: rows.get(id, PACKETS_SENT),
      octetsSent: rows.get(id, OCTETS_SENT),
      received:
        remoteSsrc === null || !table.isValid(id)
          ? null
          : {
              ssrc: remoteSsrc,
              expected: table.expected(id),
              received: table.received(id) + table.duplicates(id),
              highestSequence: table.highestSequence(id),
              jitterTicks: table.jitterTicks(id),
            },
    };
  }

  #clockRateHz(): number {
    return this.init.script?.clockRateHz ?? this.init.receive?.clockRateHz ?? 8000;
  }

  // ---- what the owner may do ----

  setSending(isSending: boolean): void {
    if (!this.#isOpen) return;
    this.#parts.pacer.setSending(this.id, isSending, this.#parts.nowMs());
    this.#parts.network.wake();
  }

  #isReceiving(): boolean {
    return this.#parts.rows.get(this.id, IS_RECEIVING) === 1;
  }

  setReceiving(isReceiving: boolean): void {
    if (!this.#isOpen || this.init.receive === null || isReceiving === this.#isReceiving()) return;
    const { table, rows, chores, nowMs } = this.#parts;
    const atMs = Math.max(nowMs(), this.init.startAtMs);
    rows.set(this.id, IS_RECEIVING, isReceiving ? 1 : 0);
    if (!isReceiving) {
      this.#quality?.endEarly(this.#facts(atMs));
      chores.remove(this.id * 2);
      return;
    }
    table.restart(this.id);
    this.#quality?.begin(this.#facts(atMs));
    this.#awaitInterval(atMs);
  }

  retarget({ host, port, rtcpPort, ssrc }: RemoteMedia): void {
    if (!this.#isOpen) return;
    const { network, demux, rows } = this.#parts;
    const { demuxStream } = this;
    const remote = network.address(host, port);
    const remoteRtcp = network.address(host, rtcpPort ?? port);
    const isSame = remote === this.remote && remoteRtcp === this.#remoteRtcp && ssrc === demuxStream.toldSsrc;
    if (isSame) return;
    demux.remove(demuxStream);
    this.remote = remote;
    rows.set(this.id, REMOTE, remote.index);
    this.#remoteRtcp = remoteRtcp;
    demuxStream.address = remote.index;
    demuxStream.rtcpAddress = remoteRtcp.index;
    demuxStream.toldSsrc = ssrc;
    demux.add(demuxStream, this.init.receive !== null);
  }

  sendBye(): void {
    if (!this.#isOpen || this.#hasSentBye) return;
    const { pacer, chores, nowMs } = this.#parts;
    pacer.close(this.id);
    chores.remove(this.id * 2 + 1);
    this.#sendRtcp(this.rtcp.goodbye(this.#reportFacts(nowMs())));
    this.#hasSentBye = true;
  }

  totals(): MediaTotals {
    const { table, rows } = this.#parts;
    const { id } = this;
    const packetsReceived = table.received(id);
    const packetsExpected = table.expected(id);
    return {
      packetsSent: rows.get(id, PACKETS_SENT),
      packetsReceived,
      packetsExpected,
      lost: Math.max(0, packetsExpected - packetsReceived),
      reordered: table.reordered(id),
      duplicates: table.duplicates(id),
      jitterMs: table.jitterMs(id),
      roundTripMs: this.rtcp.roundTripMs,
      mosMin: this.#quality?.mosMin ?? null,
    };
  }

  close(): MediaTotals {
    if (this.#lastTotals !== null) return this.#lastTotals;
    const nowMs = this.#parts.nowMs();
    this.#dtmfReceiver?.flush();
    if (this.#isReceiving()) this.#quality?.endEarly(this.#facts(nowMs));
    this.sendBye();
    this.#lastTotals = this.totals();
    this.#isOpen = false;
    this.#parts.forget(this);
    return this.#lastTotals;
  }
}
