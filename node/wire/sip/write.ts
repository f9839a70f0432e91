// SIP messages to bytes (RFC 3261, 7.3 and 8.2.6): one string, encoded once. What a response owes its request (Via as it came, with what RFC 3581 adds;
// From, To, Call-ID, CSeq, Record-Route) is copied here, so that nobody can forget it. No value can bring a line end, so no value can bring a header.

import { assert } from '../../core/assert.ts';
import type { SipHeader, SipRequest, Via } from './message.ts';
import { wirePrefix } from './names.ts';
import { reasonPhrase } from './reasons.ts';
import { bracketed, isToken, type ParameterSlot, readParameter } from './text.ts';

export interface RequestParts {
  readonly method: string;
  readonly uri: string;
  /** Field values, top first; `viaText` makes one. */
  readonly via: string | readonly string[];
  readonly from: string;
  readonly to: string;
  readonly callId: string;
  /** The method of CSeq is the request's. */
  readonly cseq: number;
  /** Hops left, 70 when absent (RFC 3261, 8.1.1.6). */
  readonly maxForwards?: number;
  /** Further headers, by canonical or any other name, in order. Not Content-Length. */
  readonly headers?: readonly SipHeader[];
  /** Its Content-Type is one of `headers`. */
  readonly body?: Uint8Array | string;
}

export interface ResponseParts {
  readonly status: number;
  /** The standard phrase when absent. */
  readonly reason?: string;
  /** Put into To when the request has none there. */
  readonly toTag?: string;
  readonly headers?: readonly SipHeader[];
  readonly body?: Uint8Array | string;
  /** Where the request came from: into the top Via as `received` where it says otherwise or where `rport` asks (RFC 3261, 18.2.1; RFC 3581, 4). */
  readonly receivedHost?: string;
  /** The port it came from: into the top Via's `rport`, where that asks. */
  readonly rport?: number;
}

const noHeaders: readonly SipHeader[] = [];
/** Methods whose provisional and successful responses may make a dialog, and so carry the route back (RFC 3261, 12.1.1; RFC 6665; RFC 3515). */
const dialogMethods: ReadonlySet<string> = new Set(['INVITE', 'SUBSCRIBE', 'REFER', 'NOTIFY']);

function header(name: string, value: string): string {
  assert(!value.includes('\n') && !value.includes('\r'), `line end in the value of ${name}`);
  return `${wirePrefix(name)}${value}\r\n`;
}

function moreHeaders(headers: readonly SipHeader[]): string {
  let text = '';
  for (const { name, value } of headers) {
    assert(isToken(name) && name.toLowerCase() !== 'content-length', `no header to add: ${JSON.stringify(name)}`);
    text += header(name, value);
  }
  return text;
}

function withBody(head: string, body: Uint8Array | string | undefined): Buffer {
  if (body === undefined || body.length === 0) return Buffer.from(`${head}Content-Length: 0\r\n\r\n`);
  if (typeof body === 'string') return Buffer.from(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
  return Buffer.concat([Buffer.from(`${head}Content-Length: ${body.length}\r\n\r\n`), body]);
}

/** Asserts that nothing in `parts` can break out of its place. The buffer may be a part of a larger one. */
export function writeRequest(parts: RequestParts): Buffer {
  const { method, uri } = parts;
  assert(isToken(method) && /^[^\0- "<>\x7f]+$/.test(uri), `no request line: ${JSON.stringify([method, uri])}`);
  let head = `${method} ${uri} SIP/2.0\r\n`;
  if (typeof parts.via === 'string') head += header('via', parts.via);
  else for (const via of parts.via) head += header('via', via);
  head += `Max-Forwards: ${parts.maxForwards ?? 70}\r\n`;
  head += header('from', parts.from) + header('to', parts.to) + header('call-id', parts.callId);
  head += `CSeq: ${parts.cseq} ${method}\r\n`;
  return withBody(head + moreHeaders(parts.headers ?? noHeaders), parts.body);
}

/** The request may be the `partial` of a failed parse: what it lacks is left out. */
export function writeResponse(request: SipRequest, parts: ResponseParts): Buffer {
  const { status, reason = reasonPhrase(status), toTag } = parts;
  assert(status >= 100 && status <= 699 && !/[\r\n]/.test(reason), `no status line: ${status} ${JSON.stringify(reason)}`);
  const isDialogForming = status > 100 && status < 300 && dialogMethods.has(request.method);
  let head = `SIP/2.0 ${status} ${reason}\r\n`;
  let isTopVia = true;
  const seen = { from: false, to: false, 'call-id': false, cseq: false };
  for (const { name, value } of request.headers) {
    switch (name) {
      case 'via':
        head += header(name, isTopVia ? answeredVia(request.via, value, parts) : value);
        isTopVia = false;
        break;
      case 'to':
        if (!seen.to) head += header(name, toTag === undefined || request.toTag !== '' ? value : `${value};tag=${toTag}`);
        seen.to = true;
        break;
      case 'from':
      case 'call-id':
      case 'cseq':
        if (!seen[name]) head += header(name, value);
        seen[name] = true;
        break;
      case 'record-route':
        if (isDialogForming) head += header(name, value);
        break;
      case 'timestamp':
        // RFC 3261, 8.2.6.1: a 100 tells the client its round trip.
        if (status === 100) head += header(name, value);
        break;
    }
  }
  return withBody(head + moreHeaders(parts.headers ?? noHeaders), parts.body);
}

/** The top Via as the response carries it. `value` is its whole field, where other values may follow. */
function answeredVia(via: Via, value: string, { receivedHost, rport }: ResponseParts): string {
  if (receivedHost === undefined || (via.rport === undefined && via.received === null && via.host === receivedHost)) return value;
  const asked = via.rport !== undefined && rport !== undefined ? `;rport=${rport}` : '';
  return `${withoutSource(via.text)}${asked};received=${receivedHost}${value.slice(via.text.length)}`;
}

/** Without `rport` and `received`, whoever put them there. */
function withoutSource(text: string): string {
  const slot: ParameterSlot = { name: '', value: null };
  let at = text.indexOf(';');
  if (at < 0) return text;
  let kept = text.slice(0, at);
  while (at < text.length) {
    const next = readParameter(text, at, slot);
    if (slot.name !== 'rport' && slot.name !== 'received') kept += text.slice(at, next);
    at = next;
  }
  return kept;
}

/** A Via of our own that asks for `rport` (RFC 3581). `branch` starts with BRANCH_COOKIE and is unique for each transaction. */
export function viaText(transport: string, host: string, port: number, branch: string): string {
  return `SIP/2.0/${transport} ${bracketed(host)}:${port};branch=${branch};rport`;
}
