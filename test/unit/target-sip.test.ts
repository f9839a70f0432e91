// The target's SIP server as a caller sees it: calls from the INVITE to the BYE, refusals, retransmissions, PINs, and how the target ends calls. Messages are
// written by hand, time is moved by hand. What happens within a call is target-sip-dialog.test.ts, media target-sip-media.test.ts, registration
// target-sip-register.test.ts.

import { afterEach, describe, expect, test } from 'vitest';
import { drawAt, STREAMS } from '../../tools/target/chance.ts';
import { dismissParticipant, endMeeting } from '../../tools/target/service.ts';
import { answered, createLab, type Lab } from '../support/target-sip-lab.ts';
import { header, keyPackets, requestText, sdpText, tagOf, withSdp } from '../support/target-sip-messages.ts';

const labs: Lab[] = [];

afterEach(() => {
  for (const lab of labs.splice(0)) lab.close();
});

function lab(...init: Parameters<typeof createLab>): Lab {
  const made = createLab(...init);
  labs.push(made);
  return made;
}

const offer = withSdp(sdpText());
const starts = ({ sent }: Lab): string[] => sent.map(({ status, method }) => `${status === 0 ? 'request' : status} ${method}`);
const sip = ({ service }: Lab) => service.counters.sip;

describe('a call', () => {
  test('rings, is answered, is confirmed, and ends with the BYE of the caller', async () => {
    const a = lab({ sipAnswerDelayMs: 100 });
    await a.request('INVITE', { callId: 'c1', ...offer });
    expect(starts(a)).toEqual(['180 INVITE']);
    expect(a.service.counters.participants.active).toBe(1);
    await a.clock.advance(100);
    expect(starts(a)).toEqual(['180 INVITE', '200 INVITE']);
    const ok = a.last();
    expect(header(ok, 'via')).toMatch(/;received=192\.0\.2\.9|rport=5060/);
    expect(header(ok, 'contact')).toBe('<sip:bridge@192.0.2.1:5070>');
    expect(ok.body).toMatch(/^v=0\r\n/);
    expect(ok.body).toMatch(/m=audio 20000 RTP\/AVP 0 101\r\n/);
    const toTag = tagOf(ok, 'to');
    expect(tagOf(a.sent[0]!, 'to')).toBe(toTag);
    await a.request('ACK', { callId: 'c1', toTag });
    await a.clock.advance(60_000);
    await a.request('BYE', { callId: 'c1', toTag, cseq: 2 });
    expect(starts(a)).toEqual(['180 INVITE', '200 INVITE', '200 BYE']);
    expect(sip(a).calls).toMatchObject({ active: 0, total: 1, answered: 1, ended: { caller: 1 }, rejected: {} });
    expect(a.service.counters.participants).toEqual({ active: 0, peak: 1, total: 1 });
    expect(sip(a).requests).toEqual({ INVITE: 1, ACK: 1, BYE: 1 });
    expect(a.bridge.calls.size).toBe(0);
  });

  test('the 200 is sent again, after twice as long each time, until its ACK', async () => {
    const a = lab();
    const toTag = await answered(a, 'c1', offer, false);
    const times: number[] = [];
    for (let ms = 0; ms < 12_000; ms += 500) {
      const before = a.sent.length;
      await a.clock.advance(500);
      if (a.sent.length > before) times.push(ms + 500);
    }
    expect(times).toEqual([500, 1_500, 3_500, 7_500, 11_500]);
    await a.request('ACK', { callId: 'c1', toTag });
    const before = a.sent.length;
    await a.clock.advance(60_000);
    expect(a.sent.length).toBe(before);
  });

  test('without an ACK it is ended after 32 s with a BYE, which is sent until it is answered', async () => {
    const a = lab();
    await answered(a, 'c1', offer, false);
    await a.clock.advance(32_000);
    const bye = a.last();
    expect(bye).toMatchObject({ status: 0, method: 'BYE' });
    expect(header(bye, 'reason')).toBe('SIP;cause=408;text="no ACK in time"');
    expect(sip(a).calls).toMatchObject({ active: 0, ended: { 'no-ack': 1 } });
    await a.clock.advance(1_500);
    expect(a.sent.filter(({ text }) => text === bye.text)).toHaveLength(3);
    await a.receive(`SIP/2.0 200 OK\r\n${bye.text.split('\r\n').slice(1).join('\r\n')}`);
    await a.clock.advance(40_000);
    expect(a.sent.filter(({ text }) => text === bye.text)).toHaveLength(3);
    expect(a.bridge.calls.size).toBe(0);
  });

  test('a request seen again is answered as before and reaches nobody', async () => {
    const a = lab();
    for (let count = 0; count < 3; count += 1) await a.request('INVITE', { callId: 'c1', ...offer });
    expect(starts(a)).toEqual(['180 INVITE', '200 INVITE', '200 INVITE', '200 INVITE']);
    expect(new Set(a.sent.slice(1).map(({ text }) => text)).size).toBe(1);
    expect(sip(a)).toMatchObject({ retransmissions: 2, requests: { INVITE: 1 }, calls: { total: 1 } });
    // After 64 T1 and a sweep nobody remembers; a new call with the same names is a new call.
    await a.clock.advance(33_000);
    a.bridge.transactions.sweep();
    await a.request('INVITE', { callId: 'c1', ...offer });
    expect(sip(a).calls.total).toBe(2);
  });

  test('CANCEL: 200 for itself, 487 for the INVITE, sent until its ACK; too late or for nothing it changes nothing', async () => {
    const a = lab({ sipAnswerDelayMs: 5_000 });
    await a.request('INVITE', { callId: 'c1', ...offer });
    await a.request('CANCEL', { callId: 'c1' });
    expect(starts(a)).toEqual(['180 INVITE', '200 CANCEL', '487 INVITE']);
    await a.clock.advance(500);
    expect(starts(a).at(-1)).toBe('487 INVITE');
    expect(a.sent).toHaveLength(4);
    await a.request('ACK', { callId: 'c1', branch: 'z9hG4bK-c1-1-INVITE', toTag: tagOf(a.last(), 'to') });
    await a.clock.advance(60_000);
    expect(a.sent).toHaveLength(4);
    expect(sip(a).calls).toMatchObject({ active: 0, answered: 0, cancelled: 1, rejected: { 487: 1 } });
    expect(a.service.counters.participants.active).toBe(0);
    await a.request('CANCEL', { callId: 'never' });
    expect(starts(a).at(-1)).toBe('481 CANCEL');
    const b = lab();
    await answered(b, 'c2', offer);
    await b.request('CANCEL', { callId: 'c2' });
    expect(starts(b).slice(-1)).toEqual(['200 CANCEL']);
    expect(sip(b).calls.active).toBe(1);
  });

  test('forged and stray: wrong tags 481, an old CSeq 500, responses to nobody counted; the call goes on', async () => {
    const a = lab();
    const toTag = await answered(a, 'c1', offer);
    await a.request('BYE', { callId: 'c1', toTag, cseq: 2, fromTag: 'stranger' });
    await a.request('BYE', { callId: 'c1', toTag: 'guess', cseq: 3 });
    await a.request('BYE', { callId: 'other', toTag, cseq: 2 });
    await a.request('BYE', { callId: 'c1', cseq: 2, branch: 'z9hG4bK-untagged' });
    await a.request('BYE', { callId: 'c1', toTag, cseq: 1, branch: 'z9hG4bK-old' });
    expect(starts(a).slice(-5)).toEqual(['481 BYE', '481 BYE', '481 BYE', '481 BYE', '500 BYE']);
    await a.request('ACK', { callId: 'c1', toTag: 'guess', cseq: 9 });
    await a.receive(`SIP/2.0 200 OK\r\n${requestText('BYE', { uri: a.uri, callId: 'x' }).split('\r\n').slice(1).join('\r\n')}`);
    expect(sip(a)).toMatchObject({ unknownDialogs: 5, strayResponses: 1, calls: { active: 1 } });
  });

  test('an INVITE without an offer gets ours, and the ACK brings the answer; without an answer the call ends', async () => {
    const a = lab();
    await a.request('INVITE', { callId: 'c1', headers: ['Contact: <sip:caller@192.0.2.9>'] });
    expect(a.last().body).toMatch(/m=audio \d+ RTP\/AVP 0 8 101/);
    await a.request('ACK', { callId: 'c1', toTag: tagOf(a.last(), 'to'), ...withSdp(sdpText({ formats: '8', port: 41_000 })) });
    const [call] = a.bridge.calls.values();
    expect(call!.lines[0]!.stream).toMatchObject({ remote: { rtp: { port: 41_000 } }, plan: { sends: true } });
    expect([...call!.lines[0]!.stream!.plan.formats.keys()]).toEqual([8]);
    await a.request('INVITE', { callId: 'c2', headers: ['Contact: <sip:caller@192.0.2.9>'] });
    await a.request('ACK', { callId: 'c2', toTag: tagOf(a.last(), 'to') });
    expect(a.last()).toMatchObject({ status: 0, method: 'BYE' });
    expect(sip(a).calls.ended).toEqual({ 'no-media': 1 });
  });

  test('a route set is used: the BYE goes to the target by way of the routes', async () => {
    const a = lab();
    const routes = ['Record-Route: <sip:p1.test;lr>, <sip:p2.test;lr>'];
    await answered(a, 'c1', { ...offer, headers: [...offer.headers!, ...routes] });
    expect(header(a.last(), 'record-route')).toBe('<sip:p1.test;lr>, <sip:p2.test;lr>');
    endCalls(a);
    expect(a.last().start).toBe('BYE sip:caller@192.0.2.9:5060 SIP/2.0');
    expect(a.last().headers.get('route')).toEqual(['<sip:p1.test;lr>', '<sip:p2.test;lr>']);
  });
});

