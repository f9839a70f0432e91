// Requests that are made from an INVITE as it was sent: the ACK for its failure (RFC 3261, 17.1.1.3) and its CANCEL (9.1). Both go the way of the
// INVITE: the same Request-URI, top Via, Route, From, Call-ID and CSeq number; the ACK takes To from the response.

import { headerOf, type SipResponse } from '../wire/sip/message.ts';

const kept = /^(?:Via|Max-Forwards|Route|From|Call-ID|To): /;

/** `invite`: text written by request-text.ts (canonical names, one header a line). `response`: what is acknowledged, null for a CANCEL. */
export function derivedRequest(invite: string, method: 'ACK' | 'CANCEL', response: SipResponse | null): string {
  const [startLine = '', ...lines] = invite.slice(0, invite.indexOf('\r\n\r\n')).split('\r\n');
  const to = response === null ? undefined : headerOf(response, 'to');
  let text = `${method}${startLine.slice(startLine.indexOf(' '))}\r\n`;
  for (const line of lines) {
    if (line.startsWith('CSeq: ')) text += `${line.slice(0, line.lastIndexOf(' '))} ${method}\r\n`;
    else if (to !== undefined && line.startsWith('To: ')) text += `To: ${to}\r\n`;
    else if (kept.test(line)) text += `${line}\r\n`;
  }
  return `${text}Content-Length: 0\r\n\r\n`;
}
