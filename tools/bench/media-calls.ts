// Calls with 50 packets a second both ways that one core of generator holds: our `sip` endpoint type in a real worker, with all statistics, against SIPp's uac
// with rtp_stream, at the same load. Both call the same SIPp uas and speak with the same echo.c on the other core, which also measures from outside how far
// packets are behind their stream's own 20 ms grid. Calls per core are calls over cores used at that load: an extrapolation, so at the end
// the number itself is run (full) and p99 of lateness at it is shown. SIPp's rtp_stream never reads what comes back: it measures nothing.

import { out } from '../../node/adapters/terminal.ts';
import type { BenchOptions, BenchResult } from '../bench-kit.ts';
import { measureDeltas } from './media/deltas.ts';
import { METRICS } from './media/engine-load.ts';
import { describeCores, HOST, type Lab, type Program, sleep, withLab } from './media/lab.ts';
import { LATENESS_MS_MAX } from './media/ladder.ts';
import { figuresOf } from './media/parse.ts';
import { alternate, type Contender } from './media/rounds.ts';
import { requireStanding, startSipWorker } from './media/sip-worker.ts';
import { requireSipp, startUacWithAudio, startUas } from './media/sipp.ts';

export const about = 'calls with audio both ways that one core holds, statistics on, against SIPp with rtp_stream';

const UAS_PORT = 5_070;
const UAC_PORT = 5_071;
const ECHO_PORT = 21_000;
const RAMP_S = 4;
/** After the ramp: calls settle. */
const SETTLE_MS = 1_500;
const LOADS = [500, 1_000, 2_000];
const LOADS_QUICK = [1_000];

/** One generator's calls in full swing. */
interface Swing {
  readonly cores: number;
  readonly words: string;
}

interface Peer {
  readonly uas: Program;
  readonly echo: Program;
  /** What the echo saw since the last time. */
  readonly look: () => Promise<Record<'packets' | 'latenessMsP50' | 'latenessMsP99' | 'dropsEver', number>>;
}

async function startPeer(lab: Lab): Promise<Peer> {
  const echo = lab.baseline('echo', 'peer', [HOST, ECHO_PORT, 1]);
  await echo.line();
  const uas = await startUas(lab, UAS_PORT, ECHO_PORT);
  return {
    uas,
    echo,
    async look() {
      echo.child.stdin?.write('\n');
      return figuresOf(await echo.line(), ['packets', 'latenessMsP50', 'latenessMsP99', 'dropsEver']);
    },
  };
}

const seen = ({ packets, latenessMsP50, latenessMsP99, dropsEver }: Awaited<ReturnType<Peer['look']>>, seconds: number): string =>
  `echo saw ${(packets / seconds).toFixed(0)} packets/s, behind their grid p50 ${latenessMsP50} p99 ${latenessMsP99} ms, ${dropsEver} dropped`;

async function ours(lab: Lab, calls: number, seconds: number, localPorts: 'shared' | 'own'): Promise<Swing & { latenessMsP99: number }> {
  const peer = await startPeer(lab);
  const program = await startSipWorker(lab, {
    calls,
    uasPort: UAS_PORT,
    mediaPorts: [ECHO_PORT],
    rampS: RAMP_S,
    audio: 'audio-80k',
    localPorts,
  });
  await sleep(RAMP_S * 1000 + SETTLE_MS);
  await peer.look();
  const span = await measureDeltas(program, seconds);
  const echoed = await peer.look();
  for (const each of [program, peer.uas, peer.echo]) await each.stop('SIGKILL');
  const { tally, elapsedMs } = span;
  requireStanding(tally, calls);
  const cores = (span.cpuSeconds * 1000) / elapsedMs;
  const latenessMsP99 = tally.percentile(METRICS.sendLateness, 99);
  const lost = tally.rate(METRICS.lost);
  const words =
    `${calls} calls at ${cores.toFixed(3)} core, late p99 ${latenessMsP99.toFixed(2)} ms, received ${tally.sum(METRICS.packetsReceived)} lost ${lost.pass}, ` +
    `tainted ${span.deltasTainted}/${span.deltas}, ${(span.residentBytes / 1e6).toFixed(0)} MB; ${seen(echoed, elapsedMs / 1000)}`;
  return { cores, words, latenessMsP99 };
}

