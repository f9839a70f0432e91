// From a URI to where its packets go (RFC 3261, 18.1.1; RFC 3263 without DNS records): transport, IP literal, port. Names are looked up once and kept
// for the life of the stack, failures for a moment only; while a name is being looked up, whoever asks for it waits for the same answer.

import { isIP } from 'node:net';
import { parseUri, type SipUri } from '../wire/sip/uri.ts';
import type { SipTransportName } from './types.ts';

export interface Destination {
  readonly transport: SipTransportName;
  /** IP literal. */
  readonly host: string;
  readonly port: number;
}

/** `detail` says what is wrong when there is no destination. */
export type OnDestination = (destination: Destination | null, detail: string) => void;

export interface Destinations {
  /** Calls back at once when the answer is known. */
  readonly resolve: (uri: string, done: OnDestination) => void;
}

/** URIs whose answer is kept: contacts of peers come and go. */
const KEPT_MAX = 10_000;

export function createDestinations(lookup: (host: string) => Promise<string>, fallback: SipTransportName): Destinations {
  const known = new Map<string, Destination>();
  const addresses = new Map<string, string>();
  const waiting = new Map<string, Array<(address: string | null, detail: string) => void>>();

  const addressOf = (host: string, done: (address: string | null, detail: string) => void): void => {
    const address = isIP(host) !== 0 ? host : addresses.get(host);
    if (address !== undefined) return done(address, '');
    const others = waiting.get(host);
    if (others !== undefined) {
      others.push(done);
      return;
    }
    const asking = [done];
    waiting.set(host, asking);
    const answer = (found: string | null, detail: string): void => {
      waiting.delete(host);
      if (found !== null) addresses.set(host, found);
      for (const waiter of asking) waiter(found, detail);
    };
    lookup(host).then(
      (found) => (isIP(found) === 0 ? answer(null, `${host}: no address: ${found}`) : answer(found, '')),
      (error: unknown) => answer(null, `${host}: ${error instanceof Error ? error.message : String(error)}`),
    );
  };

  return {
    resolve(text, done) {
      const found = known.get(text);
      if (found !== undefined) return done(found, '');
      const uri = parseUri(text);
      if (uri?.kind !== 'sip') return done(null, `no sip URI: ${text.slice(0, 80)}`);
      const transport = transportOf(uri, fallback);
      if (transport === null) return done(null, `transport not known: ${uri.parameters.get('transport')}`);
      const port = uri.port ?? (transport === 'tls' ? 5061 : 5060);
      addressOf(uri.parameters.get('maddr') ?? uri.host, (host, detail) => {
        if (host === null) return done(null, detail);
        const destination = { transport, host, port };
        if (known.size >= KEPT_MAX) known.clear();
        known.set(text, destination);
        done(destination, '');
      });
    },
  };
}

function transportOf(uri: SipUri, fallback: SipTransportName): SipTransportName | null {
  const named = uri.parameters.get('transport')?.toLowerCase();
  if (uri.scheme === 'sips') return named === undefined || named === 'tcp' || named === 'tls' ? 'tls' : null;
  if (named === undefined) return fallback;
  return named === 'udp' || named === 'tcp' || named === 'tls' ? named : null;
}
