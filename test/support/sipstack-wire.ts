// SIP messages as the peers of the stack's tests write and read them: by hand, with nothing of our serialiser. A reply is made from the request's own
// text, a request from few words. Parsing for what takes parsed messages is the stack's own, which has tests of its own.

import type { SipMessage, SipRequest, SipResponse } from '../../node/wire/sip/message.ts';
import { parseSip } from '../../node/wire/sip/parse.ts';

export const SDP = 'v=0\r\no=- 1 1 IN IP4 10.0.0.1\r\ns=-\r\nc=IN IP4 10.0.0.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\n';

/** Value of the first header of that name; empty when there is none. */
export const headerIn = (text: string, name: string): string => new RegExp(`^${name}: (.*)\r$`, 'm').exec(text)?.[1] ?? '';

export const tagIn = (text: string, name: 'From' | 'To'): string => /;tag=([^;]+)/.exec(headerIn(text, name))?.[1] ?? '';

/** 'INVITE 1' or '180 INVITE 1'. */
export function brief(text: string): string {
  const [number, method] = headerIn(text, 'CSeq').split(' ');
  const status = /^SIP\/2\.0 (\d+)/.exec(text)?.[1];
  return status === undefined ? `${text.slice(0, text.indexOf(' '))} ${number}` : `${status} ${method} ${number}`;
}

export interface ReplyParts {
  /** To tag, where the request has none. Empty: none. */
  readonly tag?: string;
  /** Whole lines. */
  readonly headers?: readonly string[];
  readonly body?: string;
}

const sdpLines = (body: string): string[] => (body === '' ? [] : ['Content-Type: application/sdp']);

export function replyText(request: string, status: number, { tag = 'peer', headers = [], body = '' }: ReplyParts = {}): string {
  const to = headerIn(request, 'To');
  const lines = [
    `SIP/2.0 ${status} Because`,
    ...[...request.matchAll(/^(?:Via|Record-Route): .*(?=\r$)/gm)].map(([line]) => line),
    `From: ${headerIn(request, 'From')}`,
    `To: ${to.includes(';tag=') || tag === '' ? to : `${to};tag=${tag}`}`,
    `Call-ID: ${headerIn(request, 'Call-ID')}`,
    `CSeq: ${headerIn(request, 'CSeq')}`,
    ...headers,
    ...sdpLines(body),
    `Content-Length: ${body.length}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

export interface RequestParts {
  readonly uri?: string;
  /** Where answers go, and Contact: host and port. */
  readonly at?: string;
  readonly transport?: 'UDP' | 'TCP' | 'TLS';
  readonly callId?: string;
  readonly cseq?: number;
  readonly branch?: string;
  readonly fromTag?: string;
  readonly toTag?: string;
  readonly headers?: readonly string[];
  readonly body?: string;
}

export function peerRequest(method: string, parts: RequestParts = {}): string {
  const {
    uri = 'sip:a@10.0.0.1:5060',
    at = '10.0.0.2:5060',
    transport = 'UDP',
    callId = 'call',
    cseq = 1,
    headers = [],
    body = '',
  } = parts;
  const { branch = `z9hG4bK-${callId}-${cseq}-${method}`, fromTag = 'peer', toTag = '' } = parts;
  const lines = [
    `${method} ${uri} SIP/2.0`,
    `Via: SIP/2.0/${transport} ${at};branch=${branch}`,
    'Max-Forwards: 70',
    `From: <sip:peer@${at}>;tag=${fromTag}`,
    `To: <${uri}>${toTag === '' ? '' : `;tag=${toTag}`}`,
    `Call-ID: ${callId}`,
    `CSeq: ${cseq} ${method}`,
    `Contact: <sip:peer@${at}${transport === 'UDP' ? '' : `;transport=${transport.toLowerCase()}`}>`,
    ...headers,
    ...sdpLines(body),
    `Content-Length: ${body.length}`,
  ];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

export function parsed(text: string): SipMessage {
  const result = parseSip(Buffer.from(text));
  if (!result.ok) throw new Error(`${result.failure.kind}: ${text}`);
  return result.message;
}

export function parsedRequest(text: string): SipRequest {
  const message = parsed(text);
  if (message.kind !== 'request') throw new Error(`no request: ${text}`);
  return message;
}

export function parsedResponse(text: string): SipResponse {
  const message = parsed(text);
  if (message.kind !== 'response') throw new Error(`no response: ${text}`);
  return message;
}
