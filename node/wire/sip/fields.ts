// The header fields of one message (RFC 3261, 7.3): where they stand in its head, and their text when somebody asks. Most fields of most messages are
// never looked at, so reading a head notes three entries for each and cuts out nothing. Which fields are legal, and which come once, is for head.ts.

import { trimmed } from './text.ts';

export interface SipHeader {
  /** Lower case, long form: 'via', 'call-id', 'content-length'. */
  readonly name: string;
  /** Unfolded and trimmed; a comma-separated list stays one value (`headerValues` splits). */
  readonly value: string;
}

/** Entries of a field among the places: its canonical name, where its value starts and where it ends. */
export const PLACE_ENTRIES = 3;

export class HeaderFields {
  readonly count: number;
  readonly #text: string;
  readonly #places: readonly (string | number)[];
  /** Some value goes over several lines. */
  readonly #hasFolds: boolean;
  #list: readonly SipHeader[] | null = null;

  constructor(text: string, places: readonly (string | number)[], hasFolds: boolean) {
    this.count = places.length / PLACE_ENTRIES;
    this.#text = text;
    this.#places = places;
    this.#hasFolds = hasFolds;
  }

  nameAt(index: number): string {
    return this.#places[index * PLACE_ENTRIES] as string;
  }

  valueAt(index: number): string {
    const at = index * PLACE_ENTRIES;
    return valueIn(this.#text, this.#places[at + 1] as number, this.#places[at + 2] as number, this.#hasFolds);
  }

  /** Index of the first field of this name at or after `from`; -1 when there is none. */
  indexOf(name: string, from = 0): number {
    const places = this.#places;
    for (let index = from; index < this.count; index++) if (places[index * PLACE_ENTRIES] === name) return index;
    return -1;
  }

  /** All of them, in their order of arrival. Made once. */
  list(): readonly SipHeader[] {
    this.#list ??= Array.from({ length: this.count }, (_, index) => ({ name: this.nameAt(index), value: this.valueAt(index) }));
    return this.#list;
  }
}

/** The value that stands at `text[from, to)`, which is trimmed. RFC 3261, 7.3.1: a fold is white space like any other. */
export function valueIn(text: string, from: number, to: number, isFolded: boolean): string {
  const value = text.slice(from, to);
  if (!isFolded) return value;
  const line = value.replace(/[ \t]*\r\n[ \t]+/g, ' ');
  return trimmed(line, 0, line.length);
}
