// The process of engine-load.ts: opens one packet engine as a worker would, opens the streams it is told to, and sends a delta a second over its channel, in a
// worker's own form. Ends when the channel closes.

import { monotonicNowMs } from '../../../node/adapters/clock.ts';
import { createRng } from '../../../node/core/rng.ts';
import { createStatistics } from '../../../node/core/stats.ts';
import { createMediaEngine } from '../../../node/media/engine.ts';
import type { MediaEngine, MediaPort, MediaSeries } from '../../../node/media/engine-types.ts';
import { createMediaSeries } from '../../../node/media/metrics.ts';
import { type PacketScript, scriptBitsPerSecond } from '../../../node/media/packet-script.ts';
import { profileScript } from '../../../node/media/sources.ts';
import { createUdpNetwork } from '../../../node/media/udp-network.ts';
import { createHealthMeter } from '../../../node/runtime/worker-health.ts';
import type { FromWorker } from '../../../node/runtime/worker-protocol.ts';
import { type EngineLoadInit, type FromChild, PREFIX } from './engine-load.ts';

const HOST = '127.0.0.1';
const PERIOD_MS = 1000;
/** Streams begin this long after the order, so that opening them is over by then. */
const LEAD_MS = 1000;

const rng = createRng(1);
const statistics = createStatistics();
const health = createHealthMeter(monotonicNowMs());
const network = createUdpNetwork({ nowMs: monotonicNowMs });
const engine: MediaEngine = createMediaEngine({
  nowMs: monotonicNowMs,
  network,
  random: rng.float,
  health: { taint: health.taint, socketDrops: health.noteSocketDrops },
});
let nextDeltaMs = monotonicNowMs() + PERIOD_MS;
let timer: NodeJS.Timeout;

function send(message: FromChild | FromWorker): void {
  if (process.connected) process.send?.(message);
}

function deliver(): void {
  const nowMs = monotonicNowMs();
  engine.flush();
  const { series, errors } = statistics.snapshot();
  send({ type: 'delta', series, errors, load: [], health: health.take(nowMs, nowMs - nextDeltaMs) });
  nextDeltaMs += PERIOD_MS * (1 + Math.floor((nowMs - nextDeltaMs) / PERIOD_MS));
  // Timers cut fractions off; a delta before its time would be followed by an empty one.
  timer = setTimeout(deliver, Math.ceil(nextDeltaMs - nowMs));
}

async function openPorts(load: EngineLoadInit): Promise<MediaPort[]> {
  const count = load.localPorts === 'own' ? load.endpoints : load.localPorts;
  const ports: MediaPort[] = [];
  for (let index = 0; index < count; index++) {
    const port = load.localPort === null ? 0 : load.localPort + index;
    ports.push(await engine.openPort({ host: HOST, isMuxed: true, port }));
  }
  return ports;
}

async function open(load: EngineLoadInit): Promise<void> {
  const ports = await openPorts(load);
  const kinds = load.profiles.map((profile) => {
    const script = profileScript(profile);
    const series: MediaSeries = createMediaSeries(statistics.tagged({ group: 'bench' }), PREFIX, script.kind);
    return { script, series };
  });
  const startMs = monotonicNowMs() + LEAD_MS;
  for (let endpoint = 0; endpoint < load.endpoints; endpoint++) {
    const port = ports[endpoint % ports.length] as MediaPort;
    for (const { script, series } of kinds) openStream(load, endpoint, port, script, series, startMs);
  }
  send({ type: 'opened', network: network.kind });
}

function openStream(
  load: EngineLoadInit,
  endpoint: number,
  port: MediaPort,
  script: PacketScript,
  series: MediaSeries,
  startMs: number,
): void {
  const payloadType = script.kind === 'audio' ? 0 : 96;
  engine.openStream({
    port,
    remote: {
      host: HOST,
      port: load.remotePort + (endpoint % load.remotePorts),
      rtcpPort: null,
      ssrc: load.remoteSsrc === null ? null : load.remoteSsrc + endpoint,
    },
    ssrc: rng.uint32(),
    firstSequence: rng.below(0x10000),
    firstTimestamp: rng.uint32(),
    cname: `bench-${endpoint}`,
    script: load.isSending ? script : null,
    sendPayloadType: payloadType,
    // As people come: in no phase with each other.
    startAtMs: startMs + rng.float() * script.cycleMs,
    receive: load.isReceiving
      ? {
          payloadTypes: [payloadType],
          clockRateHz: script.clockRateHz,
          codec: script.kind === 'audio' ? script.codec : null,
          expectedBitsPerSecond: scriptBitsPerSecond(script),
        }
      : null,
    dtmfPayloadType: null,
    srtp: null,
    series,
  });
}

timer = setTimeout(deliver, PERIOD_MS);
process.on('message', (load) => void open(load as EngineLoadInit));
process.on('disconnect', () => {
  clearTimeout(timer);
  engine.close();
  network.close();
  health.close();
});
send({ type: 'started' });
