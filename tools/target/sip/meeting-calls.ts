// What the rest of the target can ask of the calls (service.ts): the address of a meeting, and the end of those who were in it.

import { bracketed } from '../../../node/wire/sip/text.ts';
import type { Calls } from '../service.ts';
import type { Bridge } from './bridge.ts';
import { hangUp } from './call.ts';

export function createMeetingCalls(bridge: Bridge, port: number): Calls {
  return {
    meetingUri: (meetingId, host) => `sip:${meetingId}@${bracketed(host)}:${port}`,
    meetingEnded(meetingId) {
      // A call that is refused leaves the map at once.
      for (const call of [...bridge.calls.values()]) if (call.meetingId === meetingId) hangUp(bridge, call, 'meeting');
    },
    participantRemoved(participantId) {
      const call = bridge.callsByParticipant.get(participantId);
      if (call !== undefined) hangUp(bridge, call, 'participant');
    },
  };
}
