// Well-formed SIP messages for tests: one call with early media, one registration with a challenge. Each is text with its Content-Length right, and
// `sipBytes` makes the bytes.

/** Lines to a message: the empty line and Content-Length are put in. */
export function sipText(lines: readonly string[], body = ''): string {
  return `${lines.join('\r\n')}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

export const sipBytes = (text: string): Buffer => Buffer.from(text, 'utf8');

const sdp = [
  'v=0',
  'o=- 4711 1 IN IP4 192.0.2.40',
  's=-',
  'c=IN IP4 192.0.2.40',
  't=0 0',
  'm=audio 40000 RTP/AVP 0 101',
  'a=rtpmap:101 telephone-event/8000',
  '',
].join('\r\n');

const callVia = 'Via: SIP/2.0/UDP 192.0.2.40:5070;branch=z9hG4bK-call-1;rport';
const answeredVia = 'Via: SIP/2.0/UDP 192.0.2.40:5070;branch=z9hG4bK-call-1;received=192.0.2.40;rport=5070';
const caller = 'From: "Nora Finch" <sip:nora@quilt.example>;tag=n1';
const callee = 'To: <sip:room-12@bridge.example>';
const answered = `${callee};tag=b7`;
const callId = 'Call-ID: 5d0e-call@192.0.2.40';
const record = 'Record-Route: <sip:edge.example;lr>';
const bridge = 'Contact: <sip:room-12@198.51.100.9:5060>';

export const invite = sipText(
  [
    'INVITE sip:room-12@bridge.example SIP/2.0',
    callVia,
    'Max-Forwards: 70',
    caller,
    callee,
    callId,
    'CSeq: 1 INVITE',
    'Contact: <sip:nora@192.0.2.40:5070>',
    'Supported: 100rel, timer',
    'Session-Expires: 1800;refresher=uac',
    'Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, INFO',
    'Content-Type: application/sdp',
  ],
  sdp,
);

export const sessionProgress = sipText(
  [
    'SIP/2.0 183 Session Progress',
    answeredVia,
    record,
    caller,
    answered,
    callId,
    'CSeq: 1 INVITE',
    bridge,
    'Require: 100rel',
    'RSeq: 9021',
  ],
  '',
);

export const inviteOk = sipText(
  ['SIP/2.0 200 OK', answeredVia, record, caller, answered, callId, 'CSeq: 1 INVITE', bridge, 'Content-Type: application/sdp'],
  sdp,
);

export const bye = sipText([
  'BYE sip:room-12@198.51.100.9:5060 SIP/2.0',
  'Via: SIP/2.0/UDP 192.0.2.40:5070;branch=z9hG4bK-call-3;rport',
  'Route: <sip:edge.example;lr>',
  'Max-Forwards: 70',
  caller,
  answered,
  callId,
  'CSeq: 3 BYE',
  'Reason: Q.850;cause=16;text="Terminated"',
]);

export const register = sipText([
  'REGISTER sip:quilt.example SIP/2.0',
  'Via: SIP/2.0/TCP [2001:db8::40]:5070;branch=z9hG4bK-reg-1',
  'Max-Forwards: 70',
  'From: <sip:nora@quilt.example>;tag=r1',
  'To: <sip:nora@quilt.example>',
  'Call-ID: 5d0e-reg@192.0.2.40',
  'CSeq: 17 REGISTER',
  'Contact: <sip:nora@[2001:db8::40]:5070;transport=tcp>;expires=600',
]);

export const unauthorized = sipText([
  'SIP/2.0 401 Unauthorized',
  'Via: SIP/2.0/TCP [2001:db8::40]:5070;branch=z9hG4bK-reg-1',
  'From: <sip:nora@quilt.example>;tag=r1',
  'To: <sip:nora@quilt.example>;tag=reg9',
  'Call-ID: 5d0e-reg@192.0.2.40',
  'CSeq: 17 REGISTER',
  'WWW-Authenticate: Digest realm="quilt.example", nonce="n-81", algorithm=SHA-256, qop="auth"',
  'WWW-Authenticate: Digest realm="quilt.example", nonce="n-82", algorithm=MD5, qop="auth"',
]);

export const sipSamples: readonly string[] = [invite, sessionProgress, inviteOk, bye, register, unauthorized];
