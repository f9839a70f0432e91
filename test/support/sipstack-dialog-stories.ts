// Stories of what goes on within a dialog: reliable provisional responses, session timers, new offers and glare, by transcript file and title.

import { answer, answering, peerByeTo, type Scene, scene, within } from './sipstack-calls.ts';
import type { Stories } from './sipstack-stories.ts';
import { replyText, SDP } from './sipstack-wire.ts';

const reliable: Stories = {
  'we call: each reliable response gets its PRACK, once (RFC 3262, 4)': scene(
    (s) => {
      s.onHeard = answering(s, { PRACK: [200], BYE: [200] });
      const call = s.invite();
      s.to(10);
      const invite = s.heard('INVITE');
      const ring = (rseq: number, status: number): void =>
        s.reply(invite, status, { headers: ['Contact: <sip:peer@10.0.0.2>', 'Require: 100rel', `RSeq: ${rseq}`] });
      ring(7, 183);
      s.to(20);
      ring(7, 183);
      ring(9, 180);
      s.to(30);
      ring(8, 180);
      s.to(100);
      s.reply(invite, 200, answer);
      s.to(200);
      call.hangUp();
      s.to(50_000);
    },
    { agent: { reliableProvisionals: 'supported' } },
  ),
  'the PRACK is challenged: it goes out again, with credentials': scene(
    (s) => {
      const call = s.invite();
      s.to(10);
      const invite = s.heard('INVITE');
      s.reply(invite, 183, { headers: ['Contact: <sip:peer@10.0.0.2>', 'Require: 100rel', 'RSeq: 1'] });
      s.to(20);
      s.reply(s.heard('PRACK'), 407, { headers: ['Proxy-Authenticate: Digest realm="r", nonce="n"'] });
      s.to(30);
      s.onHeard = answering(s, { BYE: [200] });
      s.note(`  credentials: ${/^Proxy-Authorization: Digest/m.test(s.heard('PRACK'))}`);
      s.reply(s.heard('PRACK'), 200);
      s.reply(invite, 200, answer);
      s.to(100);
      call.hangUp();
      s.to(50_000);
    },
    { agent: { reliableProvisionals: 'supported', auth: { user: 'a', password: 'p' } } },
  ),
  'we are called: the reliable response comes again until its PRACK, the answer waits for that': scene(
    (s) => {
      s.request('INVITE', { body: SDP, headers: ['Supported: 100rel'] });
      s.to(100);
      s.incoming().answer(SDP);
      s.to(2000);
      s.request('PRACK', { ...within(s, 2, '180 INVITE'), headers: [`RAck: ${rseqOf(s)} 1 INVITE`] });
      s.to(2010);
      s.request('ACK', { ...within(s, 1), branch: 'z9hG4bK-ack' });
      s.to(2100);
      s.request('BYE', within(s, 3));
      s.to(50_000);
    },
    { onInvite: (call) => call.ring(180, { isReliable: true }) },
  ),
  'we are called: a PRACK for something else is refused, none at all ends the call': scene(
    (s) => {
      s.request('INVITE', { body: SDP, headers: ['Require: 100rel'] });
      s.to(100);
      s.request('PRACK', { ...within(s, 2, '180 INVITE'), headers: [`RAck: ${Number(rseqOf(s)) + 1} 1 INVITE`] });
      s.to(36_000);
      s.request('ACK', { branch: 'z9hG4bK-call-1-INVITE', toTag: 'x' });
      s.to(80_000);
    },
    { onInvite: (call) => call.ring() },
  ),
};

const rseqOf = (s: Scene): string => /^RSeq: (\d+)/im.exec(s.heard('180 INVITE'))?.[1] ?? '';

const wish = { expiresS: 90, minS: 90, refresher: 'local', refreshBy: 'update' } as const;
const agreed = (refresher: string, ...more: string[]) => ({
  ...answer,
  headers: [...answer.headers, `Session-Expires: 90;refresher=${refresher}`, 'Require: timer', ...more],
});

