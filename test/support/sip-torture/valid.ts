// RFC 4475, 3.1.1: syntax that looks wrong and is right. Names, hosts and numbers are ours.

import { accepted, offer, offerLength, refused, type TortureCase, wire } from './case.ts';

const wsinv = wire(
  [
    'INVITE sip:desk.4@lobby.example.org;colour SIP/2.0',
    'TO :',
    ' sip:desk.4@lobby.example.org ;   tag    = 55aa10',
    String.raw`fRoM   : "Mara \\\"Q\" Olin"       <sip:mara@example.com>`,
    '  ;',
    '  tag = 7kk2',
    'mAx-FORWARDS: 0041',
    'CALL-id: ws.1f09@203.0.113.8',
    `Content-Length   : ${offerLength}`,
    'cSEQ: 0012',
    '  INVITE',
    'Via  : SIP  /   2.0',
    ' /UDP',
    '    203.0.113.9;branch=old7781',
    's :',
    'X-Novel:   first line',
    ' second line',
    'X-Odd: ;,;;,,;',
    'Content-Type: application/sdp',
    'Route:',
    ' <sip:edge.example.org;lr;mood=calm;bare>',
    'v:  SIP  / 2.0  / TCP     relay.example.org   ;',
    '  branch  =   z9hG4bKr1  ,',
    ' SIP  /    2.0   / UDP  10.20.30.40   ; branch=',
    ' z9hG4bKr2',
    String.raw`m:"Says \"hi\"" <sip:mara@example.com> ; shade =`,
    '      blue ;',
    '  plain ; q = 0.41',
  ],
  offer,
);

export const oddMethod = "odd.Method-9*_+`%now'~!";

const intmeth = wire([
  `${oddMethod} sip:9_lives.~(so-they)&say=it+is$5/yes?,;who*:pa&ss=1,wo+rd$*@cats.example.com SIP/2.0`,
  "Via: SIP/2.0/TCP tom.example.com;branch=z9hG4bK!'~%_-.+`*7",
  'To: "bell \\\u0007 nil \\\u0000 del \\\u007f" <sip:9_lives.~(so-they)&say=it+is$5/yes?,;who*@cats.example.com>',
  "From: first~`' second_+*% third!-. <sip:plain@example.com>;odd~'`+*_!.-%=\"кошка\";tag=~'`+*_!.-%9",
  'Call-ID: word%ZQ-!.*_+\'@other`~)(><:\\/"][?}{',
  `CSeq: 77120045 ${oddMethod}`,
  'Max-Forwards: 255',
  "x-!.%*+_`'~: \ufeff電話番号",
  'Content-Length: 0',
]);

const esc01 = wire(
  [
    'INVITE sip:sips%3Awren%40example.net@nest.example.org SIP/2.0',
    'To: sip:w%72e%6E@example.net',
    'From: <sip:two%20words@example.org>;tag=81f',
    'Max-Forwards: 61',
    'i: esc.0b1@nest.example.org',
    'CSeq: 91 INVITE',
    'Via: SIP/2.0/UDP twig.example.org;rport;branch=z9hG4bKnest1',
    'c: application/sdp',
    'Contact:',
    '  <sip:b%75sh@twig.example.org;%6C%72;k%65y=v%61l%25%32%30>',
    `Content-Length: ${offerLength}`,
  ],
  offer,
);

const escnull = wire([
  'REGISTER sip:nest.example.org SIP/2.0',
  'To: sip:zero-%00-zero@nest.example.org',
  'From: sip:zero-%00-zero@nest.example.org;tag=44',
  'Max-Forwards: 70',
  'Call-ID: escnull.77@twig.example.org',
  'CSeq: 8 REGISTER',
  'Via: SIP/2.0/UDP twig.example.org;rport;branch=z9hG4bKnest2',
  'Contact: <sip:%00@twig.example.org>',
  'Contact: <sip:%00%00@twig.example.org>',
  'L:0',
]);

