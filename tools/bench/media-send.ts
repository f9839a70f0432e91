// RTP packets that the packet engine sends per CPU-second, against send.c with sendmmsg: 172-byte packets of 4,000 streams, sequence, timestamp and SSRC
// advancing. The engine paces (every stream has its own 20 ms grid), the C program sends as fast as it goes, which is its best. Both send to receive.c on
// the other core, which drains them: into a socket that nobody reads a packet costs the sender only half, because the kernel drops it early.

import { out } from '../../node/adapters/terminal.ts';
import type { BenchOptions, BenchResult } from '../bench-kit.ts';
import { measureDeltas } from './media/deltas.ts';
import { METRICS, startEngineLoad } from './media/engine-load.ts';
import { describeCores, HOST, type Lab, type Program, sleep, withLab } from './media/lab.ts';
import { figuresOf } from './media/parse.ts';
import { alternate, type Contender } from './media/rounds.ts';

export const about = 'RTP packets sent per CPU-second by the packet engine against C with sendmmsg';

const STREAMS = 4_000;
const PORT = 21_000;
const PORTS = 4;
const IDLE_S = 30;
const WARM_UP_MS = 2_000;

async function startSink(lab: Lab): Promise<Program> {
  const sink = lab.baseline('receive', 'peer', [HOST, PORT, PORTS, IDLE_S, 0]);
  await sink.line();
  return sink;
}

/** What the sink read and what it was too slow for; ends it. */
async function sinkWords(sink: Program): Promise<string> {
  await sink.stop();
  const { packets, drops } = figuresOf(await sink.line(), ['packets', 'drops']);
  return `${((100 * packets) / (packets + drops)).toFixed(1)} % drained`;
}

function engine(lab: Lab, seconds: number): Contender {
  return {
    name: 'quilt engine',
    async run() {
      const sink = await startSink(lab);
      const { program, network } = await startEngineLoad(lab, {
        endpoints: STREAMS,
        profiles: ['audio-80k'],
        isSending: true,
        isReceiving: false,
        remotePort: PORT,
        remotePorts: PORTS,
        localPorts: 1,
        localPort: null,
        remoteSsrc: null,
      });
      await sleep(WARM_UP_MS);
      const { cpuSeconds, elapsedMs, tally } = await measureDeltas(program, seconds);
      await program.stop('SIGKILL');
      const sent = tally.sum(METRICS.packetsSent);
      const lateMs = tally.percentile(METRICS.sendLateness, 99);
      const words = `${network}, ${((sent * 1000) / elapsedMs).toFixed(0)} a second at ${((cpuSeconds * 1000) / elapsedMs).toFixed(2)} core, lateness p99 ${lateMs.toFixed(1)} ms, ${await sinkWords(sink)}`;
      return { figure: sent / cpuSeconds, words };
    },
  };
}

function baseline(lab: Lab, seconds: number, name: string, rate: number): Contender {
  return {
    name,
    async run() {
      const sink = await startSink(lab);
      const sender = lab.baseline('send', 'generator', [HOST, 0, PORT, PORTS, STREAMS, seconds, rate]);
      const figures = figuresOf(await sender.line(), ['packets', 'cpuSeconds', 'seconds']);
      const words = `${(figures.packets / figures.seconds).toFixed(0)} a second at ${(figures.cpuSeconds / figures.seconds).toFixed(2)} core, ${await sinkWords(sink)}`;
      return { figure: figures.packets / figures.cpuSeconds, words };
    },
  };
}

export async function bench({ quick }: BenchOptions): Promise<BenchResult> {
  const [rounds, seconds] = quick ? [1, 4] : [5, 6];
  out(`${STREAMS} streams of 50 packets of 172 bytes a second to ${PORTS} ports of a reader; ${describeCores()}`);
  return withLab(async (lab) => {
    const contenders = [
      engine(lab, seconds),
      baseline(lab, seconds, 'C, flat out', 0),
      baseline(lab, seconds, 'C, same pace', STREAMS * 50),
    ];
    const [figure, best] = (await alternate(contenders, rounds, 'packets/CPU-second')) as [number, number, number];
    return { figure, unit: 'packets/CPU-second', baseline: best, reach: 0.85, reachIs: 'ratio', better: 'higher' };
  });
}
