// The head of a SIP message, from its text to a start line and a list of headers (RFC 3261, section 7). It decides what is a message's head and what is
// wrong with it, notes the fields that each message needs, and reads on after the first fault, so that a faulty request can still be answered.
// What the fields hold, and the body, is for parse.ts and framing.ts.

import { HeaderFields, PLACE_ENTRIES, valueIn } from './fields.ts';
import type { SipParseFailure } from './message.ts';
import { nameAt } from './names.ts';
import { isSpace, isToken, numberOf, readNumber } from './text.ts';

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
  fields: HeaderFields;
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

const noFields = new HeaderFields('', [], false);

/** `text`: from the start line to before the empty line. Of garbage only the problem is told. */
export function readHead(text: string): Head {
  const head: Head = {
    method: '',
    uri: '',
    status: 0,
    reason: '',
    fields: noFields,
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
  if (!line.startsWith('SIP/2.0') && !isVersion2(line.slice(0, 7))) {
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

/** The fields of the head that is being read: cut to their number when it is through, so that each message's list is made in one piece. */
const places: (string | number)[] = [];

function readHeaders(head: Head, text: string, from: number): void {
  let used = 0;
  let hasFolds = false;
  let at = from;
  while (at < text.length) {
    const lineFeed = text.indexOf('\n', at);
    let end = text.indexOf('\r', at);
    // A line end that is none: it goes on to one that is, and `hasBareLineEnd` finds it there.
    const isWhole = end < 0 ? lineFeed < 0 : lineFeed === end + 1;
    if (!isWhole) end = text.indexOf('\r\n', at);
    if (end < 0) end = text.length;
    let next = end + 2;
    let isFolded = false;
    while (isSpace(text.charCodeAt(next))) {
      isFolded = true;
      end = text.indexOf('\r\n', next);
      if (end < 0) end = text.length;
      next = end + 2;
    }
    if (used === HEADERS_MAX * PLACE_ENTRIES) {
      noteProblem(head, 'too-large', `more than ${HEADERS_MAX} headers`, 413);
      break;
    }
    if (readHeader(head, text, at, end, used, isFolded, isWhole)) {
      used += PLACE_ENTRIES;
      hasFolds ||= isFolded;
    }
    at = next;
  }
  head.fields = new HeaderFields(text, places.slice(0, used), hasFolds);
}

/** Notes the field `text[from, to)` at `places[used]`; false when it is none. `isWhole`: there is no bare CR or LF in its first line. */
function readHeader(head: Head, text: string, from: number, to: number, used: number, isFolded: boolean, isWhole: boolean): boolean {
  const colon = text.indexOf(':', from);
  let nameTo = colon;
  while (nameTo > from && isSpace(text.charCodeAt(nameTo - 1))) nameTo--;
  const name = colon < 0 || colon > to ? null : nameAt(text, from, nameTo);
  if (name === null) {
    noteProblem(head, 'header', excerpt(text.slice(from, Math.min(to, from + 100))));
    return false;
  }
  let valueFrom = colon + 1;
  let valueTo = to;
  while (valueFrom < valueTo && isSpace(text.charCodeAt(valueFrom))) valueFrom++;
  while (valueTo > valueFrom && isSpace(text.charCodeAt(valueTo - 1))) valueTo--;
  if (isFolded || !isWhole) {
    const value = valueIn(text, valueFrom, valueTo, isFolded);
    if (hasBareLineEnd(value)) {
      noteProblem(head, 'header', `line end in ${name}: ${excerpt(value)}`);
      return false;
    }
  }
  noteField(head, name, text, valueFrom, valueTo, used, isFolded);
  places[used] = name;
  places[used + 1] = valueFrom;
  places[used + 2] = valueTo;
  return true;
}

/** What each message needs, and what may come only once. The fields before this one are in `places[0, used)`. */
function noteField(head: Head, name: string, text: string, from: number, to: number, used: number, isFolded: boolean): void {
  switch (name) {
    case 'via':
      head.via ??= valueIn(text, from, to, isFolded);
      break;
    case 'from':
      if (head.from !== null) noteDuplicate(head, name);
      else head.from = valueIn(text, from, to, isFolded);
      break;
    case 'to':
      if (head.to !== null) noteDuplicate(head, name);
      else head.to = valueIn(text, from, to, isFolded);
      break;
    case 'call-id':
      if (head.callId !== null) noteDuplicate(head, name);
      else head.callId = valueIn(text, from, to, isFolded);
      break;
    case 'cseq':
      if (head.cseq !== null) noteDuplicate(head, name);
      else head.cseq = valueIn(text, from, to, isFolded);
      break;
    case 'content-length':
      noteContentLength(head, valueIn(text, from, to, isFolded));
      break;
    case 'content-type':
    case 'max-forwards':
      for (let at = 0; at < used; at += PLACE_ENTRIES) if (places[at] === name) noteDuplicate(head, name);
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
