// Structured header values: lists, contacts, timers, reliability, warnings; and what a server refuses beyond the torture cases.

import { describe, expect, it } from 'vitest';
import {
  addressHeader,
  contactsOf,
  formatContact,
  formatRAck,
  formatSessionExpires,
  headerValues,
  numberHeader,
  parseMediaType,
  parseMinSe,
  parseRAck,
  parseReason,
  parseRetryAfter,
  parseSessionExpires,
  parseWarning,
  tokenList,
} from '../../node/wire/sip/headers.ts';
import type { SipRequest } from '../../node/wire/sip/message.ts';
import { parseSip } from '../../node/wire/sip/parse.ts';
import { requestProblem, type ServerCapabilities } from '../../node/wire/sip/request-check.ts';
import { register, sipBytes, sipText } from '../support/sip-samples.ts';

/** An OPTIONS (or other method) with these headers. */
function request(lines: readonly string[], { method = 'OPTIONS', uri = 'sip:a@b.example', body = '' } = {}): SipRequest {
  const head = ['Via: SIP/2.0/UDP h;branch=z9hG4bK1', 'From: <sip:c@d>;tag=1', 'To: <sip:a@b>', 'Call-ID: 1', `CSeq: 1 ${method}`];
  const result = parseSip(sipBytes(sipText([`${method} ${uri} SIP/2.0`, ...head, ...lines], body)));
  if (!result.ok || result.message.kind !== 'request') throw new Error(JSON.stringify(result));
  return result.message;
}

describe('lists', () => {
  it('are split at commas outside quotes and brackets, over all fields', () => {
    const message = request(['Route: <sip:a,b;lr>, "x, \\" y" <sip:c> ,,', 'X: 1', 'Route: <sip:d>;p="q,r", <sip:e']);
    expect(headerValues(message, 'route')).toEqual(['<sip:a,b;lr>', '"x, \\" y" <sip:c>', '<sip:d>;p="q,r"', '<sip:e']);
    expect(headerValues(message, 'path')).toEqual([]);
    expect(headerValues(request(['Route: a, "open, b']), 'route')).toEqual(['a', '"open, b']);
  });

  it('of tokens are sets, methods with their case', () => {
    const message = request(['k: 100REL, Timer', 'Allow: INVITE, ack', 'Allow:']);
    expect([...tokenList(message, 'supported')]).toEqual(['100rel', 'timer']);
    expect([...tokenList(message, 'allow')]).toEqual(['INVITE', 'ack']);
  });
});

it('numbers and addresses: absent, malformed, there', () => {
  const message = request(['Expires: 0060', 'Max-Forwards: 300', 'RSeq: -1', 'Refer-To: "x" <sip:r@s>', 'Reply-To: x']);
  expect(['expires', 'rseq', 'min-expires'].map((name) => numberHeader(message, name))).toEqual([60, null, undefined]);
  expect(numberHeader(message, 'max-forwards', 255)).toBeNull();
  expect(addressHeader(message, 'refer-to')?.uri).toBe('sip:r@s');
  expect([addressHeader(message, 'reply-to'), addressHeader(message, 'referred-by')]).toEqual([null, undefined]);
});

describe('contacts', () => {
  const contacts = (...lines: string[]) => contactsOf(request(lines));

  it('have expiry and preference', () => {
    expect(contacts('m: <sip:a@b>;expires=60;q=0.5, <sip:c@d>', 'Contact: sip:e@f;q=2;expires=soon')).toMatchObject([
      { uri: 'sip:a@b', expiresSeconds: 60, q: 0.5 },
      { uri: 'sip:c@d', expiresSeconds: undefined, q: 1 },
      { uri: 'sip:e@f', expiresSeconds: undefined, q: 1 },
    ]);
    expect(contacts()).toEqual([]);
  });

  it('are a star alone, or malformed', () => {
    expect(contacts('Contact: *')).toBe('*');
    expect(contacts('Contact: *, <sip:a@b>')).toBeNull();
    expect(contacts('Contact: <sip:a@b')).toBeNull();
  });

  it('are written', () => {
    const address = { displayName: 'A "B"', uri: 'sip:a@b;ob', parameters: new Map([['q', '0.5']]) };
    expect(formatContact(address, 300)).toBe('"A \\"B\\"" <sip:a@b;ob>;q=0.5;expires=300');
  });
});

