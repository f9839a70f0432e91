// Everything the running target holds, and the two acts that touch meetings, rooms, calls and counters together. Handlers get
// a Service and nothing else, so a test can build one without listening.

import type { Clock } from './clock.ts';
import { type Counters, createCounters, end } from './counters.ts';
import { createGate, type Gate } from './gate.ts';
import { createMeetings, deleteMeeting, type Meetings, type Result, removeParticipant } from './meetings.ts';
import { type Settings, settingsOf, type TargetOptions } from './options.ts';
import { createRooms, endRoom, leaveRoom, type Rooms } from './rooms.ts';

/** The SIP side, as the rest of the target knows it. */
export interface Calls {
  /** What callers of a meeting dial; `host` as the asker reached the target. */
  meetingUri(meetingId: string, host: string): string;
  meetingEnded(meetingId: string): void;
  participantRemoved(participantId: string): void;
}

export interface Service {
  readonly options: TargetOptions;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly gate: Gate;
  readonly meetings: Meetings;
  readonly rooms: Rooms;
  readonly startedAtMs: number;
  settings: Settings;
  /** Null while there is no SIP server. */
  calls: Calls | null;
}

export function createService(options: TargetOptions, clock: Clock): Service {
  return {
    options,
    clock,
    counters: createCounters(),
    gate: createGate(),
    meetings: createMeetings(),
    rooms: createRooms(),
    startedAtMs: clock.nowMs(),
    settings: settingsOf(options),
    calls: null,
  };
}

/** Ends the meeting for everyone: participants are gone, sockets hear `ended` and are closed, callers get their BYE. */
export function endMeeting(service: Service, meetingId: string): Result<null> {
  const deleted = deleteMeeting(service.meetings, meetingId);
  if (!deleted.ok) return deleted;
  end(service.counters.meetings);
  end(service.counters.participants, deleted.value.participants.size);
  endRoom(service, meetingId);
  service.calls?.meetingEnded(meetingId);
  return { ok: true, value: null };
}

/** Takes one participant out; its socket, if any, is closed and the room hears `left`; its call, if any, is ended. */
export function dismissParticipant(service: Service, meetingId: string, participantId: string): Result<null> {
  const removed = removeParticipant(service.meetings, meetingId, participantId);
  if (!removed.ok) return removed;
  end(service.counters.participants);
  leaveRoom(service, meetingId, participantId);
  service.calls?.participantRemoved(participantId);
  return { ok: true, value: null };
}
