// How SIP text is made up (RFC 3261, section 25.1), for all other files of this folder: tokens, quoted strings, parameters, numbers, comma-separated
// lists. Everything works on index ranges of one string and without regular expressions, because each message passes here. Failure is -1 or null;
// what it means is the caller's to say.

/** A value as written: a token, a host, or a quoted string with its quotes. Null: the parameter stands there without a value. */
export type ParameterValue = string | null;
/** Names in lower case (they compare so, RFC 3261, 7.3.1), in order. */
export type Parameters = ReadonlyMap<string, ParameterValue>;

const SPACE = 0x20;
const TAB = 0x09;
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const SEMICOLON = 0x3b;
const EQUALS = 0x3d;
const LESS = 0x3c;
const GREATER = 0x3e;

/** 1 for each ASCII character in `text`. */
export function characterTable(text: string): Uint8Array {
  const table = new Uint8Array(128);
  for (let index = 0; index < text.length; index++) table[text.charCodeAt(index)] = 1;
  return table;
}

export const PORT_MAX = 65_535;
export const ALPHANUMERIC = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';
const tokenTable = characterTable(`${ALPHANUMERIC}-.!%*_+\`'~`);
/** The underscore is in no host name (RFC 3261, 25.1), but in those that containers are given. */
const hostTable = characterTable(`${ALPHANUMERIC}-._`);
const ip6Table = characterTable('0123456789abcdefABCDEF:.');
/** What ends a parameter's unquoted value. Wider than a token: base64 with its `=` is met in tags. */
const valueEnd = characterTable('\0\t ";,<>\\');

/** End of the run of `table`'s characters that starts at `at`. */
export function runEnd(text: string, at: number, table: Uint8Array): number {
  let end = at;
  while (end < text.length && table[text.charCodeAt(end)] === 1) end++;
  return end;
}

export const tokenEnd = (text: string, at: number): number => runEnd(text, at, tokenTable);

export const isToken = (text: string): boolean => text !== '' && tokenEnd(text, 0) === text.length;

export function skipSpace(text: string, at: number): number {
  let next = at;
  for (;;) {
    const code = text.charCodeAt(next);
    if (code !== SPACE && code !== TAB) return next;
    next++;
  }
}

/** `text[from, to)` without white space around it. */
export function trimmed(text: string, from: number, to: number): string {
  let first = from;
  let end = to;
  while (first < end && isSpace(text.charCodeAt(first))) first++;
  while (end > first && isSpace(text.charCodeAt(end - 1))) end--;
  return text.slice(first, end);
}

export const isSpace = (code: number): boolean => code === SPACE || code === TAB;

/** The number that `text[from, to)` writes in decimal digits alone; -1 when it is none or larger than `max`. Leading zeros are allowed. */
export function readNumber(text: string, from: number, to: number, max: number): number {
  if (from >= to) return -1;
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (!(digit >= 0 && digit <= 9)) return -1;
    value = value * 10 + digit;
    if (value > max) return -1;
  }
  return value;
}

/** The whole text as a number; -1 when it is none or larger than `max`. */
export const numberOf = (text: string, max: number): number => readNumber(text, 0, text.length, max);

/** `at` is at an opening quote; the index after the closing one, -1 when there is none. */
export function quotedEnd(text: string, at: number): number {
  for (let index = at + 1; index < text.length; index++) {
    const code = text.charCodeAt(index);
    if (code === QUOTE) return index + 1;
    if (code === BACKSLASH) index++;
  }
  return -1;
}

/** What a quoted string says; other text comes back as it is. */
export function unquoted(text: string): string {
  if (text.length < 2 || text.charCodeAt(0) !== QUOTE) return text;
  const inner = text.slice(1, -1);
  return inner.includes('\\') ? inner.replace(/\\([\s\S])/g, '$1') : inner;
}

