// RTP packets that the packet engine receives per CPU-second with the full statistics of RFC 3550 for each of 1,000 streams, against receive.c, which only
// counts. Both read what send.c sends; CPU is that of the receiving process, per packet that it got. At a pace that both keep up with, which is what a
// generator lives on, and as fast as C sends; and C twice, reading each packet as it comes and letting them gather for a millisecond as the engine does.
// The final line is about the worse of the two paces, against the better of the two C programs.

import { out } from '../../node/adapters/terminal.ts';
import type { BenchOptions, BenchResult } from '../bench-kit.ts';
import { measureDeltas } from './media/deltas.ts';
import { METRICS, startEngineLoad } from './media/engine-load.ts';
import { describeCores, HOST, type Lab, sleep, withLab } from './media/lab.ts';
import { figuresOf } from './media/parse.ts';
import { alternate, type Contender } from './media/rounds.ts';

export const about = 'RTP packets received with full statistics per CPU-second against C with recvmmsg that only counts';

const STREAMS = 1_000;
/** As many as 2,000 calls' audio. */
const PACED_PER_S = 100_000;
const RATES = [PACED_PER_S, 0];
const PORT = 21_000;
const SOURCE_PORT = 20_900;
const IDLE_S = 30;
/** As the engine does when packets come this fast: it gives C its best, the time between packets in half-empty batches costs more. */
const GATHER_US = 1_000;
const WARM_UP_MS = 1_500;

const rateName = (rate: number): string => (rate === 0 ? 'flat out' : `${rate / 1000}k/s`);

function engine(lab: Lab, seconds: number, rate: number): Contender {
  return {
    name: `quilt engine, ${rateName(rate)}`,
    async run() {
      const { program, network } = await startEngineLoad(lab, {
        endpoints: STREAMS,
        profiles: ['audio-80k'],
        isSending: false,
        isReceiving: true,
        remotePort: SOURCE_PORT,
        remotePorts: 1,
        localPorts: 1,
        localPort: PORT,
        remoteSsrc: 1,
      });
      const sender = lab.baseline('send', 'peer', [HOST, SOURCE_PORT, PORT, 1, STREAMS, seconds + 60, rate]);
      await sleep(WARM_UP_MS);
      const { cpuSeconds, elapsedMs, tally } = await measureDeltas(program, seconds);
      await sender.stop();
      await program.stop('SIGKILL');
      const received = tally.sum(METRICS.packetsReceived);
      const drops = tally.health.reduce((sum, { socketDrops }) => sum + socketDrops, 0);
      const words = `${network}, ${((received * 1000) / elapsedMs).toFixed(0)} a second at ${((cpuSeconds * 1000) / elapsedMs).toFixed(2)} core, ${drops} dropped`;
      return { figure: received / cpuSeconds, words };
    },
  };
}

function baseline(lab: Lab, seconds: number, rate: number, gatherUs: number): Contender {
  return {
    name: `C${gatherUs > 0 ? ', gathering' : ''}, ${rateName(rate)}`,
    async run() {
      const receiver = lab.baseline('receive', 'generator', [HOST, PORT, 1, IDLE_S, gatherUs]);
      await receiver.line();
      const sender = lab.baseline('send', 'peer', [HOST, SOURCE_PORT, PORT, 1, STREAMS, seconds, rate]);
      await sender.line((seconds + 10) * 1000);
      await receiver.stop();
      const { packets, cpuSeconds, drops } = figuresOf(await receiver.line(), ['packets', 'cpuSeconds', 'drops']);
      const words = `${(packets / seconds).toFixed(0)} a second at ${(cpuSeconds / seconds).toFixed(2)} core, ${drops} dropped`;
      return { figure: packets / cpuSeconds, words };
    },
  };
}

export async function bench({ quick }: BenchOptions): Promise<BenchResult> {
  const [rounds, seconds] = quick ? [1, 2] : [5, 6];
  out(`${STREAMS} streams to one port; ${describeCores()}`);
  const pairs = await withLab(async (lab) => {
    const contenders = RATES.flatMap((rate) => [
      engine(lab, seconds, rate),
      baseline(lab, seconds, rate, 0),
      baseline(lab, seconds, rate, GATHER_US),
    ]);
    const medians = await alternate(contenders, rounds, 'packets/CPU-second');
    return RATES.map((_, index) => {
      const [figure, eager, gathering] = medians.slice(3 * index) as [number, number, number];
      return { figure, baseline: Math.max(eager, gathering) };
    });
  });
  const [worse] = pairs.sort((one, other) => one.figure / one.baseline - other.figure / other.baseline);
  return { ...worse!, unit: 'packets/CPU-second', reach: 0.6, reachIs: 'ratio', better: 'higher' };
}
