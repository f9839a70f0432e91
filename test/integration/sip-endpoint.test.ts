// The sip endpoint type inside a real worker host against the embedded target's meeting server, which shares no code with our user agent: calls with
// audio and video, what people do in calls, challenges, PINs, and a target that refuses, stays silent, hangs up or loses packets. What the target does
// ends as data with its cause.

import { afterEach, describe, expect, it } from 'vitest';
import type { TargetOptions } from '../../tools/target/options.ts';
import { startTarget } from '../../tools/target/target.ts';
import { counterOf, rateOf, startLab, trendOf, type WorkerLab } from '../support/worker-lab.ts';

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const causesOf = (lab: WorkerLab): string[] => [...new Set(lab.errors().map(({ side, cause }) => `${side} ${cause}`))].sort();

interface Call {
  readonly settings?: Partial<TargetOptions>;
  readonly behavior?: object;
  readonly load?: object;
  readonly transport?: string;
}

/** Six callers in two meetings, unless said otherwise, until all have left. */
async function call({
  settings = {},
  behavior = {},
  load = { endpoints: 6, shape: [{ step: 6, for: '1500ms' }] },
  transport = 'udp',
}: Call) {
  const target = await startTarget({ serviceTimeMs: 1, serviceTimeJitterMs: 0, sipAnswerDelayMs: 5, ...settings });
  cleanups.push(() => target.stop());
  const meetings = {
    count: 2,
    provision: {
      url: `${target.url}/api/meetings`,
      json: { title: 'm' },
      expect: 201,
      save: { id: '$.id', passcode: '$.passcode', uri: '$.sipUri' },
    },
  };
  const group = {
    type: 'sip',
    meetings: 'round-robin',
    load,
    gracefulStop: '2s',
    behavior: {
      server: `sip:127.0.0.1:${target.sipPort};transport=${transport}`,
      call: '${meeting.uri}',
      joinedWhen: 'media',
      ...behavior,
    },
  };
  const scenario = JSON.stringify({ name: 'calls', meetings, groups: { people: group } });
  const lab = await startLab({ scenario, targets: [new URL(target.url).host, '127.0.0.1:*'] });
  cleanups.push(() => lab.close());
  const provisioning = lab.shards.filter(({ kind }) => kind === 'meetings');
  for (const shard of provisioning) {
    lab.host.handle({ type: 'provision', id: `${shard.id}.1`, shard, meetings: [0, 1] });
    const { facts } = await lab.said('provisioned');
    lab.host.handle({ type: 'meetings', facts });
  }
  await lab.runAll();
  return { lab, target };
}

describe('calls into meetings', () => {
  it('carry audio and video both ways, measured, and end politely', async () => {
    const { lab, target } = await call({ behavior: { media: { video: 'video-150k' } } });
    expect(lab.counts()).toEqual({ started: 6, finished: 6, failed: 0 });
    expect(causesOf(lab)).toEqual([]);
    expect(trendOf(lab.metric('sip_call_setup')).count).toBe(6);
    expect(trendOf(lab.metric('sip_rtp_first_packet', { media: 'audio' })).count).toBe(6);
    expect(trendOf(lab.metric('sip_rtp_first_packet', { media: 'video' })).count).toBe(6);
    expect(trendOf(lab.metric('sip_mos')).min).toBeGreaterThan(3);
    expect(rateOf(lab.metric('sip_rtp_lost')).total).toBeGreaterThan(6 * 50);
    expect(target.stats().sip.calls).toMatchObject({ active: 0, total: 6, answered: 6, ended: { caller: 6 } });
  });

  it.each(['tcp', 'udp'])('talk, mute, hold, press keys, ask and come back over %s', async (transport) => {
    const steps = [{ talk: '100ms' }, { mute: '50ms' }, { hold: '50ms' }, { dtmf: '1#' }, { options: true }, { rejoin: '20ms' }];
    const { lab, target } = await call({ transport, behavior: { do: steps, repeat: true } });
    expect(causesOf(lab)).toEqual([]);
    const { calls, digits, requests } = target.stats().sip;
    expect(calls.total).toBeGreaterThan(6);
    expect(digits.event).toBeGreaterThanOrEqual(12);
    expect(requests.OPTIONS).toBeGreaterThanOrEqual(6);
    expect(trendOf(lab.metric('sip_reinvite_duration')).count).toBeGreaterThanOrEqual(12);
    expect(calls.active).toBe(0);
  });

  it.each(['md5', 'sha-256'] as const)('answer challenges with %s, registered first and unregistered last', async (sipAuth) => {
    const { lab, target } = await call({
      settings: { sipAuth },
      behavior: { auth: { user: '${endpoint.id}', password: 'secret' }, register: { expires: '2m' } },
    });
    expect(causesOf(lab)).toEqual([]);
    expect(trendOf(lab.metric('sip_register_duration')).count).toBeGreaterThanOrEqual(6);
    expect(target.stats().sip.bindings).toMatchObject({ active: 0, peak: 6 });
    expect(target.stats().sip.wrongCredentials).toBe(0);
  });

  it('key in the PIN that the meeting asks for', async () => {
    const { lab, target } = await call({
      settings: { sipPin: 'required' },
      behavior: { pin: { digits: '${meeting.passcode}#', after: '50ms' } },
      load: { endpoints: 2, shape: [{ step: 2, for: '3s' }] },
    });
    expect(causesOf(lab)).toEqual([]);
    expect(target.stats().sip.digits.event).toBe(14);
    expect(trendOf(lab.metric('sip_rtp_first_packet')).count).toBe(2);
  });

  it('have a port pair each where the scenario says so', async () => {
    const { lab } = await call({ behavior: { localPort: 'own', media: { ports: 'own', rtcpMux: false } } });
    expect(causesOf(lab)).toEqual([]);
    expect(lab.counts().finished).toBe(6);
    expect(trendOf(lab.metric('sip_rtp_first_packet')).count).toBe(6);
  });
});

