// Two stacks and a bad network, in virtual time: whatever is lost, doubled or overtaken, both ends of every call come to an end that their roles explain,
// within the RFC's timers, and nothing is left.

import { describe, expect, it } from 'vitest';
import { endsOf, runCrowd } from '../support/sipstack-crowd.ts';

const CALLS = 300;
const PATIENCE_MS = 32_000;
/** The longest a role goes on by itself: asked to answer within 3 s, hung up within 25 s. */
const ROLE_MS_MAX = 28_000;
const nothing = { calls: 0, transactions: 0 };

const orderly = { talk: ['ended by local'], 'busy-talk': ['ended by remote'], refuse: ['failed busy'], 'give-up': ['failed cancelled'] };

describe('calls over a bad network', () => {
  it.each([1, 2, 3, 4, 5, 6])('end as their roles say, with a fifth of all datagrams lost: seed %i', async (seed) => {
    const reliableProvisionals = seed % 2 === 0 ? 'off' : 'supported';
    const run = await runCrowd({ seed, calls: CALLS, loss: 0.2, startWithinMs: 20_000, runMs: 200_000, agent: { reliableProvisionals } });
    expect(run.problems).toEqual([]);
    expect(endsOf(run.callers)).toMatchObject(orderly);
    expect(endsOf(run.callers).race).toEqual(['ended by local', 'failed cancelled']);
    expect(run.called).toHaveLength(CALLS);
    const talkers = run.callers.filter(({ role }) => role === 'busy-talk');
    const count = (event: string): number => talkers.filter(({ events }) => events.includes(event)).length;
    expect(count('offer INVITE')).toBeGreaterThan(talkers.length * 0.9);
    // The others met a request of their own that overtook them: 500 (12.2.2).
    expect(count('response INVITE 200')).toBeGreaterThan(talkers.length * 0.8);
    expect(count('response INVITE 200') + count('response INVITE 500')).toBeGreaterThanOrEqual(talkers.length);
    expect(run.count('retransmission-sent')).toBeGreaterThan(CALLS / 2);
    expect(run.count('retransmission-received')).toBeGreaterThan(CALLS / 2);
    const longest = Math.max(...[...run.callers, ...run.called].map(({ startedAtMs, endedAtMs }) => (endedAtMs ?? Infinity) - startedAtMs));
    expect(longest).toBeLessThan(ROLE_MS_MAX + PATIENCE_MS);
    expect(run.gauges).toEqual([nothing, nothing]);
    expect(run.timersWaiting).toBe(0);
    expect(run.openSockets).toBe(0);
  });

  it.each([11, 12, 13])(
    'end in time when the network is gone for a minute, by timers of transactions and sessions: seed %i',
    async (seed) => {
      const sessionTimer = { expiresS: 90, minS: 90, refresher: 'local', refreshBy: 'update' } as const;
      const run = await runCrowd({
        seed,
        calls: CALLS,
        loss: 0.1,
        cut: [10_000, 70_000],
        startWithinMs: 20_000,
        runMs: 300_000,
        agent: { sessionTimer, reliableProvisionals: 'supported' },
      });
      expect(run.problems).toEqual([]);
      const ends = new Set(run.callers.map(({ events }) => events.at(-1)));
      expect(ends).toContain('failed timeout');
      expect(new Set(run.called.map(({ events }) => events.at(-1)))).toContain('ended by session-timer not refreshed');
      // A BYE that nobody answers may be the last word, after a session that nobody refreshes.
      const longest = Math.max(
        ...[...run.callers, ...run.called].map(({ startedAtMs, endedAtMs }) => (endedAtMs ?? Infinity) - startedAtMs),
      );
      expect(longest).toBeLessThan(ROLE_MS_MAX + 90_000 + PATIENCE_MS);
      expect(run.gauges).toEqual([nothing, nothing]);
      expect(run.timersWaiting).toBe(0);
    },
  );

  it('end even when nothing at all arrives', async () => {
    const run = await runCrowd({ seed: 21, calls: CALLS, loss: 1, startWithinMs: 1000, runMs: 100_000 });
    expect(run.problems).toEqual([]);
    expect(run.called).toEqual([]);
    expect(endsOf(run.callers)).toEqual({
      talk: ['failed timeout'],
      'busy-talk': ['failed timeout'],
      refuse: ['failed timeout'],
      'give-up': ['failed cancelled'],
      race: ['failed cancelled'],
    });
    expect(run.gauges).toEqual([nothing, nothing]);
    expect(run.timersWaiting).toBe(0);
  });

  it('are the same from the same seed', async () => {
    const once = () => runCrowd({ seed: 5, calls: 50, loss: 0.3, startWithinMs: 5000, runMs: 200_000 });
    expect((await once()).callers).toEqual((await once()).callers);
  });
});