const sessions: Stories = {
  'we refresh by UPDATE at half of the interval, each time': scene(
    (s) => {
      s.onHeard = (text) => {
        if (/^(INVITE|UPDATE)/.test(text)) s.reply(text, 200, agreed('uac', 'Allow: INVITE, UPDATE'));
        if (text.startsWith('BYE')) s.reply(text, 200);
      };
      const call = s.invite();
      s.to(100_000);
      call.hangUp();
      s.to(140_000);
    },
    { agent: { sessionTimer: wish } },
  ),
  'we refresh by re-INVITE where the peer knows no UPDATE': scene(
    (s) => {
      s.onHeard = (text) => {
        if (text.startsWith('INVITE')) s.reply(text, 200, agreed('uac', 'Allow: INVITE'));
        if (text.startsWith('BYE')) s.reply(text, 200);
      };
      const call = s.invite();
      s.to(60_000);
      call.hangUp();
      s.to(100_000);
    },
    { agent: { sessionTimer: wish } },
  ),
  'the interval is too small: 422, and again with the one that is demanded (7.4)': scene(
    (s) => {
      s.onHeard = (text) => {
        if (!text.startsWith('INVITE')) return;
        if (text.includes('Session-Expires: 300')) s.reply(text, 200, answer);
        else s.reply(text, 422, { headers: ['Min-SE: 300'] });
      };
      s.invite();
      s.to(100);
      s.note(`  ${/^Session-Expires: .*(?=\r)/m.exec(s.heard('INVITE'))?.[0]}`);
    },
    { agent: { sessionTimer: wish } },
  ),
  'our refresh meets glare: it is tried again in time': scene(
    (s) => {
      let refreshes = 0;
      s.onHeard = (text) => {
        if (text.startsWith('INVITE')) s.reply(text, 200, agreed('uac', 'Allow: UPDATE'));
        if (text.startsWith('UPDATE')) s.reply(text, ++refreshes === 1 ? 491 : 200, refreshes === 1 ? {} : agreed('uac'));
        if (text.startsWith('BYE')) s.reply(text, 200);
      };
      const call = s.invite();
      s.to(70_000);
      call.hangUp();
      s.to(110_000);
    },
    { agent: { sessionTimer: wish } },
  ),
  'our refresh is refused each time: BYE before the session is over (10)': scene(
    (s) => {
      s.onHeard = (text) => {
        if (text.startsWith('INVITE')) s.reply(text, 200, agreed('uac', 'Allow: UPDATE'));
        if (text.startsWith('UPDATE')) s.reply(text, 500);
        if (text.startsWith('BYE')) s.reply(text, 200);
      };
      s.invite();
      s.to(110_000);
    },
    { agent: { sessionTimer: wish } },
  ),
  'the peer should refresh and does not: BYE before the session is over (10)': scene(
    (s) => {
      s.onHeard = (text) => {
        if (text.startsWith('INVITE')) s.reply(text, 200, agreed('uas'));
        if (text.startsWith('BYE')) s.reply(text, 200);
      };
      s.invite();
      s.to(110_000);
    },
    { agent: { sessionTimer: wish } },
  ),
  'we are called with less than we allow: 422': scene(
    (s) => {
      s.request('INVITE', { body: SDP, headers: ['Supported: timer', 'Session-Expires: 60'] });
      s.to(10);
      s.request('ACK', { branch: 'z9hG4bK-call-1-INVITE', toTag: 'x' });
      s.note(`  ${/^Min-SE: .*(?=\r)/im.exec(s.heard('422'))?.[0]}`);
      s.to(40_000);
    },
    { agent: { sessionTimer: wish } },
  ),
  'we are called and the caller refreshes: the call lives on, and ends when it stops doing so': scene(
    (s) => {
      s.onHeard = answering(s, { BYE: [200] });
      const timer = ['Supported: timer', 'Session-Expires: 90;refresher=uac'];
      s.request('INVITE', { body: SDP, headers: timer });
      s.to(10);
      s.incoming().answer(SDP);
      s.to(20);
      s.request('ACK', { ...within(s, 1), branch: 'z9hG4bK-ack' });
      s.to(45_000);
      s.request('UPDATE', { ...within(s, 2), headers: timer });
      s.to(150_000);
    },
    { agent: { sessionTimer: wish } },
  ),
};

const offers: Stories = {
  'glare: 491 to theirs while ours is under way, and ours again after 491 (14.1)': scene((s) => {
    s.onHeard = answering(s, { 'INVITE 1': [200], BYE: [200] });
    const call = s.invite();
    s.to(100);
    call.reinvite(SDP);
    s.to(101);
    const [ours, theirs] = [s.heard('INVITE 2'), peerByeTo(s.heard('INVITE 1')).replaceAll('BYE', 'INVITE')];
    s.send(theirs);
    s.to(105);
    s.send(theirs.replace(/^INVITE/, 'ACK').replace('1 INVITE', '1 ACK'));
    s.reply(ours, 491);
    s.onHeard = answering(s, { INVITE: [200], BYE: [200] });
    s.to(10_000);
    call.hangUp();
    s.to(50_000);
  }),
  'the peer has not settled its last offer: 500 with Retry-After is waited out (14.2)': scene((s) => {
    s.onHeard = answering(s, { 'INVITE 1': [200], BYE: [200] });
    const call = s.invite();
    s.to(100);
    call.reinvite(SDP);
    s.to(101);
    s.reply(s.heard('INVITE 2'), 500, { headers: ['Retry-After: 3'] });
    s.onHeard = answering(s, { INVITE: [200], BYE: [200] });
    s.to(10_000);
    call.hangUp();
    s.to(50_000);
  }),
  'the peer refuses with 491 for ever: told after ten clashes in a row': scene((s) => {
    s.onHeard = answering(s, { INVITE: [200] });
    const call = s.invite();
    s.to(100);
    s.onHeard = answering(s, { INVITE: [491], BYE: [200] });
    call.reinvite(SDP);
    s.to(60_000);
    call.hangUp();
    s.to(100_000);
  }),
  'the 200 of our re-INVITE comes again: its ACK again': scene((s) => {
    s.onHeard = answering(s, { INVITE: [200], BYE: [200] });
    const call = s.invite();
    s.to(100);
    call.reinvite(SDP);
    s.to(600);
    s.send(replyText(s.heard('INVITE 2'), 200, answer));
    s.to(700);
    call.hangUp();
    s.to(50_000);
  }),
  'our re-INVITE gets 481: the peer has left, no BYE': scene((s) => {
    s.onHeard = answering(s, { 'INVITE 1': [200], 'INVITE 2': [481] });
    const call = s.invite();
    s.to(100);
    call.reinvite(SDP);
    s.to(50_000);
  }),
  'nobody answers our INFO: the peer is lost, BYE': scene((s) => {
    s.onHeard = answering(s, { INVITE: [200], BYE: [200] });
    const call = s.invite();
    s.to(100);
    call.info('application/dtmf-relay', 'Signal=1');
    s.to(80_000);
  }),
};

export const dialogStories: Readonly<Record<string, Stories>> = { reliable, sessions, offers };
