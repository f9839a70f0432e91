// Digest authentication as a server does it (RFC 7616 with RFC 8760's SHA-256; RFC 3261, section 22): the challenge, and whether credentials answer
// it. Hashes are computed here and not by the generator's code. Nonces need no memory: each holds its time and a keyed check, so a forged one is
// wrong and an old one is stale. A nonce may be used again while it is young: counting `nc` would cost memory and a test server has nothing to guard.

import { createHash } from 'node:crypto';

export const REALM = 'quilt-target';

export type Algorithm = 'md5' | 'sha-256';

export interface NonceRules {
  readonly secret: string;
  readonly nowMs: number;
  readonly nonceMs: number;
}

/** Parameters of an Authorization header, names in lower case, quotes taken off. */
export type Credentials = ReadonlyMap<string, string>;

const hash = (algorithm: Algorithm, text: string): string =>
  createHash(algorithm === 'md5' ? 'md5' : 'sha256')
    .update(text)
    .digest('hex');

function nonceAt({ secret, nowMs }: NonceRules): string {
  const time = Math.floor(nowMs).toString(16);
  return `${time}.${hash('sha-256', `${time}:${secret}`).slice(0, 24)}`;
}

/** Age of a nonce of ours in ms; null when it is none. */
function ageOf(nonce: string, rules: NonceRules): number | null {
  const issuedMs = Number.parseInt(nonce, 16);
  if (!Number.isFinite(issuedMs) || nonceAt({ ...rules, nowMs: issuedMs }) !== nonce) return null;
  return rules.nowMs - issuedMs;
}

/** Value of WWW-Authenticate. */
export function challengeOf(algorithm: Algorithm, rules: NonceRules, isStale: boolean): string {
  const stale = isStale ? ', stale=true' : '';
  return `Digest realm="${REALM}", nonce="${nonceAt(rules)}", algorithm=${algorithm === 'md5' ? 'MD5' : 'SHA-256'}, qop="auth"${stale}`;
}

const PARAMETER = /([a-z-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:,\s*|$)/iy;

/** Reads `Digest a="b", c=d`; null when it is something else. */
export function readCredentials(value: string): Credentials | null {
  const scheme = /^Digest\s+/i.exec(value);
  if (scheme === null) return null;
  const parameters = new Map<string, string>();
  PARAMETER.lastIndex = scheme[0].length;
  while (PARAMETER.lastIndex < value.length) {
    const [, name = '', quoted, plain] = PARAMETER.exec(value) ?? [];
    if (name === '' || parameters.has(name.toLowerCase())) return null;
    parameters.set(name.toLowerCase(), quoted?.replace(/\\(.)/g, '$1') ?? plain ?? '');
  }
  return parameters;
}

export interface AuthQuestion {
  readonly algorithm: Algorithm;
  readonly rules: NonceRules;
  readonly method: string;
  /** The Request-URI; credentials for another are refused (RFC 7616, 3.4.6). */
  readonly uri: string;
  readonly password: string;
}

/** `stale`: everything is right but the nonce too old; `foreign`: not for this realm, algorithm or URI, so no try at all. */
export type AuthVerdict = 'ok' | 'stale' | 'wrong' | 'foreign';

export function judge(credentials: Credentials, question: AuthQuestion): AuthVerdict {
  const { algorithm, rules, method, uri, password } = question;
  const of = (name: string): string => credentials.get(name) ?? '';
  const named = (of('algorithm') || 'MD5').toLowerCase();
  if (of('realm') !== REALM || named !== algorithm || of('uri') !== uri) return 'foreign';
  const age = ageOf(of('nonce'), rules);
  if (age === null) return 'foreign';
  const secret = hash(algorithm, `${of('username')}:${REALM}:${password}`);
  const request = hash(algorithm, `${method}:${uri}`);
  const middle = of('qop') === '' ? of('nonce') : [of('nonce'), of('nc'), of('cnonce'), of('qop')].join(':');
  if (of('qop') !== '' && (of('qop') !== 'auth' || !/^[0-9a-f]{8}$/i.test(of('nc')) || of('cnonce') === '')) return 'wrong';
  if (hash(algorithm, `${secret}:${middle}:${request}`) !== of('response').toLowerCase()) return 'wrong';
  return age > rules.nonceMs ? 'stale' : 'ok';
}
