// All that the page knows, in one place: who is looking, the state of the swarm, the run by the second, and how the line to the console is. Components read it with `useModel`; charts listen
// to the history themselves, because a chart is not drawn by Preact.

import { useEffect, useState } from 'preact/hooks';
import type { Summary } from '../../../../node/core/summary-types.ts';
import type { LiveMessage, LiveState, SessionView, StartedView } from '../../protocol.ts';
import { History } from './history.ts';
import { type Mark, marksOf } from './marks.ts';
import { ChartWindow } from './window.ts';

export type Line =
  | { readonly is: 'connecting' }
  | { readonly is: 'open' }
  /** The console answers, the swarm does not. */
  | { readonly is: 'away'; readonly message: string }
  | { readonly is: 'lost'; readonly retryMs: number };

export interface Model {
  readonly session: SessionView | null;
  readonly live: LiveState | null;
  readonly report: Summary | null;
  readonly line: Line;
  /** What the console started last. */
  readonly started: StartedView | null;
}

export const history = new History();
export const chartWindow = new ChartWindow();

let model: Model = { session: null, live: null, report: null, line: { is: 'connecting' }, started: null };
let marks: readonly Mark[] = [];
const listeners = new Set<() => void>();

export const currentMarks = (): readonly Mark[] => marks;
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
  if (message.type === 'away') change({ line: { is: 'away', message: message.message } });
  else if (message.type === 'started') change({ started: message.started });
  else if (message.type === 'report') change({ report: message.summary, line: { is: 'open' } });
  else if (message.type === 'timeline') {
    history.apply(message);
    showHistory();
  } else {
    const { state } = message;
    const isOther = model.live !== null && model.live.runId !== state.runId && state.runId !== null;
    if (isOther) history.clear();
    marks = marksOf(state.events);
    if (state.sinceT0Ms !== null && state.board.phase === 'running')
      for (const { group, planned } of state.board.groups) history.setPlanned(group, state.sinceT0Ms, planned);
    change({ live: state, line: { is: 'open' }, ...(isOther ? { report: null } : {}) });
  }
}

function showHistory(): void {
  const { times } = history;
  chartWindow.extend(times[0] ?? 0, times[times.length - 1] ?? 0);
}
