// What an agent knows of challenges it met (RFC 3261, 22), and whether another one is worth an answer. Credentials once accepted are sent with the next
// request unasked, as telephones do; a realm that says no to them a second time, without calling them stale, has refused the password.

import { createDigestClient, type DigestClient, strongestChallenge } from '../wire/sip/digest.ts';
import { formatCredentials, parseAuthenticationInfo } from '../wire/sip/digest-text.ts';
import { headerOf, type SipResponse } from '../wire/sip/message.ts';
import type { OutgoingRequest } from './client-transactions.ts';
import type { SipAgentInit } from './types.ts';

interface Known {
  readonly header: 'Authorization' | 'Proxy-Authorization';
  readonly realm: string;
  readonly nonce: string;
  /** Registrars' challenges are nobody else's. */
  readonly isForRegister: boolean;
  readonly client: DigestClient;
}

/** A request passes so many proxies and servers with realms of their own at most; more are a loop. */
const CHALLENGES_MAX = 4;

export class Credentials {
  readonly #auth: SipAgentInit['auth'];
  readonly #random: () => number;
  #known: readonly Known[] = [];

  constructor(auth: SipAgentInit['auth'], random: () => number) {
    this.#auth = auth;
    this.#random = random;
  }

  /** Header lines for a request; empty while nobody asked. */
  lines(method: string, uri: string, body: string): string {
    let text = '';
    for (const { header, isForRegister, client } of this.#known) {
      if (header === 'Authorization' && isForRegister !== (method === 'REGISTER')) continue;
      text += `${header}: ${formatCredentials(client.authorize(method, uri, body === '' ? undefined : Buffer.from(body)))}\r\n`;
    }
    return text;
  }

  /** True: the request should go out once more, with what `lines` now gives. */
  learn(request: OutgoingRequest, response: SipResponse): boolean {
    if (this.#auth === null || request.challenges >= CHALLENGES_MAX) return false;
    const isProxy = response.status === 407;
    const challenge = strongestChallenge(response, isProxy ? 'proxy-authenticate' : 'www-authenticate');
    if (challenge === null || (this.#auth.realm !== undefined && this.#auth.realm !== challenge.realm)) return false;
    const header = isProxy ? 'Proxy-Authorization' : 'Authorization';
    const isForRegister = request.method === 'REGISTER';
    const isSame = (known: Known): boolean =>
      known.header === header && known.realm === challenge.realm && (isProxy || known.isForRegister === isForRegister);
    const tried = this.#known.find(isSame);
    if (tried !== undefined && !challenge.isStale && (request.challenges > 0 || tried.nonce === challenge.nonce)) return false;
    const { user: username, password } = this.#auth;
    const client = createDigestClient({ challenge, username, password, cnonce: this.#cnonce() });
    const { realm, nonce } = challenge;
    this.#known = [...this.#known.filter((known) => !isSame(known)), { header, realm, nonce, isForRegister, client }];
    request.challenges++;
    return true;
  }

  /** The server may have named the nonce that it wants next (RFC 7616, 3.5). */
  renew(request: OutgoingRequest, response: SipResponse): void {
    if (this.#known.length === 0) return;
    for (const header of ['Authorization', 'Proxy-Authorization'] as const) {
      const value = headerOf(response, header === 'Authorization' ? 'authentication-info' : 'proxy-authentication-info');
      const next = value === undefined ? null : (parseAuthenticationInfo(value)?.nextNonce ?? null);
      if (next === null) continue;
      const isForRegister = request.method === 'REGISTER';
      // The header names no realm: it is meant for the one that was answered last.
      this.#known.findLast((known) => known.header === header && known.isForRegister === isForRegister)?.client.renew(next);
    }
  }

  #cnonce(): string {
    const word = (): string =>
      Math.floor(this.#random() * 2 ** 32)
        .toString(16)
        .padStart(8, '0');
    return word() + word();
  }
}
