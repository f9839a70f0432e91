// Endpoint type `rtp`: bare RTP streams, without signalling, to and from addresses that the scenario gives or that a meeting's provisioning returned.
// options.ts is what a scenario may say, participant.ts the life; the packet engine is node/media.

import { lookup as resolve } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { join } from 'node:path';
import type { Problem } from '../../core/errors.ts';
import { createRng } from '../../core/rng.ts';
import { compileTemplate } from '../../core/template.ts';
import type { MediaPort } from '../../media/engine-types.ts';
import { createMediaSeries, mediaMetrics } from '../../media/metrics.ts';
import { acquireEngine } from '../../media/shared-engine.ts';
import { checkStreamFiles, codecsOf, scriptsOf, streamBitsPerSecond, streamPacketsPerSecond } from '../../media/stream-scripts.ts';
import type { EndpointFactory, EndpointType, GroupContext } from '../endpoint.ts';
import { optionsShape, type RtpOptions, type StreamOptions } from './options.ts';
import { type CompiledStream, type RtpGroup, RtpParticipant } from './participant.ts';

/** As for `sip`. */
const MILLICORES_PER_PACKET = 0.009;
const MILLICORES_IDLE = 0.02;

/** The shape has seen to it that one of the two is there. */
const writtenOf = ({ audio, video }: StreamOptions) =>
  (audio || video || 'audio-80k') as Exclude<StreamOptions['audio'] | StreamOptions['video'], false | undefined>;

function check({ streams }: RtpOptions, facts: { fileExists(path: string): boolean }): Problem[] {
  const problems: Problem[] = [];
  streams.forEach((stream, index) => {
    for (const key of ['to', 'rtcpTo'] as const) {
      const address = stream[key];
      if (address === undefined || address.includes('${') || /^(\[[^\]]+\]|[^:]+):\d{1,5}$/.test(address)) continue;
      const hint = 'write host:port, e.g. 10.0.0.6:40000';
      problems.push({ code: 'QUILT_RTP_ADDRESS', message: `not an address: ${address}`, key: `streams[${index}].${key}`, hint });
    }
    for (const kind of ['audio', 'video'] as const) {
      problems.push(...checkStreamFiles(stream[kind] ?? false, `streams[${index}].${kind}`, facts));
    }
  });
  return problems;
}

async function prepare({
  options,
  recorder,
  clock,
  health,
  admitTarget,
  scenarioFolder,
}: GroupContext<RtpOptions>): Promise<EndpointFactory> {
  for (const { to } of options.streams) if (!to.includes('${')) admitTarget(to);
  const rng = createRng(Math.floor(clock.nowMs() * 1000) ^ process.pid);
  const { engine, release } = await acquireEngine({ nowMs: clock.nowMs, random: rng.float, health }, clock);
  const opened: MediaPort[] = [];
  try {
    const open = (): Promise<MediaPort> => engine.openPort({ host: '0.0.0.0', isMuxed: options.rtcpMux });
    if (options.ports === 'shared') opened.push(await open());
    const [shared] = opened;
    const borrowed = shared === undefined ? null : { ...shared, close: () => {} };
    const failures = new Map<string, { add(n: number): void }>();
    const group: RtpGroup = {
      options,
      streams: options.streams.map((stream) => compileStream(stream, (path) => readFileSync(join(scenarioFolder, path)), recorder)),
      engine,
      clock,
      admitTarget,
      openPort: () => (borrowed === null ? open() : Promise.resolve(borrowed)),
      lookup: async (host) => (isIP(host) === 0 ? (await resolve(host)).address : host),
      failure(cause) {
        const counter = failures.get(cause) ?? recorder.counter('rtp_failures', { cause });
        failures.set(cause, counter);
        counter.add(1);
      },
    };
    return {
      create: (endpoint) => new RtpParticipant(group, endpoint),
      flush: () => engine.flush(),
      async close() {
        for (const port of opened) port.close();
        release();
      },
    };
  } catch (error) {
    for (const port of opened) port.close();
    release();
    throw error;
  }
}

function compileStream(
  stream: StreamOptions,
  readFile: (path: string) => Uint8Array,
  recorder: GroupContext<RtpOptions>['recorder'],
): CompiledStream {
  const written = writtenOf(stream);
  const codec = codecsOf(written)[0]!;
  const script = scriptsOf(written, readFile).get(codec.name.toUpperCase())!;
  const { to, rtcpTo, payloadType, receive, srtp } = stream;
  return {
    to: compileTemplate(to),
    rtcpTo: rtcpTo === undefined ? null : compileTemplate(rtcpTo),
    script,
    payloadType: payloadType ?? codec.payloadType,
    isReceiving: receive,
    srtp: srtp === undefined ? null : { send: compileTemplate(srtp.send), receive: compileTemplate(srtp.receive) },
    series: createMediaSeries(recorder, 'rtp', script.kind),
  };
}

export const endpointType: EndpointType<RtpOptions> = {
  type: 'rtp',
  summary: 'bare RTP streams to and from given addresses, with measured quality',
  options: optionsShape,
  check,
  targets: ({ streams }) => streams.map(({ to }) => to),
  metrics: [
    { name: 'rtp_failures', kind: 'counter', unit: 'count', help: 'streams that went wrong', tags: ['cause'] },
    ...mediaMetrics('rtp'),
  ],
  costMillicores: ({ streams }) =>
    MILLICORES_IDLE + streams.reduce((sum, stream) => sum + streamPacketsPerSecond(writtenOf(stream)), 0) * MILLICORES_PER_PACKET,
  uplinkBps: ({ streams }) => streams.reduce((sum, stream) => sum + streamBitsPerSecond(writtenOf(stream)), 0),
  prepare,
};
