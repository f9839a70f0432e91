// Where SIP messages arrive: each goes to the part that knows what to do with it. Pure dispatch, no sockets: what came over the wire and could not be
// read is listener.ts's part, and what the parts share is the Bridge.

import type { SipMessage, SipRequest } from '../../../node/wire/sip/message.ts';
import { requestProblem } from '../../../node/wire/sip/request-check.ts';
import { tick } from '../counters.ts';
import { receiveAck } from './answering.ts';
import { mayPass } from './arrival.ts';
import { type Bridge, CAPABILITIES, capabilityHeaders, reply } from './bridge.ts';
import { callOf } from './call.ts';
import type { Flow } from './flow.ts';
import { receiveInDialog } from './in-dialog.ts';
import { receiveInvite } from './invite.ts';
import { receiveRegister } from './register.ts';
import type { ServerTransaction } from './transactions.ts';

/** Of an INVITE's refusal, or of a 2xx of a call; others are counted and forgotten, as nobody may answer an ACK. */
function dispatchAck(bridge: Bridge, ack: SipRequest): void {
  const refused = bridge.transactions.inviteOf(ack);
  const call = callOf(bridge, ack);
  if (refused !== undefined && refused.status >= 300) refused.stop();
  else if (call !== undefined) receiveAck(bridge, call, ack);
  else bridge.service.counters.sip.unknownDialogs += 1;
}

/** RFC 3261, 9.2. */
function receiveCancel(bridge: Bridge, transaction: ServerTransaction): void {
  const invite = bridge.transactions.inviteOf(transaction.request);
  reply(bridge, transaction, invite === undefined ? 481 : 200);
  const cancel = invite?.onCancel;
  if (invite === undefined || !cancel) return;
  invite.onCancel = null;
  cancel();
}

function dispatchOutside(bridge: Bridge, transaction: ServerTransaction): void {
  const { method } = transaction.request;
  switch (method) {
    case 'CANCEL':
      return receiveCancel(bridge, transaction);
    case 'INVITE':
      return mayPass(bridge, transaction) ? receiveInvite(bridge, transaction) : undefined;
    case 'REGISTER':
      return mayPass(bridge, transaction) ? receiveRegister(bridge, transaction) : undefined;
    case 'OPTIONS': {
      const headers = [...capabilityHeaders, { name: 'accept', value: CAPABILITIES.contentTypes.join(', ') }];
      return mayPass(bridge, transaction) ? reply(bridge, transaction, 200, headers) : undefined;
    }
    default:
      bridge.service.counters.sip.unknownDialogs += 1;
      return reply(bridge, transaction, 481);
  }
}

export function receiveMessage(bridge: Bridge, message: SipMessage, from: Flow): void {
  const counters = bridge.service.counters.sip;
  if (message.kind === 'response') {
    if (!bridge.transactions.receiveResponse(message)) counters.strayResponses += 1;
    return;
  }
  if (message.method === 'ACK') {
    tick(counters.requests, 'ACK');
    return dispatchAck(bridge, message);
  }
  const transaction = bridge.transactions.accept(message, from);
  if (transaction === null) return;
  tick(counters.requests, CAPABILITIES.methods.includes(message.method) ? message.method : 'other');
  const problem = requestProblem(message, CAPABILITIES);
  if (problem !== null) return reply(bridge, transaction, problem.status, problem.headers, problem.reason);
  // A CANCEL carries the tags of the INVITE it cancels, so a To tag does not tell where it belongs.
  const call = message.method === 'CANCEL' ? undefined : callOf(bridge, message);
  if (call !== undefined) return receiveInDialog(bridge, call, transaction);
  if (message.toTag === '' || message.method === 'CANCEL') return dispatchOutside(bridge, transaction);
  counters.unknownDialogs += 1;
  reply(bridge, transaction, 481);
}
