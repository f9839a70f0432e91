// A packet engine on loopback for tests: real sockets, a series that keeps everything, and scripts that are short.

import { monotonicNowMs } from '../../node/adapters/clock.ts';
import { createRng } from '../../node/core/rng.ts';
import { createMediaEngine } from '../../node/media/engine.ts';
import type { MediaEngine, MediaPort, MediaStream, MediaStreamInit } from '../../node/media/engine-types.ts';
import type { PacketNetwork } from '../../node/media/packet-batch.ts';
import type { PacketScript } from '../../node/media/packet-script.ts';
import { linuxCalls } from '../../node/media/udp-linux-calls.ts';
import { createUdpNetwork } from '../../node/media/udp-network.ts';
import { keepSeries } from './media-series.ts';

export const networkKinds = linuxCalls() === null ? (['dgram'] as const) : (['mmsg', 'dgram'] as const);

/** PCMU, 20 ms, one packet of 160 bytes for ever. */
export const tone: PacketScript = {
  kind: 'audio',
  codec: 'PCMU',
  clockRateHz: 8000,
  packets: [{ dueMs: 0, timestamp: 0, marker: false, payload: new Uint8Array(160).fill(0xd5) }],
  cycleMs: 20,
  cycleTicks: 160,
};

export interface MediaLab {
  readonly network: PacketNetwork;
  readonly engine: MediaEngine;
  readonly series: ReturnType<typeof keepSeries>;
  readonly taints: string[];
  /** A stream of the tone in both directions, with whatever `init` changes. */
  readonly stream: (port: MediaPort, to: { host: string; port: number }, init?: Partial<MediaStreamInit>) => MediaStream;
  readonly close: () => void;
}

export interface MediaLabInit {
  readonly kind: 'mmsg' | 'dgram';
  readonly intervalMs?: number;
  readonly rtcpIntervalMs?: number;
}

export function createMediaLab({ kind, intervalMs = 200, rtcpIntervalMs = 100 }: MediaLabInit): MediaLab {
  const rng = createRng(1);
  const network = createUdpNetwork({ nowMs: monotonicNowMs, kind });
  const taints: string[] = [];
  const engine = createMediaEngine({
    nowMs: monotonicNowMs,
    network,
    random: rng.float,
    qualityIntervalMs: intervalMs,
    rtcpIntervalMs,
    health: { taint: (reason) => void taints.push(reason), socketDrops: (count) => void taints.push(`drops ${count}`) },
  });
  const series = keepSeries();
  return {
    network,
    engine,
    series,
    taints,
    stream: (port, to, init = {}) =>
      engine.openStream({
        port,
        remote: { ...to, rtcpPort: null, ssrc: null },
        ssrc: rng.uint32(),
        firstSequence: 65_530,
        firstTimestamp: rng.uint32(),
        cname: 'lab',
        script: tone,
        sendPayloadType: 0,
        startAtMs: monotonicNowMs(),
        receive: { payloadTypes: [0], clockRateHz: 8000, codec: 'PCMU', expectedBitsPerSecond: 80_000 },
        dtmfPayloadType: null,
        srtp: null,
        series,
        ...init,
      }),
    close() {
      engine.close();
      network.close();
    },
  };
}
