// HTTP/1.1 on the client's side, without I/O (RFC 9112): request heads as text, and answers out of bytes that come in any pieces. Only the framing
// is looked at while bytes arrive - status, length, chunks, whether the connection lasts; header fields stay one text until somebody asks for them,
// because most load never does. Hostile bytes end as a problem in words. Requests are one at a time: no pipelining, no upgrades.

/** Told about one answer. Bytes are only valid during the call. */
export interface AnswerSink {
  readonly onHead: (status: number, fields: AnswerFields) => void;
  readonly onData: (bytes: Buffer) => void;
  /** `isKept`: the connection can carry another request. */
  readonly onEnd: (isKept: boolean) => void;
}

export interface AnswerFields {
  /** Lower-case names; repeated fields joined by ', ', set-cookie as a list. */
  readonly all: () => Record<string, string | string[]>;
  /** From Keep-Alive: how long the server will hold the idle connection, ms; Infinity when it does not say. */
  readonly idleMsMax: number;
}

/** What follows the head. */
type Framing =
  | { readonly kind: 'none' }
  | { readonly kind: 'length'; readonly bytes: number }
  | { readonly kind: 'chunked' }
  | { readonly kind: 'until-close' };

interface Head {
  readonly status: number;
  readonly framing: Framing;
  readonly isKept: boolean;
  readonly fields: AnswerFields;
}

/** Larger heads are no web service's; the bound keeps a hostile one from filling the memory. */
export const HEAD_BYTES_MAX = 64 * 1024;
const CHUNK_LINE_BYTES_MAX = 1024;

const HEAD_END = Buffer.from('\r\n\r\n');
const STATUS_LINE = /^HTTP\/1\.([01]) (\d{3})(?: [^\r\n]*)?\r\n/;
const CONTENT_LENGTH = /\r\ncontent-length:[ \t]*([^\r\n]*)/i;
const TRANSFER_ENCODING = /\r\ntransfer-encoding:[ \t]*([^\r\n]*)/i;
const CONNECTION = /\r\nconnection:[ \t]*([^\r\n]*)/i;
const IDLE_TIMEOUT = /\r\nkeep-alive:[^\r\n]*timeout=(\d{1,6})/i;

/** `head` ends with its last field's line end. A problem in words when it is no head of an answer. */
function parseHead(head: string): Head | string {
  const statusLine = STATUS_LINE.exec(head);
  if (statusLine === null) return `not the head of an HTTP/1 answer: ${JSON.stringify(head.slice(0, 60))}`;
  const status = Number(statusLine[2]);
  const framing = framingOf(head);
  if (typeof framing === 'string') return framing;
  const connection = CONNECTION.exec(head)?.[1]?.toLowerCase() ?? '';
  const isKept =
    framing.kind !== 'until-close' && (statusLine[1] === '1' ? !connection.includes('close') : connection.includes('keep-alive'));
  const idle = IDLE_TIMEOUT.exec(head);
  const fields = { all: () => fieldsOf(head), idleMsMax: idle === null ? Number.POSITIVE_INFINITY : Number(idle[1]) * 1000 };
  return { status, framing, isKept, fields };
}

/** RFC 9112 section 6.3, as far as the fields decide: chunked wins over a length, a length over the end of the connection. */
function framingOf(head: string): Framing | string {
  const coding = TRANSFER_ENCODING.exec(head)?.[1];
  if (coding !== undefined) return /(^|,)\s*chunked\s*$/i.test(coding) ? { kind: 'chunked' } : { kind: 'until-close' };
  const length = CONTENT_LENGTH.exec(head)?.[1]?.trim();
  if (length === undefined) return { kind: 'until-close' };
  if (!/^\d{1,15}$/.test(length)) return `not a content-length: ${length.slice(0, 40)}`;
  return { kind: 'length', bytes: Number(length) };
}

