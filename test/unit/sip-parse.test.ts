// Datagrams to messages and messages to datagrams, beyond the torture cases: what is tolerated, what is not, the bounds, and that nothing written can
// break out of its place.

import { describe, expect, it } from 'vitest';
import { HEAD_BYTES_MAX, HEADERS_MAX } from '../../node/wire/sip/head.ts';
import { headerOf, type SipMessage, type SipRequest } from '../../node/wire/sip/message.ts';
import { parseSip } from '../../node/wire/sip/parse.ts';
import { isUniqueBranch, parseVia, responseTarget, viaParametersOf } from '../../node/wire/sip/via.ts';
import { type RequestParts, viaText, writeRequest, writeResponse } from '../../node/wire/sip/write.ts';
import { invite, inviteOk, register, sipBytes, sipSamples } from '../support/sip-samples.ts';

const parse = (text: string) => parseSip(sipBytes(text));

function messageOf(text: string): SipMessage {
  const result = parse(text);
  if (!result.ok) throw new Error(`${result.failure.kind}: ${result.failure.detail}`);
  return result.message;
}

function requestOf(text: string): SipRequest {
  const message = messageOf(text);
  if (message.kind !== 'request') throw new Error('a response');
  return message;
}

function failureOf(text: string) {
  const result = parse(text);
  if (result.ok) throw new Error('a message');
  return result.failure;
}

const edit = (from: string | RegExp, to: string, text = invite): string => {
  const edited = text.replace(from, to);
  if (edited === text) throw new Error(`nothing to edit: ${from}`);
  return edited;
};

describe('messages', () => {
  it.each(sipSamples.map((text) => [text.slice(0, text.indexOf('\r\n')), text]))('%s', (_line, text) => {
    expect(parse(text)).toMatchObject({ ok: true });
  });

  it('have their matching fields read', () => {
    expect(messageOf(inviteOk)).toMatchObject({
      kind: 'response',
      status: 200,
      reason: 'OK',
      callId: '5d0e-call@192.0.2.40',
      cseq: 1,
      cseqMethod: 'INVITE',
      fromTag: 'n1',
      toTag: 'b7',
      via: { transport: 'UDP', host: '192.0.2.40', port: 5070, branch: 'z9hG4bK-call-1', rport: 5070, received: '192.0.2.40' },
    });
    expect(messageOf(register).via).toMatchObject({ transport: 'TCP', host: '2001:db8::40', port: 5070, rport: undefined });
  });

  it('are found in a part of the bytes, wherever their buffer starts', () => {
    const padded = Buffer.concat([Buffer.from('xxxx'), sipBytes(invite), Buffer.from('yyyy')]);
    const view = new Uint8Array(padded.buffer, padded.byteOffset + 2, padded.length - 2);
    const result = parseSip(view, 2, view.length - 4);
    expect(result).toMatchObject({ ok: true, message: { method: 'INVITE' } });
    expect(result.ok && Buffer.from(result.message.body).toString()).toMatch(/^v=0\r\n.*8000\r\n$/s);
  });

  it.each([
    ['line ends before the start line', `\r\n\r\n${invite}`],
    ['any case of names', edit('Call-ID:', 'cAlL-iD:')],
    ['compact names', edit('From:', 'F:', edit('Call-ID:', 'i:'))],
    ['space before the colon', edit('CSeq:', 'CSeq \t:')],
    ['no space after it', edit('CSeq: 1', 'CSeq:1')],
    ['a folded header', edit('CSeq: 1 INVITE', 'CSeq:\r\n 1\r\n\tINVITE')],
    ['any case of the version', edit('SIP/2.0\r\nVia', 'sip/2.0\r\nVia')],
    ['no Content-Length', edit(/Content-Length.*\r\n/, '')],
    ['an unknown scheme', edit('sip:room-12@bridge.example SIP', 'gopher:bridge SIP')],
    ['no Max-Forwards', edit(/Max-Forwards.*\r\n/, '')],
    ['no tag in From', edit(';tag=n1', '')],
    ['a host name with an underscore', edit('192.0.2.40:5070;branch', 'sip_proxy:5070;branch')],
    ['a status line without reason and space', edit('200 OK', '200', inviteOk)],
    ['a tag of base64', edit(';tag=n1', ';tag=bjE=')],
  ])('may have %s', (_what, text) => {
    expect(parse(text)).toMatchObject({ ok: true, message: { callId: '5d0e-call@192.0.2.40', cseq: 1, cseqMethod: 'INVITE' } });
  });
});

