// The rtp endpoint type inside a real worker host: streams to a foreign echo, shared and own ports, and packet loss that the kernel makes, which must be
// found in the figures as it was made.

import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { afterEach, describe, expect, it } from 'vitest';
import { needs } from '../support/parts.ts';
import { dropDatagrams } from '../support/peers/nft-loss.ts';
import { counterOf, rateOf, startLab, trendOf, type WorkerLab } from '../support/worker-lab.ts';

const cleanups: (() => Promise<unknown> | unknown)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

async function startEcho(): Promise<number> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 1 << 20 });
  socket.bind(0, '127.0.0.1');
  await once(socket, 'listening');
  socket.on('message', (bytes, from) => socket.send(bytes, from.port, from.address));
  cleanups.push(() => new Promise<void>((resolve) => socket.close(() => resolve())));
  return socket.address().port;
}

async function stream(port: number, behavior: object, count = 10, ms = 2500): Promise<WorkerLab> {
  const load = { endpoints: count, shape: [{ step: count, for: `${ms}ms` }] };
  const whole = { streams: [{ to: `127.0.0.1:${port}`, audio: 'audio-80k' }], joinedWhen: 'media', ...behavior };
  const scenario = JSON.stringify({ name: 'streams', groups: { streams: { type: 'rtp', load, behavior: whole } } });
  const lab = await startLab({ scenario, targets: [`127.0.0.1:${port}`] });
  cleanups.push(() => lab.close());
  await lab.runAll();
  return lab;
}

describe('streams to an echo', () => {
  it.each(['shared', 'own'])('are told apart on %s ports, and nothing is missing', async (ports) => {
    const lab = await stream(await startEcho(), { ports });
    expect(lab.errors()).toEqual([]);
    expect(lab.counts()).toEqual({ started: 10, finished: 10, failed: 0 });
    expect(trendOf(lab.metric('rtp_first_packet')).count).toBe(10);
    expect(trendOf(lab.metric('rtp_mos')).count).toBe(10);
    expect(counterOf(lab.metric('rtp_packets_sent'))).toBeGreaterThan(10 * 100);
    expect(counterOf(lab.metric('rtp_duplicates'))).toBe(0);
  });

  it('that nobody answers are silent, and said to be', async () => {
    const socket = createSocket('udp4');
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    cleanups.push(() => socket.close());
    const lab = await stream(socket.address().port, { firstPacketWithin: '300ms' }, 3, 1000);
    expect(lab.errors().map(({ side, cause, count }) => [side, cause, count])).toEqual([['target', 'media-silent', 3]]);
  });
});

const isRoot = process.getuid?.() === 0;
const nft = needs('nft');
describe.skipIf(nft.isMissing || !isRoot)(nft.title(`loss made by the kernel${isRoot ? '' : ' (skipped: needs root)'}`), () => {
  it('is measured as it was made', async () => {
    const port = await startEcho();
    const loss = dropDatagrams(port, 10);
    cleanups.push(loss.stop);
    const lab = await stream(port, {}, 20, 3500);
    const dropped = loss.dropped();
    const { pass, total } = rateOf(lab.metric('rtp_lost'));
    expect(total).toBeGreaterThan(20 * 150);
    // What was dropped before a stream's first packet came back, or after its last one, is nobody's gap.
    expect(Math.abs(pass - dropped)).toBeLessThanOrEqual(40);
    const mos = trendOf(lab.metric('rtp_mos'));
    expect(mos.sum / mos.count).toBeLessThan(3.8);
  });
});
