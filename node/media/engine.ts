// The packet engine: thousands of RTP streams on a few sockets, paced by one wheel and measured packet by packet. It puts the parts together and is
// what the network calls for each packet; the parts decide (pacer.ts when to send, demux.ts whose a packet is, receive-stats.ts what it means,
// engine-stream.ts one stream's life). One engine a worker process. It tells the generator's health when media left late, was left out, could not
// be sent, or was dropped at our own sockets: then the generator, not the target, shaped what was measured (P8).

import { parseRtcp } from '../wire/rtcp.ts';
import { isRtcp, RTP_HEADER_BYTES, RTP_VERSION, rtpPayloadEnd, rtpPayloadStart } from '../wire/rtp.ts';
import { Demux, type DemuxStream } from './demux.ts';
import { type EnginePort, isRtcpTag, openEnginePort, portOfTag } from './engine-port.ts';
import {
  BYTES_RECEIVED,
  COUNTS,
  DTMF_TYPE,
  IS_PROTECTED,
  IS_RECEIVING,
  OCTETS_SENT,
  PACKETS_SENT,
  PORT,
  RECEIVE_TYPE,
  REMOTE,
  ROW_INTS,
  SEND_TYPE,
  SSRC,
  StreamRows,
} from './engine-rows.ts';
import { EngineStream, IP_UDP_BYTES, type StreamParts } from './engine-stream.ts';
import type { MediaEngine, MediaEngineInit, MediaPort, MediaPortInit, MediaSeries, MediaStream, MediaStreamInit } from './engine-types.ts';
import { type CompiledScript, compileScript, Pacer } from './pacer.ts';
import type { PacketNetwork, PacketSink, PayloadStore } from './packet-batch.ts';
import type { PacketScript } from './packet-script.ts';
import { ACCEPTED, DUPLICATE, ReceiveTable } from './receive-stats.ts';
import { RTCP_INTERVAL_MS } from './rtcp-session.ts';
import { LatenessMeter, SeriesCounts } from './series-counts.ts';
import { Wheel } from './wheel.ts';

const INTERVAL_MS = 5_000;
/** Chores may be a little late; so far ahead their wheel is searched. */
const CHORE_HORIZON_MS = 50;
/**
 * When one packet in twenty of a second leaves this late, a receiver hears our scheduling: a packet leaves together with the one after it. A single
 * stall of 30 ms, as garbage collection and busy neighbours on a shared core make them, touches 3 % and is told by sip_rtp_send_lateness alone; a core
 * that is full is late with most of its packets.
 */
export const LATENESS_P95_MS_MAX = 20;

class Engine implements MediaEngine, PacketSink {
  readonly network: PacketNetwork;
  readonly #init: MediaEngineInit;
  readonly #parts: StreamParts;
  readonly #pacer: Pacer<PayloadStore>;
  readonly #table = new ReceiveTable();
  readonly #demux = new Demux((stream) => this.#table.lastArrivalMs(stream));
  readonly #chores: Wheel;
  readonly #received: Uint8Array;
  readonly #view: DataView;
  readonly #lateness = new LatenessMeter();
  readonly #rows = new StreamRows();
  /** Position in `#counts` of each series. */
  readonly #countsOf = new Map<MediaSeries, number>();
  readonly #counts: SeriesCounts[] = [];
  /** By payload memory: a script is shared by all streams of a group, and forgotten with it. */
  readonly #scripts = new WeakMap<PacketScript, CompiledScript<PayloadStore>>();
  readonly #streams: (EngineStream | undefined)[] = [];
  readonly #freeStreams: number[] = [];
  readonly #ports: (EnginePort | undefined)[] = [];
  readonly #freePorts: number[] = [];
  readonly #leaveTurns: () => void;
  #streamCount = 0;
  #skipped = 0;
  #socketDrops: number;
  #nowMs: number;

