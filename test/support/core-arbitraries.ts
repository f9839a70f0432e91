// Random worlds for the properties of the core: plans and rosters for assign.ts, swarms' logs with every kind of entry for log.ts, facts.ts and sync.ts.
// Everything is derived from what fast-check draws, so a failing seed replays; sizes are small enough that thousands of cases stay cheap.

import fc from 'fast-check';
import type { Entry, EntryBodies, EntryKind, NodeId, RosterMember } from '../../node/core/messages.ts';
import type { Plan, Shard } from '../../node/core/plan-types.ts';
import { manifestOf, planOf, sealForTests, shardOf, signedForTests } from './story.ts';

export const SEED = 20261123;

const REGIONS = ['eu', 'us', 'ap'];

export const memberOf = (
  node: NodeId,
  capacityMillicores: number,
  labels: Record<string, string> = {},
  types: readonly string[] = ['http'],
): RosterMember => ({ node, voter: true, load: true, capabilities: { types, cores: 2, memoryMb: 1000, capacityMillicores, labels } });

export const roster: fc.Arbitrary<RosterMember[]> = fc
  .array(
    fc.record({
      capacity: fc.integer({ min: 100, max: 4000 }),
      region: fc.constantFrom(...REGIONS),
      types: fc.constantFrom(['http'], ['http', 'websocket'], ['websocket']),
    }),
    { minLength: 1, maxLength: 12 },
  )
  .map((draws) => draws.map(({ capacity, region, types }, index) => memberOf(`node-${index}`, capacity, { region }, types)));

const shards = fc.array(
  fc.record({
    type: fc.constantFrom('http', 'websocket'),
    costMillicores: fc.integer({ min: 1, max: 600 }),
    startMs: fc.integer({ min: 0, max: 60_000 }),
    region: fc.option(fc.constantFrom(...REGIONS)),
    isMeetings: fc.boolean(),
  }),
  { minLength: 1, maxLength: 40 },
);

export const plan: fc.Arbitrary<Plan> = shards.map((draws) =>
  planOf(
    draws.map(({ type, costMillicores, startMs, region, isMeetings }, id): Shard => {
      const constraints: Record<string, string> = region === null ? {} : { region };
      const kind: Partial<Shard> = isMeetings ? { kind: 'meetings', meetingCount: 2, startMs: 0 } : { startMs };
      return shardOf(id, { type, costMillicores, constraints, ...kind });
    }),
  ),
);

type Word = { [K in EntryKind]: { kind: K; body: EntryBodies[K] } }[EntryKind];
const AUTHORS = ['ann', 'bob', 'cid', 'dan'];
const author = fc.constantFrom(...AUTHORS);
const term = fc.integer({ min: 1, max: 4 });
const seq = fc.integer({ min: 1, max: 8 });
const reference = fc.record({ author, seq });
const maybeReference = fc.option(reference);
const claims = fc.array(fc.record({ shard: fc.integer({ min: 0, max: 5 }), epoch: fc.integer({ min: 1, max: 2 }) }), { maxLength: 3 });
const capabilities = fc.constant(memberOf('x', 1000).capabilities);
const member = fc.record({ node: author, voter: fc.boolean(), load: fc.boolean(), capabilities });
const meeting = fc.integer({ min: 0, max: 4 });
const values = fc.dictionary(fc.constantFrom('pin', 'url'), fc.string({ maxLength: 3 }), { noNullPrototype: true });
const isSigned = fc.boolean();

const word: fc.Arbitrary<Word> = fc.oneof(
  fc.record({ incarnation: fc.nat(3), voter: fc.boolean() }).map(({ incarnation, voter }): Word => {
    const body = { incarnation, voter, load: true, capabilities: memberOf('x', 1000).capabilities, addresses: [], version: '0' };
    return { kind: 'hello', body };
  }),
  fc.record({ term, candidate: author }).map((body): Word => ({ kind: 'vote', body })),
  fc.record({ term, base: maybeReference }).map((body): Word => ({ kind: 'lead', body })),
  fc
    .record({
      term,
      previous: maybeReference,
      manifest: maybeReference,
      add: fc.array(member, { maxLength: 4 }),
      movableFromMs: fc.nat(100),
    })
    .map((body): Word => ({ kind: 'roster', body })),
  fc.record({ term, previous: maybeReference, node: author, silentMs: fc.nat(9) }).map((body): Word => ({ kind: 'down', body })),
  fc
    .record({ term, previous: maybeReference, phase: fc.constantFrom('running' as const, 'draining' as const, 'sealed' as const) })
    .map((body): Word => ({ kind: 'phase', body: { ...body, atSwarmMs: 5, reason: null, message: '', exit: null } })),
  fc.record({ decision: reference, claims }).map((body): Word => ({ kind: 'claim', body })),
  fc.record({ claims }).map((body): Word => ({ kind: 'release', body: { ...body, reason: 'leaves' } })),
  fc
    .record({ facts: fc.array(fc.record({ meeting, values }), { maxLength: 2 }), torndown: fc.array(meeting, { maxLength: 2 }) })
    .map((body): Word => ({ kind: 'meeting', body })),
  fc.record({ decision: reference }).map((body): Word => ({ kind: 'ready', body: { ...body, problem: null } })),
  fc.record({ windowLast: fc.nat(9), teardownFailures: fc.nat(2) }).map((body): Word => ({ kind: 'done', body })),
  fc.constant<Word>({ kind: 'bye', body: { reason: 'leaves' } }),
  fc.record({ runId: fc.constantFrom('run', 'other'), isSigned }).map(({ runId, isSigned: holds }): Word => {
    const order = signedForTests({ order: 'manifest', manifest: manifestOf({ runId }) });
    return { kind: 'manifest', body: holds ? order : { ...order, signature: new Uint8Array([0]) } };
  }),
  isSigned.map((holds): Word => {
    const order = signedForTests({ order: 'stop', runId: 'run', mode: 'drain', reason: 'enough' });
    return { kind: 'stop', body: holds ? order : { ...order, signature: new Uint8Array([0]) } };
  }),
);

/** Logs of up to four authors as they could really have come about: authors take turns, each seeing everything, nothing or something of the others' clocks. */
export const chains: fc.Arbitrary<Entry[][]> = fc
  .array(fc.record({ author: fc.nat(AUTHORS.length - 1), skip: fc.nat(2), word }), { minLength: 1, maxLength: 30 })
  .map((turns) => {
    const logs: Entry[][] = AUTHORS.map(() => []);
    for (const turn of turns) {
      const log = logs[turn.author] ?? [];
      const last = log[log.length - 1];
      const lamport = (last?.lamport ?? 0) + 1 + turn.skip;
      log.push(
        sealForTests({
          author: AUTHORS[turn.author] ?? '',
          seq: log.length + 1,
          prev: last?.hash ?? '',
          lamport,
          ...turn.word,
        } as Parameters<typeof sealForTests>[0]),
      );
    }
    return logs.filter((log) => log.length > 0);
  });

/** The entries of all chains, interleaved as the draws say, each author's own in order. */
export function interleave(logs: readonly (readonly Entry[])[], draws: readonly number[]): Entry[] {
  const rest = logs.map((log) => [...log]);
  const result: Entry[] = [];
  for (let turn = 0; rest.some((log) => log.length > 0); turn++) {
    const open = rest.filter((log) => log.length > 0);
    const next = open[(draws[turn % Math.max(1, draws.length)] ?? 0) % open.length]?.shift();
    if (next !== undefined) result.push(next);
  }
  return result;
}
