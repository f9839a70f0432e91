// The text of digest authentication (RFC 3261, 25.1; RFC 7616, 3.3 to 3.5): challenges, credentials and Authentication-Info, read and written. What is
// quoted stays as it stands between the quotes, escapes included: that is what both sides hash (RFC 7616, 3.1, `unq`) and what is sent back.

import { assert } from '../../core/assert.ts';
import { quotedEnd, skipSpace, tokenEnd } from './text.ts';

export type DigestAlgorithm = 'SHA-512-256' | 'SHA-512-256-sess' | 'SHA-256' | 'SHA-256-sess' | 'MD5' | 'MD5-sess';
export type DigestQop = 'auth' | 'auth-int';

/** Strongest first (RFC 8760 adds the SHA-2 ones to SIP). */
export const digestAlgorithms: readonly DigestAlgorithm[] = [
  'SHA-512-256',
  'SHA-512-256-sess',
  'SHA-256',
  'SHA-256-sess',
  'MD5',
  'MD5-sess',
];

/** One WWW-Authenticate or Proxy-Authenticate that can be answered. */
export interface DigestChallenge {
  readonly realm: string;
  readonly nonce: string;
  readonly opaque: string | null;
  readonly algorithm: DigestAlgorithm;
  /** What may be used of what is offered; empty when nothing is offered, as in RFC 2069. */
  readonly qop: readonly DigestQop[];
  /** The nonce was too old and the credentials are right: try again with the new one. */
  readonly isStale: boolean;
}

/** Authorization or Proxy-Authorization. */
export interface DigestCredentials {
  readonly username: string;
  readonly realm: string;
  readonly nonce: string;
  readonly uri: string;
  /** Hexadecimal, lower case. */
  readonly response: string;
  readonly algorithm: DigestAlgorithm;
  readonly opaque: string | null;
  /** Null for RFC 2069; then `nc` is 0. */
  readonly qop: DigestQop | null;
  readonly nc: number;
  readonly cnonce: string;
}

/** Authentication-Info of a response (RFC 7616, 3.5); null where absent. */
export interface AuthenticationInfo {
  readonly nextNonce: string | null;
  readonly responseAuth: string | null;
}

const EQUALS = 0x3d;
const QUOTE = 0x22;
const COMMA = 0x2c;

/** `name=value, name="value"` from `at` on: names in lower case, values without quotes; the first of a name counts. Null when malformed. */
function authParameters(text: string, from: number): ReadonlyMap<string, string> | null {
  const parameters = new Map<string, string>();
  let at = from;
  for (;;) {
    at = skipSpace(text, at);
    // RFC 9110, 5.6.1: empty elements of a list are passed over.
    while (text.charCodeAt(at) === COMMA) at = skipSpace(text, at + 1);
    if (at >= text.length) return parameters;
    const nameTo = tokenEnd(text, at);
    const equals = skipSpace(text, nameTo);
    if (nameTo === at || text.charCodeAt(equals) !== EQUALS) return null;
    const valueFrom = skipSpace(text, equals + 1);
    const isQuoted = text.charCodeAt(valueFrom) === QUOTE;
    const valueTo = isQuoted ? quotedEnd(text, valueFrom) : tokenEnd(text, valueFrom);
    if (valueTo <= valueFrom) return null;
    const name = text.slice(at, nameTo).toLowerCase();
    if (!parameters.has(name)) parameters.set(name, isQuoted ? text.slice(valueFrom + 1, valueTo - 1) : text.slice(valueFrom, valueTo));
    at = skipSpace(text, valueTo);
    if (at < text.length && text.charCodeAt(at) !== COMMA) return null;
  }
}

/** The parameters behind the scheme `Digest`; null for another scheme and for malformed text. */
function digestParameters(text: string): ReadonlyMap<string, string> | null {
  const schemeTo = tokenEnd(text, 0);
  if (text.slice(0, schemeTo).toLowerCase() !== 'digest' || skipSpace(text, schemeTo) === schemeTo) return null;
  return authParameters(text, schemeTo);
}

const lowerAlgorithms = new Map(digestAlgorithms.map((algorithm) => [algorithm.toLowerCase(), algorithm]));
const algorithmOf = (name = 'MD5'): DigestAlgorithm | undefined => lowerAlgorithms.get(name.toLowerCase());

