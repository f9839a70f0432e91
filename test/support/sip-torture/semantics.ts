// RFC 4475, 3.2 to 3.4: messages whose syntax is right, or right once, and that a transaction or an application has to think about.

import { accepted, failed, offer, offerLength, refused, type TortureCase, wire } from './case.ts';

const host = 'orchard.example.org';
const via = (label: string): string => `Via: SIP/2.0/UDP ladder.example.com:5066;branch=z9hG4bK-${label}`;
const dialog = (label: string): readonly string[] => [
  'Max-Forwards: 70',
  `From: <sip:pip@example.com>;tag=${label}`,
  `To: <sip:basket@${host}>`,
  `Call-ID: ${label}.900@ladder.example.com`,
];

const request = (label: string, method: string, uri: string, ...more: string[]): Buffer =>
  wire([`${method} ${uri} SIP/2.0`, via(label), ...dialog(label), `CSeq: 500 ${method}`, ...more, 'Content-Length: 0']);

const register = (label: string, ...more: string[]): Buffer => request(label, 'REGISTER', `sip:${host}`, ...more);
const basket = `sip:basket@${host}`;

const badbranch = wire([
  `OPTIONS ${basket} SIP/2.0`,
  'Via: SIP/2.0/UDP 203.0.113.14;branch=z9hG4bK',
  ...dialog('badbranch'),
  'CSeq: 501 OPTIONS',
  'l: 0',
]);

const insuf = wire(
  [
    `INVITE ${basket} SIP/2.0`,
    'Max-Forwards: 71',
    'CSeq: 502 INVITE',
    'Via: SIP/2.0/UDP 203.0.113.14;branch=z9hG4bKinsuf',
    'Contact: <sip:pip@203.0.113.14>',
    'Content-Type: application/sdp',
    `l: ${offerLength}`,
  ],
  offer,
);

const unksm2 = wire([
  `REGISTER sip:${host} SIP/2.0`,
  via('unksm2'),
  'Max-Forwards: 70',
  'From: <https://pip.example.com>;tag=1',
  'To: isbn:0131103628',
  'Call-ID: unksm2.900@ladder.example.com',
  'CSeq: 503 REGISTER',
  'Contact: <name:pip>',
  'l: 0',
]);

const invut = wire(
  [
    `INVITE ${basket} SIP/2.0`,
    via('invut'),
    ...dialog('invut'),
    'CSeq: 504 INVITE',
    'Contact: <sip:pip@203.0.113.14>',
    'Content-Type: application/crate-of-pears',
    'Content-Length: 17',
  ],
  '<pears n="40"/>\r\n',
);

const multi01 = wire([
  `INVITE ${basket} SIP/2.0`,
  via('multi01'),
  ...dialog('multi01'),
  'CSeq: 505 INVITE',
  'CSeq: 17 REGISTER',
  'Call-ID: other.901@ladder.example.com',
  'To: sip:crate@orchard.example.org',
  'From: sip:core@example.com;tag=22',
  'Max-Forwards: 5',
  'Contact: <sip:pip@203.0.113.14>',
  'l: 0',
]);

const mcl01 = wire(
  [
    `OPTIONS ${basket} SIP/2.0`,
    via('mcl01'),
    ...dialog('mcl01'),
    'CSeq: 506 OPTIONS',
    'Content-Length: 14',
    'Content-Type: text/plain',
    'l: 5',
  ],
  'ripe or unripe',
);

const bcast = wire(
  [
    'SIP/2.0 200 OK',
    'Via: SIP/2.0/UDP 203.0.113.14;branch=z9hG4bKbcast1',
    'Via: SIP/2.0/UDP 255.255.255.255;branch=z9hG4bKbcast2',
    'From: <sip:pip@example.com>;tag=bcast',
    `To: <sip:basket@${host}>;tag=7`,
    'Call-ID: bcast.900@ladder.example.com',
    'CSeq: 507 INVITE',
    'Contact: <sip:basket@203.0.113.15>',
    'Content-Type: application/sdp',
    `Content-Length: ${offerLength}`,
  ],
  offer,
);

