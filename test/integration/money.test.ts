// Money, as a user meets it: what a plan would cost and on which machines, a launch that nobody agreed to, and a run whose machines have a price, which ends before the
// limit is passed and says so on the board, in the summary and with its exit code.

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Summary } from '../../node/core/summary-types.ts';
import { createSwarmKit, PATIENCE_MS, type SwarmKit } from '../support/swarm-kit.ts';
import { until } from '../support/until.ts';

let kit: SwarmKit;
beforeAll(async () => {
  kit = await createSwarmKit();
}, PATIENCE_MS);
afterAll(() => kit.close());

describe('money', () => {
  it('is shown with the plan: named machines, and the cheapest ones', { timeout: PATIENCE_MS }, async () => {
    const file = kit.scenario('priced', { holdS: 60 });
    const named = await kit.run('plan', file, '--on', 'aws:us-east-1:c7i.large=3');
    expect(named.out()).toMatch(/machines {4}--on aws:us-east-1:c7i\.large=3/);
    expect(named.out()).toMatch(/cost {8}about \d+\.\d+ USD/);
    expect(named.out()).toMatch(/aws us-east-1 3 .* of 2\.00/);
    const chosen = await kit.run('plan', file, '--mix', 'aws:us-east-1', '--mix', 'gce:europe-west1', '--json');
    const { machines, cost } = JSON.parse(chosen.out());
    expect(machines).toMatchObject([{ count: 1, markets: ['on-demand'] }]);
    expect(cost).toMatchObject({ missing: [], totalUsd: expect.any(Number) });
  });

  it.each([
    [['--on', 'aws:us-east-1:c7i.large=3', '--mix', 'aws:us-east-1'], 'both --on and --mix'],
    [['--mix', 'aws'], 'no place'],
    [['--mix', 'aws:mars-1'], 'no prices for aws:mars-1'],
  ])('is not planned with %j', { timeout: PATIENCE_MS }, async (flags, words) => {
    const ran = await kit.run('plan', kit.scenario('priced', { holdS: 5 }), ...flags);
    expect(ran.err()).toContain(words);
    expect(ran.code).toBe(104);
  });

  it('ends the run before the limit is passed', { timeout: PATIENCE_MS }, async () => {
    const file = kit.scenario('dear', { holdS: 80 });
    const data = join(kit.folder, 'seed');
    const seed = kit.start('seed', '--scenario', file, '--max-cost', '60', '--data', data, '--json');
    await until('there is a ticket', () => seed.out().includes('\n'), PATIENCE_MS);
    const ticket = seed.out().split('\n')[0] ?? '';
    // Half a dollar a second; winding down for 92 seconds would cost 46.
    const prices = ['--usd-per-hour', '1800', '--usd-per-gb', '0.09', '--paid-since', '4000000000000'];
    const node = kit.start('join', ticket, '--data', join(kit.folder, 'node'), ...prices);
    const status = await kit.untilStatus(data, 'something is spent', ({ board }) => (board.spending?.usd ?? 0) > 0, true);
    expect(status.board.spending).toMatchObject({ limitUsd: 60, machines: 1 });
    expect(status.board.spending?.usdPerHour).toBeGreaterThanOrEqual(1800);
    expect(await seed.ended).toBe(115);
    expect(await node.ended).toBe(115);
    expect(seed.err()).toMatch(/spent \d+\.\d\d USD of 60\.00 USD/);
    const summary = JSON.parse(seed.out().slice(ticket.length)) as Summary;
    expect(summary.run.end).toBe('cost-limit');
    expect(summary.verdict.reasons[0]?.message).toContain('the cost limit of the run was reached');
    expect(summary.spending?.usd).toBeGreaterThan(0);
    expect(summary.spending?.usd).toBeLessThan(60);
  });
});
