// The sip endpoint type against programs that others wrote: SIPp as the called and as the caller, Kamailio as registrar and proxy between our own
// endpoints, tshark as the judge of every packet, and a network that loses, repeats and swaps datagrams.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { needs } from '../support/parts.ts';
import { startKamailio } from '../support/peers/kamailio.ts';
import { type Faults, startLossyProxy } from '../support/peers/lossy-proxy.ts';
import { runSippUac, startSippUas } from '../support/peers/sipp.ts';
import { startCapture } from '../support/peers/tshark.ts';
import { counterOf, rateOf, startLab, trendOf, type WorkerLab } from '../support/worker-lab.ts';

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

const xml = (name: string): string => readFileSync(fileURLToPath(new URL(`../support/sipp/${name}`, import.meta.url)), 'utf8');
const causesOf = (lab: WorkerLab): string[] => [...new Set(lab.errors().map(({ side, cause }) => `${side} ${cause}`))].sort();
const forMs = (count: number, ms: number) => ({ endpoints: count, shape: [{ step: count, for: `${ms}ms` }] });

async function labOf(groups: object, host = '127.0.0.1'): Promise<WorkerLab> {
  const lab = await startLab({ scenario: JSON.stringify({ name: 'peers', groups }), targets: [`${host}:*`] });
  cleanups.push(() => lab.close());
  return lab;
}

const sipp = needs('sipp');
describe.skipIf(sipp.isMissing)(sipp.title('SIPp'), () => {
  const callers = (port: number, behavior: object = {}, load: object = forMs(10, 1500)) => ({
    people: {
      type: 'sip',
      load,
      gracefulStop: '2s',
      behavior: { server: `sip:127.0.0.1:${port}`, call: `sip:uas@127.0.0.1:${port}`, ...behavior },
    },
  });

  it('is called by ten, echoes their audio, and saw no fault', async () => {
    const uas = await startSippUas();
    cleanups.push(uas.stop);
    const lab = await labOf(callers(uas.port, { joinedWhen: 'media' }));
    await lab.runAll();
    expect(causesOf(lab)).toEqual([]);
    expect(lab.counts()).toEqual({ started: 10, finished: 10, failed: 0 });
    expect(trendOf(lab.metric('sip_call_setup')).count).toBe(10);
    expect(rateOf(lab.metric('sip_rtp_lost')).pass).toBe(0);
    expect(uas.output()).not.toMatch(/Unexpected|Dead call/i);
  });

  it('rings after it has answered, and asks for a change within the call', async () => {
    const uas = await startSippUas(xml('uas-late-ringing.xml'), { calls: 3 });
    cleanups.push(uas.stop);
    const lab = await labOf(callers(uas.port, {}, forMs(3, 1200)));
    await lab.runAll();
    expect(causesOf(lab)).toEqual([]);
    const code = await uas.ended;
    expect([code, code === 0 ? '' : uas.output()]).toEqual([0, '']);
  });

  it.each([
    { seed: 1, loss: 0.1 },
    { seed: 2, repeat: 0.3 },
    { seed: 3, swap: 0.3 },
  ] satisfies Faults[])('is reached through a network with faults: %o', async (faults) => {
    const uas = await startSippUas('uas', { isEchoing: false });
    cleanups.push(uas.stop);
    const proxy = await startLossyProxy(uas.port, faults);
    cleanups.push(proxy.close);
    // Media would go past the proxy; that SIPp is silent here is no fault.
    const quiet = { media: { firstPacketWithin: '60s' } };
    const lab = await labOf(callers(proxy.port, { ...quiet, t1: '100ms', call: `sip:uas@127.0.0.1:${proxy.port}` }, forMs(20, 4000)));
    await lab.runAll();
    expect(lab.counts().failed).toBe(0);
    expect(trendOf(lab.metric('sip_call_setup')).count).toBe(20);
    expect(proxy.counts.lost + proxy.counts.repeated + proxy.counts.swapped).toBeGreaterThan(0);
    if (faults.seed === 1) expect(counterOf(lab.metric('sip_retransmissions'))).toBeGreaterThan(0);
  });
});

