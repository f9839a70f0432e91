// The 49 cases of RFC 4475, in messages of our own: each is treated as the RFC expects, and most are looked at more closely. The same bytes through a
// stream give the same, where the RFC does not say otherwise.

import { describe, expect, it } from 'vitest';
import { parseCredentials } from '../../node/wire/sip/digest-text.ts';
import { createSipFramer } from '../../node/wire/sip/framing.ts';
import { addressHeader, contactsOf, headerValues, numberHeader, parseRetryAfter, parseWarning } from '../../node/wire/sip/headers.ts';
import { headerOf, type SipMessage, type SipParseFailure, type SipRequest } from '../../node/wire/sip/message.ts';
import { parseSip } from '../../node/wire/sip/parse.ts';
import { requestProblem, type ServerCapabilities } from '../../node/wire/sip/request-check.ts';
import { parseUri, type SipUri, unescaped } from '../../node/wire/sip/uri.ts';
import { isSameUri } from '../../node/wire/sip/uri-compare.ts';
import { isMisrouted, isUniqueBranch, parseVia } from '../../node/wire/sip/via.ts';
import { writeResponse } from '../../node/wire/sip/write.ts';
import type { TortureCase } from '../support/sip-torture/case.ts';
import { invalidCases } from '../support/sip-torture/invalid.ts';
import { semanticCases } from '../support/sip-torture/semantics.ts';
import { binaryBody, oddMethod, validCases } from '../support/sip-torture/valid.ts';

const cases: readonly TortureCase[] = [...validCases, ...invalidCases, ...semanticCases];

const endpoint: ServerCapabilities = {
  role: 'endpoint',
  methods: ['INVITE', 'ACK', 'BYE', 'CANCEL', 'OPTIONS', 'MESSAGE', 'REGISTER'],
  extensions: ['100rel', 'timer'],
  contentTypes: ['application/sdp', 'multipart/mixed'],
  schemes: ['sip', 'sips', 'tel'],
};
const registrar: ServerCapabilities = { ...endpoint, role: 'registrar' };
const proxy: ServerCapabilities = { ...endpoint, role: 'proxy', extensions: [] };

const named = (label: string): TortureCase => {
  const found = cases.find((one) => one.label === label);
  if (found === undefined) throw new Error(`no case ${label}`);
  return found;
};

function messageOf(label: string): SipMessage {
  const result = parseSip(named(label).bytes);
  if (!result.ok) throw new Error(`${label}: ${result.failure.kind} ${result.failure.detail}`);
  return result.message;
}

function requestOf(label: string): SipRequest {
  const message = messageOf(label);
  if (message.kind !== 'request') throw new Error(`${label} is a response`);
  return message;
}

function failureOf(label: string): SipParseFailure {
  const result = parseSip(named(label).bytes);
  if (result.ok) throw new Error(`${label} is a message`);
  return result.failure;
}

function sipUriOf(text: string): SipUri {
  const uri = parseUri(text);
  if (uri?.kind !== 'sip') throw new Error(`no SIP URI: ${text}`);
  return uri;
}

const contactList = (label: string) => {
  const contacts = contactsOf(messageOf(label));
  if (contacts === null || contacts === '*') throw new Error(`contacts of ${label}`);
  return contacts;
};

/** What a stream makes of the bytes: messages and failures in order, and whether it lives. */
function stream(bytes: Buffer): { methods: string[]; failures: string[]; isDead: boolean; pendingBytes: number } {
  const heard = { methods: [] as string[], failures: [] as string[], isDead: false };
  const framer = createSipFramer({
    onMessage: (message) => heard.methods.push(message.cseqMethod),
    onFailure(failure, isDead) {
      heard.failures.push(failure.kind);
      heard.isDead = isDead;
    },
  });
  framer.push(bytes);
  return { ...heard, pendingBytes: framer.pendingBytes() };
}

it('has the 49 cases, each once', () => {
  expect(new Set(cases.map(({ section }) => section)).size).toBe(49);
  expect(new Set(cases.map(({ label }) => label)).size).toBe(49);
});

