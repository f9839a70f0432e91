// Complete calls (INVITE, 180, 200, ACK, a short hold, BYE, 200) per CPU-second of the SIP stack, against SIPp's own uac scenario: same rate, same hold, same SIPp
// uas on the other core. The stack makes every call a dialog with transactions, timers and a recorded setup time, and is measured warm, as in a
// run of minutes; SIPp is measured whole, since it has nothing to warm up. No media.

import { out } from '../../node/adapters/terminal.ts';
import type { BenchOptions, BenchResult } from '../bench-kit.ts';
import { describeCores, type Lab, message, withLab } from './media/lab.ts';
import { shellTimesOf } from './media/parse.ts';
import { alternate, type Contender } from './media/rounds.ts';
import type { CallOrder, CallResult } from './media/sip-caller.ts';
import { requireSipp, startUas, uacCommand } from './media/sipp.ts';

export const about = "complete SIP calls per CPU-second against SIPp's uac scenario";

const UAS_PORT = 5_070;
const UAC_PORT = 5_071;
const RATE_PER_S = 2_000;
const HOLD_MS = 100;
const WARM_UP_S = 2;
const LIMIT_S = 30;

function stack(lab: Lab, seconds: number): Contender {
  return {
    name: 'quilt sip stack',
    async run() {
      const uas = await startUas(lab, UAS_PORT);
      const caller = lab.fork('generator', 'tools/bench/media/sip-caller.ts');
      await message(caller, (received) => (received === 'started' ? true : null));
      const finished = message(caller, (received) => received as CallResult, (WARM_UP_S + seconds + LIMIT_S) * 1000);
      const order: CallOrder = {
        uasPort: UAS_PORT,
        ratePerS: RATE_PER_S,
        warmUpCalls: RATE_PER_S * WARM_UP_S,
        calls: RATE_PER_S * seconds,
        holdMs: HOLD_MS,
      };
      caller.child.send(order);
      const { completed, failed, cpuSeconds, elapsedMs, retransmissions } = await finished;
      for (const each of [caller, uas]) await each.stop('SIGKILL');
      const words = `${completed} calls at ${((cpuSeconds * 1000) / elapsedMs).toFixed(2)} core, failed ${JSON.stringify(failed)}, ${retransmissions} retransmissions`;
      return { figure: completed / cpuSeconds, words };
    },
  };
}

function sipp(lab: Lab, seconds: number): Contender {
  const calls = RATE_PER_S * seconds;
  return {
    name: 'SIPp uac',
    async run() {
      const uas = await startUas(lab, UAS_PORT);
      const { command, args } = uacCommand({ uasPort: UAS_PORT, port: UAC_PORT, rate: RATE_PER_S, calls, holdMs: HOLD_MS });
      // The shell tells the CPU time of what it waited for; /proc forgets a process when it ends. Exit code 0: every call succeeded.
      const shell = lab.start('generator', '/bin/bash', ['-c', '"$@" >/dev/null 2>&1; echo "exit $?"; times', 'bash', command, ...args]);
      const exit = await shell.line((seconds + LIMIT_S) * 1000);
      await shell.line();
      const cpuSeconds = shellTimesOf(await shell.line());
      await uas.stop('SIGKILL');
      if (exit !== 'exit 0') throw new Error(`SIPp did not complete all calls: ${exit}`);
      return { figure: calls / cpuSeconds, words: `${calls} calls at ${(cpuSeconds / seconds).toFixed(2)} core, none failed` };
    },
  };
}

export async function bench({ quick }: BenchOptions): Promise<BenchResult> {
  requireSipp();
  const [rounds, seconds] = quick ? [1, 5] : [5, 8];
  out(`${RATE_PER_S} calls a second held ${HOLD_MS} ms, against SIPp's uas; ${describeCores()}`);
  return withLab(async (lab) => {
    const [figure, baseline] = (await alternate([stack(lab, seconds), sipp(lab, seconds)], rounds, 'calls/CPU-second')) as [number, number];
    return { figure, unit: 'calls/CPU-second', baseline, reach: 0.7, reachIs: 'ratio', better: 'higher' };
  });
}
