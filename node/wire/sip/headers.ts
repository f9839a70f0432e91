// Structured header values, read when somebody asks (RFC 3261, section 20; RFC 3262, 3326, 4028): lists, contacts, timers, reliability, warnings.
// Absent is `undefined`; malformed is null, and what to do about that is the caller's to decide. Addresses and URIs have files of their own, and so
// do routes (route.ts) and authentication (digest.ts).

import { type Address, formatAddress, parseAddress } from './address.ts';
import { headerOf, type SipMessage } from './message.ts';
import { numberOf, type Parameters, parametersFrom, quotedEnd, skipSpace, splitList, tokenEnd, trimmed, unquoted } from './text.ts';

/** Seconds in Expires, Min-SE ... are 32-bit (RFC 3261, 20.19). */
const SECONDS_MAX = 2 ** 32 - 1;
const NUMBER_MAX = 2 ** 32 - 1;

/**
 * All values of a header that is a list, in order, from one field or many (RFC 3261, 7.3.1). Not for Date, Subject, and the authentication headers,
 * whose commas separate something else.
 */
export function headerValues(message: SipMessage, name: string): string[] {
  const values: string[] = [];
  const { fields } = message;
  for (let index = fields.indexOf(name); index >= 0; index = fields.indexOf(name, index + 1))
    values.push(...splitList(fields.valueAt(index)));
  return values;
}

/** Values of Require, Supported, Unsupported, Proxy-Require: option tags in lower case. Of Allow: methods as written. */
export function tokenList(message: SipMessage, name: string): ReadonlySet<string> {
  const values = headerValues(message, name);
  return new Set(name === 'allow' ? values : values.map((value) => value.toLowerCase()));
}

/** The first value of a header as a number, e.g. Max-Forwards, Expires, RSeq. */
export function numberHeader(message: SipMessage, name: string, max = NUMBER_MAX): number | null | undefined {
  const value = headerOf(message, name);
  if (value === undefined) return undefined;
  const number = numberOf(value, max);
  return number < 0 ? null : number;
}

/** The address of From, To, Refer-To or another header with one address. */
export function addressHeader(message: SipMessage, name: string): Address | null | undefined {
  const value = headerOf(message, name);
  return value === undefined ? undefined : parseAddress(value);
}

export interface Contact extends Address {
  /** Seconds; undefined when the parameter is absent or no number (RFC 3261, 10.3, then takes the Expires header or its own default). */
  readonly expiresSeconds: number | undefined;
  /** 0 to 1; 1 when absent. */
  readonly q: number;
}

/** `*` of a REGISTER that removes all bindings; null when a value is malformed, or `*` stands beside others. Empty when there is none. */
export function contactsOf(message: SipMessage): readonly Contact[] | '*' | null {
  const values = headerValues(message, 'contact');
  if (values.length === 1 && values[0] === '*') return '*';
  const contacts: Contact[] = [];
  for (const value of values) {
    const address = parseAddress(value);
    if (address === null) return null;
    const expires = numberOf(address.parameters.get('expires') ?? '', SECONDS_MAX);
    const q = address.parameters.get('q') ?? '';
    contacts.push({
      ...address,
      expiresSeconds: expires < 0 ? undefined : expires,
      q: /^(0(\.\d{0,3})?|1(\.0{0,3})?)$/.test(q) ? Number(q) : 1,
    });
  }
  return contacts;
}

export const formatContact = ({ displayName, uri, parameters }: Address, expiresSeconds?: number): string =>
  formatAddress({ displayName, uri, parameters }) + (expiresSeconds === undefined ? '' : `;expires=${expiresSeconds}`);

/** RFC 3262, 7.2: which reliable provisional response is acknowledged. */
export interface RAck {
  readonly rseq: number;
  readonly cseq: number;
  readonly method: string;
}

export function parseRAck(text: string): RAck | null {
  const [rseq = '', cseq = '', method = '', ...rest] = text.split(/[ \t]+/);
  const numbers = [numberOf(rseq, NUMBER_MAX), numberOf(cseq, NUMBER_MAX)] as const;
  if (numbers[0] < 0 || numbers[1] < 0 || tokenEnd(method, 0) !== method.length || method === '' || rest.length > 0) return null;
  return { rseq: numbers[0], cseq: numbers[1], method };
}