const esc02 = wire([
  'OP%54ION%53 sip:nest.example.org SIP/2.0',
  'To: "%Q%54" <sip:wren@nest.example.org>',
  'From: "%Q%54" <sip:wren@nest.example.org>;tag=f0%2D',
  'Max-Forwards: 70',
  'Call-ID: esc02.%zz@twig.example.org',
  'CSeq: 9 OP%54ION%53',
  'C%6Fntact: <sip:hidden@twig.example.org>',
  'Contact: <sip:shown@twig.example.org>',
  'Via: SIP/2.0/TCP twig.example.org;branch=z9hG4bKnest%20',
  'l: 0',
]);

const lwsdisp = wire([
  'OPTIONS sip:wren@nest.example.org SIP/2.0',
  'To: sip:wren@nest.example.org',
  'From: robin<sip:robin@example.com>;tag=3',
  'Max-Forwards: 70',
  'Call-ID: lwsdisp.9@twig.example.org',
  'CSeq: 10 OPTIONS',
  'Via: SIP/2.0/UDP twig.example.org;branch=z9hG4bKnest3',
  'l: 0',
]);

const long = (word: string, times: number): string => word.repeat(times);
const longreq = wire(
  [
    'INVITE sip:wren@nest.example.org SIP/2.0',
    `To: "A name ${long('far ', 60)}too long" <sip:wren@nest.example.org>;some=${long('val', 40)};${long('flag', 30)}`,
    `F: sip:${long('robin', 60)}@example.com;tag=${long('0123456789', 20)};${long('name', 25)}=${long('value', 25)};${long('bare', 20)}`,
    `Call-ID: ${long('identity', 30)}`,
    'CSeq: 12345 INVITE',
    `Unknown-${long('long', 20)}-Name: ${long('unknown-value', 20)};${long('parameter', 20)}=${long('thing', 20)}`,
    ...Array.from({ length: 34 }, (_, hop) => `Via: SIP/2.0/TCP hop${hop}.example.net;branch=z9hG4bK${long(`${hop}-`, 30)}`),
    'Max-Forwards: 70',
    `Contact: <sip:${long('nest', 70)}@twig.example.org>`,
    'Content-Type: application/sdp',
    `l: ${offerLength}`,
  ],
  offer,
);

const dblreq = Buffer.concat([
  wire([
    'REGISTER sip:nest.example.org SIP/2.0',
    'To: sip:wren@nest.example.org',
    'From: sip:wren@nest.example.org;tag=21',
    'Max-Forwards: 70',
    'Call-ID: dblreq.1@twig.example.org',
    'CSeq: 6 REGISTER',
    'Via: SIP/2.0/UDP twig.example.org;branch=z9hG4bKnest4',
    'Contact: sip:wren@twig.example.org',
    'l: 0',
  ]),
  wire(
    [
      'INVITE sip:robin@example.com SIP/2.0',
      'To: sip:robin@example.com',
      'From: sip:wren@nest.example.org;tag=22',
      'Max-Forwards: 70',
      'Call-ID: dblreq.2@twig.example.org',
      'CSeq: 7 INVITE',
      'Via: SIP/2.0/UDP twig.example.org;branch=z9hG4bKnest5',
      'Contact: <sip:wren@twig.example.org>',
      'Content-Type: application/sdp',
      `l: ${offerLength}`,
    ],
    offer,
  ),
]);

const semiuri = wire([
  'OPTIONS sip:wren;door=4%40east@nest.example.org SIP/2.0',
  'To: sip:robin%40example.com@nest.example.org',
  'From: sip:wren@nest.example.org;tag=31',
  'Max-Forwards: 7',
  'Call-ID: semiuri.1@twig.example.org',
  'CSeq: 11 OPTIONS',
  'Via: SIP/2.0/UDP twig.example.org;branch=z9hG4bKnest6',
  'Accept: application/sdp, application/pkcs7-mime,',
  '        multipart/mixed',
  'l: 0',
]);

