// Requests within a call of the target's SIP server: hold and resume, added video, UPDATE, crossing BYEs, reliable provisionals, session timers. Messages
// are written by hand, time is moved by hand.

import { afterEach, describe, expect, test } from 'vitest';
import { dismissParticipant } from '../../tools/target/service.ts';
import { answered, createLab, type Lab } from '../support/target-sip-lab.ts';
import { header, sdpText, tagOf, withSdp } from '../support/target-sip-messages.ts';

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

function endCalls({ bridge, service, meeting }: Lab): void {
  for (const call of bridge.calls.values()) dismissParticipant(service, meeting.id, call.participantId!);
}

describe('within a call', () => {
  test('hold, resume, hold the old way: directions are mirrored, the version goes up, packets stop and go', async () => {
    const a = lab();
    const toTag = await answered(a, 'c1', offer);
    const [call] = a.bridge.calls.values();
    const plan = () => call!.lines[0]!.stream!.plan;
    const version = () => /^o=- \d+ (\d+) /m.exec(a.last().body)?.[1];
    const firstVersion = version();
    let cseq = 1;
    const reinvite = async (sdp: string): Promise<void> => {
      cseq += 1;
      await a.request('INVITE', { callId: 'c1', toTag, cseq, ...withSdp(sdp) });
      expect(a.last().status).toBe(200);
      const { body } = a.last();
      await a.request('ACK', { callId: 'c1', toTag, cseq });
      expect(body).toMatch(/m=audio 20000 /);
    };
    await reinvite(sdpText({ audio: ['a=sendonly'] }));
    expect(a.last().body).toMatch(/^a=recvonly\r$/m);
    expect(plan()).toMatchObject({ sends: false, receives: true });
    expect(version()).not.toBe(firstVersion);
    const held = version();
    await reinvite(sdpText({ audio: ['a=sendonly'] }));
    expect(version()).toBe(held);
    await reinvite(sdpText({ audio: ['a=inactive'] }));
    expect(plan()).toMatchObject({ sends: false, receives: false });
    await reinvite(sdpText());
    expect(plan()).toMatchObject({ sends: true, receives: true });
    await reinvite(sdpText({ host: '0.0.0.0' }));
    expect(plan()).toMatchObject({ sends: false, remote: { host: '127.0.0.1', port: 40_000 } });
    expect(sip(a).calls).toMatchObject({ total: 1, active: 1 });
    expect(a.network.openPorts()).toEqual([20_000, 20_001]);
  });

  test('video is added by a re-INVITE and taken away again; an offer that cannot be had is refused and changes nothing', async () => {
    const a = lab();
    const toTag = await answered(a, 'c1', offer);
    const video = ['m=video 42000 RTP/AVP 97', 'a=rtpmap:97 VP8/90000'];
    await a.request('INVITE', { callId: 'c1', toTag, cseq: 2, ...withSdp(sdpText({ more: video })) });
    expect(a.last().body).toMatch(/m=video 20002 RTP\/AVP 97\r\n/);
    await a.request('ACK', { callId: 'c1', toTag, cseq: 2 });
    await a.request('INVITE', { callId: 'c1', toTag, cseq: 3, ...withSdp(sdpText({ more: ['m=video 0 RTP/AVP 97'] })) });
    expect(a.last().body).toMatch(/m=video 0 RTP\/AVP 97\r\n/);
    await a.request('ACK', { callId: 'c1', toTag, cseq: 3 });
    await a.request('INVITE', { callId: 'c1', toTag, cseq: 4, ...withSdp(sdpText({ formats: '18' })) });
    expect(a.last().status).toBe(488);
    const [call] = a.bridge.calls.values();
    expect(call!.lines.map(({ stream }) => stream?.plan.kind)).toEqual(['audio', undefined]);
  });

  test('UPDATE changes media without an ACK, and refreshes without a body; in a ringing call an offer has to wait', async () => {
    const a = lab();
    const toTag = await answered(a, 'c1', offer);
    await a.request('UPDATE', { callId: 'c1', toTag, cseq: 2, ...withSdp(sdpText({ audio: ['a=sendonly'] })) });
    expect(a.last()).toMatchObject({ status: 200, method: 'UPDATE' });
    expect(a.last().body).toMatch(/^a=recvonly\r$/m);
    await a.request('UPDATE', { callId: 'c1', toTag, cseq: 3, headers: ['Contact: <sip:elsewhere@192.0.2.7:5066>'] });
    expect(a.last()).toMatchObject({ status: 200, body: '' });
    endCalls(a);
    expect(a.last().start).toBe('BYE sip:elsewhere@192.0.2.7:5066 SIP/2.0');
    const b = lab({ sipAnswerDelayMs: 1_000 });
    await b.request('INVITE', { callId: 'c2', ...offer });
    await b.request('UPDATE', { callId: 'c2', toTag: tagOf(b.last(), 'to'), cseq: 2, ...offer });
    expect(b.last()).toMatchObject({ status: 500, method: 'UPDATE' });
    expect(header(b.last(), 'retry-after')).toBe('1');
  });

  test('a BYE while it rings ends it with 487; one that crosses ours is answered', async () => {
    const a = lab({ sipAnswerDelayMs: 1_000 });
    await a.request('INVITE', { callId: 'c1', ...offer });
    await a.request('BYE', { callId: 'c1', toTag: tagOf(a.last(), 'to'), cseq: 2 });
    expect(starts(a)).toEqual(['180 INVITE', '200 BYE', '487 INVITE']);
    const b = lab();
    const toTag = await answered(b, 'c2', offer);
    endCalls(b);
    await b.request('BYE', { callId: 'c2', toTag, cseq: 2 });
    expect(starts(b).slice(-2)).toEqual(['request BYE', '200 BYE']);
    await b.request('INFO', { callId: 'c2', toTag, cseq: 3 });
    expect(starts(b).at(-1)).toBe('481 INFO');
  });

  test('100rel: the 180 is sent until its PRACK, and the answer waits for it; a wrong PRACK is 481', async () => {
    const a = lab();
    await a.request('INVITE', { callId: 'c1', ...withSdp(sdpText(), 'Require: 100rel') });
    expect(header(a.last(), 'rseq')).toBe('1');
    expect(header(a.last(), 'require')).toBe('100rel');
    const toTag = tagOf(a.last(), 'to');
    await a.clock.advance(1_500);
    expect(starts(a)).toEqual(['180 INVITE', '180 INVITE', '180 INVITE']);
    await a.request('PRACK', { callId: 'c1', toTag, cseq: 2, headers: ['RAck: 2 1 INVITE'] });
    await a.request('PRACK', { callId: 'c1', toTag, cseq: 3, headers: ['RAck: 1 1 INVITE'] });
    expect(starts(a).slice(3)).toEqual(['481 PRACK', '200 PRACK', '200 INVITE']);
    const never = lab();
    await never.request('INVITE', { callId: 'c1', ...withSdp(sdpText(), 'Require: 100rel') });
    await never.clock.advance(32_000);
    expect(starts(never).at(-1)).toBe('504 INVITE');
    expect(sip(never).calls.active).toBe(0);
  });

  test('session timers: the caller that was to refresh and does not is hung up on, one that does is not', async () => {
    const a = lab();
    const toTag = await answered(a, 'c1', withSdp(sdpText(), 'Supported: timer', 'Session-Expires: 90'));
    expect(a.sent[1]!.text).toMatch(/^Session-Expires: 90;refresher=uac\r$/m);
    expect(a.sent[1]!.text).toMatch(/^Require: timer\r$/m);
    await a.clock.advance(50_000);
    await a.request('UPDATE', { callId: 'c1', toTag, cseq: 2, headers: ['Supported: timer', 'Session-Expires: 90;refresher=uac'] });
    await a.clock.advance(59_000);
    expect(sip(a).calls.active).toBe(1);
    await a.clock.advance(2_000);
    expect(sip(a).calls).toMatchObject({ active: 0, ended: { expired: 1 } });
    expect(header(a.last(), 'reason')).toContain('not refreshed');
  });

  test('session timers: refresher=uas makes us send UPDATE at half the interval, until one fails', async () => {
    const a = lab();
    await answered(a, 'c1', withSdp(sdpText(), 'Supported: timer', 'Session-Expires: 120;refresher=uas'));
    const answerUpdate = (status: string): Promise<void> =>
      a.receive(`SIP/2.0 ${status}\r\n${a.last().text.split('\r\n').slice(1).join('\r\n')}`);
    await a.clock.advance(60_000);
    expect(a.last()).toMatchObject({ status: 0, method: 'UPDATE' });
    expect(header(a.last(), 'session-expires')).toBe('120;refresher=uac');
    await answerUpdate('200 OK');
    await a.clock.advance(60_000);
    expect(header(a.last(), 'cseq')).toBe('2 UPDATE');
    await answerUpdate('481 Gone');
    expect(starts(a).at(-1)).toBe('request BYE');
    expect(sip(a).calls.ended).toEqual({ expired: 1 });
  });
});