export const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`;

/** Index after the host at `at` (an IPv6 reference with its brackets), or -1 when none starts there. */
export function hostEnd(text: string, at: number): number {
  if (text.charCodeAt(at) !== 0x5b) {
    const end = runEnd(text, at, hostTable);
    return end > at ? end : -1;
  }
  const end = runEnd(text, at + 1, ip6Table);
  return end > at + 3 && text.charCodeAt(end) === 0x5d ? end + 1 : -1;
}

/** `[::1]` -> `::1`. */
export const unbracketed = (host: string): string => (host.charCodeAt(0) === 0x5b ? host.slice(1, -1) : host);

/** For a URI or a Via: IPv6 literals get their brackets. */
export const bracketed = (host: string): string => (host.includes(':') && host.charCodeAt(0) !== 0x5b ? `[${host}]` : host);

/** Filled by `readParameter`, so that reading a parameter allocates nothing but its texts. */
export interface ParameterSlot {
  name: string;
  value: ParameterValue;
}

/**
 * Reads one `;name` or `;name=value` into `slot`; `at` is at the semicolon. Returns the index of what follows it (a semicolon, a comma or the end),
 * or -1 when it is no parameter: no name, no value after `=`, an open quote, rubbish behind.
 */
export function readParameter(text: string, at: number, slot: ParameterSlot): number {
  const nameFrom = skipSpace(text, at + 1);
  const nameTo = tokenEnd(text, nameFrom);
  if (nameTo === nameFrom) return -1;
  slot.name = text.slice(nameFrom, nameTo).toLowerCase();
  slot.value = null;
  let next = skipSpace(text, nameTo);
  if (text.charCodeAt(next) === EQUALS) {
    const valueFrom = skipSpace(text, next + 1);
    const valueTo = text.charCodeAt(valueFrom) === QUOTE ? quotedEnd(text, valueFrom) : unquotedEnd(text, valueFrom);
    if (valueTo <= valueFrom) return -1;
    slot.value = text.slice(valueFrom, valueTo);
    next = skipSpace(text, valueTo);
  }
  if (next === text.length) return next;
  const code = text.charCodeAt(next);
  return code === SEMICOLON || code === COMMA ? next : -1;
}

function unquotedEnd(text: string, at: number): number {
  let end = at;
  while (end < text.length && valueEnd[text.charCodeAt(end)] !== 1) end++;
  return end;
}

const noParameters: Parameters = new Map();

/** All parameters from `at` to the end of `text`, each name once (the first counts); null when they are malformed or something else follows. */
export function parametersFrom(text: string, at: number): Parameters | null {
  let next = skipSpace(text, at);
  if (next === text.length) return noParameters;
  const parameters = new Map<string, ParameterValue>();
  const slot: ParameterSlot = { name: '', value: null };
  while (next < text.length) {
    if (text.charCodeAt(next) !== SEMICOLON) return null;
    next = readParameter(text, next, slot);
    if (next < 0) return null;
    if (!parameters.has(slot.name)) parameters.set(slot.name, slot.value);
  }
  return parameters;
}

export function formatParameters(parameters: Parameters): string {
  let text = '';
  for (const [name, value] of parameters) text += value === null ? `;${name}` : `;${name}=${value}`;
  return text;
}

/** The values of a comma-separated list, trimmed; commas in quotes and angle brackets separate nothing, empty values are left out. */
export function splitList(text: string): string[] {
  if (!text.includes(',')) return text === '' ? [] : [text];
  const values: string[] = [];
  let from = 0;
  let isInBrackets = false;
  for (let at = 0; at <= text.length; at++) {
    const code = at === text.length ? COMMA : text.charCodeAt(at);
    if (code === QUOTE && !isInBrackets) {
      const end = quotedEnd(text, at);
      // An open quote takes the rest with it: whoever reads the value finds it malformed.
      at = end < 0 ? text.length - 1 : end - 1;
    } else if (code === LESS) isInBrackets = true;
    else if (code === GREATER) isInBrackets = false;
    else if (code === COMMA && (!isInBrackets || at === text.length)) {
      const value = trimmed(text, from, at);
      if (value !== '') values.push(value);
      from = at + 1;
    }
  }
  return values;
}
