// Messages as the parser makes them (message.ts says what each part means). Classes, because `headers` is made when somebody asks for it, and because
// one shape for all messages keeps whatever reads them fast.

import type { HeaderFields, SipHeader } from './fields.ts';
import type { Head } from './head.ts';
import type { SipRequest, SipResponse, Via } from './message.ts';

const noVia: Via = { transport: '', host: '', port: null, branch: '', rport: undefined, received: null, text: '' };

/** Filled by the parser from the fields; nobody else writes. */
abstract class ParsedMessage {
  readonly fields: HeaderFields;
  readonly body: Uint8Array;
  readonly callId: string;
  cseq = 0;
  cseqMethod = '';
  fromTag = '';
  toTag = '';
  via = noVia;

  constructor(head: Head, body: Uint8Array) {
    this.fields = head.fields;
    this.body = body;
    this.callId = head.callId ?? '';
  }

  get headers(): readonly SipHeader[] {
    return this.fields.list();
  }
}

export class ParsedRequest extends ParsedMessage implements SipRequest {
  readonly kind = 'request';
  readonly method: string;
  readonly uri: string;

  constructor(head: Head, body: Uint8Array) {
    super(head, body);
    this.method = head.method;
    this.uri = head.uri;
  }
}

export class ParsedResponse extends ParsedMessage implements SipResponse {
  readonly kind = 'response';
  readonly status: number;
  readonly reason: string;

  constructor(head: Head, body: Uint8Array) {
    super(head, body);
    this.status = head.status;
    this.reason = head.reason;
  }
}
