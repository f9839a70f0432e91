// RFC 4475, 3.1.2: syntax that is wrong, and what is owed for it. Where the RFC lets a receiver choose, the treatment is this program's choice: it is
// strict where being liberal would mean guessing, and liberal where nothing depends on the fault.

import { accepted, failed, offer, offerLength, refused, type TortureCase, wire } from './case.ts';

/** A well-formed OPTIONS, some lines of which are replaced: `{ to: 'To: ...' }`. */
interface Lines {
  start: string;
  via: string;
  maxForwards: string;
  from: string;
  to: string;
  callId: string;
  cseq: string;
  length: string;
  more: readonly string[];
}

function options(label: string, { more = [], ...changed }: Partial<Lines>): Buffer {
  const { start, ...fields }: Omit<Lines, 'more'> = {
    start: 'OPTIONS sip:kiln@pottery.example.org SIP/2.0',
    via: `Via: SIP/2.0/UDP wheel.example.net:5080;branch=z9hG4bK${label}`,
    maxForwards: 'Max-Forwards: 70',
    from: `From: "Ida Clay" <sip:ida@example.net>;tag=${label}1`,
    to: 'To: <sip:kiln@pottery.example.org>',
    callId: `Call-ID: ${label}.66@wheel.example.net`,
    cseq: 'CSeq: 301 OPTIONS',
    length: 'Content-Length: 0',
    ...changed,
  };
  return wire([start, ...Object.values(fields), ...more]);
}

function invite(label: string, start: string, more: readonly string[] = [], length: number | string = offerLength): Buffer {
  return wire(
    [
      start,
      `Via: SIP/2.0/UDP wheel.example.net:5080;branch=z9hG4bK${label}`,
      'Max-Forwards: 69',
      `From: <sip:ida@example.net>;tag=${label}1`,
      'To: "Kiln room" <sip:kiln@pottery.example.org>',
      `Call-ID: ${label}.67@wheel.example.net`,
      'CSeq: 302 INVITE',
      'Contact: <sip:ida@wheel.example.net:5080>',
      'Content-Type: application/sdp',
      ...more,
      `Content-Length: ${length}`,
    ],
    offer,
  );
}

const kiln = 'sip:kiln@pottery.example.org';

const badinv01 = options('badinv01', {
  via: 'Via: SIP/2.0/UDP wheel.example.net;;,,;,',
  more: ['Contact: "Ida" <sip:ida@example.net>;;;;'],
});
const clerr = invite('clerr', `INVITE ${kiln} SIP/2.0`, [], 9876);
const ncl = invite('ncl', `INVITE ${kiln} SIP/2.0`, [], '-876');

const scalar02 = wire([
  'REGISTER sip:pottery.example.org SIP/2.0',
  'Via: SIP/2.0/TCP wheel.example.net;branch=z9hG4bKscalar02;ttl=70000',
  'To: <sip:ida@pottery.example.org>',
  'From: <sip:ida@pottery.example.org>;tag=9',
  'Call-ID: scalar02.68@wheel.example.net',
  'CSeq: 73786976294838206464 REGISTER',
  'Max-Forwards: 512',
  'Expires: 9999999999999999999999999999',
  'Contact: <sip:ida@wheel.example.net>;expires=340282366920938463463374607431768211456',
  'l: 0',
]);

const scalarlg = wire([
  'SIP/2.0 503 Service Unavailable',
  'Via: SIP/2.0/TCP wheel.example.net;branch=z9hG4bKscalarlg;received=192.0.2.88',
  'To: <sip:kiln@pottery.example.org>;tag=8',
  'From: <sip:ida@example.net>;tag=7',
  'Call-ID: scalarlg.69@wheel.example.net',
  'CSeq: 18446744073709551617 OPTIONS',
  'Retry-After: 36893488147419103232',
  'Warning: 8115 kiln.example.org "Too hot"',
  'l: 0',
]);