const zeromf = wire([
  `OPTIONS ${basket} SIP/2.0`,
  via('zeromf'),
  'Max-Forwards: 0',
  ...dialog('zeromf').slice(1),
  'CSeq: 508 OPTIONS',
  'l: 0',
]);

const sdp01 = wire(
  [
    `INVITE ${basket} SIP/2.0`,
    via('sdp01'),
    ...dialog('sdp01'),
    'CSeq: 509 INVITE',
    'Contact: <sip:pip@203.0.113.14>',
    'Accept: text/windfall',
    'Content-Type: application/sdp',
    `Content-Length: ${offerLength}`,
  ],
  offer,
);

/** No branch, no From tag, no Max-Forwards, no Contact, no Content-Length. */
const inv2543 = wire(
  [
    `INVITE ${basket} SIP/2.0`,
    'Via: SIP/2.0/UDP ladder.example.com',
    'From: <sip:pip@example.com;user=phone>',
    `To: <sip:basket@${host}>`,
    'Call-ID: inv2543.900@ladder.example.com',
    'CSeq: 510 INVITE',
    'Content-Type: application/sdp',
  ],
  offer,
);

const require420 = ['Require: pruning, grafting', 'Proxy-Require: hedge, fence'];
const opaque = 'NoSuchFruit:entirely-opaque';

const rows = [
  ['3.2.1', 'badbranch', 'the magic cookie alone for a branch', badbranch, accepted],
  ['3.3.1', 'insuf', 'no Call-ID, From or To', insuf, failed('missing-header', 400)],
  ['3.3.2', 'unkscm', 'a Request-URI of no known scheme', request('unkscm', 'OPTIONS', opaque), refused(416)],
  [
    '3.3.3',
    'novelsc',
    'a Request-URI of a known scheme that is not for SIP',
    request('novelsc', 'OPTIONS', 'soap.beep://203.0.113.20:605'),
    refused(416),
  ],
  ['3.3.4', 'unksm2', 'addresses that are no SIP URIs', unksm2, refused(400, 'registrar')],
  ['3.3.5', 'bext01', 'Require and Proxy-Require of unknown extensions', request('bext01', 'OPTIONS', basket, ...require420), refused(420)],
  ['3.3.6', 'invut', 'a body of an unknown type', invut, refused(415)],
  ['3.3.7', 'regaut01', 'an Authorization of an unknown scheme', register('regaut01', 'Authorization: Handshake grip="firm"'), accepted],
  ['3.3.8', 'multi01', 'two of what there is one of', multi01, failed('duplicate-header', 400)],
  ['3.3.9', 'mcl01', 'two lengths', mcl01, failed('duplicate-header', 400)],
  ['3.3.10', 'bcast', 'a second Via with the broadcast address in a response', bcast, accepted],
  ['3.3.11', 'zeromf', 'no hops left', zeromf, accepted],
  [
    '3.3.12',
    'cparam01',
    'a parameter of the Contact',
    register('cparam01', 'Contact: sip:+18005550177@gate.example.net;sweetness'),
    accepted,
  ],
  [
    '3.3.13',
    'cparam02',
    "a parameter of the Contact's URI",
    register('cparam02', 'Contact: <sip:+18005550177@gate.example.net;sweetness>'),
    accepted,
  ],
  [
    '3.3.14',
    'regescrt',
    "an escaped header in the Contact's URI",
    register('regescrt', 'Contact: <sip:pip@example.com?Route=%3Csip:gate.example.net%3E>'),
    accepted,
  ],
  ['3.3.15', 'sdp01', 'an Accept without any session description', sdp01, refused(406)],
  ['3.4.1', 'inv2543', 'an INVITE of RFC 2543', inv2543, accepted],
] as const;

export const semanticCases: readonly TortureCase[] = rows.map(([section, label, exercises, bytes, treatment]) => ({
  section,
  label,
  exercises,
  bytes,
  treatment,
}));