function fieldsOf(head: string): Record<string, string | string[]> {
  const fields: Record<string, string | string[]> = {};
  for (const line of head.split('\r\n').slice(1)) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const name = line.slice(0, colon).toLowerCase();
    const value = line.slice(colon + 1).trim();
    const before = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (name === 'set-cookie') fields[name] = Array.isArray(before) ? [...before, value] : [value];
    else fields[name] = before === undefined ? value : `${before}, ${value}`;
  }
  return fields;
}

type State = 'idle' | 'head' | 'length' | 'until-close' | 'chunk-line' | 'chunk-data' | 'chunk-end' | 'trailer';

/** One connection's answers, one after the other. After a problem it is of no more use. */
export class AnswerParser {
  readonly #sink: AnswerSink;
  #state: State = 'idle';
  #isBodiless = false;
  #head: Head | null = null;
  #bytesLeft = 0;
  /** The beginning of a head or line whose end has not come yet. */
  #partial: Buffer | null = null;
  /** The last head seen: services answer the same one many times within a second, until their Date moves on. */
  #knownText = '';
  #known: Head | null = null;

  constructor(sink: AnswerSink) {
    this.#sink = sink;
  }

  /** A request was sent: an answer may come. */
  expect(method: string): void {
    this.#state = 'head';
    this.#isBodiless = method === 'HEAD';
    this.#partial = null;
  }

  /** Null, or what is wrong with the bytes. The chunk may be overwritten after the call. */
  feed(chunk: Buffer): string | null {
    let rest: Buffer | null = chunk;
    while (rest !== null && rest.length > 0) {
      const next: Buffer | string | null = this.#step(rest);
      if (typeof next === 'string') return next;
      rest = next;
    }
    return null;
  }

  /** The peer closed its side: null when that was the end of an answer or nothing was expected. */
  finish(): string | null {
    if (this.#state === 'idle') return null;
    if (this.#state !== 'until-close') return 'closed before the answer was complete';
    this.#end();
    return null;
  }

  /** Takes what the state can use; answers what is left over, null when all was taken, or a problem. */
  #step(bytes: Buffer): Buffer | string | null {
    switch (this.#state) {
      case 'idle':
        return 'bytes that nobody asked for';
      case 'head':
        return this.#takeHead(bytes);
      case 'until-close':
        this.#sink.onData(bytes);
        return null;
      case 'length':
      case 'chunk-data':
        return this.#takeBody(bytes);
      case 'chunk-line':
      case 'chunk-end':
      case 'trailer':
        return this.#takeLine(bytes);
    }
  }

  #takeHead(bytes: Buffer): Buffer | string | null {
    const all = this.#partial === null ? bytes : Buffer.concat([this.#partial, bytes]);
    const end = all.indexOf(HEAD_END);
    if (end === -1) {
      if (all.length > HEAD_BYTES_MAX) return `a head of more than ${HEAD_BYTES_MAX} bytes`;
      // What cannot become a head is refused now: a target that talks rubbish and then waits must not look as if it hung.
      const start = all.toString('latin1', 0, 7);
      if (!'HTTP/1.'.startsWith(start)) return `not the head of an HTTP/1 answer: ${JSON.stringify(all.toString('latin1', 0, 60))}`;
      this.#partial = Buffer.from(all);
      return null;
    }
    this.#partial = null;
    const text = all.toString('latin1', 0, end + 2);
    const head = text === this.#knownText && this.#known !== null ? this.#known : parseHead(text);
    if (typeof head === 'string') return head;
    this.#knownText = text;
    this.#known = head;
    if (head.status === 101) return 'an upgrade that nobody asked for';
    // 1xx come before the answer and end with their head.
    if (head.status >= 200) this.#begin(head);
    return all.subarray(end + 4);
  }

