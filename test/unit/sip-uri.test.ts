// URIs and addresses: taken apart, put together, compared as RFC 3261, 19.1.4 has it, and the hop and route that they name.

import { describe, expect, it } from 'vitest';
import { formatAddress, parseAddress, withTag } from '../../node/wire/sip/address.ts';
import { parseSip } from '../../node/wire/sip/parse.ts';
import { routedTarget, routeSetOf } from '../../node/wire/sip/route.ts';
import { escapedUser, formatUri, parseUri, type SipUri, type Uri, unescaped } from '../../node/wire/sip/uri.ts';
import { hostPortTransportOf, isSameUri } from '../../node/wire/sip/uri-compare.ts';
import { inviteOk, sipBytes } from '../support/sip-samples.ts';

function uriOf(text: string): Uri {
  const uri = parseUri(text);
  if (uri === null) throw new Error(`no URI: ${text}`);
  return uri;
}

const sipOf = (text: string): SipUri => uriOf(text) as SipUri;

describe('URIs', () => {
  it('are taken apart', () => {
    expect(uriOf('sips:j%40y;x=1:pass@[2001:db8::1]:5071;transport=TCP;LR;x-y=%3b?subject=a%20b&priority=')).toEqual({
      kind: 'sip',
      scheme: 'sips',
      user: 'j%40y;x=1',
      password: 'pass',
      host: '2001:db8::1',
      port: 5071,
      parameters: new Map([
        ['transport', 'TCP'],
        ['lr', null],
        ['x-y', '%3b'],
      ]),
      headers: [
        ['subject', 'a%20b'],
        ['priority', ''],
      ],
    });
    expect(uriOf('TEL:+1-201-555-0177;phone-context=example.com')).toEqual({
      kind: 'tel',
      number: '+1-201-555-0177',
      parameters: new Map([['phone-context', 'example.com']]),
    });
    expect(uriOf('URN:uuid:a?b#c')).toEqual({ kind: 'other', scheme: 'urn', rest: 'uuid:a?b#c' });
  });

  it.each([
    ['', 'sip', 'sip:', ':x', 'sip:@h', 'sip:u@', 'sip:u@h:', 'sip:u@h:0', 'sip:u@h:65536', 'sip:u@h:5060x', 'sip:u@[::1', 'sip:u@h h'],
    [
      'sip:u%4@h',
      'sip:u%zz@h',
      'sip:u[@h',
      'sip:a@b@c',
      'sip:u@h;',
      'sip:u@h;=x',
      'sip:u@h;a=',
      'sip:u@h;a;A',
      'sip:u@h?',
      'sip:u@h?a',
      'sip:ü@h',
    ],
    ['tel:', 'tel:+', 'tel:12 3', 'tel:1;', '1a:x', 'x:', 'x:a b', 'x:<y>', 'sip:u@h\r\nX: y'],
  ])('are not %j ...', (...texts) => {
    expect(texts.filter((text) => parseUri(text) !== null)).toEqual([]);
  });

  it.each(['sip:a', 'sips:u:@h:1', 'sip:u;p=1@[::1];lr?a=b', 'tel:911;x', 'data:,x'])('are written as they were read: %s', (text) => {
    expect(formatUri(uriOf(text))).toBe(text);
  });

  it('have any text for a user', () => {
    const text = 'Zoë @ 5% [a]\0';
    expect(escapedUser(text)).toBe('Zo%C3%AB%20%40%205%25%20%5Ba%5D%00');
    expect(unescaped(sipOf(`sip:${escapedUser(text)}@h`).user ?? '')).toBe(text);
    expect(unescaped('%ff')).toBeNull();
  });
});

describe('comparison', () => {
  it.each([
    ['sip:%61na@Quilt.example;transport=TCP', 'sip:ana@qUILT.example;Transport=tcp'],
    ['sip:dan@quilt.example', 'sip:dan@quilt.example;newparam=5'],
    ['sip:dan@quilt.example;security=on', 'sip:dan@quilt.example;newparam=5'],
    [
      'sip:q.example;transport=tcp;method=REGISTER?to=sip:bo%40q.example',
      'sip:q.example;method=REGISTER;transport=tcp?to=sip:bo%40q.example',
    ],
    ['sip:ana@q.example?subject=x%20y&priority=urgent', 'sip:ana@q.example?priority=urgent&subject=x%20y'],
    ['tel:+1(201)555-0177;ext=4;isub=2', 'tel:+12015550177;isub=2;ext=4'],
    ['URN:a:b', 'urn:a:b'],
  ])('%s = %s', (one, other) => {
    expect([isSameUri(uriOf(one), uriOf(other)), isSameUri(uriOf(other), uriOf(one))]).toEqual([true, true]);
  });

  it.each([
    ['SIP:ANA@q.example', 'sip:ana@q.example'],
    ['sip:bo@q.example', 'sip:bo@q.example:5060'],
    ['sip:bo@q.example', 'sip:bo@q.example;transport=udp'],
    ['sip:bo@q.example', 'sips:bo@q.example'],
    ['sip:bo@q.example', 'sip:q.example'],
    ['sip:bo@q.example', 'sip:bo:x@q.example'],
    ['sip:dan@q.example', 'sip:dan@q.example?subject=x'],
    ['sip:dan@q.example;security=on', 'sip:dan@q.example;security=off'],
    ['sip:dan@q.example;maddr=1.2.3.4', 'sip:dan@q.example'],
    ['sip:dan@q.example;user=phone', 'sip:dan@q.example'],
    ['sip:a%3bb@q.example', 'sip:a;b@q.example'],
    ['sip:911@q.example', 'tel:911'],
    ['tel:911', 'tel:911;ext=1'],
    ['urn:a', 'urn:A'],
  ])('%s is not %s', (one, other) => {
    expect([isSameUri(uriOf(one), uriOf(other)), isSameUri(uriOf(other), uriOf(one))]).toEqual([false, false]);
  });
});

