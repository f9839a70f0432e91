// The dialogs that reliable provisional responses of one INVITE make (RFC 3262, 4): each fork's own, with its order of RSeq and its PRACKs. Responses
// that come again or out of order are dropped here; the peer repeats what it is owed a PRACK for.

import { numberHeader } from '../wire/sip/headers.ts';
import type { SipResponse } from '../wire/sip/message.ts';
import type { ClientOwner, OutgoingRequest } from './client-transactions.ts';
import { callerDialog, type Dialog } from './dialog.ts';
import type { OutgoingCall } from './outgoing-call.ts';
import { newRequest } from './outgoing-request.ts';
import { transmit } from './transmit.ts';

interface Early {
  readonly dialog: Dialog;
  rseq: number;
}

/** Forks of one call; more are a peer's rubbish. */
const FORKS_MAX = 32;

export class EarlyDialogs {
  readonly #call: OutgoingCall & ClientOwner;
  readonly #byTag = new Map<string, Early>();

  constructor(call: OutgoingCall) {
    this.#call = call;
  }

  /** Sends the PRACK. False: nothing new. */
  acknowledge(response: SipResponse, inviteSeq: number): boolean {
    const rseq = numberHeader(response, 'rseq');
    if (typeof rseq !== 'number') return false;
    const call = this.#call;
    let early = this.#byTag.get(response.toTag);
    if (early === undefined) {
      if (this.#byTag.size >= FORKS_MAX) return false;
      early = { dialog: callerDialog(call, response, call.requestUri), rseq };
      this.#byTag.set(response.toTag, early);
    } else {
      if (rseq !== early.rseq + 1) return false;
      early.rseq = rseq;
    }
    const { dialog } = early;
    const { agent, core } = call;
    const lines = `RAck: ${rseq} ${inviteSeq} INVITE\r\n${agent.lines}`;
    this.#send(dialog, newRequest('PRACK', ++dialog.localSeq, lines, '', '', core.clock.nowMs()));
    return true;
  }

  #send(dialog: Dialog, request: OutgoingRequest): void {
    const { agent, core } = this.#call;
    transmit(core, agent.port, dialog, request, agent.credentials('PRACK', dialog.requestUri, ''), this.#call);
  }

  /** To a PRACK: only a challenge asks for something. */
  onResponse(request: OutgoingRequest, response: SipResponse): void {
    const { status } = response;
    const dialog = this.confirmed(response.toTag);
    if (dialog === null || (status !== 401 && status !== 407) || !this.#call.agent.learnChallenge(request, response)) return;
    request.cseq = ++dialog.localSeq;
    this.#send(dialog, request);
  }

  isPrack(request: OutgoingRequest): boolean {
    return request.method === 'PRACK';
  }

  /** The dialog with this fork, PRACKs counted; null when it made none. */
  confirmed(remoteTag: string): Dialog | null {
    return this.#byTag.get(remoteTag)?.dialog ?? null;
  }
}
