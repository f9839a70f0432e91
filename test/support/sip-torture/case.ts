// What a torture case is: the section and label of RFC 4475 it stands for, bytes of our own wording that exercise the same, and the treatment expected.
// The three files beside this one hold the 49 cases; test/unit/sip-torture.test.ts runs them and looks closer at most.

import type { SipParseFailure } from '../../../node/wire/sip/message.ts';

export type Treatment =
  /** A message, and nothing for an endpoint to refuse. */
  | { readonly kind: 'accepted' }
  /** No message: answered with this, or dropped (null). */
  | { readonly kind: 'failed'; readonly as: SipParseFailure['kind']; readonly answer: number | null }
  /** A message that a server in this role refuses. */
  | { readonly kind: 'refused'; readonly by: 'endpoint' | 'registrar'; readonly status: number };

export interface TortureCase {
  readonly section: string;
  readonly label: string;
  readonly exercises: string;
  readonly bytes: Buffer;
  readonly treatment: Treatment;
}

export const accepted: Treatment = { kind: 'accepted' };
export const failed = (as: SipParseFailure['kind'], answer: number | null): Treatment => ({ kind: 'failed', as, answer });
export const refused = (status: number, by: 'endpoint' | 'registrar' = 'endpoint'): Treatment => ({ kind: 'refused', by, status });

/** Lines end with CRLF, the head with an empty line; the body follows as it is. */
export const wire = (lines: readonly string[], body = ''): Buffer => Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'utf8');

export const offer = [
  'v=0',
  'o=tapestry 8841 6602 IN IP4 203.0.113.77',
  's=-',
  'c=IN IP4 203.0.113.77',
  't=0 0',
  'm=audio 31400 RTP/AVP 0 8',
  'm=video 31402 RTP/AVP 99',
  'a=rtpmap:99 H264/90000',
  '',
].join('\r\n');

export const offerLength = Buffer.byteLength(offer);
