// Endpoints with audio-80k and video-150k both ways against echo.c, more and more of them: one step of the ladder and how it reads as a row of a table. A step
// is held when the core that the generator is pinned to still does its work in time; what decides is said in `isHeld`, and nothing of it is the peer's.

import { scriptPacketsPerSecond } from '../../../node/media/packet-script.ts';
import { profileScript } from '../../../node/media/sources.ts';
import { measureDeltas, type Span } from './deltas.ts';
import { METRICS, type Profile, startEngineLoad } from './engine-load.ts';
import { HOST, type Lab, sleep } from './lab.ts';
import { figuresOf } from './parse.ts';

export const PROFILES: readonly Profile[] = ['audio-80k', 'video-150k'];
const PORT = 21_000;
/** Several, so that their receive buffers together hold what comes while the echo waits for its core. */
const PORTS = 8;
const WARM_UP_MS = 2_500;
/** What a packet may be late (issue 3). */
export const LATENESS_MS_MAX = 5;
const CORE_FULL = 0.97;

export interface Step {
  readonly endpoints: number;
  readonly network: string;
  readonly span: Span;
  readonly cores: number;
  readonly latenessMsP99: number;
  /** Packets sent, against those that were due. */
  readonly sentShare: number;
  /** Of the packets expected back, by the engine. */
  readonly lostShare: number;
  /** Packets dropped at sockets of ours, and at the echo's. */
  readonly ownDrops: number;
  readonly echoDrops: number;
  readonly echoCores: number;
}

export async function runStep(lab: Lab, endpoints: number, seconds: number): Promise<Step> {
  const echo = lab.baseline('echo', 'peer', [HOST, PORT, PORTS]);
  await echo.line();
  const ask = async (): Promise<Record<'dropsEver' | 'cpuSecondsEver', number>> => {
    echo.child.stdin?.write('\n');
    return figuresOf(await echo.line(), ['dropsEver', 'cpuSecondsEver']);
  };
  const { program, network } = await startEngineLoad(lab, {
    endpoints,
    profiles: PROFILES,
    isSending: true,
    isReceiving: true,
    remotePort: PORT,
    remotePorts: PORTS,
    localPorts: 1,
    localPort: null,
    remoteSsrc: null,
  });
  await sleep(WARM_UP_MS);
  const before = await ask();
  const span = await measureDeltas(program, seconds);
  const after = await ask();
  await program.stop('SIGKILL');
  await echo.stop('SIGKILL');
  const { tally, elapsedMs } = span;
  const lost = tally.rate(METRICS.lost);
  const dueASecond = endpoints * PROFILES.reduce((sum, profile) => sum + scriptPacketsPerSecond(profileScript(profile)), 0);
  return {
    endpoints,
    network,
    span,
    cores: (span.cpuSeconds * 1000) / elapsedMs,
    latenessMsP99: tally.percentile(METRICS.sendLateness, 99),
    sentShare: tally.sum(METRICS.packetsSent) / (dueASecond * span.deltas),
    lostShare: lost.total === 0 ? 0 : lost.pass / lost.total,
    ownDrops: tally.health.reduce((sum, { socketDrops }) => sum + socketDrops, 0),
    echoDrops: after.dropsEver - before.dropsEver,
    echoCores: ((after.cpuSecondsEver - before.cpuSecondsEver) * 1000) / elapsedMs,
  };
}

/** The generator is at its end: too busy, or losing packets itself. */
export const isFull = ({ cores, ownDrops }: Step): boolean => cores > CORE_FULL || ownDrops > 0;

/** Everything sent in time and measured, by one core, without a window marked. */
export const isHeld = (step: Step): boolean => !isFull(step) && step.latenessMsP99 <= LATENESS_MS_MAX && step.span.deltasTainted === 0;

const columns: readonly (readonly [title: string, value: (step: Step) => string])[] = [
  ['endpoints', ({ endpoints }) => String(endpoints)],
  ['cores', ({ cores }) => cores.toFixed(3)],
  ['us/s each', ({ cores, endpoints }) => ((cores * 1e6) / endpoints).toFixed(0)],
  ['late p99 ms', ({ latenessMsP99 }) => latenessMsP99.toFixed(2)],
  ['sent %', ({ sentShare }) => (sentShare * 100).toFixed(1)],
  ['lost %', ({ lostShare }) => (lostShare * 100).toFixed(2)],
  ['own drops', ({ ownDrops }) => String(ownDrops)],
  ['resident MB', ({ span }) => (span.residentBytes / 1e6).toFixed(0)],
  ['tainted', ({ span }) => `${span.deltasTainted}/${span.deltas}`],
  ['echo cores', ({ echoCores }) => echoCores.toFixed(2)],
  ['echo drops', ({ echoDrops }) => String(echoDrops)],
];

const joined = (cells: readonly string[]): string =>
  cells.map((cell, index) => cell.padStart((columns[index]?.[0].length ?? 0) + 2)).join('');

export const ladderTitle = (): string => joined(columns.map(([title]) => title));

export function ladderRow(step: Step): string {
  const reasons = step.span.taints.length === 0 ? '' : `  (${step.span.taints.join('; ')})`;
  return joined(columns.map(([, value]) => value(step))) + reasons;
}
