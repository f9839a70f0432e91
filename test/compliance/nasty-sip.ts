// The well-behaved SIP peer of the nasty server: answers what a stream brings, one response for each request, with the least that RFC 3261 and 3264 ask
// for. Written by hand and not with our codec, so that both do not share their mistakes.

const headerIn = (request: string, name: string): string => new RegExp(`^${name}:\\s*(.*)$`, 'im').exec(request)?.[1]?.trim() ?? '';

/** Responses to the requests in `text`; media is wanted at `port` of 127.0.0.1. */
export function sipAnswer(text: string, port: number): string {
  const requests = text.split(/^(?=[A-Z]+ \S+ SIP\/2\.0\r\n)/m);
  return requests.map((request) => (request.startsWith('ACK ') ? '' : respond(request, port))).join('');
}

function respond(request: string, port: number): string {
  const via = [...request.matchAll(/^via:\s*(.*)$/gim)].map(([, value]) => `Via: ${value?.trim()}\r\n`).join('');
  const to = headerIn(request, 'to');
  const isInvite = request.startsWith('INVITE ');
  const sdp = ['v=0', 'o=- 1 1 IN IP4 127.0.0.1', 's=-', 'c=IN IP4 127.0.0.1', 't=0 0', `m=audio ${port} RTP/AVP 0`, 'a=rtcp-mux', ''].join(
    '\r\n',
  );
  const body = isInvite ? sdp : '';
  return [
    'SIP/2.0 200 OK',
    `${via}From: ${headerIn(request, 'from')}`,
    `To: ${to}${/;tag=/.test(to) ? '' : ';tag=nasty'}`,
    `Call-ID: ${headerIn(request, 'call-id')}`,
    `CSeq: ${headerIn(request, 'cseq')}`,
    `Contact: <sip:nasty@127.0.0.1:${port};transport=tcp>`,
    ...(isInvite ? ['Content-Type: application/sdp'] : []),
    `Content-Length: ${body.length}`,
    '',
    body,
  ].join('\r\n');
}
