// Who hears whom in a meeting: mixing by forwarding. The packets of up to three speakers of a kind go to all the others as they are, source and
// all (an RTP translator, RFC 3550 section 7); only the payload type is the receiver's own. A speaker keeps its place until it is silent for
// a while. So the cost of a meeting grows with three times its size, not with its square.

import type { MediaStream } from './media-stream.ts';

const SPEAKERS_MAX = 3;
const SILENCE_MS = 400;

interface Speaker {
  stream: MediaStream;
  lastAtMs: number;
}

export interface MeetingMedia {
  readonly streams: Set<MediaStream>;
  readonly speakers: Record<'audio' | 'video', Speaker[]>;
}

export const createMeetingMedia = (): MeetingMedia => ({ streams: new Set(), speakers: { audio: [], video: [] } });

export function leaveMeeting(meeting: MeetingMedia, stream: MediaStream): void {
  meeting.streams.delete(stream);
  const { kind } = stream.plan;
  meeting.speakers[kind] = meeting.speakers[kind].filter((speaker) => speaker.stream !== stream);
}

/** True when the stream has, or now gets, a place among the speakers. */
export function isSpeaking(meeting: MeetingMedia, stream: MediaStream, nowMs: number): boolean {
  const speakers = meeting.speakers[stream.plan.kind];
  for (const speaker of speakers) {
    if (speaker.stream !== stream) continue;
    speaker.lastAtMs = nowMs;
    return true;
  }
  if (speakers.length < SPEAKERS_MAX) {
    speakers.push({ stream, lastAtMs: nowMs });
    return true;
  }
  const silent = speakers.find(({ lastAtMs }) => nowMs - lastAtMs > SILENCE_MS);
  if (silent === undefined) return false;
  silent.stream = stream;
  silent.lastAtMs = nowMs;
  return true;
}

/** The receiver's payload type for a format of the sender, undefined when it has none such. */
export function payloadTypeFor(receiver: MediaStream, sender: MediaStream, payloadType: number): number | undefined {
  const format = sender.plan.formats.get(payloadType);
  if (format === undefined) return undefined;
  const own = receiver.plan.formats.get(payloadType);
  if (own?.name === format.name && own.clockRateHz === format.clockRateHz) return payloadType;
  for (const [candidate, { name, clockRateHz }] of receiver.plan.formats) {
    if (name === format.name && clockRateHz === format.clockRateHz) return candidate;
  }
  return undefined;
}
