// The bridge's media: what happens to each packet that comes in. RTP is checked, counted, searched for digits, and then echoed or forwarded; RTCP is
// answered with a report, so that the caller can measure its round trip. Only what comes from the address that the session description named is a
// stream's; the rest is counted as a stranger's. Which calls exist and what they agreed on is the signalling's part.

import type { NetAddress, UdpNetwork } from '../../../node/media/udp.ts';
import { tick } from '../counters.ts';
import type { Service } from '../service.ts';
import { createWayOut } from './impairment.ts';
import { createMediaPorts, type MediaPorts, type PortPair, type RemotePair } from './media-ports.ts';
import { createStream, type MediaStream, type StreamOwner, type StreamPlan } from './media-stream.ts';
import { createMeetingMedia, isSpeaking, leaveMeeting, type MeetingMedia, payloadTypeFor } from './meeting-media.ts';
import { recordPacket } from './reception.ts';
import { answerRtcp } from './rtcp-answer.ts';
import { createTonePlayer } from './tone-player.ts';

export interface Media {
  /** A stream with a port; null when none can be had. Rejects with the system's error when a socket cannot be opened. */
  open(plan: StreamPlan, owner: StreamOwner): Promise<MediaStream | null>;
  /** After another offer and answer; false when the new address cannot be told from another stream's on this port. */
  change(stream: MediaStream, plan: StreamPlan): boolean;
  join(stream: MediaStream): void;
  close(stream: MediaStream): void;
  /** Closes the ports too. */
  stop(): void;
}

const DIGITS = '0123456789*#ABCD';
const RTP_HEADER_BYTES = 12;

/** Bytes of the header with its sources and its extension (RFC 3550, 5.1 and 5.3.1); 0 when the packet ends before. */
function headerBytesOf(bytes: Uint8Array): number {
  if (bytes.length < RTP_HEADER_BYTES) return 0;
  const first = bytes[0]!;
  let end = RTP_HEADER_BYTES + 4 * (first & 0x0f);
  if ((first & 0x10) !== 0) end += 4 + 4 * (((bytes[end + 2] ?? 0) << 8) | (bytes[end + 3] ?? 0));
  return end <= bytes.length ? end : 0;
}

const uint32At = (bytes: Uint8Array, at: number): number =>
  ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0;

/** RFC 5761, section 4: these values of the second byte are RTCP packet types, not a mark and a payload type. */
const isRtcp = (bytes: Uint8Array): boolean => (bytes[1] ?? 0) >= 192 && (bytes[1] ?? 0) <= 223;

/** RFC 4733, 2.3: one digit for each event, however many packets tell of it. */
function readDigit(stream: MediaStream, bytes: Uint8Array, headerBytes: number): string | undefined {
  const timestamp = uint32At(bytes, 4);
  if (bytes.length < headerBytes + 4 || stream.eventTimestamp === timestamp) return undefined;
  stream.eventTimestamp = timestamp;
  return DIGITS[bytes[headerBytes]!];
}

export const createMedia = (service: Service, network: UdpNetwork, host: string): Media => new Hub(service, network, host);

class Hub implements Media {
  readonly #service: Service;
  readonly #network: UdpNetwork;
  readonly #wayOut: ReturnType<typeof createWayOut>;
  readonly #tones: ReturnType<typeof createTonePlayer>;
  readonly #ports: MediaPorts<MediaStream>;
  readonly #meetings = new Map<string, MeetingMedia>();
  #streams = 0;

  constructor(service: Service, network: UdpNetwork, host: string) {
    this.#service = service;
    this.#network = network;
    this.#wayOut = createWayOut(service);
    this.#tones = createTonePlayer(service, this.#wayOut);
    const { sipPortsMax } = service.options;
    this.#ports = createMediaPorts({ network, host, portsMax: sipPortsMax, onPacket: (...packet) => this.#receive(...packet) });
  }

