// P2 at the bottom: whatever the network does to the order, the number of copies and the batches, the log that comes out is the same one.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createLog, ingest, type LogState } from '../../node/core/log.ts';
import type { Entry } from '../../node/core/messages.ts';
import { chains, interleave, SEED } from '../support/core-arbitraries.ts';
import { sealForTests } from '../support/story.ts';

const bounded = { seed: SEED, numRuns: 300 };

function fill(entries: readonly Entry[]): { log: LogState; accepted: Entry[]; refusals: string[] } {
  const log = createLog();
  const accepted: Entry[] = [];
  const refusals: string[] = [];
  for (const entry of entries) {
    const refusal = ingest(log, entry, accepted);
    if (refusal !== null) refusals.push(refusal);
  }
  return { log, accepted, refusals };
}

const pictureOf = (log: LogState) => ({
  hashes: [...log.authors].map(([author, entries]) => `${author}: ${entries.map(({ hash }) => hash)}`).sort(),
  waiting: [log.pending.size, log.pendingCount],
  sums: [log.size, log.digest, log.lamport],
});

/** A delivery: every entry at least once, some twice, in an order of the draw's choosing. */
const delivery = chains.chain((logs) => {
  const all = logs.flat();
  const copies = fc.array(fc.constantFrom(...all), { maxLength: 20 });
  return fc.record({
    logs: fc.constant(logs),
    order: copies.chain((extra) => fc.shuffledSubarray([...all, ...extra], { minLength: all.length + extra.length })),
  });
});

describe('the log', () => {
  it('is the same for any order and number of deliveries of valid chains, and refuses none of them', () => {
    fc.assert(
      fc.property(delivery, ({ logs, order }) => {
        const straight = fill(interleave(logs, [0]));
        const shuffled = fill(order);
        expect(shuffled.refusals).toEqual([]);
        expect(pictureOf(shuffled.log)).toEqual(pictureOf(straight.log));
        expect(new Set(shuffled.accepted.map(({ hash }) => hash)).size).toBe(shuffled.accepted.length);
      }),
      bounded,
    );
  });

  it('hands over each author in chain order', () => {
    fc.assert(
      fc.property(delivery, ({ order }) => {
        const next = new Map<string, number>();
        for (const { author, seq } of fill(order).accepted) {
          expect(seq).toBe((next.get(author) ?? 0) + 1);
          next.set(author, seq);
        }
      }),
      bounded,
    );
  });

  it('takes nothing that does not continue its chain, whatever else arrives, and keeps nothing of it waiting', () => {
    fc.assert(
      fc.property(delivery, fc.nat(), fc.constantFrom('prev', 'lamport', 'fork'), fc.nat(), ({ logs, order }, pick, harm, at) => {
        const entries = logs.flat();
        const target = entries[pick % entries.length];
        if (target === undefined) return;
        const { hash: _hash, sig: _sig, ...draft } = target;
        const harmed = { prev: { prev: 'nothing' }, lamport: { lamport: 0 }, fork: { lamport: target.lamport + 1 } }[harm];
        const bad = sealForTests({ ...draft, ...harmed } as Parameters<typeof sealForTests>[0]);
        const valid = fill(order);
        const place = at % (order.length + 1);
        // A fork that arrives first is the author's word as good as the other: only what comes after it can be judged.
        const isFirst = harm === 'fork' && order.findIndex(({ hash }) => hash === target.hash) >= place;
        if (isFirst) return;
        const mixed = fill([...order.slice(0, place), bad, ...order.slice(place), ...interleave(logs, [1])]);
        expect(pictureOf(mixed.log)).toEqual(pictureOf(valid.log));
        expect(mixed.refusals.length).toBeGreaterThan(0);
      }),
      bounded,
    );
  });
});
