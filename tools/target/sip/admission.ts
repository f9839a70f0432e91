// How a caller becomes a participant of the meeting: at once, or with the passcode keyed in and ended by # (sipPin). A wrong one, none in time, or a
// full meeting ends the call. Digits come from RFC 4733 events (media.ts) or INFO (in-dialog.ts).

import { begin } from '../counters.ts';
import { addParticipant } from '../meetings.ts';
import type { Bridge } from './bridge.ts';
import { type Call, clearTimer, type EndReason, hangUp, setTimer } from './call.ts';

const PIN_DIGITS_MAX = 32;

/** Takes the caller in; the reason when that cannot be. */
export function enterMeeting(bridge: Bridge, call: Call, passcode: string): EndReason | null {
  const { service } = bridge;
  const added = addParticipant(service.meetings, service.options, call.meetingId, call.invite.request.callId.slice(0, 200), passcode);
  if (added.ok) {
    begin(service.counters.participants);
    call.participantId = added.value.id;
    bridge.callsByParticipant.set(added.value.id, call);
    return null;
  }
  if (added.refusal === 'wrong_passcode') return 'wrong-pin';
  return added.refusal === 'too_many_participants' ? 'full' : 'meeting';
}

/** Media of the meeting from now on; the call is answered and its caller a participant. */
export function joinMedia(bridge: Bridge, call: Call): void {
  for (const { stream } of call.lines) if (stream !== null) bridge.media.join(stream);
}

export function askPin(bridge: Bridge, call: Call): void {
  const { clock, settings } = bridge.service;
  call.pin = '';
  const cancel = clock.after(settings.sipPinMs, () => {
    call.pin = null;
    hangUp(bridge, call, 'no-pin');
  });
  setTimer(call, 'pin', cancel);
}

export function receiveDigit(bridge: Bridge, call: Call, digit: string): void {
  if (call.pin === null) return;
  if (digit !== '#') {
    if (call.pin.length < PIN_DIGITS_MAX) call.pin += digit;
    return;
  }
  const { pin } = call;
  call.pin = null;
  clearTimer(call, 'pin');
  const why = enterMeeting(bridge, call, pin);
  if (why === null) joinMedia(bridge, call);
  else hangUp(bridge, call, why);
}
