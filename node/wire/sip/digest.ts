// Digest authentication (RFC 3261, 22; RFC 7616, RFC 8760, and RFC 2069 where no qop is offered): the answers of a client and the checks of a server.
// Nonces, client nonces and passwords come from the caller; whether a server's nonce is fresh, and whether its count was seen before, is for the
// one that issued it. The texts are digest-text.ts.

import { createHash, timingSafeEqual } from 'node:crypto';
import {
  type AuthenticationInfo,
  type DigestAlgorithm,
  type DigestChallenge,
  type DigestCredentials,
  type DigestQop,
  digestAlgorithms,
  escapeQuoted,
  ncText,
  parseChallenge,
} from './digest-text.ts';
import type { SipMessage } from './message.ts';

const hashNames = { 'SHA-512-256': 'sha512-256', 'SHA-256': 'sha256', MD5: 'md5' } as const;

const baseOf = (algorithm: DigestAlgorithm): keyof typeof hashNames => algorithm.replace('-sess', '') as keyof typeof hashNames;

function hashed(algorithm: DigestAlgorithm, data: string | Uint8Array): string {
  return createHash(hashNames[baseOf(algorithm)]).update(data).digest('hex');
}

/** H(username:realm:password): what a server may store in place of the password, and what a client computes once. */
export function passwordHash(algorithm: DigestAlgorithm, username: string, realm: string, password: string): string {
  return hashed(algorithm, `${username}:${realm}:${password}`);
}

type ResponseParts = Pick<DigestCredentials, 'algorithm' | 'nonce' | 'uri' | 'qop' | 'nc' | 'cnonce'> & {
  /** `passwordHash`, and for -sess that with the session's first nonces. */
  readonly key: string;
  /** Empty for what the server proves with `rspauth`. */
  readonly method: string;
  readonly body: Uint8Array;
};

/** RFC 7616, 3.4.1 and 3.4.3. */
function digestResponse({ algorithm, key, nonce, uri, qop, nc, cnonce, method, body }: ResponseParts): string {
  const content = qop === 'auth-int' ? `:${hashed(algorithm, body)}` : '';
  const request = hashed(algorithm, `${method}:${uri}${content}`);
  const freshness = qop === null ? nonce : `${nonce}:${ncText(nc)}:${cnonce}:${qop}`;
  return hashed(algorithm, `${key}:${freshness}:${request}`);
}

function sessionKey(algorithm: DigestAlgorithm, key: string, nonce: string, cnonce: string): string {
  return algorithm.endsWith('-sess') ? hashed(algorithm, `${key}:${nonce}:${cnonce}`) : key;
}

/** The strongest challenge of a 401 or 407 that can be answered, the first of equals; null when there is none. */
export function strongestChallenge(message: SipMessage, name: 'www-authenticate' | 'proxy-authenticate'): DigestChallenge | null {
  let best: DigestChallenge | null = null;
  for (const header of message.headers) {
    const challenge = header.name === name ? parseChallenge(header.value) : null;
    if (challenge !== null && (best === null || rank(challenge) < rank(best))) best = challenge;
  }
  return best;
}

const rank = ({ algorithm }: DigestChallenge): number => digestAlgorithms.indexOf(algorithm);

export interface DigestClientInit {
  readonly challenge: DigestChallenge;
  readonly username: string;
  readonly password: string;
  /** Random; one is enough for all requests with one challenge, as the count makes each differ. */
  readonly cnonce: string;
}

/** Answers one challenge for as many requests as its nonce lasts. */
export interface DigestClient {
  /** Credentials for the next request; the count goes up. `uri` is its Request-URI. */
  readonly authorize: (method: string, uri: string, body?: Uint8Array) => DigestCredentials;
  /** From Authentication-Info: the next request is to use this nonce. */
  readonly renew: (nonce: string) => void;
  /** Whether `rspauth` proves that the server knows the password; it belongs to the given credentials' request. Null when it says nothing. */
  readonly isProven: (info: AuthenticationInfo, credentials: DigestCredentials, responseBody?: Uint8Array) => boolean | null;
}

const noBody = new Uint8Array(0);

export function createDigestClient({ challenge, username, password, cnonce }: DigestClientInit): DigestClient {
  const { realm, opaque, algorithm } = challenge;
  const name = escapeQuoted(username);
  const key = sessionKey(algorithm, passwordHash(algorithm, name, realm, password), challenge.nonce, cnonce);
  const qop: DigestQop | null = challenge.qop.includes('auth') ? 'auth' : (challenge.qop[0] ?? null);
  let { nonce } = challenge;
  let nc = 0;
  return {
    authorize(method, uri, body = noBody) {
      nc = qop === null ? 0 : nc + 1;
      // RFC 2069 knows no client nonce; the session key of -sess cannot do without.
      const told = qop === null && !algorithm.endsWith('-sess') ? '' : cnonce;
      const response = digestResponse({ algorithm, key, nonce, uri, qop, nc, cnonce: told, method, body });
      return { username: name, realm, nonce, uri, response, algorithm, opaque, qop, nc, cnonce: told };
    },
    renew(next) {
      nonce = next;
      nc = 0;
    },
    isProven({ responseAuth }, credentials, responseBody = noBody) {
      if (responseAuth === null) return null;
      return responseAuth === digestResponse({ ...credentials, key, method: '', body: responseBody });
    },
  };
}

/**
 * Whether the credentials fit the request: `key` is `passwordHash` for the algorithm, name and realm that they state. The caller has compared realm,
 * nonce, count and `uri` with its own. A -sess session is taken to have begun with the nonce stated: its credentials fail after `nextnonce`.
 */
export function isAuthorized(credentials: DigestCredentials, key: string, method: string, body: Uint8Array = noBody): boolean {
  const { algorithm, nonce, cnonce, response } = credentials;
  const expected = digestResponse({ ...credentials, key: sessionKey(algorithm, key, nonce, cnonce), method, body });
  return response.length === expected.length && timingSafeEqual(Buffer.from(response), Buffer.from(expected));
}

/** Authentication-Info of a server that proves itself, and that may hand out the next nonce. */
export function authenticationInfo(credentials: DigestCredentials, key: string, body: Uint8Array, nextNonce?: string): string {
  const { algorithm, nonce, cnonce, qop, nc } = credentials;
  const proof = digestResponse({ ...credentials, key: sessionKey(algorithm, key, nonce, cnonce), method: '', body });
  const next = nextNonce === undefined ? '' : `nextnonce="${nextNonce}", `;
  return `${next}rspauth="${proof}"${qop === null ? '' : `, qop=${qop}, cnonce="${cnonce}", nc=${ncText(nc)}`}`;
}