describe('treatment', () => {
  it.each(cases.map((one) => [one.section, one.label, one.exercises, one] as const))('%s %s: %s', (_section, _label, _exercises, one) => {
    const result = parseSip(one.bytes);
    const { treatment } = one;
    if (treatment.kind === 'failed') {
      expect(result).toMatchObject({ ok: false, failure: { kind: treatment.as, answer: treatment.answer } });
      return;
    }
    expect(result).toMatchObject({ ok: true });
    if (!result.ok) return;
    const capabilities = treatment.kind === 'refused' && treatment.by === 'registrar' ? registrar : endpoint;
    const problem = result.message.kind === 'request' ? requestProblem(result.message, capabilities) : null;
    expect(problem?.status ?? 'nothing').toBe(treatment.kind === 'refused' ? treatment.status : 'nothing');
  });

  it('answers each faulty request', () => {
    const answerable = cases.filter(({ treatment }) => treatment.kind === 'failed' && treatment.answer !== null);
    for (const { label } of answerable) {
      const { partial, answer } = failureOf(label);
      if (partial === null || answer === null) throw new Error(`${label} cannot be answered`);
      const response = writeResponse(partial, { status: answer, toTag: 'x', receivedHost: '203.0.113.1', rport: 5060 });
      expect(response.toString(), label).toMatch(new RegExp(`^SIP/2\\.0 ${answer} `));
      expect(response.toString(), label).toMatch(/\r\nVia: SIP\/2\.0\/(UDP|TCP) [^;]+;/);
    }
  });
});

describe('3.1.1, valid', () => {
  it('wsinv: every field is found', () => {
    const message = requestOf('wsinv');
    expect([message.cseq, message.callId, message.fromTag, message.toTag]).toEqual([12, 'ws.1f09@203.0.113.8', '7kk2', '55aa10']);
    expect(numberHeader(message, 'max-forwards')).toBe(41);
    expect(addressHeader(message, 'from')).toMatchObject({ displayName: String.raw`Mara \"Q" Olin`, uri: 'sip:mara@example.com' });
    expect(headerOf(message, 'subject')).toBe('');
    expect(headerOf(message, 'x-novel')).toBe('first line second line');
    expect(headerOf(message, 'x-odd')).toBe(';,;;,,;');
    expect(message.via).toMatchObject({ transport: 'UDP', host: '203.0.113.9', branch: 'old7781' });
    const vias = headerValues(message, 'via').map((value) => parseVia(value));
    expect(vias.map((via) => [via?.transport, via?.host, via?.branch])).toEqual([
      ['UDP', '203.0.113.9', 'old7781'],
      ['TCP', 'relay.example.org', 'z9hG4bKr1'],
      ['UDP', '10.20.30.40', 'z9hG4bKr2'],
    ]);
    const [contact] = contactList('wsinv');
    expect(contact).toMatchObject({ displayName: 'Says "hi"', q: 0.41 });
    expect([...(contact?.parameters ?? [])].slice(0, 2)).toEqual([
      ['shade', 'blue'],
      ['plain', null],
    ]);
    expect(sipUriOf(message.uri).parameters.has('colour')).toBe(true);
  });

  it('intmeth: nothing is decoded that is no escape', () => {
    const message = requestOf('intmeth');
    expect([message.method, message.callId]).toEqual([oddMethod, 'word%ZQ-!.*_+\'@other`~)(><:\\/"][?}{']);
    expect(sipUriOf(message.uri)).toMatchObject({ user: '9_lives.~(so-they)&say=it+is$5/yes?,;who*', password: 'pa&ss=1,wo+rd$*' });
    expect(addressHeader(message, 'to')?.displayName).toBe('bell \u0007 nil \u0000 del \u007f');
    const from = addressHeader(message, 'from');
    expect(from?.displayName).toBe("first~`' second_+*% third!-.");
    expect(from?.parameters.get("odd~'`+*_!.-%")).toBe('"кошка"');
    expect(message.fromTag).toBe("~'`+*_!.-%9");
    expect(headerOf(message, "x-!.%*+_`'~")).toBe('\ufeff電話番号');
    expect(requestProblem(message, endpoint)?.headers).toEqual([{ name: 'allow', value: endpoint.methods.join(', ') }]);
  });

  it('esc01: escapes are kept, and can be taken away', () => {
    const uri = sipUriOf(requestOf('esc01').uri);
    expect(unescaped(uri.user ?? '')).toBe('sips:wren@example.net');
    const to = sipUriOf(addressHeader(messageOf('esc01'), 'to')?.uri ?? '');
    expect(isSameUri(to, sipUriOf('sip:wren@example.net'))).toBe(true);
    expect(unescaped(sipUriOf(addressHeader(messageOf('esc01'), 'from')?.uri ?? '').user ?? '')).toBe('two words');
    const contact = sipUriOf(contactList('esc01')[0]?.uri ?? '');
    expect([...contact.parameters]).toEqual([
      ['lr', null],
      ['key', 'v%61l%25%32%30'],
    ]);
    // One escape deep, never two: %25%32%30 is the text "%20".
    expect(unescaped('v%61l%25%32%30')).toBe('val%20');
  });

  it('escnull: one NUL is not two', () => {
    const [one, two] = contactList('escnull').map((contact) => sipUriOf(contact.uri));
    if (one === undefined || two === undefined) throw new Error('two contacts');
    expect([unescaped(one.user ?? ''), unescaped(two.user ?? '')]).toEqual(['\0', '\0\0']);
    expect(isSameUri(one, two)).toBe(false);
  });

  it('esc02: a method, a header name and a display name have no escapes', () => {
    const message = requestOf('esc02');
    expect(message.method).toBe('OP%54ION%53');
    expect(addressHeader(message, 'to')?.displayName).toBe('%Q%54');
    expect(contactList('esc02').map(({ uri }) => uri)).toEqual(['sip:shown@twig.example.org']);
    expect(headerOf(message, 'c%6fntact')).toBe('<sip:hidden@twig.example.org>');
  });

  it('lwsdisp, longreq: names and values in full', () => {
    expect(addressHeader(messageOf('lwsdisp'), 'from')).toMatchObject({ displayName: 'robin', uri: 'sip:robin@example.com' });
    const long = messageOf('longreq');
    expect(headerValues(long, 'via')).toHaveLength(34);
    expect(long.fromTag).toBe('0123456789'.repeat(20));
    expect(long.callId).toBe('identity'.repeat(30));
    expect(sipUriOf(contactList('longreq')[0]?.uri ?? '').user).toHaveLength(280);
  });

  it('dblreq: one request in a datagram, two on a stream', () => {
    expect(messageOf('dblreq')).toMatchObject({ method: 'REGISTER', body: new Uint8Array(0) });
    expect(stream(named('dblreq').bytes)).toEqual({ methods: ['REGISTER', 'INVITE'], failures: [], isDead: false, pendingBytes: 0 });
  });

  it('semiuri: the semicolon belongs to the user', () => {
    const uri = sipUriOf(requestOf('semiuri').uri);
    expect(uri.parameters.size).toBe(0);
    expect(unescaped(uri.user ?? '')).toBe('wren;door=4@east');
    expect(headerValues(messageOf('semiuri'), 'accept')).toEqual(['application/sdp', 'application/pkcs7-mime', 'multipart/mixed']);
  });

  it('transports: all are read, whatever they are', () => {
    const vias = headerValues(messageOf('transports'), 'via').map((value) => parseVia(value)?.transport);
    expect(vias).toEqual(['UDP', 'SCTP', 'TLS', 'CARRIER-PIGEON', 'TCP']);
  });

  it('mpart01: the body is whole, and not text', () => {
    expect(Buffer.from(messageOf('mpart01').body).equals(binaryBody)).toBe(true);
    expect(stream(Buffer.concat([named('mpart01').bytes, named('lwsdisp').bytes])).methods).toEqual(['MESSAGE', 'OPTIONS']);
  });

  it('unreason, noreason: the phrase decides nothing', () => {
    expect(messageOf('unreason')).toMatchObject({ status: 200, reason: '= 8*5^2; двести простым не бывает, "199" бывает' });
    expect(messageOf('noreason')).toMatchObject({ status: 180, reason: '' });
  });
});