it.each([
  ['sip:u@h.example', 'h.example', 5060, 'UDP'],
  ['sip:h.example:5080;transport=tcp', 'h.example', 5080, 'TCP'],
  ['sip:h.example;transport=tls', 'h.example', 5061, 'TLS'],
  ['sips:h.example', 'h.example', 5061, 'TLS'],
  ['sips:h.example;transport=tcp', 'h.example', 5061, 'TLS'],
  ['sip:h.example;maddr=[2001:db8::7];transport=ws', '2001:db8::7', 5060, 'WS'],
])('%s is reached at %s %d over %s', (text, host, port, transport) => {
  expect(hostPortTransportOf(sipOf(text))).toEqual({ host, port, transport });
});

describe('addresses', () => {
  it.each([
    ['sip:a@b;tag=1', '', 'sip:a@b', [['tag', '1']]],
    [
      '<sip:a@b;lr?x=y,z>;TAG=1;p="a;b\\"c"',
      '',
      'sip:a@b;lr?x=y,z',
      [
        ['tag', '1'],
        ['p', '"a;b\\"c"'],
      ],
    ],
    ['"A, \\"<b>\\"" <sip:a@b> ; x', 'A, "<b>"', 'sip:a@b', [['x', null]]],
    ['Zoë der Große <sip:a@b>', 'Zoë der Große', 'sip:a@b', []],
    ['two words<tel:911>', 'two words', 'tel:911', []],
  ])('%s', (text, displayName, uri, parameters) => {
    const address = parseAddress(text);
    expect(address).toEqual({ displayName, uri, parameters: new Map(parameters as Array<[string, string | null]>) });
    if (address !== null) expect(parseAddress(formatAddress(address))).toEqual(address);
  });

  it.each([
    ['', '<>', 'sip', '<sip:>', 'a@b', '"open <sip:a@b>', '"a" sip:a@b', '"a" x <sip:a@b>', '<sip:a@b', '<sip:a@b> x'],
    [
      '< sip:a@b>',
      '<sip:a b>',
      'a,b <sip:a@b>',
      'sip:a@b?x=y',
      'sip:a,b@c',
      '<sip:a@b>;',
      '<sip:a@b>;;x',
      '<sip:a@b>;=x',
      '<sip:a@b>;t=',
      '<<sip:a@b>>',
    ],
    ['sip:a@b, sip:c@d', '<sip:a@b>, <sip:c@d>', '<sip:a@b>;x="y', 'sip:a@b;x, y'],
  ])('are not %j ...', (...texts) => {
    expect(texts.filter((text) => parseAddress(text) !== null)).toEqual([]);
  });

  it('get a tag, or another', () => {
    const address = parseAddress('A <sip:a@b>;tag=1;x');
    expect(address === null ? null : formatAddress(withTag(address, '2'))).toBe('"A" <sip:a@b>;tag=2;x');
  });
});

describe('routes', () => {
  it('are the record in its order for a server, and reversed for a client', () => {
    const text = inviteOk.replace('<sip:edge.example;lr>', '<sip:p1;lr>, "x, y" <sip:p2;lr>\r\nRecord-Route: <sip:p3;lr>');
    const result = parseSip(sipBytes(text));
    if (!result.ok) throw new Error(result.failure.detail);
    const forward = ['<sip:p1;lr>', '"x, y" <sip:p2;lr>', '<sip:p3;lr>'];
    expect(routeSetOf(result.message, 'server')).toEqual(forward);
    expect(routeSetOf(result.message, 'client')).toEqual(forward.toReversed());
  });

  it.each([
    ['none', [], { requestUri: 'sip:t@h', routes: [], nextHop: 'sip:t@h' }],
    [
      'loose',
      ['<sip:p1:5070;lr>', '<sip:p2;lr>'],
      { requestUri: 'sip:t@h', routes: ['<sip:p1:5070;lr>', '<sip:p2;lr>'], nextHop: 'sip:p1:5070;lr' },
    ],
    [
      'strict',
      ['<sip:p1;method=INVITE;x?a=b>', '<sip:p2;lr>'],
      { requestUri: 'sip:p1;x', routes: ['<sip:p2;lr>', '<sip:t@h>'], nextHop: 'sip:p1;method=INVITE;x?a=b' },
    ],
  ])('%s', (_kind, routeSet, routed) => {
    expect(routedTarget('sip:t@h', routeSet)).toEqual(routed);
  });
});
