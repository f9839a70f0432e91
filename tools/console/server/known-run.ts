// What the console knows of the run that it watches, kept while the console lasts: the newest state, the whole run by the second, and what it came to. Whoever opens or reloads a page gets it
// at once, and still gets it when the swarm is gone. One run at a time: another one begins anew.

import type { LiveTimeline, Report } from '../../../node/runtime/collector.ts';
import type { StatusView } from '../../../node/runtime/node-status.ts';
import type { LiveMessage, LiveState } from '../protocol.ts';
import { mergeTimeline } from './merge-timeline.ts';
import { stateOf } from './state.ts';

export interface KnownRun {
  /** The swarm answered. False = another run than before: everything else is forgotten. */
  hear(status: StatusView, wallMs: number): boolean;
  /** `isWhole`: all there is, else what is newer. */
  add(part: LiveTimeline, isWhole: boolean): void;
  conclude(report: Report): void;
  readonly swarmId: string | null;
  readonly state: LiveState | null;
  readonly report: Report | null;
  readonly timeline: LiveTimeline | null;
  /** It was ending when it was last heard, or what it came to is known. */
  isEnding(): boolean;
  /** Why nothing new comes. */
  awayMessage(why: string): LiveMessage;
  forget(): void;
}

export function createKnownRun(): KnownRun {
  let swarmId: string | null = null;
  let state: LiveState | null = null;
  let report: Report | null = null;
  let timeline: LiveTimeline | null = null;
  const forget = (): void => {
    swarmId = null;
    state = null;
    report = null;
    timeline = null;
  };
  const isEnding = (): boolean => report !== null || state?.board.phase === 'draining' || state?.board.phase === 'sealed';
  return {
    hear(status, wallMs) {
      const before = state?.runId ?? report?.summary.run.runId ?? null;
      const isSame = before === null || before === status.runId;
      if (!isSame) forget();
      swarmId = status.swarmId;
      state = stateOf(status, wallMs);
      return isSame;
    },
    add(part, isWhole) {
      if (isWhole || timeline === null) timeline = part;
      else mergeTimeline(timeline, part);
    },
    conclude(told) {
      report = told;
    },
    get swarmId() {
      return swarmId;
    },
    get state() {
      return state;
    },
    get report() {
      return report;
    },
    get timeline() {
      return timeline;
    },
    isEnding,
    awayMessage: (message) => ({ type: 'away', message, heardWallMs: state?.atWallMs ?? null, isOver: isEnding() }),
    forget,
  };
}