function endCalls({ bridge, service, meeting }: Lab): void {
  for (const call of bridge.calls.values()) dismissParticipant(service, meeting.id, call.participantId!);
}

describe('refusals of an INVITE', () => {
  const sdp = (parts: Parameters<typeof sdpText>[0]) => withSdp(sdpText(parts));
  const cases: [name: string, status: number, parts: Partial<Parameters<Lab['request']>[1]>, expected?: RegExp][] = [
    ['unknown meeting', 404, { uri: 'sip:nobody@192.0.2.1', ...offer }],
    ['a telephone number', 416, { uri: 'tel:+49301234', ...offer }],
    ['no Contact', 400, { headers: ['Content-Type: application/sdp'], body: sdpText() }],
    ['SRTP', 488, sdp({ protocol: 'RTP/SAVP' }), /^Warning: 305 /m],
    ['no codec of ours', 488, sdp({ formats: '18' })],
    ['only port 0', 488, sdp({ port: 0 })],
    ['a host name in c=', 488, sdp({ host: 'media.example.test' })],
    ['a description without media', 400, withSdp('v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\n')],
    [
      'another body',
      415,
      { headers: ['Contact: <sip:c@192.0.2.9>', 'Content-Type: text/plain'], body: 'hi' },
      /^Accept: application\/sdp/m,
    ],
    ['unknown extension', 420, withSdp(sdpText(), 'Require: time-travel'), /^Unsupported: time-travel\r$/m],
    ['a session interval below 90 s', 422, withSdp(sdpText(), 'Supported: timer', 'Session-Expires: 60'), /^Min-SE: 90\r$/m],
  ];
  test.each(cases)('%s: %i', async (_name, status, parts, expected = /^CSeq: 1 INVITE/m) => {
    const a = lab();
    await a.request('INVITE', { callId: 'c1', ...parts });
    expect(starts(a)).toEqual([`${status} INVITE`]);
    expect(a.last().text).toMatch(expected);
    expect(tagOf(a.last(), 'to')).not.toBe('');
    expect(sip(a).calls).toMatchObject({ total: 0, active: 0, rejected: { [status]: 1 } });
    expect(a.network.openPorts()).toEqual([]);
  });

  test('a full meeting 486, a full bridge 503 with Retry-After', async () => {
    const full = lab({ participantsMax: 1 });
    await answered(full, 'c1', offer);
    await full.request('INVITE', { callId: 'c2', ...offer });
    expect(full.last().status).toBe(486);
    const busy = lab({ sipCallsMax: 1 });
    await answered(busy, 'c1', offer);
    await busy.request('INVITE', { callId: 'c2', ...offer });
    expect(busy.last().status).toBe(503);
    expect(header(busy.last(), 'retry-after')).toBe('1');
  });

  test('other methods: 405 for those that exist, 501 for the rest; OPTIONS tells what is there', async () => {
    const a = lab();
    for (const method of ['SUBSCRIBE', 'REFER', 'PUBLISH', 'DANCE', 'OPTIONS']) await a.request(method, { callId: method });
    expect(starts(a)).toEqual(['405 SUBSCRIBE', '405 REFER', '405 PUBLISH', '501 DANCE', '200 OPTIONS']);
    for (const message of a.sent) expect(header(message, 'allow')).toContain('UPDATE');
    expect(header(a.last(), 'accept')).toContain('application/sdp');
    expect(sip(a).requests).toEqual({ other: 4, OPTIONS: 1 });
  });

  test('sipRejectRate and sipSilentRate: the n-th request has the fate that the seed gives it', async () => {
    const settings = { sipRejectRate: 0.3, sipSilentRate: 0.2, seed: 5 };
    const a = lab(settings);
    const expected: string[] = [];
    for (let index = 0; index < 60; index += 1) {
      const draw = drawAt(5, STREAMS.sipFate, index);
      if (draw >= 0.2) expected.push(draw < 0.5 ? '503 OPTIONS' : '200 OPTIONS');
      await a.request('OPTIONS', { callId: `o${index}` });
      // A retransmission draws nothing; the silent stay silent.
      await a.request('OPTIONS', { callId: `o${index}` });
    }
    const once = starts(a).filter((_, index) => index % 2 === 0);
    expect(once).toEqual(expected);
    expect(sip(a).injected).toMatchObject({
      reject: expected.filter((each) => each.startsWith('503')).length,
      silent: 60 - expected.length,
    });
    expect(sip(a).retransmissions).toBe(60);
  });
});