const both = needs('kamailio', 'sipp');
describe.skipIf(both.isMissing)(both.title('Kamailio'), () => {
  const answering = (port: number, count: number, ms: number, srtp = 'off') => ({
    type: 'sip',
    load: forMs(count, ms),
    gracefulStop: '2s',
    behavior: {
      server: `sip:127.0.0.1:${port}`,
      from: 'sip:a${endpoint.index}@sut.test',
      auth: { user: 'a${endpoint.index}', password: 'pw' },
      register: { registrar: 'sip:sut.test', expires: '1m' },
      media: { ports: 'own', srtp },
    },
  });

  it.each(['off', 'sdes'])('registers our endpoints by digest and connects their calls through its record route, srtp %s', async (srtp) => {
    const kamailio = await startKamailio({ isDigest: true });
    cleanups.push(kamailio.stop);
    const lab = await labOf({
      called: answering(kamailio.port, 5, 4000, srtp),
      calling: {
        type: 'sip',
        load: {
          endpoints: 5,
          shape: [
            { step: '0%', for: '700ms' },
            { step: '100%', for: '2s' },
          ],
        },
        gracefulStop: '2s',
        behavior: {
          server: `sip:127.0.0.1:${kamailio.port}`,
          from: 'sip:c${endpoint.index}@sut.test',
          auth: { user: 'c${endpoint.index}', password: 'pw' },
          call: 'sip:a${endpoint.index}@sut.test',
          joinedWhen: 'media',
          media: { ports: 'own', srtp },
          do: [{ talk: '300ms' }, { hold: '200ms' }, { talk: '200ms' }],
        },
      },
    });
    await lab.runAll();
    expect(causesOf(lab)).toEqual([]);
    expect(lab.counts()).toEqual({ started: 10, finished: 10, failed: 0 });
    expect(trendOf(lab.metric('sip_register_duration')).count).toBeGreaterThanOrEqual(5);
    expect(trendOf(lab.metric('sip_reinvite_duration')).count).toBe(10);
    expect(trendOf(lab.metric('sip_rtp_first_packet')).count).toBe(10);
    expect(rateOf(lab.metric('sip_rtp_lost')).pass).toBe(0);
  });

  it('refuses who is not known, and whoever has the wrong password', async () => {
    const kamailio = await startKamailio({ isDigest: true });
    cleanups.push(kamailio.stop);
    const behavior = { server: `sip:127.0.0.1:${kamailio.port}`, from: 'sip:c@sut.test', call: 'sip:nobody@sut.test' };
    const lab = await labOf({
      lost: { type: 'sip', load: forMs(1, 500), behavior: { ...behavior, auth: { user: 'c', password: 'pw' } } },
      wrong: { type: 'sip', load: forMs(1, 500), behavior: { ...behavior, auth: { user: 'c', password: 'no' } } },
    });
    await lab.runAll();
    expect(causesOf(lab)).toEqual(['target auth-rejected', 'target status-404']);
  });

  it('brings calls of a foreign phone to our endpoints', async () => {
    const kamailio = await startKamailio();
    cleanups.push(kamailio.stop);
    const lab = await labOf({ called: answering(kamailio.port, 1, 4000) });
    const running = lab.runAll();
    await expect.poll(() => trendOf(lab.metric('sip_register_duration')).count, { timeout: 5000 }).toBe(1);
    const { code, output } = await runSippUac(xml('uac-call.xml'), { port: kamailio.port, user: 'a0' });
    expect([code, code === 0 ? '' : output]).toEqual([0, '']);
    await running;
    expect(causesOf(lab)).toEqual([]);
  });
});

const decoder = needs('tshark', 'sipp');
describe.skipIf(decoder.isMissing)(decoder.title('tshark'), () => {
  it('decodes a call with audio, video, digits and RTCP without one mark', async () => {
    const { startTarget } = await import('../../tools/target/target.ts');
    // An address of loopback that nobody else uses: other tests and benchmarks send there too.
    const host = '127.0.77.1';
    const target = await startTarget({ host, sipAnswerDelayMs: 5 });
    cleanups.push(() => target.stop());
    const headers = { 'content-type': 'application/json' };
    await fetch(`${target.url}/api/meetings`, { method: 'POST', headers, body: '{"title":"m"}' });
    const capture = await startCapture(`udp and host ${host}`);
    cleanups.push(capture.stop);
    const behavior = {
      server: `sip:${host}:${target.sipPort}`,
      call: `sip:100000000@${host}:${target.sipPort}`,
      media: { audio: { codec: 'PCMU' }, video: { codec: 'H264', bitrate: '300k' } },
      do: [{ talk: '300ms' }, { dtmf: '42#' }, { hold: '200ms' }, { talk: '300ms' }],
    };
    const lab = await labOf({ one: { type: 'sip', load: forMs(1, 2500), gracefulStop: '2s', behavior } }, host);
    await lab.runAll();
    expect(causesOf(lab)).toEqual([]);
    await capture.stop();
    const asSip = [`udp.port==${target.sipPort},sip`];
    const methods = capture.decode('sip.Method', ['sip.Method'], asSip);
    expect(methods).toEqual(['INVITE', 'ACK', 'INVITE', 'ACK', 'INVITE', 'ACK', 'BYE']);
    expect(capture.decode('rtp', ['rtp.p_type'], asSip).length).toBeGreaterThan(150);
    expect(new Set(capture.decode('rtpevent', ['rtpevent.event_id'], asSip))).toEqual(new Set(['4', '2', '11']));
    expect(capture.decode('rtcp', ['rtcp.pt'], asSip).length).toBeGreaterThan(1);
    // Warnings are no marks: tshark has one for each H.264 slice whose content it does not decode.
    const marks = capture.decode('_ws.malformed or _ws.expert.severity == error', ['frame.number', '_ws.expert.message'], asSip);
    expect(marks).toEqual([]);
  });
});