const quotbal = options('quotbal', { to: 'To: "Open mouth <sip:kiln@pottery.example.org>' });
const ltgtruri = invite('ltgtruri', `INVITE <${kiln}> SIP/2.0`);
const lwsruri = invite('lwsruri', `INVITE ${kiln}; lr SIP/2.0`);
const lwsstart = invite('lwsstart', `INVITE  ${kiln}  SIP/2.0`);
const trws = options('trws', { start: `OPTIONS ${kiln} SIP/2.0  ` });
const escruri = invite('escruri', `INVITE ${kiln}?Route=%3Csip:thief.example.com%3E SIP/2.0`);
const baddate = invite('baddate', `INVITE ${kiln} SIP/2.0`, ['Date: Tue, 14 Mar 2023 09:26:53 CET']);

const regbadct = wire([
  'REGISTER sip:pottery.example.org SIP/2.0',
  'Via: SIP/2.0/UDP wheel.example.net;branch=z9hG4bKregbadct',
  'Max-Forwards: 70',
  'To: sip:ida@pottery.example.org',
  'From: sip:ida@pottery.example.org;tag=6',
  'Call-ID: regbadct.70@wheel.example.net',
  'CSeq: 303 REGISTER',
  'Contact: sip:ida@wheel.example.net?Route=%3Csip:shed.example.net%3E',
  'l: 0',
]);

const badaspec = options('badaspec', { to: 'To: "Clay, Ida" < sip:ida@example.net >' });
const baddn = options('baddn', { from: 'From: Clay, Ida <sip:ida@example.net>;tag=5' });
const badvers = options('badvers', { start: `OPTIONS ${kiln} SIP/3.1` });
const mismatch01 = options('mismatch01', { cseq: 'CSeq: 304 PUBLISH' });
const mismatch02 = options('mismatch02', { start: `GLAZE ${kiln} SIP/2.0`, cseq: 'CSeq: 305 OPTIONS' });

const bigcode = wire([
  'SIP/2.0 8589934792 A very good answer',
  'Via: SIP/2.0/UDP wheel.example.net;branch=z9hG4bKbigcode',
  'To: <sip:kiln@pottery.example.org>;tag=4',
  'From: <sip:ida@example.net>;tag=3',
  'Call-ID: bigcode.71@wheel.example.net',
  'CSeq: 306 INVITE',
  'Contact: <sip:kiln@pottery.example.org>',
  'l: 0',
]);

const rows = [
  ['badinv01', 'separators with nothing between', badinv01, failed('via', 400)],
  ['clerr', 'a Content-Length beyond the end', clerr, failed('content-length', 400)],
  ['ncl', 'a negative Content-Length', ncl, failed('content-length', 400)],
  ['scalar02', 'numbers too large in a request', scalar02, failed('cseq', 400)],
  ['scalarlg', 'numbers too large in a response', scalarlg, failed('cseq', null)],
  ['quotbal', 'a quote that is never closed', quotbal, failed('address', 400)],
  ['ltgtruri', 'a Request-URI in angle brackets', ltgtruri, failed('uri', 400)],
  ['lwsruri', 'a space in the Request-URI', lwsruri, failed('uri', 400)],
  ['lwsstart', 'two spaces between the parts of the start line', lwsstart, failed('uri', 400)],
  ['trws', 'spaces at the end of the start line', trws, failed('start-line', 400)],
  ['escruri', 'headers in the Request-URI', escruri, refused(400)],
  ['baddate', 'a Date that is not GMT', baddate, accepted],
  ['regbadct', 'a Contact that needs angle brackets', regbadct, refused(400, 'registrar')],
  ['badaspec', 'spaces in angle brackets', badaspec, refused(400)],
  ['baddn', 'a comma in an unquoted display name', baddn, refused(400)],
  ['badvers', 'a version that does not exist', badvers, failed('version', 505)],
  ['mismatch01', 'a CSeq of another known method', mismatch01, failed('cseq', 400)],
  ['mismatch02', 'a CSeq of another method than an unknown one', mismatch02, failed('cseq', 400)],
  ['bigcode', 'a status code that overflows', bigcode, failed('start-line', null)],
] as const;

export const invalidCases: readonly TortureCase[] = rows.map(([label, exercises, bytes, treatment], index) => ({
  section: `3.1.2.${index + 1}`,
  label,
  exercises,
  bytes,
  treatment,
}));
