// Plays the tone to every joined caller while sipMedia is 'tone': one timer for all, and each stream's packets counted from the moment it joined,
// so that a late timer makes up for what it missed and nothing drifts.

import type { Service } from '../service.ts';
import type { WayOut } from './impairment.ts';
import type { MediaStream } from './media-stream.ts';
import { TONES } from './tone.ts';

export interface TonePlayer {
  add(stream: MediaStream): void;
  remove(stream: MediaStream): void;
  stop(): void;
}

const PACKET_MS = 20;
/** After a longer pause of this process the tone goes on from now: a burst of old packets helps nobody. */
const BURST_MAX = 5;

export function createTonePlayer(service: Service, wayOut: WayOut): TonePlayer {
  const streams = new Set<MediaStream>();
  const packet = Buffer.alloc(12 + 160);

  function play(stream: MediaStream, nowMs: number): void {
    const [payloadType, format] = stream.plan.formats.entries().next().value ?? [];
    const payload = format === undefined ? undefined : TONES.get(format.name);
    if (payloadType === undefined || payload === undefined) return;
    stream.tone ??= { sinceMs: nowMs, next: 0, sent: 0 };
    const { tone } = stream;
    const due = Math.floor((nowMs - tone.sinceMs) / PACKET_MS) + 1;
    const from = Math.max(tone.next, due - BURST_MAX);
    tone.next = due;
    if (!stream.plan.sends) return;
    packet[0] = 0x80;
    for (let number = from; number < due; number += 1) {
      packet[1] = (tone.sent === 0 ? 0x80 : 0) | payloadType;
      packet.writeUInt16BE((stream.ssrc + tone.sent) & 0xffff, 2);
      packet.writeUInt32BE((number * payload.length) >>> 0, 4);
      packet.writeUInt32BE(stream.ssrc, 8);
      packet.set(payload, 12);
      tone.sent += 1;
      wayOut.send(stream, packet);
    }
  }

  const stopTimer = service.clock.every(PACKET_MS, () => {
    if (service.settings.sipMedia !== 'tone') return;
    const nowMs = service.clock.nowMs();
    for (const stream of streams) play(stream, nowMs);
  });

  return {
    add(stream) {
      if (stream.plan.kind === 'audio') streams.add(stream);
    },
    remove: (stream) => void streams.delete(stream),
    stop: stopTimer,
  };
}
