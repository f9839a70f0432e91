// Stories of calls that come and go: 2xx and their ACKs, CANCEL and what it crosses, forks, BYE, by transcript file and title.

import { answer, answering, peerByeTo, type Scene, scene, within } from './sipstack-calls.ts';
import type { Stories } from './sipstack-stories.ts';
import { SDP } from './sipstack-wire.ts';

const callsOut: Stories = {
  'a call as it should be': scene((s) => {
    s.onHeard = answering(s, { INVITE: [100, 180, 200], BYE: [200] });
    const call = s.invite();
    s.to(1000);
    call.hangUp();
    s.to(50_000);
  }),
  'the ACK is lost: each 200 that comes again gets it again': scene((s) => {
    const call = s.invite();
    s.to(10);
    const invite = s.heard('INVITE');
    for (const atMs of [10, 510, 1510]) {
      s.to(atMs);
      s.reply(invite, 200, answer);
    }
    s.to(2000);
    s.onHeard = answering(s, { BYE: [200] });
    call.hangUp();
    s.to(50_000);
  }),
  '180 behind 200': scene((s) => {
    s.invite();
    s.to(10);
    const invite = s.heard('INVITE');
    s.reply(invite, 200, answer);
    s.reply(invite, 180);
    s.to(50_000);
  }),
  'nobody answers': scene((s) => {
    s.invite();
    s.to(50_000);
  }),
  'hung up while it rings: CANCEL, and the 487 is acknowledged': scene((s) => {
    s.onHeard = answering(s, { INVITE: [180], CANCEL: [200] });
    const call = s.invite();
    s.to(1000);
    call.hangUp();
    s.to(1010);
    s.reply(s.heard('INVITE'), 487);
    s.to(50_000);
  }),
  'hung up before any answer: the CANCEL waits for one (9.1)': scene((s) => {
    const call = s.invite();
    s.to(10);
    call.hangUp();
    s.to(400);
    s.onHeard = answering(s, { CANCEL: [200] });
    s.reply(s.heard('INVITE'), 100);
    s.to(410);
    s.reply(s.heard('INVITE'), 487);
    s.to(50_000);
  }),
  'hung up before any answer, and none ever comes': scene((s) => {
    s.invite().hangUp();
    s.to(50_000);
  }),
  'the 200 crosses the CANCEL: acknowledged, then BYE': scene((s) => {
    s.onHeard = answering(s, { INVITE: [180], CANCEL: [200], BYE: [200] });
    const call = s.invite();
    s.to(1000);
    s.reply(s.heard('INVITE'), 200, answer);
    call.hangUp();
    s.to(50_000);
  }),
  'the CANCEL is answered, the INVITE never: over after 64 * T1': scene((s) => {
    s.onHeard = answering(s, { INVITE: [180], CANCEL: [200] });
    const call = s.invite();
    s.to(1000);
    call.hangUp();
    s.to(50_000);
  }),
  'two branches of a fork answer: the second is acknowledged and gets a BYE (13.2.2.4)': scene((s) => {
    s.onHeard = answering(s, { BYE: [200] });
    s.invite();
    s.to(10);
    const invite = s.heard('INVITE');
    s.reply(invite, 200, { ...answer, tag: 'one' });
    s.to(20);
    s.reply(invite, 200, { ...answer, tag: 'two' });
    s.to(50_000);
  }),
  'a 200 that comes when the call has failed is acknowledged and gets a BYE': scene((s) => {
    s.onHeard = answering(s, { INVITE: [180], CANCEL: [200], BYE: [200] });
    const call = s.invite();
    s.to(1000);
    s.reply(s.heard('INVITE'), 200, { headers: ['Contact: <sip:peer@10.0.0.2>'] });
    s.to(2000);
    s.reply(s.heard('INVITE'), 200, { ...answer, tag: 'late' });
    call.hangUp();
    s.to(50_000);
  }),
  'nobody answers the BYE': scene((s) => {
    s.onHeard = answering(s, { INVITE: [200] });
    const call = s.invite();
    s.to(100);
    call.hangUp();
    s.to(50_000);
  }),
  'both hang up at once': scene((s) => {
    s.onHeard = answering(s, { INVITE: [200] });
    const call = s.invite();
    s.to(100);
    call.hangUp();
    const invite = s.heard('INVITE');
    s.send(peerByeTo(invite));
    s.to(110);
    s.reply(s.heard('BYE'), 200);
    s.to(50_000);
  }),
};

