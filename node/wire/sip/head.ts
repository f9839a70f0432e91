// The head of a SIP message, from its text to a start line and a list of headers (RFC 3261, section 7). It decides what is a message's head and what is
// wrong with it, notes the fields that each message needs, and reads on after the first fault, so that a faulty request can still be answered.
// What the fields hold, and the body, is for parse.ts and framing.ts.

import type { SipHeader, SipParseFailure } from './message.ts';
import { canonicalName } from './names.ts';
import { isToken, numberOf, readNumber, trimmed } from './text.ts';

/** Larger heads are refused: a head is kept as one string, and a stream could send one for ever. */
export const HEAD_BYTES_MAX = 64 * 1024;
/** More headers are refused: look-ups walk the list. */
export const HEADERS_MAX = 256;
/** Larger bodies are nobody's; keeps the number exact. */
const CONTENT_LENGTH_MAX = 2 ** 31 - 1;

export type Problem = Pick<SipParseFailure, 'kind' | 'detail' | 'answer'>;

export interface Head {
  /** Empty for a response. */
  method: string;
  uri: string;
  /** 0 for a request. */
  status: number;
  reason: string;
  readonly headers: SipHeader[];
  /** First values; null when absent. */
  via: string | null;
  from: string | null;
  to: string | null;
  callId: string | null;
  cseq: string | null;
  /** -1 when absent; null when it cannot be trusted: no number, or two of them. */
  contentLength: number | null;
  /** The first fault. */
  problem: Problem | null;
}

/** The answer a server owes for a fault; a response is never answered. */
export function noteProblem(head: Head, kind: Problem['kind'], detail: string, answer: Problem['answer'] = 400): void {
  head.problem ??= { kind, detail, answer: head.status === 0 ? answer : null };
}