async function sipp(lab: Lab, calls: number, seconds: number): Promise<Swing> {
  const peer = await startPeer(lab);
  const holdMs = RAMP_S * 1000 + SETTLE_MS + seconds * 1000 + 30_000;
  const uac = startUacWithAudio(lab, { uasPort: UAS_PORT, port: UAC_PORT, rate: calls / RAMP_S, calls, holdMs });
  await sleep(RAMP_S * 1000 + SETTLE_MS);
  await peer.look();
  const [startMs, startCpu] = [performance.now(), uac.cpuSeconds()];
  await sleep(seconds * 1000);
  const [elapsedMs, cpuSeconds] = [performance.now() - startMs, uac.cpuSeconds() - startCpu];
  const echoed = await peer.look();
  for (const each of [uac, peer.uas, peer.echo]) await each.stop('SIGKILL');
  const cores = (cpuSeconds * 1000) / elapsedMs;
  return { cores, words: `${calls} calls at ${cores.toFixed(3)} core; ${seen(echoed, elapsedMs / 1000)}` };
}

function contender(name: string, calls: number, swing: () => Promise<Swing>): Contender {
  return {
    name,
    async run() {
      const { cores, words } = await swing();
      return { figure: calls / cores, words };
    },
  };
}

/** Runs what the extrapolation promises, in steps down from it, until p99 is within the limit. */
async function hold(lab: Lab, promised: number, seconds: number): Promise<void> {
  for (const share of [0.95, 0.9, 0.8, 0.7, 0.6]) {
    const calls = Math.floor((promised * share) / 50) * 50;
    const { words, latenessMsP99 } = await ours(lab, calls, seconds, 'shared');
    out(`  at ${(share * 100).toFixed(0)} % of the extrapolation: ${words}`);
    if (latenessMsP99 <= LATENESS_MS_MAX) return;
  }
}

export async function bench({ quick }: BenchOptions): Promise<BenchResult> {
  requireSipp();
  const [rounds, seconds] = quick ? [1, 4] : [3, 8];
  out(`${describeCores()}; a ${RAMP_S} s ramp, then measured; both call SIPp's uas, media to echo.c`);
  return withLab(async (lab) => {
    const results: [number, number][] = [];
    // A port for each call costs more: what it cannot hold by its own extrapolation is not run, since calls that fall silent measure nothing.
    let ownPortsFigure = quick ? 0 : Number.POSITIVE_INFINITY;
    for (const calls of quick ? LOADS_QUICK : LOADS) {
      const contenders = [contender('quilt sip', calls, () => ours(lab, calls, seconds, 'shared'))];
      contenders.push(contender('SIPp', calls, () => sipp(lab, calls, seconds)));
      const isOwnRun = ownPortsFigure > calls;
      if (isOwnRun) contenders.push(contender('quilt sip, own ports', calls, () => ours(lab, calls, seconds, 'own')));
      else if (!quick) out(`  quilt sip, own ports      not run with ${calls} calls: it holds ${ownPortsFigure.toFixed(0)} a core`);
      const [figure, baseline, own] = (await alternate(contenders, rounds, 'calls/core')) as [number, number, number?];
      ownPortsFigure = own ?? ownPortsFigure;
      results.push([figure, baseline]);
    }
    const [figure, baseline] = results.at(-1)!;
    if (!quick) await hold(lab, figure, seconds);
    return { figure, unit: 'calls/core', baseline, reach: 1.5, reachIs: 'ratio', better: 'higher' };
  });
}