describe('values', () => {
  it.each([
    [parseRAck, '776656 1 INVITE', { rseq: 776_656, cseq: 1, method: 'INVITE' }],
    [parseRAck, '1  2\tINVITE', { rseq: 1, cseq: 2, method: 'INVITE' }],
    [parseRAck, '1 INVITE', null],
    [parseRAck, '1 2 IN(VITE', null],
    [parseRAck, '4294967296 2 INVITE', null],
    [parseRAck, '1 2 INVITE x', null],
    [parseSessionExpires, '1800 ; refresher=UAS;x', { seconds: 1800, refresher: 'uas' }],
    [parseSessionExpires, '90;refresher=me', { seconds: 90, refresher: null }],
    [parseSessionExpires, '90 x', null],
    [parseSessionExpires, '-90', null],
    [parseMinSe, '90;x', 90],
    [parseMinSe, '', null],
    [parseRetryAfter, '120 (in (a meeting);duration=60', null],
    [parseRetryAfter, '120 (in a meeting) ;duration=60', { seconds: 120, durationSeconds: 60 }],
    [parseRetryAfter, '5', { seconds: 5, durationSeconds: null }],
    [parseRetryAfter, 'Fri, 1 Jan', null],
    [parseWarning, '370 gw.example:5060 "Not \\"enough\\""', { code: 370, agent: 'gw.example:5060', text: 'Not "enough"' }],
    [parseWarning, '37 gw "x"', null],
    [parseWarning, '370 gw x', null],
    [parseWarning, '370 "x"', null],
    [parseWarning, '370 gw "x" y', null],
    [parseReason, 'SIP ;cause=200 ;text="Done; elsewhere"', { protocol: 'SIP', cause: 200, text: 'Done; elsewhere' }],
    [parseReason, 'Q.850', { protocol: 'Q.850', cause: null, text: '' }],
    [parseReason, ';cause=1', null],
    [parseMediaType, 'Application / SDP ;charset=utf-8', { type: 'application/sdp', parameters: new Map([['charset', 'utf-8']]) }],
    [parseMediaType, 'application', null],
    [parseMediaType, 'a/b/c', null],
    [parseMediaType, '/b', null],
    [parseMediaType, 'a/b;', null],
  ] as ReadonlyArray<readonly [(text: string) => unknown, string, unknown]>)('%o of %j', (parse, text, value) => {
    expect(parse(text)).toEqual(value);
  });

  it('are written as they are read', () => {
    expect(formatRAck({ rseq: 1, cseq: 2, method: 'INVITE' })).toBe('1 2 INVITE');
    expect(formatSessionExpires({ seconds: 90, refresher: 'uac' })).toBe('90;refresher=uac');
    expect(formatSessionExpires({ seconds: 90, refresher: null })).toBe('90');
  });
});

describe('what a server refuses', () => {
  const capabilities: ServerCapabilities = {
    role: 'endpoint',
    methods: ['INVITE', 'OPTIONS', 'CANCEL', 'REGISTER', 'INFO'],
    extensions: ['timer'],
    contentTypes: ['application/sdp'],
    schemes: ['sip'],
  };
  const problem = (lines: readonly string[], options = {}, more: Partial<ServerCapabilities> = {}) =>
    requestProblem(request(lines, options), { ...capabilities, ...more });
  const sdp = { method: 'INVITE', body: 'v=0\r\n' };
  const type = 'Content-Type: application/sdp';

  it.each([
    ['nothing of a plain request', [], {}, undefined],
    ['a malformed Request-URI', [], { uri: 'sip:a@b:x' }, 400],
    ['a malformed Contact URI', ['Contact: <sip:a@b;>'], {}, 400],
    ['a star outside REGISTER', ['Contact: *'], {}, 400],
    ['nothing of a star in it', ['Contact: *'], { method: 'REGISTER' }, undefined],
    ['a method that it does not serve', [], { method: 'BYE' }, 405],
    ['a method that nobody knows', [], { method: 'bye' }, 501],
    ['a scheme', [], { uri: 'sips:a@b' }, 416],
    ['an extension', ['Require: timer, x'], {}, 420],
    ['nothing of what it can', ['Require: Timer'], {}, undefined],
    ['nothing of what a proxy should do', ['Proxy-Require: x'], {}, undefined],
    ['nothing of a CANCEL', ['Require: x'], { method: 'CANCEL' }, undefined],
    ['nothing of an ACK', ['Require: x', 'Contact: *'], { method: 'ACK' }, undefined],
    ['a body without type', [], sdp, 400],
    ['a body of a malformed type', ['Content-Type: sdp'], sdp, 400],
    ['a body of another type', ['Content-Type: text/plain'], sdp, 415],
    ['an encoded body', [type, 'Content-Encoding: gzip'], sdp, 415],
    ['nothing of a body that may be ignored', ['Content-Type: x/y', 'Content-Disposition: session;handling=optional'], sdp, undefined],
    ['nothing of a body that it reads', ['c: Application/SDP', 'e: identity'], sdp, undefined],
    ['an answer that nobody wants', ['Accept: text/plain;q=1', type], sdp, 406],
    ['an answer where none is taken', ['Accept:', type], sdp, 406],
    ['nothing where anything is taken', ['Accept: text/plain, */*', type], sdp, undefined],
    ['nothing of an Accept in OPTIONS', ['Accept: text/plain'], {}, undefined],
  ] as const)('%s', (_what, lines, options, status) => {
    expect(problem(lines, options)?.status).toBe(status);
  });

  it('a proxy: neither methods nor bodies, but hops', () => {
    const proxy = { role: 'proxy' } as const;
    expect(problem(['Require: x', 'Content-Type: x/y', 'Max-Forwards: 1'], { method: 'WEAVE', body: 'x' }, proxy)).toBeNull();
    expect(problem(['Max-Forwards: 0'], {}, proxy)).toEqual({ status: 483, reason: 'Too Many Hops', headers: [] });
  });

  it('syntax before everything', () => {
    expect(problem(['Require: x', 'Contact: <'], { method: 'BYE' })).toMatchObject({ status: 400, reason: 'Bad Contact' });
  });

  it('nothing of the samples', () => {
    const result = parseSip(sipBytes(register));
    expect(
      result.ok && result.message.kind === 'request' && requestProblem(result.message, { ...capabilities, role: 'registrar' }),
    ).toBeNull();
  });
});
