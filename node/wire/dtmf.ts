// Digits as telephone-events (RFC 4733): the packets that a string of digits becomes, and what a receiver makes of the packets that arrive - each
// digit once, however many of its packets were lost, repeated or late. All packets of an event carry the RTP timestamp of its beginning and a
// duration that grows; the last is sent three times. RTP headers and timing are the caller's; nothing here waits.

import { assert } from '../core/assert.ts';

const DIGITS = '0123456789*#ABCD';
const PAYLOAD_BYTES = 4;
/** An event of more ticks goes on as a new segment (2.5.1.3). */
const SEGMENT_TICKS = 0xffff;
/** The last packet of an event or segment is sent so many times (2.5.1.4). */
const END_COUNT = 3;
/** -10 dBm0, what telephones send. */
const VOLUME = 10;

export interface DtmfPacket {
  /** When to send it, ms from the beginning of the first digit. */
  readonly offsetMs: number;
  /** RTP timestamp against that of the beginning of the first digit, ticks. */
  readonly timestampOffset: number;
  readonly marker: boolean;
  readonly payload: Uint8Array;
}

export interface DtmfTiming {
  readonly clockRateHz: number;
  /** How long each digit lasts, ms. */
  readonly durationMs: number;
  /** Silence between digits, ms. */
  readonly gapMs: number;
  /** Time between packets, that of the audio, ms. */
  readonly ptimeMs: number;
}

/** Only digits 0-9 * # A-D (or a-d)? */
export const isDtmfDigits = (text: string): boolean => /^[0-9*#A-Da-d]*$/.test(text);

/** How long `digits` take, ms; the repeated end packets of the last may come later. */
export const dtmfDurationMs = (digits: string, { durationMs, gapMs }: Pick<DtmfTiming, 'durationMs' | 'gapMs'>): number =>
  digits === '' ? 0 : digits.length * (durationMs + gapMs) - gapMs;

/** Packets in the order to send them. `digits` as `isDtmfDigits` says. */
export function dtmfPackets(digits: string, timing: DtmfTiming): DtmfPacket[] {
  assert(isDtmfDigits(digits), `digits of a telephone: ${digits}`);
  const packets: DtmfPacket[] = [];
  for (const [index, digit] of [...digits.toUpperCase()].entries()) {
    const startMs = index * (timing.durationMs + timing.gapMs);
    const untilMs = index + 1 < digits.length ? startMs + timing.durationMs + timing.gapMs : Number.POSITIVE_INFINITY;
    for (const packet of eventPackets(DIGITS.indexOf(digit), startMs, timing)) if (packet.offsetMs < untilMs) packets.push(packet);
  }
  return packets;
}

function eventPackets(event: number, startMs: number, { clockRateHz, durationMs, ptimeMs }: DtmfTiming): DtmfPacket[] {
  const ticksOf = (ms: number): number => Math.round((ms * clockRateHz) / 1000);
  const count = Math.max(1, Math.ceil(durationMs / ptimeMs));
  const packets: DtmfPacket[] = [];
  /** Beginning of the segment within the event. */
  let segmentTicks = 0;
  const add = (offsetMs: number, ticks: number, isEnd: boolean, times: number): void => {
    const timestampOffset = ticksOf(startMs) + segmentTicks;
    const payload = Uint8Array.of(event, (isEnd ? 0x80 : 0) | VOLUME, ticks >> 8, ticks & 0xff);
    // The end is repeated at the pace of the updates; a segment's end at once, because its successor follows.
    for (let time = 0; time < times; time++) {
      packets.push({ offsetMs: offsetMs + (isEnd ? time * ptimeMs : 0), timestampOffset, marker: packets.length === 0, payload });
    }
  };
  for (let index = 0; index < count; index++) {
    const offsetMs = startMs + index * ptimeMs;
    const ticks = ticksOf(Math.min(durationMs, (index + 1) * ptimeMs));
    while (ticks - segmentTicks > SEGMENT_TICKS) {
      add(offsetMs, SEGMENT_TICKS, false, END_COUNT);
      segmentTicks += SEGMENT_TICKS;
    }
    const isEnd = index === count - 1;
    add(offsetMs, ticks - segmentTicks, isEnd, isEnd ? END_COUNT : 1);
  }
  return packets;
}

export interface DtmfEvent {
  /** One of 0-9 * # A-D. */
  readonly digit: string;
  readonly isEnd: boolean;
  /** So far, ticks. */
  readonly ticks: number;
}

/** A telephone-event payload; null: too short, or an event that is no digit (tones, flash). */
export function parseDtmf(payload: Uint8Array): DtmfEvent | null {
  const digit = DIGITS[payload[0] ?? DIGITS.length];
  if (payload.length < PAYLOAD_BYTES || digit === undefined) return null;
  return { digit, isEnd: (payload[1] as number) >= 0x80, ticks: ((payload[2] as number) << 8) | (payload[3] as number) };
}

export interface DtmfDetector {
  /** A packet of the negotiated payload type. False: no digit's. */
  readonly packet: (payload: Uint8Array, timestamp: number) => boolean;
  /** Nothing more will come of the event under way (audio went on, the stream ended): it is told if it was not. */
  readonly flush: () => void;
}

/** Packets that come this much after a newer event belong to it no more: the sender began another count of timestamps. */
const STALE_SECONDS_MAX = 10;

/** Tells each digit once, when its end or the next event comes. */
export function createDtmfDetector(clockRateHz: number, onDigit: (digit: string, durationMs: number) => void): DtmfDetector {
  let digit: string | null = null;
  let timestamp = 0;
  let ticks = 0;
  /** Of segments before this one. */
  let ticksBefore = 0;
  let isTold = true;

  function flush(): void {
    if (isTold || digit === null) return;
    isTold = true;
    onDigit(digit, ((ticksBefore + ticks) * 1000) / clockRateHz);
  }

  /** An event, or the next segment of the one under way. */
  function begin(event: DtmfEvent, at: number): void {
    const isSegment = !isTold && event.digit === digit && (at - timestamp) >>> 0 === SEGMENT_TICKS;
    if (isSegment) ticksBefore += SEGMENT_TICKS;
    else {
      flush();
      ticksBefore = 0;
      isTold = false;
    }
    digit = event.digit;
    timestamp = at;
    ticks = 0;
  }

  return {
    packet(payload, at) {
      const event = parseDtmf(payload);
      if (event === null) return false;
      const ahead = (at - timestamp) | 0;
      if (digit !== null && ahead < 0 && ahead > -STALE_SECONDS_MAX * clockRateHz) return true;
      if (digit === null || ahead !== 0) begin(event, at);
      ticks = Math.max(ticks, event.ticks);
      if (event.isEnd) flush();
      return true;
    },
    flush,
  };
}
