// Everything the running target holds, and the two acts that touch meetings, rooms and counters together. Handlers get a
// Service and nothing else, so a test can build one without listening.

import type { Clock } from './clock.ts';
import { type Counters, createCounters, end } from './counters.ts';
import { createGate, type Gate } from './gate.ts';
import { createMeetings, deleteMeeting, type Meetings, type Result, removeParticipant } from './meetings.ts';
import { type Settings, settingsOf, type TargetOptions } from './options.ts';
import { createRooms, endRoom, leaveRoom, type Rooms } from './rooms.ts';

export interface Service {
  readonly options: TargetOptions;
  readonly clock: Clock;
  readonly counters: Counters;
  readonly gate: Gate;
  readonly meetings: Meetings;
  readonly rooms: Rooms;
  readonly startedAtMs: number;
  settings: Settings;
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
  };
}

/** Ends the meeting for everyone: participants are gone, sockets hear `ended` and are closed. */
export function endMeeting(service: Service, meetingId: string): Result<null> {
  const deleted = deleteMeeting(service.meetings, meetingId);
  if (!deleted.ok) return deleted;
  end(service.counters.meetings);
  end(service.counters.participants, deleted.value.participants.size);
  endRoom(service, meetingId);
  return { ok: true, value: null };
}

/** Takes one participant out; its socket, if any, is closed and the room hears `left`. */
export function dismissParticipant(service: Service, meetingId: string, participantId: string): Result<null> {
  const removed = removeParticipant(service.meetings, meetingId, participantId);
  if (!removed.ok) return removed;
  end(service.counters.participants);
  leaveRoom(service, meetingId, participantId);
  return { ok: true, value: null };
}