const callsIn: Stories = {
  'a call as it should be': scene((s) => {
    s.request('INVITE', { body: SDP });
    s.to(1000);
    s.incoming().answer(SDP);
    s.to(1010);
    s.request('ACK', { ...within(s, 1), branch: 'z9hG4bK-ack' });
    s.to(2000);
    s.request('BYE', within(s, 2));
    s.to(50_000);
  }),
  'the ACK never comes: the 200 again from T1 up to T2, then BYE (13.3.1.4)': scene((s) => {
    s.onHeard = answering(s, { BYE: [200] });
    s.request('INVITE', { body: SDP });
    s.to(100);
    s.incoming().answer(SDP);
    s.to(50_000);
  }),
  'the INVITE comes again: the last answer, no second call': scene((s) => {
    const invite = s.request('INVITE', { body: SDP });
    s.to(500);
    s.send(invite);
    s.to(600);
    s.incoming().answer(SDP);
    s.to(1100);
    s.send(invite);
    s.to(1200);
    s.request('ACK', { ...within(s, 1), branch: 'z9hG4bK-ack' });
    s.to(3000);
  }),
  'the caller gives up: 200 to the CANCEL, 487 to the INVITE': scene((s) => {
    const invite = s.request('INVITE', { body: SDP });
    s.to(1000);
    s.request('CANCEL', { branch: branchOf(invite) });
    s.to(1010);
    s.request('ACK', { branch: branchOf(invite), toTag: 'x' });
    s.to(50_000);
  }),
  'the CANCEL comes after our 200: answered, and without effect (9.2)': scene((s) => {
    const invite = s.request('INVITE', { body: SDP });
    s.to(1000);
    s.incoming().answer(SDP);
    s.request('CANCEL', { branch: branchOf(invite) });
    s.to(1010);
    s.request('ACK', { ...within(s, 1), branch: 'z9hG4bK-ack' });
    s.to(2000);
    s.request('BYE', within(s, 2));
    s.to(50_000);
  }),
  'a CANCEL for nothing': scene((s) => {
    s.request('CANCEL');
    s.to(50_000);
  }),
  'the same INVITE by another way was forked and merged: 482 (8.2.2.2)': scene((s) => {
    s.request('INVITE', { body: SDP });
    s.to(10);
    s.request('INVITE', { body: SDP, branch: 'z9hG4bK-elsewhere' });
    s.to(20);
    s.request('ACK', { branch: 'z9hG4bK-elsewhere', toTag: 'x' });
    s.to(30);
    s.incoming().reject(486);
    s.to(40);
    s.request('ACK', { branch: 'z9hG4bK-call-1-INVITE', toTag: 'x' });
    s.to(50_000);
  }),
  'hung up before the ACK: the BYE waits for it (15)': scene((s) => {
    s.onHeard = answering(s, { BYE: [200] });
    s.request('INVITE', { body: SDP });
    s.to(10);
    s.incoming().answer(SDP);
    s.incoming().hangUp();
    s.to(500);
    s.request('ACK', { ...within(s, 1), branch: 'z9hG4bK-ack' });
    s.to(50_000);
  }),
  'the caller hangs up while its re-INVITE waits for our answer: 487 to that (15.1.2)': scene(
    (s) => {
      establish(s);
      s.request('INVITE', { ...within(s, 2), body: SDP });
      s.to(1000);
      s.request('BYE', within(s, 3));
      s.to(1010);
      s.request('ACK', { ...within(s, 2), branch: 'z9hG4bK-call-2-INVITE' });
      s.to(50_000);
    },
    { onEvent: () => {} },
  ),
  'a re-INVITE is cancelled: 487, and the call stands': scene(
    (s) => {
      establish(s);
      s.request('INVITE', { ...within(s, 2), body: SDP });
      s.to(1000);
      s.request('CANCEL', { ...within(s, 2), branch: 'z9hG4bK-call-2-INVITE' });
      s.to(1010);
      s.request('ACK', { ...within(s, 2), branch: 'z9hG4bK-call-2-INVITE' });
      s.to(2000);
      s.request('BYE', within(s, 3));
      s.to(50_000);
    },
    { onEvent: () => {} },
  ),
  'a second re-INVITE before the first is answered: 500 with Retry-After (14.2)': scene(
    (s) => {
      establish(s);
      s.request('INVITE', { ...within(s, 2), body: SDP });
      s.to(200);
      s.request('INVITE', { ...within(s, 3), body: SDP });
      s.to(210);
      s.request('ACK', { ...within(s, 3), branch: 'z9hG4bK-call-3-INVITE' });
      s.request('BYE', within(s, 4));
      s.to(220);
      s.request('ACK', { ...within(s, 2), branch: 'z9hG4bK-call-2-INVITE' });
      s.to(50_000);
    },
    { onEvent: () => {} },
  ),
};

const branchOf = (request: string): string => /branch=([^;\r]+)/.exec(request)?.[1] ?? '';

/** An answered call of the peer, acknowledged, by 100 ms. */
function establish(s: Scene): void {
  s.request('INVITE', { body: SDP });
  s.to(10);
  s.incoming().answer(SDP);
  s.to(20);
  s.request('ACK', { ...within(s, 1), branch: 'z9hG4bK-ack' });
  s.to(100);
}

export const callStories: Readonly<Record<string, Stories>> = { 'calls-out': callsOut, 'calls-in': callsIn };