  constructor(init: MediaEngineInit) {
    const { nowMs, network, random } = init;
    this.#init = init;
    this.network = network;
    this.#nowMs = nowMs();
    this.#pacer = new Pacer(this.#nowMs, {
      packet: (stream, compiled, packet, sequence, timestamp, lateMs) =>
        this.#sendPacket(stream, compiled, packet, sequence, timestamp, lateMs),
      wake: (stream, dueNowMs) => this.#streams[stream]?.sendDueDigits(dueNowMs),
      skipped: (count) => {
        this.#skipped += count;
      },
    });
    this.#chores = new Wheel(this.#nowMs);
    this.#received = network.received;
    this.#view = new DataView(this.#received.buffer, this.#received.byteOffset, this.#received.byteLength);
    this.#socketDrops = network.counters().receiveDrops;
    this.#parts = {
      nowMs,
      random,
      network,
      pacer: this.#pacer,
      table: this.#table,
      rows: this.#rows,
      demux: this.#demux,
      chores: this.#chores,
      intervalMs: init.qualityIntervalMs ?? INTERVAL_MS,
      rtcpIntervalMs: init.rtcpIntervalMs ?? RTCP_INTERVAL_MS,
      forget: (stream) => this.#forget(stream),
    };
    network.setSink(this);
    this.#leaveTurns = network.joinTurns((turnMs) => this.#pace(turnMs));
  }

  async openPort(init: MediaPortInit): Promise<MediaPort> {
    const id = this.#freePorts.pop() ?? this.#ports.push(undefined) - 1;
    try {
      const port = await openEnginePort(this.network, id, init, (closing) => this.#closePort(closing));
      this.#ports[id] = port;
      return port;
    } catch (error) {
      this.#freePorts.push(id);
      throw error;
    }
  }

  #closePort(port: EnginePort): void {
    for (const stream of this.#streams) if (stream?.port === port) stream.close();
    this.#ports[port.id] = undefined;
    this.#freePorts.push(port.id);
  }

  openStream(init: MediaStreamInit): MediaStream {
    const { script, series } = init;
    const port = init.port as EnginePort;
    if (!port.isOpen) throw new Error('the media port is closed');
    let countsIndex = this.#countsOf.get(series);
    if (countsIndex === undefined) {
      countsIndex = this.#counts.push(new SeriesCounts(series)) - 1;
      this.#countsOf.set(series, countsIndex);
    }
    const counts = this.#counts[countsIndex] as SeriesCounts;
    port.counts = counts;
    const compiled = script === null ? null : this.#compiled(script);
    const id = this.#freeStreams.pop() ?? this.#streams.push(undefined) - 1;
    const stream = new EngineStream(id, init, counts, countsIndex, compiled, this.#parts);
    this.#streams[id] = stream;
    this.#streamCount += 1;
    this.network.wake();
    return stream;
  }

  #compiled(script: PacketScript): CompiledScript<PayloadStore> {
    let compiled = this.#scripts.get(script);
    if (compiled === undefined) {
      compiled = compileScript(script, this.network.storePayloads(script.packets.map(({ payload }) => payload)));
      this.#scripts.set(script, compiled);
    }
    return compiled;
  }

  #forget(stream: EngineStream): void {
    const { id } = stream;
    this.#pacer.close(id);
    this.#chores.remove(id * 2);
    this.#chores.remove(id * 2 + 1);
    this.#demux.remove(stream.demuxStream);
    this.#streams[id] = undefined;
    this.#freeStreams.push(id);
    this.#streamCount -= 1;
  }

  #pace(nowMs: number): number {
    this.#nowMs = nowMs;
    const nextMs = this.#pacer.advance(nowMs);
    this.#chores.advance(nowMs, this.#doChore);
    return Math.min(nextMs, this.#chores.quietUntilMs(CHORE_HORIZON_MS));
  }

  readonly #doChore = (entry: number, dueMs: number): void => {
    const stream = this.#streams[entry >> 1];
    if ((entry & 1) === 0) stream?.endInterval(dueMs);
    else stream?.sendReport(this.#nowMs);
  };

  #sendPacket(
    id: number,
    { source, markers }: CompiledScript<PayloadStore>,
    packet: number,
    sequence: number,
    timestamp: number,
    lateMs: number,
  ): void {
    const row = this.#rows.ints;
    const at = id * ROW_INTS;
    const counts = this.#counts[row[at + COUNTS] as number] as SeriesCounts;
    const markerAndType = (markers[packet] as number) | (row[at + SEND_TYPE] as number);
    this.#lateness.add(lateMs);
    counts.series.sendLatenessMs.record(lateMs);
    if (row[at + IS_PROTECTED] === 1)
      return (this.#streams[id] as EngineStream).sendProtected(markerAndType, sequence, timestamp, source, packet);
    const octets = (source.offsets[packet + 1] as number) - (source.offsets[packet] as number);
    row[at + PACKETS_SENT] = (row[at + PACKETS_SENT] as number) + 1;
    row[at + OCTETS_SENT] = (row[at + OCTETS_SENT] as number) + octets;
    counts.packetsSent += 1;
    counts.bytesSent += octets + RTP_HEADER_BYTES + IP_UDP_BYTES;
    const { rtpSocket } = this.#ports[row[at + PORT] as number] as EnginePort;
    rtpSocket.push(markerAndType, sequence, timestamp, row[at + SSRC] as number, source, packet, row[at + REMOTE] as number, id);
  }

  unsent(id: number, code: string): void {
    this.#streams[id]?.uncountSent(code);
    this.#init.health.taint('media could not be sent');
  }

  packet(tag: number, offset: number, length: number, from: number, atMs: number): void {
    const port = this.#ports[portOfTag(tag)];
    if (port === undefined) return;
    if (length < RTP_HEADER_BYTES && !(length >= 8 && isRtcp(this.#received[offset + 1] as number))) {
      port.counts?.reject(length > 0 && (this.#received[offset] as number) >> 6 !== 2 ? 'version' : 'truncated');
      return;
    }
    if (isRtcpTag(tag) || (port.isMuxed && isRtcp(this.#received[offset + 1] as number))) {
      this.#receiveRtcp(port, offset, length, from, atMs);
      return;
    }
    const ssrc = this.#view.getInt32(offset + 8);
    let id = this.#demux.flows.find(port.id, from, ssrc);
    if (id < 0) id = this.#learn(port, offset, from, ssrc, atMs);
    if (id < 0) return;
    if (this.#rows.get(id, IS_RECEIVING) === 1) this.#receiveRtp(id, offset, length, atMs);
  }

  #receiveRtp(id: number, offset: number, wireLength: number, atMs: number): void {
    const bytes = this.#received;
    const row = this.#rows.ints;
    const at = id * ROW_INTS;
    const counts = this.#counts[row[at + COUNTS] as number] as SeriesCounts;
    let length = wireLength;
    if (row[at + IS_PROTECTED] === 1) {
      length = this.#streams[id]?.srtpReceiver?.unprotectInPlace(bytes, offset, wireLength) ?? -1;
      if (length < 0) return counts.reject('auth');
    }
    let payloadStart = offset + RTP_HEADER_BYTES;
    let payloadEnd = offset + length;
    if (bytes[offset] !== 0x80) {
      payloadStart = rtpPayloadStart(bytes, offset, payloadEnd);
      if (payloadStart < 0) return counts.reject(payloadStart === RTP_VERSION ? 'version' : 'truncated');
      payloadEnd = rtpPayloadEnd(bytes, offset, payloadStart, payloadEnd);
      if (payloadEnd < 0) return counts.reject('padding');
    }
    const payloadType = (bytes[offset + 1] as number) & 0x7f;
    if (payloadType !== row[at + RECEIVE_TYPE] && this.#streams[id]?.takesPayloadType(payloadType) !== true)
      return counts.reject('payload-type');
    const isDigit = payloadType === row[at + DTMF_TYPE];
    const timestamp = this.#view.getInt32(offset + 4);
    const outcome = this.#table.receive(id, this.#view.getUint16(offset + 2), timestamp, atMs, !isDigit);
    const wireBytes = wireLength + IP_UDP_BYTES;
    if (outcome === ACCEPTED) {
      counts.packetsReceived += 1;
      counts.bytesReceived += wireBytes;
      row[at + BYTES_RECEIVED] = (row[at + BYTES_RECEIVED] as number) + wireBytes;
      if (this.#table.gapMs > 0) counts.series.gapMs.record(this.#table.gapMs);
    } else this.#streams[id]?.receiveOther(outcome, atMs, wireBytes);
    if (isDigit && outcome !== DUPLICATE) this.#streams[id]?.receiveDigit(bytes.subarray(payloadStart, payloadEnd), timestamp);
  }

  /** A packet of no flow that is known: whose it is now, or -1 with the reason counted. */
  #learn(port: EnginePort, offset: number, from: number, ssrc: number, atMs: number): number {
    if ((this.#received[offset] as number) >> 6 !== 2) {
      port.counts?.reject('version');
      return -1;
    }
    const demux = this.#demux;
    const id = demux.learn(port.id, from, ssrc >>> 0, (this.#received[offset + 1] as number) & 0x7f, atMs);
    if (id < 0) port.counts?.reject(demux.refusal);
    else if (demux.isChanged) {
      this.#streams[id]?.counts.reject('ssrc-change');
      this.#table.restart(id);
    }
    return id;
  }

  #receiveRtcp(port: EnginePort, offset: number, length: number, from: number, atMs: number): void {
    if (length < 8) return port.counts?.reject('rtcp');
    // A copy: SRTCP is opened out of place, and callbacks may see it later.
    let bytes: Uint8Array = this.#received.slice(offset, offset + length);
    const reporter = this.#demux.ofReporter(port.id, from, this.#view.getUint32(offset + 4));
    const reporting = reporter === undefined ? undefined : this.#streams[reporter.id];
    if (reporting?.srtpReceiver) {
      const opened = reporting.srtpReceiver.unprotectRtcp(bytes);
      if (opened === null) return reporting.counts.reject('auth');
      bytes = opened;
    }
    const parsed = parseRtcp(bytes);
    const counts = reporting?.counts ?? port.counts;
    if (!parsed.ok) return counts?.reject('rtcp');
    const concerned = new Set<DemuxStream>(reporter === undefined ? [] : [reporter]);
    for (const packet of parsed.packets) {
      if (packet.type !== 'sr' && packet.type !== 'rr') continue;
      for (const { ssrc } of packet.reports) {
        const own = this.#demux.byOwnSsrc(port.id, ssrc);
        if (own !== undefined) concerned.add(own);
      }
    }
    if (concerned.size === 0) return counts?.reject('rtcp-stranger');
    for (const { id } of concerned) for (const packet of parsed.packets) this.#streams[id]?.receiveRtcp(packet, from, atMs);
  }

  flush(): void {
    const { health, network } = this.#init;
    for (const counts of this.#counts) counts.flush();
    if (this.#lateness.takePercentile(95) > LATENESS_P95_MS_MAX) health.taint('media sent late');
    if (this.#skipped > 0) health.taint('media left out: it was more than 200 ms late');
    this.#skipped = 0;
    const { receiveDrops } = network.counters();
    if (receiveDrops > this.#socketDrops) health.socketDrops(receiveDrops - this.#socketDrops);
    this.#socketDrops = receiveDrops;
  }

  streamCount(): number {
    return this.#streamCount;
  }

  close(): void {
    for (const stream of this.#streams) stream?.close();
    this.flush();
    for (const port of this.#ports) port?.close();
    this.#leaveTurns();
  }
}

/** One for a network at a time: it takes the packets of all engine sockets. */
export function createMediaEngine(init: MediaEngineInit): MediaEngine {
  return new Engine(init);
}
