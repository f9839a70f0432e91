// Hundreds of calls between two stacks over a network of memory that loses, doubles and reorders by seed. Every call has a role drawn for it; what both
// ends are told is kept, and held against what a call may tell at all: one end, nothing behind it, no ringing behind the answer.

import type { Rng } from '../../node/core/rng.ts';
import type { CallEvent, IncomingCall, SipAgentInit, SipCall, SipStackInit } from '../../node/sip/types.ts';
import { describeEvent } from './sipstack-calls.ts';
import { agentInit, createSipLab, lossy, type SimClock } from './sipstack-lab.ts';
import { SDP } from './sipstack-wire.ts';

export const roles = [
  /** Talk for a while, the caller hangs up. */
  'talk',
  /** Talk, ask and hold meanwhile; the called party hangs up. */
  'busy-talk',
  'refuse',
  /** Rings until the caller gives up. */
  'give-up',
  /** The caller gives up when it is about to be answered. */
  'race',
] as const;
export type Role = (typeof roles)[number];

export interface Side {
  readonly role: Role;
  readonly startedAtMs: number;
  readonly events: string[];
  /** Of the last event; null while there is none. */
  endedAtMs: number | null;
}

export interface CrowdInit {
  readonly seed: number;
  readonly calls: number;
  readonly loss: number;
  /** Nothing at all arrives between these times, ms. */
  readonly cut?: readonly [fromMs: number, toMs: number];
  readonly agent?: Partial<SipAgentInit>;
  readonly stack?: Partial<SipStackInit>;
  /** How long calls go on starting, and when it is all looked at, ms. */
  readonly startWithinMs: number;
  readonly runMs: number;
}

const PATIENCE_MS = 60_000;

/** What was told that must not be. */
function problemsOf({ events, role }: Side): string[] {
  const ends = events.filter((event) => /^(failed|ended)/.test(event));
  const answered = events.indexOf('answered 200');
  const problems = [
    ...(ends.length === 1 ? [] : [`${ends.length} ends`]),
    ...(ends.length === 0 || events.at(-1) === ends[0] ? [] : ['something behind the end']),
    ...(answered >= 0 && events.lastIndexOf('answered 200') !== answered ? ['answered twice'] : []),
    ...(answered >= 0 && events.slice(answered).some((event) => event.startsWith('ringing')) ? ['ringing behind the answer'] : []),
  ];
  return problems.map((problem) => `${role}: ${problem}: ${events.join(', ')}`);
}

export async function runCrowd(init: CrowdInit) {
  const { clock, network, host, rng } = createSipLab(init.seed);
  const fate = lossy(rng, { loss: init.loss, duplicate: 0.1, delayMsMax: 200 });
  const [cutAtMs, healedAtMs] = init.cut ?? [0, 0];
  network.fate = (...datagram) => (clock.nowMs() >= cutAtMs && clock.nowMs() < healedAtMs ? [] : fate(...datagram));
  const [here, there] = [await host('10.0.0.1', init.stack), await host('10.0.0.2', init.stack)];
  const callers: Side[] = [];
  const called: Side[] = [];
  const later = (ms: number, action: () => void): void => void clock.at(clock.nowMs() + ms, action);

  await there.stack.createAgent(
    agentInit('b', '10.0.0.2', {
      onInvite(call) {
        const role = (call.request.headers.find(({ name }) => name === 'x-role')?.value ?? 'talk') as Role;
        const side: Side = { role, startedAtMs: clock.nowMs(), events: [], endedAtMs: null };
        called.push(side);
        call.listen((event) => {
          tell(side, event, clock);
          if (event.kind === 'answered' && role === 'busy-talk') {
            later(rng.below(3000), () => call.reinvite(SDP));
            later(20_000 + rng.below(5000), () => call.hangUp());
          }
        });
        behave(call, role, rng, later);
      },
      ...init.agent,
    }),
  );
  const caller = await here.stack.createAgent(agentInit('a', '10.0.0.1', init.agent));

  // How long it rings is the users' business: both lose patience some time.
  const start = (role: Role): void => {
    const side: Side = { role, startedAtMs: clock.nowMs(), events: [], endedAtMs: null };
    callers.push(side);
    const call: SipCall = caller.invite({
      target: 'sip:b@10.0.0.2',
      sdp: SDP,
      headers: [['X-Role', role]],
      onEvent(event) {
        tell(side, event, clock);
        if (event.kind !== 'answered') return;
        if (role === 'busy-talk') {
          later(rng.below(3000), () => call.reinvite(SDP));
          later(rng.below(3000), () => call.update(SDP));
          later(rng.below(9000), () => call.info('text/plain', 'hello'));
        } else later(rng.below(20_000), () => call.hangUp());
      },
    });
    later(PATIENCE_MS, () => call.state() === 'early' && call.hangUp());
    if (role === 'give-up') later(rng.below(8000), () => call.hangUp());
    if (role === 'race') later(2000 + rng.below(400), () => call.hangUp());
  };
  for (let index = 0; index < init.calls; index++) {
    clock.at(rng.below(init.startWithinMs), () => start(roles[index % roles.length] as Role));
  }
  clock.runTo(init.runMs);
  const gauges = [here.stack.gauges(), there.stack.gauges()].map(({ calls, transactions }) => ({ calls, transactions }));
  const timersWaiting = clock.waiting();
  await here.stack.close();
  await there.stack.close();
  return {
    callers,
    called,
    problems: [...callers, ...called].flatMap(problemsOf),
    gauges,
    timersWaiting,
    count: (kind: string) => (here.counts.get(kind) ?? 0) + (there.counts.get(kind) ?? 0),
    openSockets: network.openSockets(),
  };
}

function tell(side: Side, event: CallEvent, clock: SimClock): void {
  side.events.push(describeEvent(event).replace(/^(failed \S+).*/, '$1'));
  if (event.kind === 'failed' || event.kind === 'ended') side.endedAtMs = clock.nowMs();
  if (event.kind === 'offer') event.offer.answer(SDP);
}

function behave(call: IncomingCall, role: Role, rng: Rng, later: (ms: number, action: () => void) => void): void {
  later(PATIENCE_MS, () => call.reject(480));
  later(rng.below(300), () => call.ring(180, { isReliable: true }));
  if (role === 'refuse') later(rng.below(3000), () => call.reject(486));
  else if (role === 'race') later(2000 + rng.below(400), () => call.answer(SDP));
  else if (role !== 'give-up') later(rng.below(3000), () => call.answer(SDP));
}

/** The last events that were told, by role. */
export function endsOf(sides: readonly Side[]): Record<string, string[]> {
  const byRole = roles.map((role) => {
    const ends = sides.filter((side) => side.role === role).map(({ events }) => events.at(-1) ?? 'nothing');
    return [role, [...new Set(ends)].sort()] as const;
  });
  return Object.fromEntries(byRole);
}
