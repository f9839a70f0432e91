// The process that sip-calls.ts measures: the SIP stack of node/sip in a process as a worker is one, calling a server at a fixed rate, each call held for a
// moment and hung up. It records what a group records of each call. The first calls warm the process up and are not counted. Says one result, then ends.

import { monotonicNowMs } from '../../../node/adapters/clock.ts';
import { createRng } from '../../../node/core/rng.ts';
import { createStatistics } from '../../../node/core/stats.ts';
import { createUdpNetwork } from '../../../node/media/udp-network.ts';
import { createTimers } from '../../../node/runtime/worker-timers.ts';
import { createSipStack } from '../../../node/sip/stack.ts';
import type { CallEvent, SipCall } from '../../../node/sip/types.ts';

const HOST = '127.0.0.1';
const TICK_MS = 5;
const RANDOM_SEED = 1;

export interface CallOrder {
  readonly uasPort: number;
  readonly ratePerS: number;
  readonly warmUpCalls: number;
  readonly calls: number;
  readonly holdMs: number;
}

export interface CallResult {
  /** INVITE to the answer of BYE, of those that count. */
  readonly completed: number;
  /** By cause. */
  readonly failed: Readonly<Record<string, number>>;
  /** User and system, from the first call that counts to the end of the last. */
  readonly cpuSeconds: number;
  readonly elapsedMs: number;
  readonly retransmissions: number;
}

const rng = createRng(RANDOM_SEED);
const network = createUdpNetwork({ nowMs: monotonicNowMs });
const timers = createTimers({
  nowMs: monotonicNowMs,
  onFired() {},
  onFault(error) {
    throw error;
  },
});
const recorder = createStatistics().tagged({ group: 'bench' });
const setup = recorder.trend('sip_call_setup');
const failure = recorder.rate('sip_call_failed');
let retransmissions = 0;
const stack = await createSipStack({
  clock: timers,
  random: rng.float,
  network,
  local: { host: HOST, transport: 'udp' },
  lookup: async (host) => host,
  onCount(kind, count) {
    if (kind === 'retransmission-sent') retransmissions += count;
  },
});
const agent = await stack.createAgent({
  aor: `sip:bench@${HOST}`,
  contactUser: 'bench',
  auth: null,
  outboundProxy: null,
  localSocket: 'shared',
  userAgentName: 'quilt-swarm',
});
/** SIPp's, so that messages are as long. */
const sdp = [
  'v=0',
  `o=user1 53655765 2353687637 IN IP4 ${HOST}`,
  's=-',
  `c=IN IP4 ${HOST}`,
  't=0 0',
  'm=audio 6000 RTP/AVP 0',
  'a=rtpmap:0 PCMU/8000',
  '',
].join('\r\n');

function run({ uasPort, ratePerS, warmUpCalls, calls, holdMs }: CallOrder): void {
  const total = warmUpCalls + calls;
  const beginMs = monotonicNowMs();
  const failed: Record<string, number> = {};
  let started = 0;
  let over = 0;
  let completed = 0;
  let markMs = 0;
  let markCpu = process.cpuUsage();

  function end(isCounted: boolean, cause: string | null): void {
    over += 1;
    failure.add(cause !== null);
    if (isCounted && cause === null) completed += 1;
    if (isCounted && cause !== null) failed[cause] = (failed[cause] ?? 0) + 1;
    if (over < total) return;
    const cpu = process.cpuUsage(markCpu);
    const cpuSeconds = (cpu.user + cpu.system) / 1e6;
    const result: CallResult = { completed, failed, cpuSeconds, elapsedMs: monotonicNowMs() - markMs, retransmissions };
    process.send?.(result);
  }

  function call(dueMs: number): void {
    const isCounted = started >= warmUpCalls;
    if (started === warmUpCalls) {
      markMs = monotonicNowMs();
      markCpu = process.cpuUsage();
    }
    started += 1;
    const onEvent = (event: CallEvent, each: SipCall): void => {
      if (event.kind === 'answered') {
        setup.record(event.responseMs);
        timers.at(event.atMs + holdMs, () => each.hangUp());
      } else if (event.kind === 'failed') end(isCounted, event.cause);
      else if (event.kind === 'ended') end(isCounted, event.by === 'local' && event.responseMs !== null ? null : `ended-${event.by}`);
    };
    agent.invite({ target: `sip:service@${HOST}:${uasPort}`, sdp, dueMs, onEvent });
  }

  function tick(): void {
    const nowMs = monotonicNowMs();
    const due = Math.min(total, Math.floor(((nowMs - beginMs) * ratePerS) / 1000));
    while (started < due) call(beginMs + (started * 1000) / ratePerS);
    if (started < total) timers.at(nowMs + TICK_MS, tick);
  }
  tick();
}

process.on('message', (order) => run(order as CallOrder));
process.on('disconnect', () => {
  void stack.close();
  timers.close();
  network.close();
});
process.send?.('started');