describe('what the target does is data', () => {
  const short = { endpoints: 3, shape: [{ step: 3, for: '1200ms' }] };

  it('a 503 is told as such, and Retry-After is waited for', async () => {
    const { lab } = await call({
      settings: { sipRejectRate: 1 },
      load: short,
      behavior: { redial: { attempts: 5, wait: '1ms', factor: 1 } },
    });
    expect(causesOf(lab)).toEqual(['target status-503']);
    // The target asks for a second: six attempts at once, as `redial` has them, would make 18.
    const { pass, total } = rateOf(lab.metric('sip_call_failed'));
    expect(pass).toBe(total);
    expect(total).toBeGreaterThanOrEqual(3);
    expect(total).toBeLessThanOrEqual(6);
  });

  it('silence is a timeout of 64 T1', async () => {
    const { lab } = await call({
      settings: { sipSilentRate: 1 },
      load: { endpoints: 3, shape: [{ step: 3, for: '3s' }] },
      behavior: { t1: '20ms' },
    });
    expect(causesOf(lab)).toEqual(['target timeout']);
    expect(counterOf(lab.metric('sip_retransmissions'))).toBeGreaterThan(3);
  });

  it('a challenge that never ends is given up', async () => {
    const { lab, target } = await call({
      settings: { sipAuth: 'md5', sipAuthLoop: 'on' },
      load: short,
      behavior: { auth: { user: 'x', password: 'secret' } },
    });
    expect(causesOf(lab)).toEqual(['target auth-rejected']);
    expect(target.stats().sip.requests.INVITE).toBeLessThanOrEqual(9);
  });

  it('a call that is dropped is told, whoever else goes on', async () => {
    const { lab } = await call({ settings: { sipDropAfterMs: 200 }, load: short });
    expect(causesOf(lab)).toEqual(['target dropped']);
  });

  it('a bridge that answers and sends nothing is found out', async () => {
    const { lab } = await call({
      settings: { sipMedia: 'none' },
      load: short,
      behavior: { joinedWhen: 'answered', media: { firstPacketWithin: '300ms' } },
    });
    expect(causesOf(lab)).toEqual(['target media-silent']);
  });

  it('packets lost on the way are counted, and cost opinion', async () => {
    const { lab } = await call({ settings: { rtpLossRate: 0.1, seed: 7 }, load: { endpoints: 6, shape: [{ step: 6, for: '2500ms' }] } });
    const { pass, total } = rateOf(lab.metric('sip_rtp_lost'));
    expect(pass / total).toBeGreaterThan(0.05);
    expect(pass / total).toBeLessThan(0.15);
    const mos = trendOf(lab.metric('sip_mos'));
    expect(mos.sum / mos.count).toBeLessThan(3.8);
  });

  it('a bridge that wants media elsewhere gets none', async () => {
    const target = await startTarget({ sipAnswerDelayMs: 5 });
    cleanups.push(() => target.stop());
    const behavior = { server: `sip:127.0.0.1:${target.sipPort}`, call: 'sip:100000000@127.0.0.1' };
    const scenario = JSON.stringify({
      name: 'x',
      groups: { people: { type: 'sip', load: { endpoints: 1, shape: [{ step: 1, for: '1s' }] }, behavior } },
    });
    await fetch(`${target.url}/api/meetings`, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"title":"m"}' });
    const lab = await startLab({ scenario, targets: [`127.0.0.1:${target.sipPort}`] });
    cleanups.push(() => lab.close());
    await lab.runAll();
    expect(causesOf(lab)).toEqual(['target sdp-media-target-refused']);
    expect(target.stats().sip.rtp.in).toBe(0);
  });
});
