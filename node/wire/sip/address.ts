// name-addr and addr-spec (RFC 3261, 20.10 and 25.1): what From, To, Contact, Route and Refer-To hold, a display name, a URI, parameters. The URI stays
// text (uri.ts reads it), and is only looked at as far as is needed to tell where it ends.

import { formatParameters, type Parameters, parametersFrom, quoted, quotedEnd, skipSpace, tokenEnd, trimmed, unquoted } from './text.ts';

export interface Address {
  /** What it says: without quotes and escapes. Empty when there is none. */
  readonly displayName: string;
  readonly uri: string;
  /** Of the header field (tag, expires, q ...), not of the URI. */
  readonly parameters: Parameters;
}

const QUOTE = 0x22;
const SEMICOLON = 0x3b;
const LESS = 0x3c;

/** Index of the `<`; the text's length when there is none; -1 when a quoted name is open or has no address behind it. */
function openingIndex(text: string): number {
  if (text.charCodeAt(0) !== QUOTE) {
    const less = text.indexOf('<');
    return less < 0 ? text.length : less;
  }
  const end = quotedEnd(text, 0);
  const less = end < 0 ? -1 : skipSpace(text, end);
  return text.charCodeAt(less) === LESS ? less : -1;
}

/**
 * Where the parameters of an address start: the index of their semicolon, or the text's length when it has none. -1 when the address does not end as
 * it should: an open quote or bracket, or something else behind it.
 */
export function addressEnd(text: string): number {
  const less = openingIndex(text);
  if (less < 0) return -1;
  if (less === text.length) {
    const semicolon = text.indexOf(';');
    return semicolon < 0 ? text.length : semicolon;
  }
  const greater = text.indexOf('>', less);
  if (greater < 0) return -1;
  const end = skipSpace(text, greater + 1);
  return end === text.length || text.charCodeAt(end) === SEMICOLON ? end : -1;
}

/**
 * Reads one address, e.g. a From or one value of a Contact list. Null when it is malformed: also for spaces within the URI, for an unquoted display
 * name that is no run of tokens, and for a bare URI with a comma or question mark, which would need angle brackets (RFC 3261, 20).
 */
export function parseAddress(text: string): Address | null {
  const less = openingIndex(text);
  const end = addressEnd(text);
  if (end < 0) return null;
  const isBare = less === text.length;
  const uri = isBare ? trimmed(text, 0, end) : text.slice(less + 1, text.lastIndexOf('>', end));
  if (!isUri(uri) || (isBare && /[?,]/.test(uri))) return null;
  const parameters = parametersFrom(text, end);
  if (parameters === null) return null;
  if (isBare) return { displayName: '', uri, parameters };
  const name = trimmed(text, 0, less);
  if (name.charCodeAt(0) !== QUOTE && !isTokens(name)) return null;
  return { displayName: unquoted(name), uri, parameters };
}

/** A scheme, a colon, and something behind it without spaces, controls, quotes and angle brackets. */
const isUri = (text: string): boolean => /^[a-z][a-z0-9+.-]*:[^\0- "<>\x7f]+$/i.test(text);

/** `*(token LWS)`, and beyond the grammar what is not ASCII: telephones send such names unquoted, and nothing is ambiguous. */
function isTokens(text: string): boolean {
  for (let at = 0; at < text.length; ) {
    const code = text.charCodeAt(at);
    const next = code >= 0x80 ? at + 1 : tokenEnd(text, skipSpace(text, at));
    if (next === at) return false;
    at = next;
  }
  return true;
}

export function formatAddress(address: Address): string {
  const name = address.displayName === '' ? '' : `${quoted(address.displayName)} `;
  return `${name}<${address.uri}>${formatParameters(address.parameters)}`;
}

/** The same address with this tag in place of another or none. */
export function withTag(address: Address, tag: string): Address {
  return { ...address, parameters: new Map(address.parameters).set('tag', tag) };
}
