// Writes logs for tests of the core as real authors would: sealed, chained, with clocks that follow everything written before. What reaches whom is up
// to the test.

import { absorb, createFacts, type Facts, refOf } from '../../node/core/facts.ts';
import type { Capabilities, DecisionRef, Entry, EntryBodies, EntryDraft, EntryKind, EntryOf, NodeId } from '../../node/core/messages.ts';
import { memberOf } from './core-arbitraries.ts';
import { manifestOf, sealForTests, signedForTests } from './story.ts';

export interface Scribe {
  readonly entries: Entry[];
  write<K extends EntryKind>(author: NodeId, kind: K, body: EntryBodies[K]): EntryOf<K>;
  hello(author: NodeId, over?: Partial<EntryBodies['hello']>): Entry;
  /** Votes of all these for the candidate, and its lead. */
  elect(term: number, candidate: NodeId, voters: readonly NodeId[], base?: Entry | null): Entry;
  manifest(author: NodeId, over?: Parameters<typeof manifestOf>[0]): Entry;
  roster(author: NodeId, term: number, previous: Entry | null, manifest: Entry | null, nodes: readonly NodeId[]): EntryOf<'roster'>;
  down(author: NodeId, term: number, previous: Entry, node: NodeId): EntryOf<'down'>;
  phase(author: NodeId, term: number, previous: Entry | null, over: Partial<EntryBodies['phase']>): EntryOf<'phase'>;
}

const capabilities: Capabilities = memberOf('x', 2000).capabilities;
const refOrNull = (entry: Entry | null): DecisionRef | null => (entry === null ? null : refOf(entry));

export function createScribe(): Scribe {
  const entries: Entry[] = [];
  const write = <K extends EntryKind>(author: NodeId, kind: K, body: EntryBodies[K]): EntryOf<K> => {
    const own = entries.filter((entry) => entry.author === author);
    const header = { author, seq: own.length + 1, prev: own[own.length - 1]?.hash ?? '', lamport: entries.length + 1 };
    const entry = sealForTests({ ...header, kind, body } as unknown as EntryDraft);
    entries.push(entry);
    return entry as EntryOf<K>;
  };
  return {
    entries,
    write,
    hello: (author, over = {}) =>
      write(author, 'hello', { incarnation: 1, voter: true, load: true, capabilities, addresses: [], version: '0', ...over }),
    elect: (term, candidate, voters, base = null) => {
      for (const voter of voters) write(voter, 'vote', { term, candidate });
      return write(candidate, 'lead', { term, base: refOrNull(base) });
    },
    manifest: (author, over = {}) => write(author, 'manifest', signedForTests({ order: 'manifest', manifest: manifestOf(over) })),
    roster: (author, term, previous, manifest, nodes) =>
      write(author, 'roster', {
        term,
        previous: refOrNull(previous),
        manifest: refOrNull(manifest),
        add: nodes.map((node) => memberOf(node, 2000)),
        movableFromMs: 0,
      }),
    down: (author, term, previous, node) => write(author, 'down', { term, previous: refOrNull(previous), node, silentMs: 7000 }),
    phase: (author, term, previous, over) =>
      write(author, 'phase', {
        term,
        previous: refOrNull(previous),
        phase: 'running',
        atSwarmMs: 1000,
        reason: null,
        message: '',
        exit: null,
        ...over,
      }),
  };
}

export function factsOf(entries: readonly Entry[]): Facts {
  const facts = createFacts();
  for (const entry of entries) absorb(facts, entry, (order) => order.signature[0] === 1);
  return facts;
}
