// SIPp's keys: + and - change the load by ten per cent of the planned load, p pauses and resumes, q drains, Q stops now. Ctrl-C drains too, and the
// second one stops, as a signal would: in raw mode the terminal no longer makes a signal of it. Mapping bytes to actions is pure and keeps no state;
// factors are the operator's running total and are kept by `createLoadControl`.

export type KeyAction = 'more' | 'less' | 'pause' | 'drain' | 'stop-now' | 'interrupt' | 'suspend' | 'help';

export const KEYS_HELP = '+ - load by 10 %, p pause, q drain, Q stop now';

const ACTIONS: Readonly<Record<string, KeyAction>> = {
  '+': 'more',
  // The same key without shift, on the keyboards where plus needs it.
  '=': 'more',
  '*': 'more',
  '-': 'less',
  _: 'less',
  '/': 'less',
  p: 'pause',
  P: 'pause',
  q: 'drain',
  Q: 'stop-now',
  '\u0003': 'interrupt',
  '\u001a': 'suspend',
  '?': 'help',
  h: 'help',
};

/** An escape sequence (arrows, function keys, mouse reports, alt-key): ignored as a whole, so that its letters do not act as keys. */
const ESCAPE_SEQUENCE = /^\u001b(?:\[[0-?]*[ -/]*[@-~]|O.|[^\u001b])?/;
/** Bracketed paste: text from the clipboard is never an order. */
const PASTE = /\u001b\[200~[\s\S]*?(?:\u001b\[201~|$)/g;
/** A person types a few keys at once; more is a paste that the terminal did not mark. */
const KEYS_AT_ONCE_MAX = 8;

/** Actions of one chunk of input, in order. Unknown keys do nothing. */
export function actionsOf(input: string): KeyAction[] {
  let rest = input.replace(PASTE, '');
  if (rest.length > KEYS_AT_ONCE_MAX && !rest.includes('\u001b')) return [];
  const actions: KeyAction[] = [];
  while (rest !== '') {
    const sequence = ESCAPE_SEQUENCE.exec(rest)?.[0];
    if (sequence !== undefined) {
      rest = rest.slice(sequence.length);
      continue;
    }
    const action = Object.hasOwn(ACTIONS, rest[0]!) ? ACTIONS[rest[0]!] : undefined;
    if (action !== undefined) actions.push(action);
    rest = rest.slice(1);
  }
  return actions;
}

export interface LoadControl {
  /** The factor that the swarm shall run at after this action; null when nothing changes. */
  readonly factorAfter: (action: KeyAction) => number | null;
  readonly isPaused: () => boolean;
}

const STEP = 0.1;
/** ScaleOrder's own limit is 100; a finger that rests on the key must not go there. */
const FACTOR_MAX = 10;

/** Turns + - p into scale factors. Pausing scales to 0; resuming returns to the factor before. */
export function createLoadControl(): LoadControl {
  // Counted in steps, so that ten times + and ten times - are exactly 1 again.
  let steps = Math.round(1 / STEP);
  let isPaused = false;
  const move = (by: number): number | null => {
    const next = Math.min(FACTOR_MAX / STEP, Math.max(0, steps + by));
    if (next === steps && !isPaused) return null;
    steps = next;
    isPaused = false;
    return Math.round(steps) / Math.round(1 / STEP);
  };
  return {
    factorAfter(action) {
      switch (action) {
        case 'more':
          return move(1);
        case 'less':
          return move(-1);
        case 'pause':
          isPaused = !isPaused;
          return isPaused ? 0 : steps / Math.round(1 / STEP);
        default:
          return null;
      }
    },
    isPaused: () => isPaused,
  };
}
