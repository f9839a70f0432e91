// URIs (RFC 3261, 19.1; RFC 3966): sip, sips and tel taken apart and put together, everything else kept as scheme and text. Escapes stay as written,
// because `%3b` and `;` are different in a user part; comparison (19.1.4) knows which escapes mean nothing. Names are resolved elsewhere.

import {
  ALPHANUMERIC,
  bracketed,
  characterTable,
  formatParameters,
  hostEnd,
  type Parameters,
  type ParameterValue,
  PORT_MAX,
  readNumber,
  runEnd,
  unbracketed,
} from './text.ts';

export interface SipUri {
  readonly kind: 'sip';
  readonly scheme: 'sip' | 'sips';
  /** As written, with its escapes (`unescaped` takes them away); null when there is none. */
  readonly user: string | null;
  readonly password: string | null;
  /** As written, without brackets. */
  readonly host: string;
  readonly port: number | null;
  /** Names in lower case and without needless escapes (`%6C%72` is `lr`), values as written. */
  readonly parameters: Parameters;
  /** What stands behind the question mark, as written. */
  readonly headers: ReadonlyArray<readonly [name: string, value: string]>;
}

export interface TelUri {
  readonly kind: 'tel';
  /** As written, with its visual separators. */
  readonly number: string;
  readonly parameters: Parameters;
}

export interface OtherUri {
  readonly kind: 'other';
  /** Lower case. */
  readonly scheme: string;
  readonly rest: string;
}

export type Uri = SipUri | TelUri | OtherUri;

const PERCENT = 0x25;
const COLON = 0x3a;
const SEMICOLON = 0x3b;

const unreserved = `${ALPHANUMERIC}-_.!~*'()`;
const escapable = (characters: string): Uint8Array => characterTable(`%${unreserved}${characters}`);
const userTable = escapable('&=+$,;?/');
const passwordTable = escapable('&=+$,');
const parameterTable = escapable('[]/:&+$');
const headerTable = escapable('[]/?:+$');
const telNumberTable = characterTable('+0123456789abcdefABCDEF*#-.()');
const unreservedTable = characterTable(unreserved);
const noParameters: Parameters = new Map();