describe('a PIN', () => {
  const info = async (a: Lab, toTag: string, digits: string): Promise<void> => {
    for (const [index, digit] of [...digits].entries()) {
      const headers = ['Content-Type: application/dtmf-relay'];
      await a.request('INFO', { callId: 'c1', toTag, cseq: 2 + index, headers, body: `Signal=${digit}\r\nDuration=160\r\n` });
    }
  };

  test('by INFO: a participant only once it is right', async () => {
    const a = lab({ sipPin: 'required' });
    const toTag = await answered(a, 'c1', offer);
    expect(a.meeting.participants.size).toBe(0);
    await info(a, toTag, `${a.meeting.passcode}#`);
    expect(a.meeting.participants.size).toBe(1);
    await a.clock.advance(60_000);
    expect(sip(a)).toMatchObject({ calls: { active: 1 }, digits: { info: 7, event: 0 } });
  });

  test('by telephone-events: each key once, however many packets tell of it', async () => {
    const a = lab({ sipPin: 'required' });
    await answered(a, 'c1', offer);
    const from = a.network.address('127.0.0.1', 40_000);
    for (const [index, digit] of [...a.meeting.passcode, '#'].entries()) {
      for (const packet of keyPackets(digit, index * 3, index * 4_000)) a.network.deliver(packet, from, 20_000);
    }
    expect(a.meeting.participants.size).toBe(1);
    expect(sip(a).digits).toEqual({ event: 7, info: 0 });
  });

  test('wrong: a BYE that says so; none in time: another', async () => {
    const a = lab({ sipPin: 'required', sipPinMs: 5_000 });
    await info(a, await answered(a, 'c1', offer), '12#');
    expect(header(a.last(), 'reason')).toBe('SIP;cause=403;text="wrong PIN"');
    await answered(a, 'c2', offer);
    await a.clock.advance(5_000);
    expect(header(a.last(), 'reason')).toBe('SIP;cause=408;text="no PIN in time"');
    expect(sip(a).calls).toMatchObject({ active: 0, ended: { 'wrong-pin': 1, 'no-pin': 1 } });
    expect(a.service.counters.participants.total).toBe(0);
  });

  test('INFO that is no digit 400, of another kind 415, empty 200', async () => {
    const a = lab();
    const toTag = await answered(a, 'c1', offer);
    const send = (cseq: number, type: string, body: string): Promise<void> =>
      a.request('INFO', { callId: 'c1', toTag, cseq, headers: type === '' ? [] : [`Content-Type: ${type}`], body });
    await send(2, 'application/dtmf', '5');
    await send(3, 'application/dtmf-relay', 'Signal=55');
    await send(4, 'text/plain', 'five');
    await send(5, '', '');
    expect(a.sent.slice(-4).map(({ status }) => status)).toEqual([200, 400, 415, 200]);
    expect(sip(a).digits.info).toBe(1);
  });
});