  async open(plan: StreamPlan, owner: StreamOwner): Promise<MediaStream | null> {
    const stream = createStream(this.#service.options.seed, this.#streams++, plan, owner);
    stream.remote = this.#remoteOf(plan);
    stream.pair = await this.#ports.take(stream, stream.remote);
    return stream.pair === null ? null : stream;
  }

  change(stream: MediaStream, plan: StreamPlan): boolean {
    const to = this.#remoteOf(plan);
    if (stream.pair === null || to === null || !this.#ports.move(stream.pair, stream, stream.remote, to)) return false;
    stream.plan = plan;
    stream.remote = to;
    return true;
  }

  join(stream: MediaStream): void {
    stream.isJoined = true;
    const meeting = this.#meetings.get(stream.owner.meetingId) ?? createMeetingMedia();
    this.#meetings.set(stream.owner.meetingId, meeting);
    meeting.streams.add(stream);
    this.#tones.add(stream);
  }

  close(stream: MediaStream): void {
    this.#tones.remove(stream);
    const meeting = this.#meetings.get(stream.owner.meetingId);
    if (meeting !== undefined) {
      leaveMeeting(meeting, stream);
      if (meeting.streams.size === 0) this.#meetings.delete(stream.owner.meetingId);
    }
    if (stream.pair !== null) this.#ports.release(stream.pair, stream.remote);
    stream.pair = null;
  }

  stop(): void {
    this.#tones.stop();
    this.#wayOut.close();
    this.#ports.close();
  }

  #receive(pair: PortPair<MediaStream>, isRtcpPort: boolean, bytes: Uint8Array, from: NetAddress): void {
    const stream = (isRtcpPort ? pair.rtcpStreams : pair.rtpStreams).get(from.index);
    if (stream === undefined) this.#reject('stranger');
    else if (isRtcpPort || isRtcp(bytes)) this.#receiveRtcp(stream, isRtcpPort, bytes);
    else this.#receiveRtp(stream, bytes);
  }

  #receiveRtp(stream: MediaStream, bytes: Uint8Array): void {
    const headerBytes = headerBytesOf(bytes);
    if (headerBytes === 0) return this.#reject('truncated');
    if (bytes[0]! >> 6 !== 2) return this.#reject('version');
    const format = stream.plan.formats.get(bytes[1]! & 0x7f);
    if (format === undefined) return this.#reject('payload-type');
    if (!stream.plan.receives) return this.#reject('on-hold');
    this.#service.counters.sip.rtp.in += 1;
    const nowMs = this.#service.clock.nowMs();
    const sequence = (bytes[2]! << 8) | bytes[3]!;
    recordPacket(stream.reception, uint32At(bytes, 8), sequence, uint32At(bytes, 4), nowMs * (format.clockRateHz / 1000));
    if (format.name === 'TELEPHONE-EVENT') {
      const digit = readDigit(stream, bytes, headerBytes);
      if (digit !== undefined) {
        this.#service.counters.sip.digits.event += 1;
        stream.owner.onDigit(digit);
      }
    }
    if (!stream.isJoined) return;
    const { sipMedia } = this.#service.settings;
    if (sipMedia === 'echo' && stream.plan.sends) this.#wayOut.send(stream, bytes);
    else if (sipMedia === 'forward') this.#forward(stream, bytes, nowMs);
  }

  #forward(stream: MediaStream, bytes: Uint8Array, nowMs: number): void {
    const meeting = this.#meetings.get(stream.owner.meetingId);
    if (meeting === undefined || !isSpeaking(meeting, stream, nowMs)) return;
    const second = bytes[1]!;
    for (const receiver of meeting.streams) {
      if (receiver === stream || receiver.plan.kind !== stream.plan.kind || !receiver.plan.sends) continue;
      const payloadType = payloadTypeFor(receiver, stream, second & 0x7f);
      if (payloadType === undefined) continue;
      bytes[1] = (second & 0x80) | payloadType;
      this.#wayOut.send(receiver, bytes);
    }
  }

  #receiveRtcp(stream: MediaStream, isRtcpPort: boolean, bytes: Uint8Array): void {
    const { pair, remote } = stream;
    if (pair === null || remote === null || isRtcpPort !== (remote.rtcp !== null)) return this.#reject('rtcp-port');
    const answer = answerRtcp(stream, bytes, this.#service.clock.nowMs());
    if (answer === null) return this.#reject('rtcp');
    this.#service.counters.sip.rtp.rtcpIn += 1;
    if (answer.length === 0) return;
    this.#service.counters.sip.rtp.rtcpOut += 1;
    (isRtcpPort ? pair.rtcp : pair.rtp).send(answer, remote.rtcp ?? remote.rtp);
  }

  #remoteOf({ remote }: StreamPlan): RemotePair | null {
    if (remote === null) return null;
    const { host: to, port, rtcpPort } = remote;
    return { rtp: this.#network.address(to, port), rtcp: rtcpPort === null ? null : this.#network.address(to, rtcpPort) };
  }

  #reject(kind: string): void {
    tick(this.#service.counters.sip.rtp.rejected, kind);
  }
}
