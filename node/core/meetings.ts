// Which meetings exist, from the `meeting` entries of nodes that are in the run. The log keeps what everybody wrote; whether an author is in the roster is a
// question to the chain, so the answer is worked out here, from both, whenever either has changed. Among several facts of one meeting (its
// provisioning moved) the latest by (lamport, author) counts, on every node alike.

import type { MeetingFacts, NodeId } from './messages.ts';
import type { NodeState } from './state.ts';

export interface Meetings {
  readonly facts: ReadonlyMap<number, { readonly facts: MeetingFacts; readonly lamport: number; readonly author: NodeId }>;
  readonly torndown: ReadonlySet<number>;
}

/** What it was worked out from: compared by identity and count. */
export interface MeetingsCache extends Meetings {
  readonly entries: number;
  readonly roster: NodeState['chain']['roster'];
}

function gather(state: NodeState): MeetingsCache {
  const facts = new Map<number, { facts: MeetingFacts; lamport: number; author: NodeId }>();
  const torndown = new Set<number>();
  for (const { author, lamport, body } of state.facts.meetings) {
    if (!state.chain.roster.has(author)) continue;
    for (const fact of body.facts) {
      const known = facts.get(fact.meeting);
      const isLater = known === undefined || lamport > known.lamport || (lamport === known.lamport && author > known.author);
      if (isLater) facts.set(fact.meeting, { facts: fact, lamport, author });
    }
    for (const meeting of body.torndown) torndown.add(meeting);
  }
  return { facts, torndown, entries: state.facts.meetings.length, roster: state.chain.roster };
}

/** Meetings by index, with who provisioned them, and those torn down. */
export function meetingsIn(state: NodeState): Meetings {
  const known = state.meetings;
  if (known !== null && known.entries === state.facts.meetings.length && known.roster === state.chain.roster) return known;
  state.meetings = gather(state);
  return state.meetings;
}
