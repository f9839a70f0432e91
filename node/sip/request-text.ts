// The text of a request (RFC 3261, 8.1.1 and 12.2.1.1), by concatenation of parts that agents and dialogs prepared once: most of a generator's work in
// signalling is here and in the parser. Names are spelled out and one header stands in a line, which derived-request.ts relies on.

import { assert } from '../core/assert.ts';
import { isToken } from '../wire/sip/text.ts';
import type { Path } from './path.ts';
import type { HeaderPair } from './types.ts';

/** What makes a request one of its dialog, or of its agent. */
export interface Correspondence {
  readonly requestUri: string;
  /** 'Route: <...>\r\n' lines, or empty. */
  readonly routeLines: string;
  /** Values of From and To, with tags. */
  readonly from: string;
  readonly to: string;
  readonly callId: string;
}

export const SDP_TYPE = 'application/sdp';

/** `lines`: all other headers, each with its line end. The body's length is written in bytes of UTF-8. */
export function requestText(
  method: string,
  on: Correspondence,
  cseq: number,
  path: Path,
  branch: string,
  lines: string,
  contentType: string,
  body: string,
): string {
  const tail =
    body === '' ? 'Content-Length: 0\r\n\r\n' : `Content-Type: ${contentType}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
  return `${method} ${on.requestUri} SIP/2.0\r\nVia: ${path.via};branch=${branch};rport\r\nMax-Forwards: 70\r\n${on.routeLines}From: ${on.from}\r\nTo: ${on.to}\r\nCall-ID: ${on.callId}\r\nCSeq: ${cseq} ${method}\r\n${lines}${tail}`;
}

/** One header line. A value with a line end in it would be somebody else's header. */
export function headerLine(name: string, value: string): string {
  assert(isToken(name) && !/[\r\n]/.test(value), `no header: ${JSON.stringify([name, value])}`);
  return `${name}: ${value}\r\n`;
}

export const headerLines = (pairs: readonly HeaderPair[] | undefined): string =>
  pairs === undefined ? '' : pairs.map(([name, value]) => headerLine(name, value)).join('');