  #begin(head: Head): void {
    this.#head = head;
    this.#sink.onHead(head.status, head.fields);
    const { framing } = head;
    if (this.#isBodiless || head.status === 204 || head.status === 304 || framing.kind === 'none') this.#end();
    else if (framing.kind === 'chunked') this.#state = 'chunk-line';
    else if (framing.kind === 'until-close') this.#state = 'until-close';
    else if (framing.bytes === 0) this.#end();
    else {
      this.#bytesLeft = framing.bytes;
      this.#state = 'length';
    }
  }

  #takeBody(bytes: Buffer): Buffer | null {
    const taken = bytes.length <= this.#bytesLeft ? bytes : bytes.subarray(0, this.#bytesLeft);
    this.#bytesLeft -= taken.length;
    this.#sink.onData(taken);
    const rest = taken.length === bytes.length ? null : bytes.subarray(taken.length);
    if (this.#bytesLeft > 0) return rest;
    if (this.#state === 'length') this.#end();
    else this.#state = 'chunk-end';
    return rest;
  }

  #takeLine(bytes: Buffer): Buffer | string | null {
    const end = bytes.indexOf(0x0a);
    const part = end === -1 ? bytes : bytes.subarray(0, end);
    const line = this.#partial === null ? part : Buffer.concat([this.#partial, part]);
    if (line.length > CHUNK_LINE_BYTES_MAX) return 'a chunk line that does not end';
    if (end === -1) {
      this.#partial = Buffer.from(line);
      return null;
    }
    this.#partial = null;
    const problem = this.#judgeLine(line.toString('latin1').replace(/\r$/, ''));
    return problem ?? bytes.subarray(end + 1);
  }

  #judgeLine(line: string): string | null {
    if (this.#state === 'chunk-end') {
      if (line !== '') return 'a chunk longer than it said';
      this.#state = 'chunk-line';
    } else if (this.#state === 'trailer') {
      if (line === '') this.#end();
    } else {
      const size = /^([0-9a-f]{1,12})[ \t]*(;.*)?$/i.exec(line)?.[1];
      if (size === undefined) return `not a chunk size: ${JSON.stringify(line.slice(0, 40))}`;
      this.#bytesLeft = Number.parseInt(size, 16);
      this.#state = this.#bytesLeft === 0 ? 'trailer' : 'chunk-data';
    }
    return null;
  }

  #end(): void {
    const isKept = this.#head?.isKept ?? false;
    this.#state = 'idle';
    this.#head = null;
    this.#sink.onEnd(isKept);
  }
}

/** Line ends would let a captured value write header fields of its own; what is beyond Latin-1 has no bytes in a head. */
const UNSENDABLE = /[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]/;

export interface RequestHead {
  readonly method: string;
  /** Path and query, already percent-encoded. */
  readonly path: string;
  /** host[:port]. */
  readonly host: string;
  /** Names and values alternately. */
  readonly fields: readonly string[];
  /** Bytes of the body; null when there is none. */
  readonly bodyBytes: number | null;
}

const NEEDS_LENGTH: ReadonlySet<string> = new Set(['POST', 'PUT', 'PATCH']);

/** The head as it goes out, in Latin-1; null when a value cannot be sent. */
export function requestHead({ method, path, host, fields, bodyBytes }: RequestHead): string | null {
  let head = `${method} ${path} HTTP/1.1\r\n`;
  let isHostGiven = false;
  for (let index = 0; index < fields.length; index += 2) {
    const name = fields[index] as string;
    const value = fields[index + 1] as string;
    if (UNSENDABLE.test(value)) return null;
    isHostGiven ||= name === 'host';
    // The body's length is known here and nowhere better.
    if (name !== 'content-length') head += `${name}: ${value}\r\n`;
  }
  if (!isHostGiven) head += `host: ${host}\r\n`;
  if (bodyBytes !== null) head += `content-length: ${bodyBytes}\r\n`;
  else if (NEEDS_LENGTH.has(method)) head += 'content-length: 0\r\n';
  return UNSENDABLE.test(path) || path.includes(' ') ? null : `${head}\r\n`;
}
