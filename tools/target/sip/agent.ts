// Where SIP messages arrive: each goes to the part that knows what to do with it. Pure dispatch, no sockets: what came over the wire and could not be
// read is listener.ts's part, and what the parts share is the Bridge.

import type { SipMessage, SipRequest } from '../../../node/wire/sip/message.ts';
import { tick } from '../counters.ts';
import { receiveAck } from './answering.ts';
import { mayPass } from './arrival.ts';
import { ALLOW, type Bridge, reply } from './bridge.ts';
import { callOf } from './call.ts';
import type { Flow } from './flow.ts';
import { receiveInDialog } from './in-dialog.ts';
import { receiveInvite } from './invite.ts';
import { receiveRegister } from './register.ts';
import type { ServerTransaction } from './transactions.ts';

const METHODS = new Set([...ALLOW.split(', '), 'SUBSCRIBE', 'NOTIFY', 'REFER', 'MESSAGE', 'PUBLISH']);
const countedAs = (method: string): string => (METHODS.has(method) ? method : 'other');

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
      const headers = [
        { name: 'allow', value: ALLOW },
        { name: 'accept', value: 'application/sdp' },
        { name: 'supported', value: '100rel, timer' },
      ];
      return mayPass(bridge, transaction) ? reply(bridge, transaction, 200, headers) : undefined;
    }
    case 'BYE':
    case 'UPDATE':
    case 'INFO':
    case 'PRACK':
      bridge.service.counters.sip.unknownDialogs += 1;
      return reply(bridge, transaction, 481);
    default:
      return reply(bridge, transaction, METHODS.has(method) ? 405 : 501, [{ name: 'allow', value: ALLOW }]);
  }
}

export function receiveMessage(bridge: Bridge, message: SipMessage, from: Flow): void {
  const counters = bridge.service.counters.sip;
  if (message.kind === 'response') {
    if (!bridge.transactions.receiveResponse(message)) counters.strayResponses += 1;
    return;
  }
  if (message.method === 'ACK') return dispatchAck(bridge, message);
  const transaction = bridge.transactions.accept(message, from);
  if (transaction === null) return;
  tick(counters.requests, countedAs(message.method));
  // A CANCEL carries the tags of the INVITE it cancels, so a To tag does not tell where it belongs.
  if (message.toTag === '' || message.method === 'CANCEL') return dispatchOutside(bridge, transaction);
  const call = callOf(bridge, message);
  if (call !== undefined) return receiveInDialog(bridge, call, transaction);
  counters.unknownDialogs += 1;
  reply(bridge, transaction, 481);
}