/** Null when it cannot be answered: another scheme, an unknown algorithm, only unknown qop, no realm or nonce, or malformed. */
export function parseChallenge(text: string): DigestChallenge | null {
  const parameters = digestParameters(text);
  const realm = parameters?.get('realm');
  const nonce = parameters?.get('nonce');
  const algorithm = algorithmOf(parameters?.get('algorithm'));
  if (!parameters || realm === undefined || nonce === undefined || algorithm === undefined) return null;
  const offered = parameters.get('qop');
  const qop = (offered ?? '')
    .toLowerCase()
    .split(/[ \t]*,[ \t]*/)
    .filter((word): word is DigestQop => word === 'auth' || word === 'auth-int');
  if (offered !== undefined && qop.length === 0) return null;
  const isStale = parameters.get('stale')?.toLowerCase() === 'true';
  return { realm, nonce, opaque: parameters.get('opaque') ?? null, algorithm, qop, isStale };
}

/** Null for another scheme (RFC 4475, 3.3.7: then as if there were none) and for malformed text. */
export function parseCredentials(text: string): DigestCredentials | null {
  const parameters = digestParameters(text);
  if (parameters === null) return null;
  const [username, realm, nonce, uri, response] = ['username', 'realm', 'nonce', 'uri', 'response'].map((name) => parameters.get(name));
  const algorithm = algorithmOf(parameters.get('algorithm'));
  if (username === undefined || realm === undefined || nonce === undefined || uri === undefined || algorithm === undefined) return null;
  if (response === undefined || !/^[0-9a-f]{32,64}$/i.test(response)) return null;
  const qop = parameters.get('qop')?.toLowerCase() ?? null;
  const nc = parameters.get('nc') ?? '';
  const cnonce = parameters.get('cnonce') ?? '';
  if (qop !== null && ((qop !== 'auth' && qop !== 'auth-int') || !/^[0-9a-f]{8}$/i.test(nc) || cnonce === '')) return null;
  const opaque = parameters.get('opaque') ?? null;
  const count = qop === null ? 0 : Number.parseInt(nc, 16);
  return { username, realm, nonce, uri, response: response.toLowerCase(), algorithm, opaque, qop, nc: count, cnonce };
}

export function parseAuthenticationInfo(text: string): AuthenticationInfo | null {
  const parameters = authParameters(text, 0);
  if (parameters === null) return null;
  return { nextNonce: parameters.get('nextnonce') ?? null, responseAuth: parameters.get('rspauth')?.toLowerCase() ?? null };
}

/** Text of our own for a quoted value. */
export const escapeQuoted = (text: string): string => text.replace(/["\\]/g, '\\$&');

function inQuotes(text: string): string {
  assert(quotedEnd(`"${text}"`, 0) === text.length + 2, 'quoted text has its quotes escaped');
  return `"${text}"`;
}

export function formatChallenge({ realm, nonce, opaque, algorithm, qop, isStale }: DigestChallenge): string {
  const parts = [`realm=${inQuotes(realm)}`, `nonce=${inQuotes(nonce)}`];
  if (opaque !== null) parts.push(`opaque=${inQuotes(opaque)}`);
  if (isStale) parts.push('stale=true');
  parts.push(`algorithm=${algorithm}`);
  if (qop.length > 0) parts.push(`qop="${qop.join(',')}"`);
  return `Digest ${parts.join(', ')}`;
}

export function formatCredentials(credentials: DigestCredentials): string {
  const { username, realm, nonce, uri, response, algorithm, opaque, qop, nc, cnonce } = credentials;
  let text = `Digest username=${inQuotes(username)}, realm=${inQuotes(realm)}, nonce=${inQuotes(nonce)}, uri=${inQuotes(uri)}`;
  text += `, response="${response}", algorithm=${algorithm}`;
  if (opaque !== null) text += `, opaque=${inQuotes(opaque)}`;
  if (cnonce !== '') text += `, cnonce=${inQuotes(cnonce)}`;
  if (qop !== null) text += `, qop=${qop}, nc=${ncText(nc)}`;
  return text;
}

/** RFC 7616, 3.4: eight hexadecimal digits. */
export const ncText = (nc: number): string => nc.toString(16).padStart(8, '0');