/** Reads a URI as it stands in a Request-URI or between angle brackets; null when it is malformed. */
export function parseUri(text: string): Uri | null {
  const colon = text.indexOf(':');
  const scheme = colon < 0 ? '' : text.slice(0, colon).toLowerCase();
  if (scheme === 'sip' || scheme === 'sips') return parseSipUri(text, colon + 1, scheme);
  if (scheme === 'tel') return parseTel(text, colon + 1);
  if (!/^[a-z][a-z0-9+.-]*$/.test(scheme) || !/^[^\0- "<>\x7f]+$/.test(text.slice(colon + 1))) return null;
  return { kind: 'other', scheme, rest: text.slice(colon + 1) };
}

/** True when `text` has only characters of the table, and each % is followed by two hexadecimal digits. */
function isWritten(text: string, table: Uint8Array): boolean {
  if (runEnd(text, 0, table) !== text.length) return false;
  return !text.includes('%') || !/%(?![0-9a-f]{2})/i.test(text);
}

function parseSipUri(text: string, from: number, scheme: 'sip' | 'sips'): SipUri | null {
  const at = text.indexOf('@', from);
  let user: string | null = null;
  let password: string | null = null;
  if (at >= 0) {
    const colon = text.indexOf(':', from);
    user = text.slice(from, colon >= 0 && colon < at ? colon : at);
    password = colon >= 0 && colon < at ? text.slice(colon + 1, at) : null;
    if (user === '' || !isWritten(user, userTable) || !isWritten(password ?? '', passwordTable)) return null;
  }
  const hostFrom = at < 0 ? from : at + 1;
  let next = hostEnd(text, hostFrom);
  if (next < 0) return null;
  const host = unbracketed(text.slice(hostFrom, next));
  let port: number | null = null;
  if (text.charCodeAt(next) === COLON) {
    let end = next + 1;
    while (text.charCodeAt(end) >= 0x30 && text.charCodeAt(end) <= 0x39) end++;
    port = readNumber(text, next + 1, end, PORT_MAX);
    if (port <= 0) return null;
    next = end;
  }
  const question = text.indexOf('?', next);
  const parameters = parseParameters(text, next, question < 0 ? text.length : question);
  const headers = question < 0 ? [] : parseHeaders(text.slice(question + 1));
  if (parameters === null || headers === null) return null;
  return { kind: 'sip', scheme, user, password, host, port, parameters, headers };
}

/** `;name=value` from `from` to `to`, each name once. */
function parseParameters(text: string, from: number, to: number): Parameters | null {
  if (from === to) return noParameters;
  if (text.charCodeAt(from) !== SEMICOLON) return null;
  const parameters = new Map<string, ParameterValue>();
  for (const part of text.slice(from + 1, to).split(';')) {
    const equals = part.indexOf('=');
    const name = equals < 0 ? part : part.slice(0, equals);
    const value = equals < 0 ? null : part.slice(equals + 1);
    if (name === '' || value === '' || !isWritten(name, parameterTable) || !isWritten(value ?? '', parameterTable)) return null;
    const key = withoutNeedlessEscapes(name).toLowerCase();
    if (parameters.has(key)) return null;
    parameters.set(key, value);
  }
  return parameters;
}

function parseHeaders(text: string): Array<readonly [string, string]> | null {
  const headers: Array<readonly [string, string]> = [];
  for (const part of text.split('&')) {
    const equals = part.indexOf('=');
    const name = part.slice(0, Math.max(equals, 0));
    const value = part.slice(equals + 1);
    if (name === '' || !isWritten(name, headerTable) || !isWritten(value, headerTable)) return null;
    headers.push([name, value]);
  }
  return headers;
}

function parseTel(text: string, from: number): TelUri | null {
  const semicolon = text.indexOf(';', from);
  const end = semicolon < 0 ? text.length : semicolon;
  const number = text.slice(from, end);
  if (!/[0-9a-f*#]/i.test(number) || runEnd(number, 0, telNumberTable) !== number.length) return null;
  const parameters = parseParameters(text, end, text.length);
  return parameters === null ? null : { kind: 'tel', number, parameters };
}

export function formatUri(uri: Uri): string {
  if (uri.kind === 'other') return `${uri.scheme}:${uri.rest}`;
  if (uri.kind === 'tel') return `tel:${uri.number}${formatParameters(uri.parameters)}`;
  const password = uri.password === null ? '' : `:${uri.password}`;
  const userInfo = uri.user === null ? '' : `${uri.user}${password}@`;
  const port = uri.port === null ? '' : `:${uri.port}`;
  const headers = uri.headers.map(([name, value], index) => `${index === 0 ? '?' : '&'}${name}=${value}`).join('');
  return `${uri.scheme}:${userInfo}${bracketed(uri.host)}${port}${formatParameters(uri.parameters)}${headers}`;
}

/** RFC 3261, 19.1.4: what could stand bare is the same without its escape; the rest keeps its escapes, in capitals. */
export function withoutNeedlessEscapes(text: string): string {
  if (!text.includes('%')) return text;
  return text.replace(/%([0-9a-f]{2})/gi, (written, hex: string) => {
    const code = Number.parseInt(hex, 16);
    return unreservedTable[code] === 1 ? String.fromCharCode(code) : written.toUpperCase();
  });
}

/** `%41` -> `A`, as UTF-8; null when the escapes are no UTF-8. `%00` gives U+0000: it is a character like others (RFC 4475, 3.1.1.4). */
export function unescaped(text: string): string | null {
  if (!text.includes('%')) return text;
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}

/** Free text as a user part: what may not stand there is escaped. */
export function escapedUser(text: string): string {
  let escaped = '';
  for (const byte of Buffer.from(text)) {
    const isPlain = byte !== PERCENT && userTable[byte] === 1;
    escaped += isPlain ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return escaped;
}