describe('calls that the target ends', () => {
  test('sipDropAfterMs', async () => {
    const a = lab({ sipDropAfterMs: 3_000 });
    await answered(a, 'c1', offer);
    await a.clock.advance(2_999);
    expect(sip(a).calls.active).toBe(1);
    await a.clock.advance(1);
    expect(sip(a)).toMatchObject({ calls: { active: 0, ended: { dropped: 1 } }, injected: { drop: 1 } });
    expect(a.last().method).toBe('BYE');
  });

  test('not before the ACK: the BYE waits for it (RFC 3261, 15)', async () => {
    const a = lab({ sipDropAfterMs: 10 });
    const toTag = await answered(a, 'c1', offer, false);
    await a.clock.advance(100);
    expect(starts(a)).not.toContain('request BYE');
    await a.request('ACK', { callId: 'c1', toTag });
    expect(starts(a).at(-1)).toBe('request BYE');
  });

  test('the participant is gone with the meeting, and taken out only once', async () => {
    const a = lab();
    const toTag = await answered(a, 'c1', offer);
    expect(endMeeting(a.service, a.meeting.id).ok).toBe(true);
    expect(a.service.counters.participants.active).toBe(0);
    await a.request('BYE', { callId: 'c1', toTag, cseq: 2 });
    expect(a.last().status).toBe(200);
    expect(a.service.counters.participants.active).toBe(0);
    expect(a.service.meetings.participantsTotal).toBe(0);
  });
});
