// Via (RFC 3261, 20.42; RFC 3581): where a request came through and where its response goes back to. Read for every message, because transactions are
// matched by it. What the transport has to do with it stays with the transport, except for the address that a response is sent to.

import type { SipResponse, Via } from './message.ts';
import {
  hostEnd,
  numberOf,
  type ParameterSlot,
  type Parameters,
  PORT_MAX,
  parametersFrom,
  readNumber,
  readParameter,
  skipSpace,
  tokenEnd,
  trimmed,
  unbracketed,
} from './text.ts';

const SLASH = 0x2f;
const COLON = 0x3a;
const SEMICOLON = 0x3b;
const COMMA = 0x2c;

/** What a branch starts with when it is unique in space and time (RFC 3261, 8.1.1.7). */
export const BRANCH_COOKIE = 'z9hG4bK';

/** True for a branch that names a transaction; false for RFC 2543's, and for the bare cookie, which names none (RFC 4475, 3.2.1). */
export function isUniqueBranch(branch: string): boolean {
  if (branch.length <= BRANCH_COOKIE.length) return false;
  return branch.startsWith(BRANCH_COOKIE) || branch.slice(0, BRANCH_COOKIE.length).toLowerCase() === 'z9hg4bk';
}

/** Index of the transport's name; -1 when `SIP / 2.0 /` or its like does not stand there. */
function transportFrom(value: string): number {
  if (value.startsWith('SIP/2.0/')) return skipSpace(value, 8);
  let at = 0;
  for (let part = 0; part < 2; part++) {
    const end = tokenEnd(value, at);
    const slash = skipSpace(value, end);
    if (end === at || value.charCodeAt(slash) !== SLASH) return -1;
    at = skipSpace(value, slash + 1);
  }
  return at;
}

/** Reads the first Via of a field value; null when it is malformed. Other values may follow it after a comma: `text` ends before. */
export function parseVia(value: string): Via | null {
  const via = parseSentBy(value);
  return via !== null && readParameters(value, via) ? via : null;
}

type WritableVia = { -readonly [Key in keyof Via]: Via[Key] };

/** What is before the parameters, which may be malformed: enough to answer whoever sent it. `text` ends where they start. */
export function parseSentBy(value: string): WritableVia | null {
  const nameFrom = transportFrom(value);
  if (nameFrom < 0) return null;
  const nameTo = tokenEnd(value, nameFrom);
  const hostFrom = skipSpace(value, nameTo);
  if (nameTo === nameFrom || hostFrom === nameTo) return null;
  const hostTo = hostEnd(value, hostFrom);
  if (hostTo < 0) return null;
  let at = skipSpace(value, hostTo);
  let port: number | null = null;
  if (value.charCodeAt(at) === COLON) {
    const portFrom = skipSpace(value, at + 1);
    at = portFrom;
    while (value.charCodeAt(at) >= 0x30 && value.charCodeAt(at) <= 0x39) at++;
    port = readNumber(value, portFrom, at, PORT_MAX);
    if (port <= 0) return null;
    at = skipSpace(value, at);
  }
  return {
    transport: value.slice(nameFrom, nameTo).toUpperCase(),
    host: unbracketed(value.slice(hostFrom, hostTo)),
    port,
    branch: '',
    rport: undefined,
    received: null,
    text: value.slice(0, at),
  };
}

/** Fills `via` with the parameters behind its text, which they become part of; false when they are malformed. */
function readParameters(value: string, via: WritableVia): boolean {
  let at = via.text.length;
  while (at < value.length && value.charCodeAt(at) !== COMMA) {
    if (value.charCodeAt(at) !== SEMICOLON) return false;
    at = readParameter(value, at, slot);
    if (at < 0) return false;
    if (slot.name === 'branch') via.branch = slot.value ?? '';
    else if (slot.name === 'received') via.received = slot.value === null ? null : unbracketed(slot.value);
    else if (slot.name === 'rport') {
      via.rport = slot.value === null ? null : numberOf(slot.value, PORT_MAX);
      if (via.rport === -1) return false;
    }
  }
  via.text = trimmed(value, 0, at);
  return true;
}

const slot: ParameterSlot = { name: '', value: null };

/** All parameters of a Via, for those that nobody needs often (maddr, ttl, keep, alias ...). */
export function viaParametersOf(via: Via): Parameters {
  const semicolon = via.text.indexOf(';');
  return (semicolon < 0 ? null : parametersFrom(via.text, semicolon)) ?? new Map();
}

/** A second Via in a response: it is on its way to somebody else, and a client discards it (RFC 3261, 8.1.3.3; RFC 4475, 3.3.10). */
export function isMisrouted(response: SipResponse): boolean {
  const { fields, via } = response;
  const first = fields.indexOf('via');
  // The text of the first value is what the field starts with.
  return first < 0 || fields.indexOf('via', first + 1) >= 0 || fields.valueAt(first).length !== via.text.length;
}

/**
 * Where a response over UDP goes (RFC 3261, 18.2.2; RFC 3581, 4): maddr, else where the request came from at the port that rport or sent-by names.
 * `source` is where the request came from; over connections the response goes back on the connection and only failing that to this address.
 */
export function responseTarget(via: Via, source: { readonly host: string; readonly port: number }): { host: string; port: number } {
  const port = via.port ?? (via.transport === 'TLS' ? 5061 : 5060);
  const maddr = via.text.includes('maddr') ? viaParametersOf(via).get('maddr') : null;
  if (typeof maddr === 'string') return { host: unbracketed(maddr), port };
  return { host: source.host, port: via.rport === undefined ? port : source.port };
}