describe('failures', () => {
  it.each([
    ['nothing', '', 'garbage', null],
    ['keep-alives', '\r\n\r\n', 'garbage', null],
    ['another protocol', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', 'garbage', null],
    ['bytes of media', '\x80\x00\x12\x34 \r\n\r\n', 'garbage', null],
    ['a cut head', invite.slice(0, 300), 'header', 400],
    ['LF alone for a line end', invite.replaceAll('\r\n', '\n'), 'garbage', null],
    ['LF alone in a value', edit('Nora Finch', 'Nora\nVia: x'), 'header', 400],
    ['CR alone in a value', edit('Nora Finch', 'Nora\rFinch'), 'header', 400],
    ['a line without a colon', edit('Max-Forwards: 70', 'Max-Forwards 70'), 'header', 400],
    ['a name with a space', edit('Max-Forwards: 70', 'Max Forwards: 70'), 'header', 400],
    ['no name', edit('Max-Forwards: 70', ': 70'), 'header', 400],
    ['no Via', edit(/Via.*\r\n/, ''), 'missing-header', null],
    ['no CSeq', edit(/CSeq.*\r\n/, ''), 'missing-header', 400],
    ['an empty Call-ID', edit(/Call-ID: .*\r\n/, 'Call-ID:\r\n'), 'missing-header', 400],
    ['two Call-IDs', edit('Call-ID', 'i: x\r\nCall-ID'), 'duplicate-header', 400],
    ['two equal lengths', edit(/Content-Length: (\d+)/, 'l: $1\r\nContent-Length: $1'), 'duplicate-header', 400],
    ['two Max-Forwards', edit('Max-Forwards', 'Max-Forwards: 3\r\nMax-Forwards'), 'duplicate-header', 400],
    ['a length in words', edit(/Content-Length: \d+/, 'Content-Length: 12a'), 'content-length', 400],
    ['an empty length', edit(/Content-Length: \d+/, 'Content-Length:'), 'content-length', 400],
    ['a CSeq over 32 bits', edit('CSeq: 1 ', 'CSeq: 4294967296 '), 'cseq', 400],
    ['a CSeq without method', edit('CSeq: 1 INVITE', 'CSeq: 1'), 'cseq', 400],
    ['a CSeq without number', edit('CSeq: 1 INVITE', 'CSeq: INVITE'), 'cseq', 400],
    ['a method that is no token', edit(/^INVITE/, 'INV(TE'), 'garbage', null],
    ['an old version', edit('SIP/2.0\r\nVia', 'SIP/1.0\r\nVia'), 'version', 505],
    ['a version of a response', edit('SIP/2.0 200', 'SIP/2.1 200', inviteOk), 'version', null],
    ['a status of two digits', edit('200 OK', '99 OK', inviteOk), 'start-line', null],
    ['a status of 700', edit('200 OK', '700 OK', inviteOk), 'start-line', null],
    ['a Via port of 65536', edit('192.0.2.40:5070;branch', '192.0.2.40:65536;branch'), 'via', null],
    ['an open bracket in Via', edit('192.0.2.40:5070;branch', '[::1;branch'), 'via', null],
    ['an rport that is no port', edit(';rport', ';rport=x'), 'via', 400],
    ['rubbish behind an address', edit('>;tag=n1', '>tag=n1'), 'address', 400],
    ['a tag without value', edit(';tag=n1', ';tag;tag=n1'), 'address', 400],
    ['an open angle bracket', edit('bridge.example>', 'bridge.example'), 'address', 400],
    ['a missing field of a response', edit(/Via.*\r\n/, '', inviteOk), 'missing-header', null],
  ])('%s', (_what, text, kind, answer) => {
    expect(failureOf(text)).toMatchObject({ kind, answer });
  });

  it('keep what was read of a request, and only of a request', () => {
    expect(failureOf(edit('CSeq: 1 ', 'CSeq: x '))).toMatchObject({
      partial: { kind: 'request', method: 'INVITE', fromTag: 'n1', cseq: 0 },
    });
    expect(failureOf(edit('CSeq: 1 ', 'CSeq: x ', inviteOk)).partial).toBeNull();
  });

  it('are bounded: head, headers, and what they say of it', () => {
    const many = (count: number) => edit('Max-Forwards', `${'X-Y: z\r\n'.repeat(count)}Max-Forwards`);
    // The INVITE has 12 of its own.
    expect(parse(many(HEADERS_MAX - 12))).toMatchObject({ ok: true });
    expect(failureOf(many(HEADERS_MAX - 11))).toMatchObject({ kind: 'too-large', answer: 413 });
    expect(failureOf(edit('Nora', 'N'.repeat(HEAD_BYTES_MAX)))).toMatchObject({ kind: 'too-large', answer: null });
    expect(failureOf(edit('CSeq: 1', `CSeq: ${'9'.repeat(60_000)}`)).detail.length).toBeLessThan(100);
  });
});

describe('Via', () => {
  it.each([
    '',
    'SIP',
    'SIP/2.0/UDP',
    'SIP/2.0/UDP ',
    'SIP/2.0/UDPhost',
    'SIP/2.0/UDP h:',
    'SIP/2.0/UDP h:0',
    'SIP/2.0/UDP h;',
    'SIP/2.0/UDP h x',
    'SIP/2.0/UDP [::1',
  ])('is not %j', (text) => expect(parseVia(text)).toBeNull());

  it('gives its parameters, and its port or the default of its transport', () => {
    const via = parseVia('SIP/2.0/UDP [2001:db8::9]:6060;maddr=239.1.2.3;ttl=16;received=[2001:db8::1];branch=z9hG4bKx, SIP/2.0/TCP next');
    if (via === null) throw new Error('a Via');
    expect(via).toMatchObject({ host: '2001:db8::9', port: 6060, received: '2001:db8::1' });
    expect(viaParametersOf(via).get('ttl')).toBe('16');
    expect(responseTarget(via, { host: '10.0.0.1', port: 1 })).toEqual({ host: '239.1.2.3', port: 6060 });
  });

  it.each([
    ['SIP/2.0/UDP a.example', { host: '10.0.0.1', port: 5060 }],
    ['SIP/2.0/TLS a.example', { host: '10.0.0.1', port: 5061 }],
    ['SIP/2.0/UDP a.example:7000', { host: '10.0.0.1', port: 7000 }],
    ['SIP/2.0/UDP a.example:7000;rport', { host: '10.0.0.1', port: 40_000 }],
  ])('%s is answered to %j', (text, target) => {
    const via = parseVia(text);
    expect(via === null ? null : responseTarget(via, { host: '10.0.0.1', port: 40_000 })).toEqual(target);
  });

  it('has a branch that names a transaction or not', () => {
    expect(['', 'z9hG4bK', 'abc', 'Z9HG4BKx', 'z9hG4bKx'].map(isUniqueBranch)).toEqual([false, false, false, true, true]);
  });
});

const parts: RequestParts = {
  method: 'INFO',
  uri: 'sip:a@b.example;lr',
  via: [viaText('UDP', '::1', 5062, 'z9hG4bK1'), 'SIP/2.0/TCP other.example'],
  from: '"É, <x>" <sip:c@d.example>;tag=1',
  to: '<sip:a@b.example>;tag=2',
  callId: 'id@host',
  cseq: 77,
  headers: [
    { name: 'content-type', value: 'application/dtmf-relay' },
    { name: 'X-Own', value: 'ü' },
  ],
  body: 'Signal=5\r\nDuration=160\r\n',
};

describe('requests written', () => {
  it('read as they were meant', () => {
    const text = writeRequest(parts).toString();
    expect(text.split('\r\n').slice(0, 4)).toEqual([
      'INFO sip:a@b.example;lr SIP/2.0',
      'Via: SIP/2.0/UDP [::1]:5062;branch=z9hG4bK1;rport',
      'Via: SIP/2.0/TCP other.example',
      'Max-Forwards: 70',
    ]);
    expect(text).toMatch(/\r\nContent-Type: application\/dtmf-relay\r\nX-Own: ü\r\nContent-Length: 24\r\n\r\nSignal=5/);
    expect(requestOf(text)).toMatchObject({ cseq: 77, cseqMethod: 'INFO', fromTag: '1', toTag: '2' });
  });

  it('have the length of their body in bytes', () => {
    expect(writeRequest({ ...parts, body: 'é' }).toString()).toMatch(/Content-Length: 2\r\n/);
    expect(writeRequest({ ...parts, body: new Uint8Array([0, 255]) }).subarray(-2)).toEqual(Buffer.from([0, 255]));
    expect(writeRequest({ ...parts, body: '' }).toString()).toMatch(/Content-Length: 0\r\n\r\n$/);
  });

  it.each([
    ['callId', { callId: 'a\r\nX: y' }],
    ['from', { from: 'a\nb' }],
    ['to', { to: 'a\rb' }],
    ['via', { via: ['SIP/2.0/UDP a\r\n'] }],
    ['method', { method: 'IN FO' }],
    ['uri with a space', { uri: 'sip:a SIP/2.0' }],
    ['uri with a line end', { uri: 'sip:a\r\nX: y' }],
    ['header value', { headers: [{ name: 'x', value: 'a\r\n\r\nbody' }] }],
    ['header name', { headers: [{ name: 'x: y\r\nz', value: '' }] }],
    ['a second length', { headers: [{ name: 'Content-length', value: '1' }] }],
  ] as const)('nothing breaks out: %s', (_what, change) => {
    expect(() => writeRequest({ ...parts, ...change })).toThrow(/AssertionFailure|line end|no header|no request line/);
  });
});

describe('responses written', () => {
  const source = { receivedHost: '198.51.100.7', rport: 61_000 };
  const lines = (request: SipRequest, response: Parameters<typeof writeResponse>[1]): string[] =>
    writeResponse(request, response).toString().split('\r\n');
  const via = (text: string, response = source): string =>
    lines(requestOf(edit(/Via: .*/, `Via: ${text}`)), { status: 100, ...response })[1] ?? '';

  it('carry what they owe', () => {
    const request = requestOf(
      edit('Max-Forwards', 'Via: SIP/2.0/TCP b\r\nRecord-Route: <sip:p1;lr>, <sip:p2;lr>\r\nTimestamp: 5\r\nMax-Forwards'),
    );
    expect(lines(request, { status: 180, toTag: 'mine', ...source, headers: [{ name: 'contact', value: '<sip:me@here>' }] })).toEqual([
      'SIP/2.0 180 Ringing',
      'Via: SIP/2.0/UDP 192.0.2.40:5070;branch=z9hG4bK-call-1;rport=61000;received=198.51.100.7',
      'Via: SIP/2.0/TCP b',
      'Record-Route: <sip:p1;lr>, <sip:p2;lr>',
      'From: "Nora Finch" <sip:nora@quilt.example>;tag=n1',
      'To: <sip:room-12@bridge.example>;tag=mine',
      'Call-ID: 5d0e-call@192.0.2.40',
      'CSeq: 1 INVITE',
      'Contact: <sip:me@here>',
      'Content-Length: 0',
      '',
      '',
    ]);
    expect(lines(request, { status: 100 }).join()).toMatch(/Timestamp: 5/);
    expect(lines(request, { status: 100 }).join()).not.toMatch(/Record-Route/);
    expect(lines(request, { status: 486 }).join()).not.toMatch(/Record-Route|Timestamp/);
  });

  it.each([
    ['SIP/2.0/UDP 198.51.100.7:5070;branch=b', 'SIP/2.0/UDP 198.51.100.7:5070;branch=b'],
    ['SIP/2.0/UDP a.example;branch=b', 'SIP/2.0/UDP a.example;branch=b;received=198.51.100.7'],
    ['SIP/2.0/UDP a.example ; RPORT ; branch=b', 'SIP/2.0/UDP a.example ; branch=b;rport=61000;received=198.51.100.7'],
    ['SIP/2.0/UDP 198.51.100.7;rport;branch=b', 'SIP/2.0/UDP 198.51.100.7;branch=b;rport=61000;received=198.51.100.7'],
    ['SIP/2.0/UDP a.example;received=6.6.6.6;rport=6;x=";rport"', 'SIP/2.0/UDP a.example;x=";rport";rport=61000;received=198.51.100.7'],
    ['SIP/2.0/UDP a.example;branch=b, SIP/2.0/TCP c;rport', 'SIP/2.0/UDP a.example;branch=b;received=198.51.100.7, SIP/2.0/TCP c;rport'],
  ])('put the source into the top Via: %s', (asked, answered) => {
    expect(via(asked)).toBe(`Via: ${answered}`);
  });

  it('leave a tag that is there, and the Via where nobody knows the source', () => {
    const request = requestOf(edit('bridge.example>', 'bridge.example>;tag=theirs'));
    expect(lines(request, { status: 200, toTag: 'mine' }).slice(1, 4)).toEqual([
      `Via: ${headerOf(request, 'via')}`,
      'From: "Nora Finch" <sip:nora@quilt.example>;tag=n1',
      'To: <sip:room-12@bridge.example>;tag=theirs',
    ]);
  });

  it('have a phrase for every status, and no line of somebody else', () => {
    const request = requestOf(invite);
    expect([200, 299, 420, 499, 699].map((status) => lines(request, { status })[0])).toEqual([
      'SIP/2.0 200 OK',
      'SIP/2.0 299 Success',
      'SIP/2.0 420 Bad Extension',
      'SIP/2.0 499 Client Error',
      'SIP/2.0 699 Global Failure',
    ]);
    expect(() => writeResponse(request, { status: 200, reason: 'OK\r\nX: y' })).toThrow('no status line');
    expect(() => writeResponse(request, { status: 99 })).toThrow('no status line');
    expect(() => writeResponse(request, { status: 200, toTag: 'a\r\nX: y' })).toThrow('line end in the value of to');
  });
});
