// One node under test, told by hand what its clock and the network say: for tables about election, leases and guards. Others' entries come from a scribe.

import type { NodeConfig } from '../../node/core/config.ts';
import type { Effects, NodeEvent, Restored } from '../../node/core/events.ts';
import type { Entry, EntryKind, EntryOf, Message, NodeId } from '../../node/core/messages.ts';
import { createNode, step } from '../../node/core/node.ts';
import type { NodeState } from '../../node/core/state.ts';
import { configOf } from './story.ts';

type Local<E = NodeEvent> = E extends NodeEvent ? Omit<E, 'nowMs'> : never;

export interface OneNode {
  readonly state: NodeState;
  /** Advances the clock without telling the node. */
  at(ms: number): void;
  give(event: Local): Effects;
  tick(ms: number): Effects;
  hear(from: NodeId, message: Message): Effects;
  learn(entries: readonly Entry[]): Effects;
}

/** Five voters are expected, all of them load nodes: three make a majority. */
export const VOTERS: readonly NodeId[] = ['a', 'b', 'c', 'd', 'e'];

export function createOne(self: NodeId, over: Partial<NodeConfig> = {}, restored?: Restored): OneNode {
  const state = createNode(configOf(self, 5, { expectWitnesses: 0, ...over }), 0, restored);
  let nowMs = 0;
  const give = (event: Local): Effects => step(state, { ...event, nowMs } as NodeEvent);
  return {
    state,
    at: (ms) => {
      nowMs = ms;
    },
    give,
    tick: (ms) => {
      nowMs = ms;
      return give({ type: 'tick' });
    },
    hear: (from, message) => give({ type: 'message', from, message }),
    learn: (entries) => give({ type: 'gossip', from: 'x', gossip: { type: 'entries', entries } }),
  };
}

export const written = <K extends EntryKind>(effects: Effects, kind: K): EntryOf<K>[] =>
  effects.persist.filter((entry): entry is EntryOf<K> => entry.kind === kind);

export const sentTo = <T extends Message['type']>(effects: Effects, to: NodeId, type: T): Extract<Message, { type: T }>[] =>
  effects.send
    .filter((sent) => sent.to === to)
    .map(({ message }) => message)
    .filter((message): message is Extract<Message, { type: T }> => message.type === type);
