// SIP messages out of a stream (RFC 3261, 18.3): bytes come in any pieces, Content-Length says where a message ends. A message that is faulty but has an
// end is told and passed over; where the next one starts is unknown after a length that is missing or wrong, after garbage and after too much, and then
// the stream is dead: answer if there is something to answer, and close it. Memory is bounded by `bytesMax`, and an idle stream holds none.

import { HEAD_BYTES_MAX, type Head, noteProblem, readHead } from './head.ts';
import type { SipMessage, SipParseFailure } from './message.ts';
import { asBuffer, finishMessage, HEAD_END } from './parse.ts';

export interface SipFramerInit {
  /** The body is valid during the call only. */
  readonly onMessage: (message: SipMessage) => void;
  /** `isDead`: no message will follow; the connection is to be closed. */
  readonly onFailure: (failure: SipParseFailure, isDead: boolean) => void;
  /** Two line ends between messages: the peer wants one back (RFC 5626, 4.4.1). */
  readonly onPing?: () => void;
  /** Largest message, head and body. What a peer can make this process keep. */
  readonly bytesMax?: number;
}

export interface SipFramer {
  /** After the stream's death bytes are dropped. They may be overwritten after the call. */
  readonly push: (bytes: Uint8Array) => void;
  /** Bytes of a message that is not complete yet: when the peer closes now, so many were cut off. */
  readonly pendingBytes: () => number;
}

const CR = 0x0d;
const LF = 0x0a;
const nothing = Buffer.alloc(0);

export function createSipFramer({ onMessage, onFailure, onPing, bytesMax = 256 * 1024 }: SipFramerInit): SipFramer {
  const headBytesMax = Math.min(HEAD_BYTES_MAX, bytesMax);
  const pending = createPending();
  /** Of the unfinished message: how far its head's end was looked for; then its head, and the lengths of head and all. */
  let searchedBytes = 0;
  let unfinished: Head | null = null;
  let headBytes = 0;
  let messageBytes = 0;
  let lineEnds = 0;
  let isDead = false;

  function skipLineEnds(chunk: Buffer, from: number): number {
    let at = from;
    for (; at < chunk.length && (chunk[at] === CR || chunk[at] === LF); at++) {
      if (chunk[at] === CR || ++lineEnds < 2) continue;
      lineEnds = 0;
      onPing?.();
    }
    if (at < chunk.length) lineEnds = 0;
    return at;
  }

  /** A head without an end: what came so far cannot be answered. */
  function dieOfSize(): void {
    isDead = true;
    onFailure({ kind: 'too-large', detail: `head of more than ${headBytesMax} bytes`, answer: null, partial: null }, true);
  }

  /** Reads the head at `at`; null while it is incomplete, and when nothing can follow it. */
  function takeHead(chunk: Buffer, at: number): Head | null {
    const found = chunk.indexOf(HEAD_END, at + searchedBytes);
    searchedBytes = Math.max(chunk.length - at - HEAD_END.length + 1, 0);
    if ((found < 0 ? chunk.length : found) - at > headBytesMax) dieOfSize();
    if (found < 0 || isDead) return null;
    searchedBytes = 0;
    const head = readHead(chunk.toString('utf8', at, found));
    headBytes = found + HEAD_END.length - at;
    messageBytes = headBytes + (head.contentLength ?? 0);
    if (head.contentLength === -1) noteProblem(head, 'content-length', 'missing on a stream');
    else if (messageBytes > bytesMax) noteProblem(head, 'too-large', `more than ${bytesMax} bytes`, 413);
    isDead = head.contentLength === null || head.contentLength < 0 || messageBytes > bytesMax || head.problem?.kind === 'garbage';
    if (!isDead) return head;
    tell(head, nothing);
    return null;
  }

  function tell(complete: Head, body: Uint8Array): void {
    const result = finishMessage(complete, body);
    if (result.ok) onMessage(result.message);
    else onFailure(result.failure, isDead);
  }

  /** Tells every complete message; returns where the unfinished one starts. */
  function take(chunk: Buffer): number {
    let at = 0;
    while (!isDead) {
      if (unfinished === null) at = skipLineEnds(chunk, at);
      const head = unfinished ?? takeHead(chunk, at);
      unfinished = head;
      const end = at + messageBytes;
      if (head === null || end > chunk.length) break;
      unfinished = null;
      const body = chunk.subarray(at + headBytes, end);
      at = end;
      tell(head, body);
    }
    return at;
  }

  function push(bytes: Uint8Array): void {
    if (isDead) return;
    const chunk = pending.length() > 0 ? pending.append(bytes) : asBuffer(bytes);
    const keepFrom = take(chunk);
    pending.keep(isDead ? nothing : chunk.subarray(keepFrom));
  }

  return { push, pendingBytes: pending.length };
}

/** Bytes that wait for more. Capacity doubles, so that a message in single bytes costs no more than its length. */
function createPending(): { length: () => number; append: (bytes: Uint8Array) => Buffer; keep: (rest: Buffer) => void } {
  let store = nothing;
  let length = 0;

  function append(bytes: Uint8Array): Buffer {
    if (length + bytes.length > store.length) {
      const larger = Buffer.allocUnsafe(Math.max(length + bytes.length, store.length * 2));
      store.copy(larger, 0, 0, length);
      store = larger;
    }
    store.set(bytes, length);
    length += bytes.length;
    return store.subarray(0, length);
  }

  /** `rest` may be the end of what `append` returned. */
  function keep(rest: Buffer): void {
    if (rest.length === 0) store = nothing;
    else if (length === 0) store = Buffer.from(rest);
    else if (rest.length < length) store.set(rest, 0);
    length = rest.length;
  }

  return { length: () => length, append, keep };
}