describe('3.1.2, invalid', () => {
  it('clerr, ncl, mcl01: a stream waits for the rest, or is dead', () => {
    expect(stream(named('clerr').bytes)).toMatchObject({
      methods: [],
      failures: [],
      isDead: false,
      pendingBytes: named('clerr').bytes.length,
    });
    expect(stream(named('ncl').bytes)).toMatchObject({ failures: ['content-length'], isDead: true, pendingBytes: 0 });
    expect(stream(named('mcl01').bytes)).toMatchObject({ failures: ['duplicate-header'], isDead: true });
  });

  it('scalar02: too large an expiry or Max-Forwards is as if it were absent', () => {
    const { partial } = failureOf('scalar02');
    if (partial === null) throw new Error('scalar02 can be answered');
    const contacts = contactsOf(partial);
    expect(contacts === '*' || contacts?.[0]?.expiresSeconds).toBeUndefined();
    expect([numberHeader(partial, 'expires'), numberHeader(partial, 'max-forwards', 255)]).toEqual([null, null]);
    expect(requestProblem(partial, proxy)).toBeNull();
  });

  it('scalarlg: its other numbers are refused too', () => {
    expect(parseRetryAfter('36893488147419103232')).toBeNull();
    expect(parseWarning('8115 kiln.example.org "Too hot"')).toBeNull();
  });

  it('badinv01: the answer goes where the readable part of the Via says', () => {
    expect(failureOf('badinv01').partial?.via).toMatchObject({ transport: 'UDP', host: 'wheel.example.net', branch: '', rport: undefined });
  });

  it('baddate: left alone, as nothing here reads it', () => {
    expect(headerOf(messageOf('baddate'), 'date')).toBe('Tue, 14 Mar 2023 09:26:53 CET');
  });

  it('mismatch02: the answer names what came', () => {
    expect(failureOf('mismatch02').partial).toMatchObject({ method: 'GLAZE', cseq: 305, cseqMethod: 'OPTIONS' });
  });
});

