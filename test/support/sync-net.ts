// A handful of nodes that only exchange logs: anti-entropy (sync.ts) without elections, runs or gossip, on a network that may lose what the test says.
// Time goes in steps of 10 ms; what is sent in one step arrives in the next.

import { receive } from '../../node/core/append.ts';
import { noEffects } from '../../node/core/events.ts';
import type { Entry, Message, NodeId } from '../../node/core/messages.ts';
import { createNode } from '../../node/core/node.ts';
import type { NodeState } from '../../node/core/state.ts';
import { askMore, onSyncMessage, peerUp, syncTick } from '../../node/core/sync.ts';
import { configOf } from './story.ts';

const STEP_MS = 10;

export interface SyncNet {
  readonly states: Map<NodeId, NodeState>;
  /** Messages sent so far, by sender and in all; entries carried in them. */
  readonly sent: Map<NodeId, number>;
  readonly counts: { messages: number; entries: number };
  run(ms: number, lose?: (from: NodeId, to: NodeId) => boolean): void;
}

/** `reach`: whom each node is connected with at first; further connections come from its own dialling. */
export function createSyncNet(logs: Readonly<Record<NodeId, readonly Entry[]>>, reach: (node: NodeId) => readonly NodeId[]): SyncNet {
  const states = new Map<NodeId, NodeState>();
  const sent = new Map<NodeId, number>();
  const counts = { messages: 0, entries: 0 };
  let mail: { from: NodeId; to: NodeId; message: Message }[] = [];
  let nowMs = 0;
  const perform = (from: NodeId, effects: ReturnType<typeof noEffects>): void => {
    for (const { peer, connect } of effects.dial) if (connect) meet(from, peer);
    for (const { to, message } of effects.send) {
      mail.push({ from, to, message });
      sent.set(from, (sent.get(from) ?? 0) + 1);
      counts.messages += 1;
      if (message.type === 'entries') counts.entries += message.entries.length;
    }
  };
  const act = (node: NodeId, what: (state: NodeState, effects: ReturnType<typeof noEffects>) => void): void => {
    const state = states.get(node);
    if (state === undefined) return;
    const effects = noEffects();
    state.nowMs = nowMs;
    what(state, effects);
    perform(node, effects);
  };
  const meet = (a: NodeId, b: NodeId): void => {
    for (const [self, other] of [
      [a, b],
      [b, a],
    ] as const)
      if (states.get(self)?.sync.connected.has(other) === false) act(self, (state, effects) => peerUp(state, effects, other));
  };
  const deliver = (from: NodeId, to: NodeId, message: Message): void =>
    act(to, (state, effects) => {
      if (message.type === 'have' || message.type === 'want') return onSyncMessage(state, effects, from, message);
      if (message.type !== 'entries') return;
      askMore(state, effects, from, receive(state, effects, message.entries, from));
    });
  for (const [node, entries] of Object.entries(logs)) {
    const state = createNode(configOf(node, 3), 0);
    receive(state, noEffects(), entries, null);
    states.set(node, state);
  }
  for (const node of states.keys()) for (const other of reach(node)) meet(node, other);
  const run = (ms: number, lose: (from: NodeId, to: NodeId) => boolean = () => false): void => {
    for (const endMs = nowMs + ms; nowMs < endMs; nowMs += STEP_MS) {
      const due = mail;
      mail = [];
      for (const { from, to, message } of due) if (!lose(from, to)) deliver(from, to, structuredClone(message));
      for (const node of states.keys()) act(node, (state, effects) => void syncTick(state, effects));
    }
  };
  return { states, sent, counts, run };
}
