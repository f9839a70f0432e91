// What a stack keeps at most, and what is left when an agent goes while its calls are still ringing: nothing, on either side.

import { describe, expect, it } from 'vitest';
import type { CallEvent, IncomingCall, SipCall } from '../../node/sip/types.ts';
import { describeEvent } from '../support/sipstack-calls.ts';
import { agentInit, createSipLab } from '../support/sipstack-lab.ts';
import { SDP } from '../support/sipstack-wire.ts';

async function pair(
  limits: { calls?: number; transactions?: number } = {},
  onInvite: (call: IncomingCall) => void = (call) => call.ring(),
) {
  const lab = createSipLab();
  const [here, there] = [await lab.host('10.0.0.1'), await lab.host('10.0.0.2', { limits })];
  const caller = await here.stack.createAgent(agentInit('a', '10.0.0.1'));
  const called = await there.stack.createAgent(agentInit('b', '10.0.0.2', { onInvite }));
  const events: string[] = [];
  const invite = (agent = caller, ip = '10.0.0.2', user = 'b'): SipCall =>
    agent.invite({ target: `sip:${user}@${ip}`, sdp: SDP, onEvent: (event: CallEvent) => void events.push(describeEvent(event)) });
  return { ...lab, here, there, caller, called, events, invite };
}

describe('limits', () => {
  it('a call too many that comes in is refused with 503, and counted', async () => {
    const { clock, there, events, invite } = await pair({ calls: 1 });
    invite();
    invite();
    clock.runTo(1000);
    expect(events).toEqual(['ringing 180', 'failed unavailable 503 Service Unavailable']);
    expect(there.counts.get('overload')).toBe(1);
  });

  it('a call too many that goes out fails, but not within the call that makes it', async () => {
    const { clock, there, called, events, invite } = await pair({ calls: 1 });
    invite(called, '10.0.0.1', 'a');
    invite(called, '10.0.0.1', 'a');
    expect(events).toEqual([]);
    clock.runTo(1);
    expect(events).toEqual(['failed overload too many calls']);
    expect(there.counts.get('overload')).toBe(1);
  });

  it('transactions that only wait for stragglers make room, also behind one that rings for long', async () => {
    const { clock, there, caller, events, invite } = await pair({ transactions: 3 });
    invite();
    const statuses: (number | null)[] = [];
    for (let round = 1; round <= 10; round++) {
      caller.request({ method: 'OPTIONS', target: 'sip:b@10.0.0.2', onResult: ({ status }) => void statuses.push(status) });
      clock.runTo(round * 100);
    }
    expect(statuses).toEqual(Array(10).fill(200));
    expect(events).toEqual(['ringing 180']);
    expect(there.stack.gauges().transactions).toBe(3);
    expect(there.counts.get('overload')).toBe(8);
  });

  it('without any to make room, requests are refused with 503', async () => {
    const { clock, events, invite } = await pair({ transactions: 2 });
    for (let call = 0; call < 3; call++) invite();
    clock.runTo(100);
    expect(events.filter((event) => event.startsWith('ringing'))).toHaveLength(2);
    expect(events).toContain('failed unavailable 503 Service Unavailable');
  });
});

describe('an agent that closes', () => {
  it('while it is being called keeps nothing of the call, and later repetitions find nobody', async () => {
    const { clock, here, there, called, events, invite } = await pair();
    const call = invite();
    clock.runTo(100);
    called.close();
    expect(there.stack.gauges()).toMatchObject({ agents: 0, calls: 0, transactions: 0 });
    call.hangUp();
    clock.runTo(40_000);
    expect(events).toEqual(['ringing 180', 'failed cancelled no final response']);
    expect(here.stack.gauges()).toMatchObject({ calls: 0, transactions: 0 });
    expect(clock.waiting()).toBe(0);
  });

  it('while it rings at the other side gives the INVITE 64 * T1, and hangs up on an answer within that', async () => {
    const calls: IncomingCall[] = [];
    const { clock, here, there, caller, invite } = await pair({}, (call) => {
      calls.push(call);
      call.listen(() => {});
      call.ring();
    });
    invite();
    invite();
    clock.runTo(100);
    caller.close();
    clock.runTo(20_000);
    calls[0]?.answer(SDP);
    clock.runTo(20_100);
    expect(here.counts.get('forked-answer')).toBe(1);
    expect(calls[0]?.state()).toBe('over');
    clock.runTo(60_000);
    expect(here.stack.gauges()).toMatchObject({ agents: 0, calls: 0, transactions: 0 });
    calls[1]?.reject(480);
    clock.runTo(120_000);
    expect(there.stack.gauges()).toMatchObject({ calls: 0, transactions: 0 });
    expect(clock.waiting()).toBe(0);
  });
});

describe('a stack that may not send everywhere', () => {
  it('fails a call there, and does not follow a redirect or a Contact there', async () => {
    const lab = createSipLab();
    const sentTo = new Set<string>();
    lab.network.onSent = (_text, from, to) => void (from.host === '10.0.0.1' && sentTo.add(to.host));
    const admit = (host: string): void => {
      if (host !== '10.0.0.2') throw new Error(`${host} is no target`);
    };
    const here = await lab.host('10.0.0.1', { admit });
    const there = await lab.host('10.0.0.2', { local: { host: '10.0.0.2', port: 5060, transport: 'udp', advertisedHost: '10.0.0.8' } });
    const caller = await here.stack.createAgent(agentInit('a', '10.0.0.1'));
    await there.stack.createAgent(
      agentInit('moved', '10.0.0.2', { onInvite: (call) => call.reject(302, '', [['Contact', '<sip:x@10.0.0.7>']]) }),
    );
    await there.stack.createAgent(agentInit('elsewhere', '10.0.0.2', { onInvite: (call) => call.answer(SDP) }));
    const events: string[] = [];
    const call = (target: string) => caller.invite({ target, sdp: SDP, onEvent: (event) => void events.push(describeEvent(event)) });
    call('sip:b@10.0.0.9');
    call('sip:moved@10.0.0.2');
    lab.clock.runTo(100);
    expect(events).toEqual(['failed transport 10.0.0.9 is no target', 'failed transport 10.0.0.7 is no target']);
    const standing = call('sip:elsewhere@10.0.0.2');
    lab.clock.runTo(200);
    standing.hangUp();
    lab.clock.runTo(300);
    expect(events.slice(2)).toEqual(['answered 200', 'ended by local']);
    expect(here.counts.get('send-failed')).toBe(1);
    expect([...sentTo]).toEqual(['10.0.0.2']);
  });
});