describe('3.2 to 3.4, semantics', () => {
  it('badbranch: the cookie alone names no transaction', () => {
    expect(isUniqueBranch(messageOf('badbranch').via.branch)).toBe(false);
    expect(isUniqueBranch(messageOf('zeromf').via.branch)).toBe(true);
  });

  it('insuf: the answer has what the request had', () => {
    const { partial } = failureOf('insuf');
    if (partial === null) throw new Error('insuf can be answered');
    expect(writeResponse(partial, { status: 400 }).toString().split('\r\n')).toEqual([
      'SIP/2.0 400 Bad Request',
      'CSeq: 502 INVITE',
      'Via: SIP/2.0/UDP 203.0.113.14;branch=z9hG4bKinsuf',
      'Content-Length: 0',
      '',
      '',
    ]);
  });

  it('unksm2: an endpoint does not mind', () => {
    expect(requestProblem(requestOf('unksm2'), endpoint)).toBeNull();
    expect(requestProblem(requestOf('unksm2'), registrar)?.reason).toBe('Bad Address of Record');
  });

  it('bext01: each role names its own', () => {
    expect(requestProblem(requestOf('bext01'), endpoint)?.headers).toEqual([{ name: 'unsupported', value: 'pruning, grafting' }]);
    expect(requestProblem(requestOf('bext01'), proxy)?.headers).toEqual([{ name: 'unsupported', value: 'hedge, fence' }]);
    const able = { ...endpoint, extensions: ['pruning', 'grafting'] };
    expect(requestProblem(requestOf('bext01'), able)).toBeNull();
  });

  it('invut: the refusal says what would do', () => {
    expect(requestProblem(requestOf('invut'), endpoint)?.headers).toEqual([{ name: 'accept', value: 'application/sdp, multipart/mixed' }]);
  });

  it('regaut01: as if there were no credentials; where nobody registers, the method is not allowed', () => {
    expect(parseCredentials(headerOf(messageOf('regaut01'), 'authorization') ?? '')).toBeNull();
    expect(requestProblem(requestOf('regaut01'), { ...endpoint, methods: ['INVITE'] })).toMatchObject({ status: 405 });
  });

  it('bcast: a client discards what has a second Via', () => {
    const [foreign, own] = [messageOf('bcast'), messageOf('noreason')];
    expect(foreign.kind === 'response' && isMisrouted(foreign)).toBe(true);
    expect(own.kind === 'response' && isMisrouted(own)).toBe(false);
  });

  it('zeromf: the last hop is the endpoint, and too many for a proxy', () => {
    expect(requestProblem(requestOf('zeromf'), proxy)?.status).toBe(483);
  });

  it('cparam01, cparam02, regescrt: what is the Contact and what its URI', () => {
    const [outer, inner, escaped] = ['cparam01', 'cparam02', 'regescrt'].map((label) => contactList(label)[0]);
    expect([outer?.uri, outer?.parameters.has('sweetness')]).toEqual(['sip:+18005550177@gate.example.net', true]);
    expect([inner?.uri, inner?.parameters.has('sweetness')]).toEqual(['sip:+18005550177@gate.example.net;sweetness', false]);
    expect(sipUriOf(escaped?.uri ?? '').headers).toEqual([['Route', '%3Csip:gate.example.net%3E']]);
  });

  it('sdp01: says why', () => {
    expect(requestProblem(requestOf('sdp01'), endpoint)?.headers).toEqual([
      { name: 'warning', value: '399 quilt-swarm "Accept has no application/sdp"' },
    ]);
  });

  it('inv2543: no tag, no branch, the body to the end', () => {
    const message = requestOf('inv2543');
    expect([message.fromTag, message.via.branch]).toEqual(['', '']);
    expect(Buffer.from(message.body).toString()).toMatch(/^v=0\r\n[\s\S]*H264\/90000\r\n$/);
    expect(stream(named('inv2543').bytes)).toMatchObject({ failures: ['content-length'], isDead: true });
  });
});
