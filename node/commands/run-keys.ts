// SIPp's keys while a run lasts (tools/scoreboard/keys.ts): turned into the same signed orders that `scale` and `stop` give, so that they hold for the
// whole swarm and stand in its log. Only where a person is at the terminal.

import { actionsOf, createLoadControl, KEYS_HELP, type KeyAction } from '../../tools/scoreboard/keys.ts';
import { listenToKeys } from '../adapters/keyboard.ts';
import type { Order } from '../core/messages.ts';
import type { StatusView } from '../runtime/node-status.ts';

export interface RunKeysInit {
  readonly runId: string | (() => string);
  /** Signs the order and hands it to the swarm. */
  readonly give: (order: Order) => void;
  /** Null while nothing is known. */
  readonly status: () => StatusView | null;
  /** What a signal would do: in raw mode Ctrl-C is a key. */
  readonly interrupt: () => void;
  readonly say: (text: string) => void;
}

/** Every node must have heard of a scale order before it takes effect; a second is many times what the log needs on one machine. */
const AHEAD_MS = 1500;

export function listenToRunKeys({ runId: run, give, status, interrupt, say }: RunKeysInit): () => void {
  const load = createLoadControl();
  const runIdNow = (): string => (typeof run === 'string' ? run : run());

  const scale = (action: KeyAction): void => {
    const { phase, sinceT0Ms } = status() ?? { phase: 'forming', sinceT0Ms: null };
    if (phase !== 'running' || sinceT0Ms === null) return say('load can be changed while it runs');
    const factor = load.factorAfter(action);
    if (factor === null) return;
    give({ order: 'scale', runId: runIdNow(), scale: { group: '*', factor, atMs: Math.max(0, sinceT0Ms) + AHEAD_MS } });
    say(load.isPaused() ? 'pausing: p resumes' : `load to ${Math.round(factor * 100)} % of the plan`);
  };
  const stop = (mode: 'drain' | 'now', key: string): void => {
    // Before the start there is nothing to drain, and nobody to seal the run.
    if ((status()?.phase ?? 'forming') === 'forming') return interrupt();
    give({ order: 'stop', runId: runIdNow(), mode, reason: `key ${key}` });
    say(mode === 'drain' ? 'draining: endpoints leave politely, Q stops now' : 'stopping now');
  };
  const perform = (action: KeyAction): void => {
    switch (action) {
      case 'more':
      case 'less':
      case 'pause':
        return scale(action);
      case 'drain':
        return stop('drain', 'q');
      case 'stop-now':
        return stop('now', 'Q');
      case 'interrupt':
        return interrupt();
      case 'help':
        return say(KEYS_HELP);
      case 'suspend':
        return say('a swarm cannot be suspended: its leases would lapse');
    }
  };
  return listenToKeys((text) => {
    for (const action of actionsOf(text)) perform(action);
  });
}