const transports = wire([
  'OPTIONS sip:wren@nest.example.org SIP/2.0',
  'To: sip:wren@nest.example.org',
  'From: <sip:robin@example.com>;tag=41',
  'Max-Forwards: 70',
  'Call-ID: transports.1@twig.example.org',
  'CSeq: 13 OPTIONS',
  'Via: SIP/2.0/UDP a.example.org;branch=z9hG4bKt1',
  'Via: SIP/2.0/SCTP b.example.org;branch=z9hG4bKt2',
  'Via: SIP/2.0/TLS c.example.org;branch=z9hG4bKt3',
  'Via: SIP/2.0/CARRIER-PIGEON d.example.org;branch=z9hG4bKt4',
  'Via: SIP/2.0/TCP e.example.org;branch=z9hG4bKt5',
  'l: 0',
]);

/** Two parts, the second with bytes of every value, CRLFCRLF and NUL among them. */
export const binaryBody = Buffer.concat([
  Buffer.from('--seam\r\nContent-Type: text/plain\r\n\r\nstitched\r\n--seam\r\nContent-Type: application/octet-stream\r\n\r\n'),
  Buffer.from([0, 13, 10, 13, 10, 0]),
  Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)),
  Buffer.from('\r\n--seam--\r\n'),
]);

const mpart01 = Buffer.concat([
  wire([
    'MESSAGE sip:wren@nest.example.org SIP/2.0',
    'Via: SIP/2.0/UDP twig.example.org;branch=z9hG4bKnest7;rport',
    'Max-Forwards: 70',
    'Route: <sip:edge.example.org;lr>',
    'From: sip:robin@example.com;tag=51',
    'To: sip:wren@nest.example.org',
    'Call-ID: mpart.1@twig.example.org',
    'CSeq: 14 MESSAGE',
    'Content-Type: multipart/mixed;boundary=seam',
    `Content-Length: ${binaryBody.length}`,
  ]),
  binaryBody,
]);

const unreason = wire([
  'SIP/2.0 200 = 8*5^2; двести простым не бывает, "199" бывает',
  'Via: SIP/2.0/UDP twig.example.org:5071;branch=z9hG4bKnest8',
  'Call-ID: unreason.1@twig.example.org',
  'CSeq: 15 INVITE',
  'From: sip:robin@example.com;tag=61',
  'To: <sip:wren@nest.example.org>;tag=62',
  'Content-Length: 0',
  'Contact: <sip:wren@nest.example.org>',
]);

const noreason = wire([
  'SIP/2.0 180 ',
  'Via: SIP/2.0/UDP twig.example.org:5071;branch=z9hG4bKnest9',
  'Call-ID: noreason.1@twig.example.org',
  'CSeq: 16 INVITE',
  'From: sip:robin@example.com;tag=71',
  'To: <sip:wren@nest.example.org>;tag=72',
  'Content-Length: 0',
]);

const rows = [
  ['wsinv', 'white space, folds and leading zeros wherever they may be', wsinv, accepted],
  ['intmeth', 'every character that a method, URI, display name and Call-ID may have', intmeth, refused(501)],
  ['esc01', 'escapes in URIs', esc01, accepted],
  ['escnull', 'escaped NULs in URIs', escnull, accepted],
  ['esc02', 'percent signs that escape nothing', esc02, refused(501)],
  ['lwsdisp', 'no space between a display name and <', lwsdisp, accepted],
  ['longreq', 'very long values', longreq, accepted],
  ['dblreq', 'another request behind the end, in one datagram', dblreq, accepted],
  ['semiuri', 'semicolons in the user part', semiuri, accepted],
  ['transports', 'known and unknown transports in Via', transports, accepted],
  ['mpart01', 'a multipart body with NULs', mpart01, accepted],
  ['unreason', 'a reason phrase of odd characters', unreason, accepted],
  ['noreason', 'an empty reason phrase', noreason, accepted],
] as const;

export const validCases: readonly TortureCase[] = rows.map(([label, exercises, bytes, treatment], index) => ({
  section: `3.1.1.${index + 1}`,
  label,
  exercises,
  bytes,
  treatment,
}));