export const formatRAck = ({ rseq, cseq, method }: RAck): string => `${rseq} ${cseq} ${method}`;

/** A number of seconds with parameters: Session-Expires, Min-SE, Retry-After. */
interface SecondsWithParameters {
  readonly seconds: number;
  readonly parameters: Parameters;
}

function parseSeconds(text: string): SecondsWithParameters | null {
  const end = tokenEnd(text, 0);
  const seconds = numberOf(text.slice(0, end), SECONDS_MAX);
  const parameters = seconds < 0 ? null : parametersFrom(text, end);
  return parameters === null ? null : { seconds, parameters };
}

/** RFC 4028, 4. */
export interface SessionExpires {
  readonly seconds: number;
  readonly refresher: 'uac' | 'uas' | null;
}

export function parseSessionExpires(text: string): SessionExpires | null {
  const parsed = parseSeconds(text);
  if (parsed === null) return null;
  const refresher = parsed.parameters.get('refresher')?.toLowerCase();
  return { seconds: parsed.seconds, refresher: refresher === 'uac' || refresher === 'uas' ? refresher : null };
}

export const formatSessionExpires = ({ seconds, refresher }: SessionExpires): string =>
  refresher === null ? `${seconds}` : `${seconds};refresher=${refresher}`;

/** RFC 4028, 5: seconds; null when malformed. */
export const parseMinSe = (text: string): number | null => parseSeconds(text)?.seconds ?? null;

/** RFC 3261, 20.33: the comment in parentheses is passed over. Seconds; `durationSeconds` is how long the callee will then be there. */
export function parseRetryAfter(text: string): { readonly seconds: number; readonly durationSeconds: number | null } | null {
  const parsed = parseSeconds(text.replace(/\([^()]*\)/, '').trim());
  if (parsed === null) return null;
  const duration = numberOf(parsed.parameters.get('duration') ?? '', SECONDS_MAX);
  return { seconds: parsed.seconds, durationSeconds: duration < 0 ? null : duration };
}

/** RFC 3261, 20.43: `370 host "text"`. */
export interface Warning {
  readonly code: number;
  readonly agent: string;
  readonly text: string;
}

export function parseWarning(value: string): Warning | null {
  const code = /^[0-9]{3} /.test(value) ? Number(value.slice(0, 3)) : -1;
  const agentEnd = value.indexOf(' ', 4);
  const textFrom = skipSpace(value, agentEnd);
  if (code < 0 || agentEnd < 5 || value.charCodeAt(textFrom) !== 0x22 || quotedEnd(value, textFrom) !== value.length) return null;
  return { code, agent: value.slice(4, agentEnd), text: unquoted(value.slice(textFrom)) };
}

/** RFC 3326: why a BYE or CANCEL came, e.g. `SIP;cause=200;text="Call completed elsewhere"`. */
export interface ReasonValue {
  readonly protocol: string;
  readonly cause: number | null;
  readonly text: string;
}

export function parseReason(value: string): ReasonValue | null {
  const end = tokenEnd(value, 0);
  const parameters = end === 0 ? null : parametersFrom(value, end);
  if (parameters === null) return null;
  const cause = numberOf(parameters.get('cause') ?? '', NUMBER_MAX);
  return { protocol: value.slice(0, end), cause: cause < 0 ? null : cause, text: unquoted(parameters.get('text') ?? '') };
}

/** `application/sdp; charset=utf-8` -> type in lower case and parameters; null when it is no media type. */
export function parseMediaType(value: string): { readonly type: string; readonly parameters: Parameters } | null {
  const semicolon = value.indexOf(';');
  const end = semicolon < 0 ? value.length : semicolon;
  const type = trimmed(value, 0, end)
    .replace(/[ \t]*\/[ \t]*/, '/')
    .toLowerCase();
  const slash = type.indexOf('/');
  const parameters = parametersFrom(value, end);
  const isType = slash > 0 && tokenEnd(type, 0) === slash && slash + 1 < type.length && tokenEnd(type, slash + 1) === type.length;
  return isType && parameters !== null ? { type, parameters } : null;
}
