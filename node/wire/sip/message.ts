// What a SIP message is to this program (RFC 3261, section 7): a start line, headers in their order of arrival, a body. Header names are canonical:
// lower case and long ('call-id' for `i:`), so that a look-up is a comparison. The fields that every message is matched by (top Via, tags, Call-ID,
// CSeq) are read while parsing; everything else stays text until somebody asks (headers.ts). Parsing is parse.ts, writing is write.ts.

import type { HeaderFields, SipHeader } from './fields.ts';

export type { SipHeader } from './fields.ts';

export interface Via {
  /** Upper case: UDP, TCP, TLS, WS ... */
  readonly transport: string;
  /** As sent, without brackets for IPv6. */
  readonly host: string;
  /** Null when not given: the transport's default (5060, TLS 5061). */
  readonly port: number | null;
  /** Empty when there is none (RFC 2543). */
  readonly branch: string;
  /** `rport` as in RFC 3581: undefined = not asked for, null = asked for without a value. */
  readonly rport: number | null | undefined;
  readonly received: string | null;
  /** The value as it came, for copying into a response; other values of the same field are not in it. */
  readonly text: string;
}

interface SipMessageBase {
  /** The same as `headers`, for those that ask for few of them. */
  readonly fields: HeaderFields;
  readonly headers: readonly SipHeader[];
  readonly body: Uint8Array;
  readonly callId: string;
  readonly cseq: number;
  readonly cseqMethod: string;
  /** Empty when there is no tag. */
  readonly fromTag: string;
  readonly toTag: string;
  readonly via: Via;
}

export interface SipRequest extends SipMessageBase {
  readonly kind: 'request';
  /** Case matters (RFC 3261, 7.1). */
  readonly method: string;
  /** The Request-URI as written. */
  readonly uri: string;
}

export interface SipResponse extends SipMessageBase {
  readonly kind: 'response';
  /** 100 to 699. */
  readonly status: number;
  readonly reason: string;
}

export type SipMessage = SipRequest | SipResponse;

/** Why bytes are no message. Counted by kind; `answer` is the status that a server owes the sender, null when nobody could be answered. */
export interface SipParseFailure {
  readonly kind:
    | 'garbage'
    | 'start-line'
    | 'version'
    | 'header'
    | 'missing-header'
    | 'duplicate-header'
    | 'via'
    | 'cseq'
    | 'address'
    | 'uri'
    | 'content-length'
    | 'too-large';
  readonly detail: string;
  readonly answer: 400 | 413 | 416 | 505 | null;
  /** What could be read, so that the answer can be addressed; null when even that is missing. */
  readonly partial: SipRequest | null;
}

export type SipParseResult =
  | { readonly ok: true; readonly message: SipMessage }
  | { readonly ok: false; readonly failure: SipParseFailure };

/** First value of a header, by canonical name; undefined when absent. */
export function headerOf(message: SipMessage, name: string): string | undefined {
  const { fields } = message;
  const index = fields.indexOf(name);
  return index < 0 ? undefined : fields.valueAt(index);
}
