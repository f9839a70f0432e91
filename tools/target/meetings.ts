// Meetings and their participants as plain state, without I/O: who exists, who may enter, and the limits. Sockets are
// rooms.ts's part, status codes api.ts's. Ids count up, passcodes and tokens come from the seed, so a run can be repeated;
// tokens are unguessable to nobody, which is right for a test target and for nothing else.

import { bitsAt, STREAMS } from './chance.ts';
import type { TargetOptions } from './options.ts';

export interface Participant {
  id: string;
  name: string;
  token: string;
}

export interface Meeting {
  id: string;
  title: string;
  passcode: string;
  participants: Map<string, Participant>;
}

export interface Meetings {
  byId: Map<string, Meeting>;
  participantsTotal: number;
  meetingsCreated: number;
  participantsCreated: number;
}

export type Refusal = 'unknown_meeting' | 'unknown_participant' | 'wrong_passcode' | 'too_many_meetings' | 'too_many_participants';
export type Result<Value> = { ok: true; value: Value } | { ok: false; refusal: Refusal };

/** Nine digits, as people know meeting ids; also keeps them from being mistaken for counts. */
const FIRST_MEETING_ID = 100_000_000;

export function createMeetings(): Meetings {
  return { byId: new Map(), participantsTotal: 0, meetingsCreated: 0, participantsCreated: 0 };
}

/** Six digits without a leading zero: it survives a trip through an unquoted JSON number. */
function passcodeAt(seed: number, index: number): string {
  return String(100_000 + (bitsAt(seed, STREAMS.passcode, index) % 900_000));
}

function hexAt(seed: number, index: number): string {
  return bitsAt(seed, STREAMS.token, index).toString(16).padStart(8, '0');
}

export function createMeeting(state: Meetings, options: TargetOptions, title: string, passcode?: string): Result<Meeting> {
  if (state.byId.size >= options.meetingsMax) return { ok: false, refusal: 'too_many_meetings' };
  const index = state.meetingsCreated;
  state.meetingsCreated += 1;
  const meeting: Meeting = {
    id: String(FIRST_MEETING_ID + index),
    title,
    passcode: passcode ?? passcodeAt(options.seed, index),
    participants: new Map(),
  };
  state.byId.set(meeting.id, meeting);
  return { ok: true, value: meeting };
}

export function findMeeting(state: Meetings, meetingId: string): Result<Meeting> {
  const meeting = state.byId.get(meetingId);
  return meeting === undefined ? { ok: false, refusal: 'unknown_meeting' } : { ok: true, value: meeting };
}

export function listMeetings(state: Meetings, offset: number, limit: number): Meeting[] {
  return state.byId.values().drop(offset).take(limit).toArray();
}

export function deleteMeeting(state: Meetings, meetingId: string): Result<Meeting> {
  const found = findMeeting(state, meetingId);
  if (!found.ok) return found;
  state.byId.delete(meetingId);
  state.participantsTotal -= found.value.participants.size;
  return found;
}

export function addParticipant(
  state: Meetings,
  options: TargetOptions,
  meetingId: string,
  name: string,
  passcode: string,
): Result<Participant> {
  const found = findMeeting(state, meetingId);
  if (!found.ok) return found;
  if (found.value.passcode !== passcode) return { ok: false, refusal: 'wrong_passcode' };
  const full = found.value.participants.size >= options.participantsMax || state.participantsTotal >= options.participantsTotalMax;
  if (full) return { ok: false, refusal: 'too_many_participants' };
  state.participantsCreated += 1;
  const id = `p${state.participantsCreated}`;
  const participant: Participant = { id, name, token: `${id}.${hexAt(options.seed, state.participantsCreated)}` };
  found.value.participants.set(id, participant);
  state.participantsTotal += 1;
  return { ok: true, value: participant };
}

export function removeParticipant(state: Meetings, meetingId: string, participantId: string): Result<Participant> {
  const found = findMeeting(state, meetingId);
  if (!found.ok) return found;
  const participant = found.value.participants.get(participantId);
  if (participant === undefined) return { ok: false, refusal: 'unknown_participant' };
  found.value.participants.delete(participantId);
  state.participantsTotal -= 1;
  return { ok: true, value: participant };
}

/** The participant a token admits to this meeting, if any; the token starts with the participant's id. */
export function participantOfToken(meeting: Meeting, token: string | null): Participant | undefined {
  if (token === null) return undefined;
  const participant = meeting.participants.get(token.slice(0, Math.max(0, token.indexOf('.'))));
  return participant?.token === token ? participant : undefined;
}

/** A login token carries its user, so that logins need no memory on the server, however many there are. */
export function loginTokenOf(seed: number, user: string): string {
  const encoded = Buffer.from(user, 'utf8').toString('base64url');
  let index = 0;
  for (const character of encoded) index = (Math.imul(index, 31) + character.charCodeAt(0)) >>> 0;
  return `${encoded}.${hexAt(seed, index)}`;
}

export function userOfLoginToken(seed: number, token: string): string | undefined {
  const user = Buffer.from(token.slice(0, Math.max(0, token.indexOf('.'))), 'base64url').toString('utf8');
  return user !== '' && loginTokenOf(seed, user) === token ? user : undefined;
}
