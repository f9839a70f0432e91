// All that the page knows, in one place: who is looking, the state of the swarm, the run by the second, and how the line to the console is. Components read it with `useModel`; charts listen
// to the history themselves, because a chart is not drawn by Preact.

import { useEffect, useState } from 'preact/hooks';
import type { Summary } from '../../../../node/core/summary-types.ts';
import type { AwayMessage, EventRow, LiveMessage, LiveState, SessionView, StartedView } from '../../protocol.ts';
import { EVENTS_MAX } from '../../protocol.ts';
import { extend, watchedRun } from './charted-run.ts';
import { marksOf } from './marks.ts';

export { chartWindow, currentMarks, history } from './charted-run.ts';

export type Line =
  | { readonly is: 'connecting' }
  | { readonly is: 'open' }
  /** The console answers, the swarm does not. */
  | (Omit<AwayMessage, 'type'> & { readonly is: 'away' })
  | { readonly is: 'lost'; readonly retryMs: number };

export interface Model {
  readonly session: SessionView | null;
  readonly live: LiveState | null;
  readonly events: readonly EventRow[];
  readonly report: Summary | null;
  readonly line: Line;
  /** What the console started last. */
  readonly started: StartedView | null;
}

let model: Model = { session: null, live: null, events: [], report: null, line: { is: 'connecting' }, started: null };
const listeners = new Set<() => void>();

export const currentModel = (): Model => model;

export function change(part: Partial<Model>): void {
  model = { ...model, ...part };
  for (const listener of listeners) listener();
}

export function useModel(): Model {
  const [, show] = useState(0);
  useEffect(() => {
    const listener = (): void => show((count) => count + 1);
    listeners.add(listener);
    return () => void listeners.delete(listener);
  }, []);
  return model;
}

/** A message of the live socket, put where it belongs. */
export function take(message: LiveMessage): void {
  const { history } = watchedRun;
  if (message.type === 'away') {
    const { message: why, heardWallMs, isOver } = message;
    change({ line: { is: 'away', message: why, heardWallMs, isOver } });
  } else if (message.type === 'started') change({ started: message.started });
  else if (message.type === 'report') {
    // Of a run that was over before anybody looked, nothing else tells what happened when.
    if (model.events.length === 0) watchedRun.marks = marksOf(message.summary.events);
    change({ report: message.summary, line: { is: 'open' } });
  } else if (message.type === 'events') {
    const events = message.isWhole ? message.events : [...model.events, ...message.events].slice(-EVENTS_MAX);
    watchedRun.marks = marksOf(events);
    change({ events });
    watchedRun.window.changed();
  } else if (message.type === 'timeline') extend(watchedRun, message);
  else {
    const { state } = message;
    const before = model.live?.runId ?? model.report?.run.runId ?? null;
    const isOther = before !== null && state.runId !== null && before !== state.runId;
    if (isOther) {
      history.clear();
      watchedRun.marks = [];
    }
    change({ live: state, line: { is: 'open' }, ...(isOther ? { report: null, events: [] } : {}) });
  }
}
