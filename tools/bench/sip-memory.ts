// Memory of a SIP endpoint with media: what a worker's resident set grows by from 200 to 2,200 established calls with audio both ways, per call, each after
// garbage was collected, in two workers of their own. Peers are SIPp's uas and echo.c, so nothing of the other end is in it. Resident memory counts everything:
// heap, buffers outside it, sockets' bookkeeping in the process; what the kernel holds for a socket is not in it.

import { out } from '../../node/adapters/terminal.ts';
import type { BenchOptions, BenchResult } from '../bench-kit.ts';
import { measureDeltas } from './media/deltas.ts';
import { METRICS } from './media/engine-load.ts';
import { describeCores, HOST, type Lab, root, sleep, withLab } from './media/lab.ts';
import { requireStanding, startSipWorker } from './media/sip-worker.ts';
import { requireSipp, startUas } from './media/sipp.ts';

export const about = 'resident memory of one SIP endpoint with audio, established, in a worker';

const UAS_PORT = 5_070;
const ECHO_PORT = 21_000;
const FEW = 200;
const MANY = 2_200;
const REACH_KB = 30;
const COLLECT_MS = 1_000;
const BYTES_PER_KB = 1_000;

async function residentBytes(lab: Lab, calls: number, rampS: number, holdMs: number, localPorts: 'shared' | 'own'): Promise<number> {
  const echo = lab.baseline('echo', 'peer', [HOST, ECHO_PORT, 1]);
  await echo.line();
  const uas = await startUas(lab, UAS_PORT, ECHO_PORT);
  const nodeFlags = ['--expose-gc', '--import', `${root}tools/bench/media/collect-garbage.ts`];
  const init = { calls, uasPort: UAS_PORT, mediaPorts: [ECHO_PORT], rampS, audio: 'audio-80k', localPorts, nodeFlags } as const;
  const program = await startSipWorker(lab, init);
  await sleep(rampS * 1000 + holdMs);
  const { tally } = await measureDeltas(program, 1);
  process.kill(program.pid, 'SIGUSR2');
  await sleep(COLLECT_MS);
  const bytes = program.residentBytes();
  for (const each of [program, uas, echo]) await each.stop('SIGKILL');
  const standing = tally.level('sip_calls_active');
  const words = `${(bytes / 1e6).toFixed(1)} MB resident, ${tally.sum(METRICS.packetsReceived)} packets received in the second before`;
  out(`  ${standing} of ${calls} calls, ${localPorts} ports: ${words}`);
  requireStanding(tally, calls);
  return bytes;
}

export async function bench({ quick }: BenchOptions): Promise<BenchResult> {
  requireSipp();
  out(describeCores());
  const [rampS, holdMs] = quick ? [5, 1_000] : [10, 10_000];
  const figures = await withLab(async (lab) => {
    const kilobytes: number[] = [];
    for (const localPorts of quick ? (['shared'] as const) : (['shared', 'own'] as const)) {
      const few = await residentBytes(lab, FEW, rampS, holdMs, localPorts);
      const many = await residentBytes(lab, MANY, rampS, holdMs, localPorts);
      kilobytes.push((many - few) / (MANY - FEW) / BYTES_PER_KB);
    }
    return kilobytes;
  });
  if (figures[1] !== undefined) out(`with ports of its own: ${figures[1].toFixed(1)} kB an endpoint`);
  return { figure: figures[0]!, unit: 'kB/endpoint', baseline: null, reach: REACH_KB, better: 'lower' };
}
