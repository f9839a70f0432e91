// Header names: the forms they arrive in (any case, compact; RFC 3261, 7.3.1 and 7.3.3, and the compact forms that extensions registered) and the
// one form that this program compares (lower case, long), with the spelling that goes on the wire. Names that no table knows are legal headers too.

import { isToken } from './text.ts';

/** As written on the wire, and the compact form where there is one. */
const spellings: ReadonlyArray<readonly [name: string, compact?: string]> = [
  ['Via', 'v'],
  ['From', 'f'],
  ['To', 't'],
  ['Call-ID', 'i'],
  ['CSeq'],
  ['Max-Forwards'],
  ['Contact', 'm'],
  ['Content-Length', 'l'],
  ['Content-Type', 'c'],
  ['Content-Encoding', 'e'],
  ['Content-Disposition'],
  ['Content-Language'],
  ['Route'],
  ['Record-Route'],
  ['Path'],
  ['Service-Route'],
  ['Allow'],
  ['Allow-Events', 'u'],
  ['Supported', 'k'],
  ['Require'],
  ['Proxy-Require'],
  ['Unsupported'],
  ['Accept'],
  ['Accept-Contact', 'a'],
  ['Accept-Encoding'],
  ['Accept-Language'],
  ['Alert-Info'],
  ['Authorization'],
  ['Authentication-Info'],
  ['Proxy-Authorization'],
  ['Proxy-Authenticate'],
  ['Proxy-Authentication-Info'],
  ['WWW-Authenticate'],
  ['Call-Info'],
  ['Date'],
  ['Error-Info'],
  ['Event', 'o'],
  ['Expires'],
  ['Min-Expires'],
  ['Identity', 'y'],
  ['In-Reply-To'],
  ['Join'],
  ['MIME-Version'],
  ['Min-SE'],
  ['Organization'],
  ['P-Asserted-Identity'],
  ['P-Preferred-Identity'],
  ['Priority'],
  ['Privacy'],
  ['RAck'],
  ['RSeq'],
  ['Reason'],
  ['Refer-To', 'r'],
  ['Referred-By', 'b'],
  ['Reject-Contact', 'j'],
  ['Replaces'],
  ['Reply-To'],
  ['Request-Disposition', 'd'],
  ['Retry-After'],
  ['Server'],
  ['Session-Expires', 'x'],
  ['Subject', 's'],
  ['Subscription-State'],
  ['Timestamp'],
  ['User-Agent'],
  ['Warning'],
];

const canonicalNames = new Map<string, string>();
const wireNames = new Map<string, string>();
for (const [name, compact] of spellings) {
  const canonical = name.toLowerCase();
  wireNames.set(canonical, `${name}: `);
  for (const form of [name, canonical, name.toUpperCase()]) canonicalNames.set(form, canonical);
  if (compact !== undefined) canonicalNames.set(compact, canonical).set(compact.toUpperCase(), canonical);
}

/** 'v', 'VIA', 'Via' -> 'via'. Null for what cannot be a header name. */
export function canonicalName(written: string): string | null {
  const known = canonicalNames.get(written);
  if (known !== undefined) return known;
  const lower = written.toLowerCase();
  return canonicalNames.get(lower) ?? (isToken(lower) ? lower : null);
}

/** The usual spellings by length, first and last character, so that a name is known without being cut out. Where two share a place the first stays. */
const usual: ({ readonly written: string; readonly canonical: string } | undefined)[] = Array.from({ length: 512 }, () => undefined);

const usualIndex = (text: string, from: number, to: number): number =>
  ((to - from) * 37 + text.charCodeAt(from) * 5 + text.charCodeAt(to - 1)) & 511;

for (const [name, compact] of spellings) {
  for (const written of compact === undefined ? [name] : [name, compact])
    usual[usualIndex(written, 0, written.length)] ??= { written, canonical: name.toLowerCase() };
}

/** `canonicalName` of `text[from, to)`. */
export function nameAt(text: string, from: number, to: number): string | null {
  const known = usual[usualIndex(text, from, to)];
  if (known?.written.length === to - from && text.startsWith(known.written, from)) return known.canonical;
  return canonicalName(text.slice(from, to));
}

/** 'call-id' -> 'Call-ID: '. Unknown names go out as they are. */
export const wirePrefix = (name: string): string => wireNames.get(name) ?? wireNames.get(name.toLowerCase()) ?? `${name}: `;
