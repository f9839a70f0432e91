// Prices: the tables of this build keep their own form, an estimate is the sum that a person would do by hand, and what has no price is said and refused, never guessed.

import { describe, expect, it } from 'vitest';
import { type CostQuestion, estimateCost, knownPrices, parsePriceTable, refusedByCost } from '../../bootstrap/prices.ts';

const table = {
  ...{ provider: 'nimbus', asOf: '2026-01-31', currency: 'USD', source: 'a test', note: '' },
  regions: [{ region: 'here', egressUsdPerGB: 0.1, addressUsdPerHour: 0.01 }],
  machines: [
    { region: 'here', machineType: 'small', vcpus: 2, memoryGiB: 4, networkGbitS: 1, onDemandUsdPerHour: 0.36, spotUsdPerHour: 0.1 },
    { region: 'here', machineType: 'large', vcpus: 4, memoryGiB: 8, networkGbitS: 1, onDemandUsdPerHour: 0.72 },
  ],
};
const parsed = parsePriceTable(table);
if (!parsed.ok) throw new Error('the table of this test is wrong');
const tables = new Map([['nimbus', parsed.value]]);

const question = (order: Partial<CostQuestion['order']> = {}, changes: Partial<CostQuestion> = {}): CostQuestion => ({
  ...{ cloud: 'nimbus', runS: 1800, endpoints: 0 },
  order: { region: 'here', machineTypes: ['small'], count: 10, markets: ['on-demand'], address: 'none', ...order },
  ...changes,
});
const line = (asked: CostQuestion) => estimateCost(tables, [asked]).lines[0];

describe('the tables of this build', () => {
  it('can be read, are named by their provider, and say from when and where they are', () => {
    expect([...knownPrices().keys()].sort()).toEqual(['aws', 'gce', 'local', 'ssh']);
    for (const { asOf, source, note } of knownPrices().values()) {
      expect(Date.parse(asOf)).toBeLessThan(Date.parse('2027-01-01'));
      expect(source).toMatch(/https:|^none: /);
      expect(note.length).toBeGreaterThan(40);
    }
  });

  it('price traffic and addresses of every region that they have machines in', () => {
    for (const { machines, regions } of knownPrices().values())
      for (const { region } of machines) expect(regions.map((each) => each.region)).toContain(region);
  });

  it('have prices that grow with the machine: within a family the hour of a core costs the same', () => {
    for (const { provider, machines } of knownPrices().values()) {
      const families = Map.groupBy(
        machines,
        ({ region, machineType }) => `${provider} ${region} ${machineType.replace(/[.-]?[^.-]*$/, '')}`,
      );
      for (const [family, members] of families) {
        const perCore = members.map(({ onDemandUsdPerHour, vcpus, isShared }) => (isShared ? null : onDemandUsdPerHour / vcpus));
        const known = perCore.filter((each) => each !== null);
        if (known.length > 1) expect([family, Math.max(...known) / Math.min(...known) < 1.01]).toEqual([family, true]);
      }
    }
  });
});

describe('a price table', () => {
  it.each([
    ['no date', { asOf: 'lately' }],
    ['another currency', { currency: 'EUR' }],
    ['a negative price', { regions: [{ region: 'here', egressUsdPerGB: -1, addressUsdPerHour: 0 }] }],
    ['an unknown key', { discount: 1 }],
    ['two prices for one type', { machines: [table.machines[0], table.machines[0]] }],
    ['nothing at all', null],
  ])('with %s is refused', (_title, changes) => {
    const result = parsePriceTable(changes === null ? null : { ...table, ...changes });
    expect(result).toMatchObject({ ok: false, problems: [{ code: 'QUILT_PRICE_TABLE' }] });
  });
});

describe('an estimate', () => {
  it('counts machines by the second', () => {
    expect(line(question())).toMatchObject({ machinesUsd: 1.8, addressesUsd: 0, egressUsd: 0, asOf: '2026-01-31' });
    expect(line(question({}, { runS: 1 }))?.machinesUsd).toBeCloseTo((10 * 0.36 * 60) / 3600, 12);
  });

  it('counts addresses by the hour begun', () => {
    expect(line(question({ address: 'ephemeral' }, { runS: 3601 }))?.addressesUsd).toBeCloseTo(0.2, 12);
  });

  it('counts what leaves: a thousand calls at 230 kbit/s for half an hour are 51.75 GB', () => {
    expect(line(question({}, { endpoints: 1000 }))?.egressUsd).toBeCloseTo(5.175, 12);
    expect(line(question({}, { endpoints: 1000, sendS: 900, egressBps: 115_000 }))?.egressUsd).toBeCloseTo(5.175 / 4, 12);
  });

  it('takes the dearest type of a plan B, and the dearest market', () => {
    expect(line(question({ machineTypes: ['small', 'large'] }))).toMatchObject({ machineType: 'large', machinesUsd: 3.6 });
    expect(line(question({ markets: ['spot'] }))?.machinesUsd).toBeCloseTo(0.5, 12);
    expect(line(question({ markets: ['spot', 'on-demand'] }))?.machinesUsd).toBeCloseTo(1.8, 12);
  });

  it('says that spot without a price is counted as on-demand', () => {
    const { notes, lines } = estimateCost(tables, [question({ machineTypes: ['large'], markets: ['spot'] })]);
    expect(lines[0]?.machinesUsd).toBeCloseTo(3.6, 12);
    expect(notes.join()).toContain('spot machines of nimbus');
  });

  it('adds up orders, and costs nothing on machines of the operator', () => {
    const both = estimateCost(new Map([...tables, ...knownPrices()]), [question(), question(), question({}, { cloud: 'local' })]);
    expect(both).toMatchObject({ totalUsd: 3.6, missing: [] });
  });

  it.each([
    ['vendor', question({}, { cloud: 'stratus' }), 'no price table for stratus'],
    ['type', question({ machineTypes: ['small', 'huge'] }), 'no price for nimbus here huge'],
    ['region', question({ region: 'there' }), 'no price for nimbus there small'],
  ])('names a %s without a price', (_title, asked, words) => {
    const estimate = estimateCost(tables, [question(), asked]);
    expect(estimate.missing).toContain(words);
    expect(estimate).toMatchObject({ totalUsd: 1.8, lines: [{ count: 10 }] });
    expect(refusedByCost(estimate, 1000)).toMatchObject([
      { code: 'QUILT_PRICE_MISSING', message: words },
      ...estimate.missing.slice(1).map(() => ({})),
    ]);
  });

  it('is refused over the limit and admitted up to it', () => {
    const estimate = estimateCost(tables, [question()]);
    expect(refusedByCost(estimate, 1.8)).toEqual([]);
    expect(refusedByCost(estimate, 1.79)).toMatchObject([{ code: 'QUILT_COST_OVER', hint: expect.stringContaining('--max-cost') }]);
    for (const limit of [0, -1, Number.NaN]) expect(refusedByCost(estimate, limit)).toMatchObject([{ code: 'QUILT_COST_OVER' }]);
  });
});
