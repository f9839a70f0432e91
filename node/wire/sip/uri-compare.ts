// Whether two URIs are the same (RFC 3261, 19.1.4), and what address a URI names when no DNS is asked (RFC 3263, 4, without NAPTR and SRV).

import { type Parameters, type ParameterValue, unbracketed } from './text.ts';
import { type SipUri, type TelUri, type Uri, withoutNeedlessEscapes } from './uri.ts';

/** Parameters that must be in both URIs or in none; others count only where both have them. */
const telling = ['transport', 'user', 'ttl', 'method', 'maddr'];

const caseless = (text: string | null): string | null => (text === null ? null : withoutNeedlessEscapes(text).toLowerCase());
const isSameText = (one: string | null, other: string | null): boolean =>
  one === other || (one !== null && other !== null && withoutNeedlessEscapes(one) === withoutNeedlessEscapes(other));

function isSameParameters(one: Parameters, other: Parameters): boolean {
  for (const name of telling) if (one.has(name) !== other.has(name)) return false;
  for (const [name, value] of one) {
    const counterpart: ParameterValue | undefined = other.get(name);
    if (counterpart !== undefined && caseless(counterpart) !== caseless(value)) return false;
  }
  return true;
}

/** Headers in any order: the same names with the same values. */
function headerKey(uri: SipUri): string {
  const written = uri.headers.map(([name, value]) => `${caseless(name)}=${withoutNeedlessEscapes(value)}`);
  return written.sort().join('&');
}

function isSameSip(one: SipUri, other: SipUri): boolean {
  return (
    one.scheme === other.scheme &&
    isSameText(one.user, other.user) &&
    isSameText(one.password, other.password) &&
    one.host.toLowerCase() === other.host.toLowerCase() &&
    one.port === other.port &&
    isSameParameters(one.parameters, other.parameters) &&
    headerKey(one) === headerKey(other)
  );
}

/** RFC 3966, 4: separators mean nothing, and all parameters count. */
function telKey(uri: TelUri): string {
  const parameters = [...uri.parameters].map(([name, value]) => `${name}=${caseless(value)}`);
  return `${uri.number.replace(/[-.()]/g, '').toLowerCase()};${parameters.sort().join(';')}`;
}

/**
 * Equality of URIs. A port or a telling parameter that is given is not equal to one that is absent, even where it is the default; the host is compared
 * as text, never resolved.
 */
export function isSameUri(one: Uri, other: Uri): boolean {
  if (one.kind === 'sip') return other.kind === 'sip' && isSameSip(one, other);
  if (one.kind === 'tel') return other.kind === 'tel' && telKey(one) === telKey(other);
  return other.kind === 'other' && one.scheme === other.scheme && one.rest === other.rest;
}

export interface Hop {
  /** Name or literal, no brackets. */
  readonly host: string;
  readonly port: number;
  /** Upper case as in Via: UDP, TCP, TLS, or what the URI says (WS, SCTP ...). */
  readonly transport: string;
}

/**
 * The next hop that a sip or sips URI names: maddr before the host, its port or the transport's default, its transport or UDP; sips means TLS.
 * A caller with DNS asks for SRV records when `uri.port` is null and the host is a name.
 */
export function hostPortTransportOf(uri: SipUri): Hop {
  const named = uri.parameters.get('transport')?.toUpperCase() ?? 'UDP';
  const isSecure = uri.scheme === 'sips' && (named === 'UDP' || named === 'TCP');
  const transport = isSecure ? 'TLS' : named;
  const host = unbracketed(uri.parameters.get('maddr') ?? uri.host);
  return { host, port: uri.port ?? (transport === 'TLS' ? 5061 : 5060), transport };
}
