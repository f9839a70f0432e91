// What a worker knows of meetings: facts that came from the log, and its own orders to make or remove some. Answers go out in pieces, so that
// endpoints elsewhere can start while the rest is still being made.

import type { MeetingFacts } from '../core/messages.ts';
import type { HttpCall, ValidScenario } from '../core/scenario-types.ts';
import { meetingValues } from '../core/substitute.ts';
import type { Clock } from '../endpoints/endpoint.ts';
import { createProvisioner, type Provisioner } from './provision.ts';
import type { ClaimId, FromWorker } from './worker-protocol.ts';

export interface MeetingDesk {
  readonly learn: (facts: readonly MeetingFacts[]) => void;
  readonly factsOf: (meeting: number) => MeetingFacts | null;
  readonly provision: (id: ClaimId, meetings: readonly number[]) => void;
  readonly teardown: (id: ClaimId, meetings: readonly MeetingFacts[]) => void;
  readonly close: () => Promise<void>;
}

export interface MeetingDeskInit {
  readonly scenario: ValidScenario;
  readonly clock: Clock;
  readonly admitTarget: (url: string) => void;
  readonly send: (message: FromWorker) => void;
}

/** Facts in one answer; smaller pieces reach the waiting endpoints sooner, and cost the log an entry each. */
const FACTS_PER_ANSWER = 25;

export function createMeetingDesk({ scenario, clock, admitTarget, send }: MeetingDeskInit): MeetingDesk {
  const known = new Map<number, MeetingFacts>();
  const stopping = new AbortController();
  const provisionerOf = (call: HttpCall | null | undefined, makes: boolean): Provisioner | null => {
    if (call === null || call === undefined) return null;
    const valuesOf = (meeting: number) => meetingValues(scenario, meeting, makes ? null : (known.get(meeting) ?? null));
    return createProvisioner({ call, clock, admitTarget, valuesOf, signal: stopping.signal }, makes);
  };
  const maker = provisionerOf(scenario.meetings?.provision, true);
  const remover = provisionerOf(scenario.meetings?.teardown, false);

  const make = async (id: ClaimId, meetings: readonly number[]): Promise<void> => {
    let piece: MeetingFacts[] = [];
    const flush = (): void => {
      if (piece.length > 0) send({ type: 'provisioned', id, facts: piece });
      piece = [];
    };
    const keep = (facts: MeetingFacts): void => {
      known.set(facts.meeting, facts);
      piece.push(facts);
      if (piece.length >= FACTS_PER_ANSWER) flush();
    };
    if (maker === null) for (const meeting of meetings) keep({ meeting, values: {} });
    const result = maker === null ? { message: null } : await maker.callAll(meetings, keep);
    flush();
    if (result.message !== null) send({ type: 'provision-failed', id, message: result.message });
  };
  const remove = async (id: ClaimId, facts: readonly MeetingFacts[]): Promise<void> => {
    for (const each of facts) if (!known.has(each.meeting)) known.set(each.meeting, each);
    const removed: number[] = [];
    const meetings = facts.map(({ meeting }) => meeting);
    const result =
      remover === null ? { failures: 0, message: null } : await remover.callAll(meetings, ({ meeting }) => removed.push(meeting));
    if (result.message !== null) send({ type: 'note', level: 'warn', message: `teardown: ${result.message}` });
    send({ type: 'torn-down', id, meetings: remover === null ? meetings : removed, failures: result.failures });
  };
  return {
    learn(facts) {
      for (const each of facts) known.set(each.meeting, each);
    },
    factsOf: (meeting) => known.get(meeting) ?? null,
    provision: (id, meetings) => {
      make(id, meetings).catch((error) => send({ type: 'provision-failed', id, message: String(error) }));
    },
    teardown: (id, meetings) => {
      remove(id, meetings).catch(() => send({ type: 'torn-down', id, meetings: [], failures: meetings.length }));
    },
    async close() {
      stopping.abort();
      await Promise.allSettled([maker?.close(), remover?.close()]);
    },
  };
}
