// A dialog (RFC 3261, 12): who talks to whom by which route, and in which order. Built from the INVITE and the response that made it, on either side.
// It decides what goes into Request-URI and Route (12.2.1.1: loose and strict routers), which requests of the peer are in order (12.2.2), and whose
// Contact counts. Sending is request-text.ts and the call's part.

import { parseAddress } from '../wire/sip/address.ts';
import { headerOf, type SipMessage, type SipRequest, type SipResponse } from '../wire/sip/message.ts';
import { routedTarget, routeSetOf } from '../wire/sip/route.ts';
import { splitList } from '../wire/sip/text.ts';
import type { Correspondence } from './request-text.ts';

/** What a dialog is made of. */
interface DialogParts {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  readonly from: string;
  readonly to: string;
  readonly localSeq: number;
  readonly remoteSeq: number | null;
  readonly target: string;
  readonly routes: readonly string[];
}

export class Dialog implements Correspondence {
  readonly callId: string;
  readonly localTag: string;
  readonly remoteTag: string;
  /** From of our requests, tag included. */
  readonly from: string;
  /** To of our requests, tag included. */
  readonly to: string;
  /** CSeq of our last request. */
  localSeq: number;
  /** CSeq of the peer's last request; null before the first. */
  remoteSeq: number | null;
  requestUri: string;
  routeLines: string;
  /** URI that says where packets go: the first route, or the peer's Contact. */
  hopUri: string;
  readonly #routes: readonly string[];

  constructor(parts: DialogParts) {
    this.callId = parts.callId;
    this.localTag = parts.localTag;
    this.remoteTag = parts.remoteTag;
    this.from = parts.from;
    this.to = parts.to;
    this.localSeq = parts.localSeq;
    this.remoteSeq = parts.remoteSeq;
    this.#routes = parts.routes;
    this.requestUri = parts.target;
    this.routeLines = '';
    this.hopUri = parts.target;
    if (parts.routes.length > 0) this.retarget(parts.target);
  }

  /** Target refresh: the peer's new Contact. The route set never changes (12.2). */
  retarget(target: string): void {
    const { requestUri, routes, nextHop } = routedTarget(target, this.#routes);
    this.requestUri = requestUri;
    this.routeLines = routes.length === 0 ? '' : `Route: ${routes.join(', ')}\r\n`;
    this.hopUri = nextHop;
  }

  /** True when the peer's request is in order and of this dialog; it is noted then. A lower CSeq is answered 500 (12.2.2). */
  admits(request: SipRequest): boolean {
    if (this.remoteSeq !== null && request.cseq < this.remoteSeq) return false;
    this.remoteSeq = request.cseq;
    return true;
  }
}

/** The caller's dialog, from the INVITE's identity and a response with a To tag. `fallback`: the Request-URI, where a peer forgot its Contact. */
export function callerDialog(invite: Correspondence & { readonly localTag: string }, response: SipResponse, fallback: string): Dialog {
  return new Dialog({
    callId: invite.callId,
    localTag: invite.localTag,
    remoteTag: response.toTag,
    from: invite.from,
    to: headerOf(response, 'to') ?? invite.to,
    localSeq: response.cseq,
    remoteSeq: null,
    target: contactUri(response) ?? fallback,
    routes: routeSetOf(response, 'client'),
  });
}

/** The called party's dialog. Without a Contact the caller is sought at its From. */
export function calleeDialog(invite: SipRequest, localTag: string): Dialog {
  const target = contactUri(invite) ?? parseAddress(headerOf(invite, 'from') ?? '')?.uri ?? '';
  return new Dialog({
    callId: invite.callId,
    localTag,
    remoteTag: invite.fromTag,
    from: `${headerOf(invite, 'to') ?? ''};tag=${localTag}`,
    to: headerOf(invite, 'from') ?? '',
    localSeq: 0,
    remoteSeq: invite.cseq,
    target,
    routes: routeSetOf(invite, 'server'),
  });
}

/** The first Contact's URI; null when there is none, or it is malformed. */
export function contactUri(message: SipMessage): string | null {
  const value = headerOf(message, 'contact');
  if (value === undefined) return null;
  // What nearly every Contact looks like: one URI in angle brackets and nothing else.
  if (value.startsWith('<') && value.indexOf('>') === value.length - 1) return value.slice(1, -1);
  const first = splitList(value)[0];
  return first === undefined ? null : (parseAddress(first)?.uri ?? null);
}
