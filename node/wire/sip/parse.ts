// Bytes of a datagram to a SIP message (RFC 3261, sections 7, 18.3, 20). It never throws: what is no message comes back as a failure with the answer
// that its sender is owed. Checked here is what every message is matched by; the rest of the headers is text until somebody asks (headers.ts), and
// what a server cannot serve though it is well-formed is for request-check.ts. For streams see framing.ts.

import { addressEnd } from './address.ts';
import { excerpt, HEAD_BYTES_MAX, type Head, noteProblem, readHead } from './head.ts';
import type { SipParseResult, Via } from './message.ts';
import { ParsedRequest, ParsedResponse } from './parsed.ts';
import { isToken, type ParameterSlot, readNumber, readParameter, skipSpace, tokenEnd } from './text.ts';
import { parseSentBy, parseVia } from './via.ts';

const CR = 0x0d;
const LF = 0x0a;
const SEMICOLON = 0x3b;
const CSEQ_MAX = 2 ** 32 - 1;
export const HEAD_END = Buffer.from('\r\n\r\n');
const noBody = new Uint8Array(0);

/** The same bytes as a Buffer: its searches and decoders are native. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const failure = (kind: 'garbage' | 'too-large', detail: string): SipParseResult => ({
  ok: false,
  failure: { kind, detail, answer: null, partial: null },
});

/**
 * Reads the datagram `bytes[from, to)`. The body ends after Content-Length bytes, without one at the end of the datagram; what follows is ignored
 * (RFC 3261, 18.3). `body` is a view of `bytes`: copy what outlives them. Line ends before the start line are skipped (7.5); nothing but them, as
 * keep-alives are, is 'garbage'.
 */
export function parseSip(bytes: Uint8Array, from = 0, to = bytes.length): SipParseResult {
  const buffer = asBuffer(bytes);
  const end = Math.min(to, buffer.length);
  let start = Math.max(from, 0);
  while (start < end && (buffer[start] === CR || buffer[start] === LF)) start++;
  if (start >= end) return failure('garbage', 'empty');
  const found = buffer.indexOf(HEAD_END, start);
  const hasEnd = found >= 0 && found + HEAD_END.length <= end;
  const headTo = hasEnd ? found : end;
  if (headTo - start > HEAD_BYTES_MAX) return failure('too-large', `head of more than ${HEAD_BYTES_MAX} bytes`);
  const head = readHead(buffer.toString('utf8', start, headTo));
  if (!hasEnd) noteProblem(head, 'header', 'no empty line after the headers');
  const bodyFrom = hasEnd ? headTo + HEAD_END.length : end;
  let bodyTo = end;
  if (head.contentLength !== null && head.contentLength >= 0) {
    bodyTo = bodyFrom + head.contentLength;
    if (bodyTo > end) noteProblem(head, 'content-length', `${head.contentLength}, and ${end - bodyFrom} bytes are there`);
  }
  return finishMessage(head, bodyTo === bodyFrom ? noBody : buffer.subarray(bodyFrom, Math.min(bodyTo, end)));
}

/** Reads the fields that every message has, and makes the message or the failure. */
export function finishMessage(head: Head, body: Uint8Array): SipParseResult {
  if (head.problem?.kind === 'garbage') return { ok: false, failure: { ...head.problem, partial: null } };
  noteMissing(head);
  const message = head.status === 0 ? new ParsedRequest(head, body) : new ParsedResponse(head, body);
  const via = head.via === null ? null : readVia(head, head.via);
  if (via !== null) message.via = via;
  if (head.from !== null) message.fromTag = tagOf(head, 'From', head.from);
  if (head.to !== null) message.toTag = tagOf(head, 'To', head.to);
  if (head.cseq !== null) readCSeq(head, head.cseq, message);
  const { problem } = head;
  if (problem === null) return { ok: true, message };
  const partial = message.kind === 'request' && via !== null ? message : null;
  return { ok: false, failure: { ...problem, answer: partial === null ? null : problem.answer, partial } };
}

function readVia(head: Head, value: string): Via | null {
  const via = parseVia(value);
  if (via === null) noteProblem(head, 'via', excerpt(value));
  return via ?? parseSentBy(value);
}

/** RFC 3261, 8.1.1. Max-Forwards is not asked for: RFC 2543 did not have to send it (RFC 4475, 3.4.1). An empty Call-ID identifies nothing. */
function noteMissing(head: Head): void {
  if (head.via === null) noteProblem(head, 'missing-header', 'via');
  if (head.from === null) noteProblem(head, 'missing-header', 'from');
  if (head.to === null) noteProblem(head, 'missing-header', 'to');
  if (!head.callId) noteProblem(head, 'missing-header', 'call-id');
  if (head.cseq === null) noteProblem(head, 'missing-header', 'cseq');
}

/** CSeq = 1*DIGIT LWS Method; the number fits 32 bits (20.16), and the method is the request's (8.1.1.5). */
function readCSeq(head: Head, text: string, message: { cseq: number; cseqMethod: string }): void {
  const numberTo = tokenEnd(text, 0);
  const methodFrom = skipSpace(text, numberTo);
  const cseq = readNumber(text, 0, numberTo, CSEQ_MAX);
  message.cseqMethod = text.slice(methodFrom);
  if (cseq < 0 || methodFrom === numberTo || !isToken(message.cseqMethod)) noteProblem(head, 'cseq', excerpt(text));
  else message.cseq = cseq;
  if (head.status === 0 && message.cseqMethod !== head.method)
    noteProblem(head, 'cseq', `CSeq ${excerpt(text)} in ${excerpt(head.method)}`);
}

/** The tag of a From or To; the address before it is only looked at as far as is needed to find its end. */
function tagOf(head: Head, name: string, value: string): string {
  let at = addressEnd(value);
  while (at >= 0 && at < value.length) {
    at = value.charCodeAt(at) === SEMICOLON ? readParameter(value, at, slot) : -1;
    if (at >= 0 && slot.name === 'tag') {
      if (slot.value !== null) return slot.value;
      at = -1;
    }
  }
  if (at < 0) noteProblem(head, 'address', `${name}: ${excerpt(value)}`);
  return '';
}

const slot: ParameterSlot = { name: '', value: null };
