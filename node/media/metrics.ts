// What every endpoint type with media measures of it, under the type's own prefix: `mediaMetrics` declares the metrics, `createMediaSeries` resolves
// them once a group and kind of media. Quality metrics have one value for each stream and interval of five seconds; times are the kernel's.

import type { MetricDeclaration, Recorder } from '../core/stats-types.ts';
import type { MediaSeries } from './engine-types.ts';

const MEDIA = ['media'];

/** The type `rtp` has nothing but RTP to measure: its names say it once. */
const rtpPrefix = (prefix: string): string => (prefix === 'rtp' ? prefix : `${prefix}_rtp`);

/** `prefix`: the endpoint type's, as `sip` in sip_mos. */
export function mediaMetrics(prefix: string): MetricDeclaration[] {
  const rtp = rtpPrefix(prefix);
  const metrics: MetricDeclaration[] = [
    { name: `${prefix}_mos`, kind: 'trend', unit: 'mos', help: "mean opinion score by the E-model (G.107), of each stream's interval" },
    { name: `${rtp}_lost`, kind: 'rate', unit: 'percent', help: 'share of all packets expected that never came' },
    { name: `${rtp}_loss`, kind: 'trend', unit: 'percent', help: "share of packets lost in each stream's interval" },
    { name: `${rtp}_jitter`, kind: 'trend', unit: 'ms', help: "interarrival jitter (RFC 3550, A.8) at the end of each stream's interval" },
    { name: `${rtp}_rtt`, kind: 'trend', unit: 'ms', help: 'round trip, from RTCP reports' },
    {
      name: `${rtp}_bitrate`,
      kind: 'trend',
      unit: 'percent',
      help: "received bit rate as a share of what is promised, of each stream's interval",
    },
    { name: `${rtp}_gap`, kind: 'trend', unit: 'ms', help: 'silences longer than three packet times, and than 60 ms' },
    { name: `${rtp}_first_packet`, kind: 'trend', unit: 'ms', help: 'from the start of the stream to its first packet' },
    { name: `${rtp}_send_lateness`, kind: 'trend', unit: 'ms', help: "how late our own packets left: the generator's doing" },
    { name: `${rtp}_packets_sent`, kind: 'counter', unit: 'count', help: 'RTP packets sent' },
    { name: `${rtp}_packets_received`, kind: 'counter', unit: 'count', help: 'RTP packets received, each once' },
    { name: `${rtp}_bytes_sent`, kind: 'counter', unit: 'bytes', help: 'RTP bytes sent, IP and UDP headers included' },
    { name: `${rtp}_bytes_received`, kind: 'counter', unit: 'bytes', help: 'RTP bytes received, IP and UDP headers included' },
    { name: `${rtp}_reordered`, kind: 'counter', unit: 'count', help: 'packets that came after a later one' },
    { name: `${rtp}_duplicates`, kind: 'counter', unit: 'count', help: 'packets that came twice' },
  ];
  const rejected: MetricDeclaration = {
    name: `${rtp}_rejected`,
    kind: 'counter',
    unit: 'count',
    help: 'packets that were no use: malformed, from strangers, too late, of another beginning, or refused by the kernel on sending',
    tags: [...MEDIA, 'kind'],
  };
  return [...metrics.map((metric) => ({ ...metric, tags: MEDIA })), rejected];
}

export function createMediaSeries(recorder: Recorder, prefix: string, media: 'audio' | 'video'): MediaSeries {
  const rtp = rtpPrefix(prefix);
  const tags = { media };
  const rejected = new Map<string, ReturnType<Recorder['counter']>>();
  return {
    packetsSent: recorder.counter(`${rtp}_packets_sent`, tags),
    packetsReceived: recorder.counter(`${rtp}_packets_received`, tags),
    bytesSent: recorder.counter(`${rtp}_bytes_sent`, tags),
    bytesReceived: recorder.counter(`${rtp}_bytes_received`, tags),
    lost: recorder.rate(`${rtp}_lost`, tags),
    lossShare: recorder.trend(`${rtp}_loss`, tags),
    jitterMs: recorder.trend(`${rtp}_jitter`, tags),
    roundTripMs: recorder.trend(`${rtp}_rtt`, tags),
    mos: recorder.trend(`${prefix}_mos`, tags),
    bitrateShare: recorder.trend(`${rtp}_bitrate`, tags),
    gapMs: recorder.trend(`${rtp}_gap`, tags),
    firstPacketMs: recorder.trend(`${rtp}_first_packet`, tags),
    sendLatenessMs: recorder.trend(`${rtp}_send_lateness`, tags),
    reordered: recorder.counter(`${rtp}_reordered`, tags),
    duplicates: recorder.counter(`${rtp}_duplicates`, tags),
    rejected(kind, count) {
      let counter = rejected.get(kind);
      if (counter === undefined) {
        counter = recorder.counter(`${rtp}_rejected`, { ...tags, kind });
        rejected.set(kind, counter);
      }
      counter.add(count);
    },
  };
}