/** For details: hostile text is cut, as reports keep it. */
export const excerpt = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}...` : text);

/** `text`: from the start line to before the empty line. Of garbage only the problem is told. */
export function readHead(text: string): Head {
  const head: Head = {
    method: '',
    uri: '',
    status: 0,
    reason: '',
    headers: [],
    via: null,
    from: null,
    to: null,
    callId: null,
    cseq: null,
    contentLength: -1,
    problem: null,
  };
  const end = text.indexOf('\r\n');
  const line = end < 0 ? text : text.slice(0, end);
  if (line.startsWith('SIP/') || line.slice(0, 4).toUpperCase() === 'SIP/') readStatusLine(head, line);
  else readRequestLine(head, line);
  if (head.problem?.kind !== 'garbage' && end >= 0) readHeaders(head, text, end + 2);
  return head;
}

const isVersion2 = (text: string): boolean => text === 'SIP/2.0' || text.toUpperCase() === 'SIP/2.0';

/** Status-Line = SIP-Version SP Status-Code SP Reason-Phrase. The reason may be empty, and the space before it is not missed then. */
function readStatusLine(head: Head, line: string): void {
  const status = line.charCodeAt(7) === 0x20 ? readNumber(line, 8, 11, 699) : -1;
  // A response, whatever is wrong with it: it is never answered.
  head.status = status >= 100 ? status : 699;
  head.reason = line.slice(12);
  if (!isVersion2(line.slice(0, 7))) {
    const isOther = /^sip\/\d+\.\d+ /i.test(line);
    noteProblem(head, isOther ? 'version' : 'garbage', excerpt(line));
  } else if (status < 100 || (line.length > 11 && line.charCodeAt(11) !== 0x20)) noteProblem(head, 'start-line', excerpt(line));
  if (hasBareLineEnd(line)) noteProblem(head, 'start-line', excerpt(line));
}

/** Request-Line = Method SP Request-URI SP SIP-Version, with single spaces. */
function readRequestLine(head: Head, line: string): void {
  const uriFrom = line.indexOf(' ') + 1;
  const uriTo = line.lastIndexOf(' ');
  head.method = line.slice(0, Math.max(uriFrom - 1, 0));
  head.uri = line.slice(uriFrom, Math.max(uriTo, uriFrom));
  const version = line.slice(uriTo + 1);
  if (isVersion2(version) && isToken(head.method) && isUriText(head.uri)) return;
  if (!/ sip\/\d+\.\d+[ \t]*$/i.test(line) || !isToken(head.method)) noteProblem(head, 'garbage', excerpt(line), null);
  else if (/ sip\/2\.0[ \t]*$/i.test(line)) noteProblem(head, isVersion2(version) ? 'uri' : 'start-line', excerpt(line));
  else noteProblem(head, 'version', excerpt(version), 505);
}

/** Nothing a URI could not hold: spaces, controls, angle brackets, quotes. Its scheme's own grammar comes later (uri.ts). */
function isUriText(uri: string): boolean {
  for (let at = 0; at < uri.length; at++) {
    const code = uri.charCodeAt(at);
    if (code <= 0x20 || code === 0x22 || code === 0x3c || code === 0x3e || code === 0x7f) return false;
  }
  return uri !== '';
}

/** A CR or LF alone ends no line (RFC 3261, 7) and is in no value: written again, it would make headers of somebody else's. */
const hasBareLineEnd = (text: string): boolean => text.includes('\n') || text.includes('\r');

function readHeaders(head: Head, text: string, from: number): void {
  let at = from;
  while (at < text.length) {
    let end = text.indexOf('\r\n', at);
    if (end < 0) end = text.length;
    let next = end + 2;
    let isFolded = false;
    while (isFoldAt(text, next)) {
      isFolded = true;
      end = text.indexOf('\r\n', next);
      if (end < 0) end = text.length;
      next = end + 2;
    }
    if (head.headers.length === HEADERS_MAX) {
      noteProblem(head, 'too-large', `more than ${HEADERS_MAX} headers`, 413);
      return;
    }
    readHeader(head, text, at, end, isFolded);
    at = next;
  }
}

const isFoldAt = (text: string, at: number): boolean => {
  const code = text.charCodeAt(at);
  return code === 0x20 || code === 0x09;
};

function readHeader(head: Head, text: string, from: number, to: number, isFolded: boolean): void {
  const colon = text.indexOf(':', from);
  let nameTo = colon;
  while (nameTo > from && isFoldAt(text, nameTo - 1)) nameTo--;
  const name = colon < 0 || colon > to ? null : canonicalName(text.slice(from, nameTo));
  if (name === null) {
    noteProblem(head, 'header', excerpt(text.slice(from, Math.min(to, from + 100))));
    return;
  }
  let value = trimmed(text, colon + 1, to);
  if (isFolded) value = unfolded(value);
  if (hasBareLineEnd(value)) {
    noteProblem(head, 'header', `line end in ${name}: ${excerpt(value)}`);
    return;
  }
  head.headers.push({ name, value });
  noteField(head, name, value);
}

/** RFC 3261, 7.3.1: a fold is white space like any other. */
function unfolded(value: string): string {
  const line = value.replace(/[ \t]*\r\n[ \t]+/g, ' ');
  return trimmed(line, 0, line.length);
}

function noteField(head: Head, name: string, value: string): void {
  switch (name) {
    case 'via':
      head.via ??= value;
      break;
    case 'from':
      if (head.from !== null) noteDuplicate(head, name);
      else head.from = value;
      break;
    case 'to':
      if (head.to !== null) noteDuplicate(head, name);
      else head.to = value;
      break;
    case 'call-id':
      if (head.callId !== null) noteDuplicate(head, name);
      else head.callId = value;
      break;
    case 'cseq':
      if (head.cseq !== null) noteDuplicate(head, name);
      else head.cseq = value;
      break;
    case 'content-length':
      noteContentLength(head, value);
      break;
    case 'content-type':
    case 'max-forwards':
      if (head.headers.some((header, index) => header.name === name && index < head.headers.length - 1)) noteDuplicate(head, name);
      break;
  }
}

const noteDuplicate = (head: Head, name: string): void => noteProblem(head, 'duplicate-header', name);

function noteContentLength(head: Head, value: string): void {
  const isSecond = head.contentLength !== -1;
  const length = numberOf(value, CONTENT_LENGTH_MAX);
  head.contentLength = isSecond || length < 0 ? null : length;
  if (isSecond) noteDuplicate(head, 'content-length');
  else if (length < 0) noteProblem(head, 'content-length', excerpt(value));
}
