// The cheapest mix against a search that tries everything, on cases small enough for it: same cost, same verdict when nothing suffices. And a solver that lies is found out.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { brokenNeeds, cheapestMix, costOf, type MixNeed, type MixOffer, type MixPart, offersOf } from '../../bootstrap/cheapest-mix.ts';
import { knownPrices } from '../../bootstrap/prices.ts';
import { solveIntegerProgram } from '../../node/adapters/integer-program.ts';
import { SEED } from '../support/core-arbitraries.ts';

const MACHINES_MAX = 3;
const places = ['aws:east', 'gce:east', 'gce:west'] as const;

const offer: fc.Arbitrary<MixOffer> = fc
  .record({
    place: fc.constantFrom(...places),
    market: fc.constantFrom('on-demand' as const, 'spot' as const),
    cores: fc.constantFrom(1, 2, 4),
    endpointsMax: fc.integer({ min: 0, max: 3 }),
    // Whole cents, so that costs differ by more than a solver's tolerance or not at all.
    usdPerMachine: fc.integer({ min: 1, max: 50 }).map((cents) => cents / 100),
    usdPerEndpoint: fc.integer({ min: 0, max: 20 }).map((cents) => cents / 100),
  })
  .map(({ place, ...rest }) => {
    const [cloud, region] = place.split(':') as [string, string];
    return { ...rest, cloud, region, machineType: 'any' };
  });
const need: fc.Arbitrary<MixNeed> = fc.record({
  cores: fc.nat(9),
  endpoints: fc.nat(6),
  areas: fc.array(
    fc.record({ name: fc.constant('area'), places: fc.subarray([...places], { minLength: 1 }), cores: fc.nat(4), endpoints: fc.nat(3) }),
    { maxLength: 2 },
  ),
  spotPercentMax: fc.constantFrom(0, 33, 50, 100),
  machinesMax: fc.integer({ min: 1, max: MACHINES_MAX }),
});

/** Every number of machines and endpoints of every offer; null when none will do. */
function cheapestOfAll(offers: readonly MixOffer[], wanted: MixNeed): number | null {
  let best: number | null = null;
  const parts: MixPart[] = [];
  const visit = (index: number, machinesLeft: number): void => {
    const each = offers[index];
    if (each === undefined) {
      if (brokenNeeds(parts, wanted).length === 0) best = Math.min(best ?? Number.POSITIVE_INFINITY, costOf(parts));
      return;
    }
    for (let machines = 0; machines <= machinesLeft; machines++) {
      for (let endpoints = 0; endpoints <= machines * each.endpointsMax; endpoints++) {
        parts.push({ offer: each, machines, endpoints });
        visit(index + 1, machinesLeft - machines);
        parts.pop();
      }
    }
  };
  visit(0, wanted.machinesMax);
  return best;
}

describe('the cheapest mix', { timeout: 120_000 }, () => {
  it('costs what the best of all possible mixes costs', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(offer, { minLength: 1, maxLength: 4 }), need, async (offers, wanted) => {
        const best = cheapestOfAll(offers, wanted);
        const mix = await cheapestMix(offers, wanted, solveIntegerProgram);
        if (best === null) {
          expect(mix).toMatchObject({ ok: false, problems: [{ code: 'QUILT_MIX_NONE' }] });
          return;
        }
        if (!mix.ok) throw new Error(JSON.stringify(mix.problems));
        expect(mix.value.totalUsd).toBeCloseTo(best, 6);
        expect(brokenNeeds(mix.value.parts, wanted)).toEqual([]);
      }),
      { seed: SEED, numRuns: 200 },
    );
  });

  const plain: MixNeed = { cores: 4, endpoints: 2, areas: [], spotPercentMax: 0, machinesMax: 10 };
  const one: MixOffer = {
    ...{ cloud: 'aws', region: 'east', machineType: 'any', market: 'on-demand', cores: 2, endpointsMax: 5 },
    ...{ usdPerMachine: 1, usdPerEndpoint: 0.1 },
  };

  it('does not believe a solver', async () => {
    for (const values of [{ m0: 1, e0: 2 }, { m0: 2, e0: 1 }, { m0: 11, e0: 2 }, { m0: 2, e0: 11 }, { m0: -2, e0: 2 }, {}]) {
      const mix = await cheapestMix([one], plain, async () => ({ ok: true, value: new Map(Object.entries(values)) }));
      expect(mix).toMatchObject({ ok: false, problems: [{ code: 'QUILT_MIX_SOLVER' }] });
    }
  });

  it('says when nothing is offered where something is needed', async () => {
    const areas = [{ name: 'the west', places: ['gce:west'], cores: 1, endpoints: 0 }];
    const mix = await cheapestMix([one], { ...plain, areas }, solveIntegerProgram);
    expect(mix).toMatchObject({
      ok: false,
      problems: [{ code: 'QUILT_MIX_NONE', message: expect.stringContaining('the west (gce:west)') }],
    });
    expect(await cheapestMix([], plain, solveIntegerProgram)).toMatchObject({ ok: false, problems: [{ code: 'QUILT_MIX_NONE' }] });
  });

  it.each([
    ['a share of 12.5 %', { spotPercentMax: 12.5 }],
    ['half a core', { cores: 0.5 }],
    ['endpoints below none', { endpoints: -1 }],
    ['no number', { machinesMax: Number.NaN }],
  ])('refuses %s', async (_title, changes) => {
    expect(await cheapestMix([one], { ...plain, ...changes }, solveIntegerProgram)).toMatchObject({
      ok: false,
      problems: [{ code: 'QUILT_MIX_NEED' }],
    });
  });

  it('takes its offers from the tables: the named places, no shared cores, spot only with a price', () => {
    const init = {
      places: ['aws:eu-west-1', 'gce:us-central1'],
      runS: 3600,
      endpointsPerCore: 100,
      hasAddress: true,
      networkShareMax: 0.5,
    };
    const offers = offersOf(knownPrices(), init);
    expect(new Set(offers.map(({ cloud, region }) => `${cloud}:${region}`))).toEqual(new Set(init.places));
    expect(offers.filter(({ machineType, market }) => /^(t3|e2-medium)/.test(machineType) || market === 'spot')).toEqual([]);
    const large = offers.find(({ machineType }) => machineType === 'c5.large');
    expect(large).toMatchObject({ cores: 2, endpointsMax: 200 });
    expect(large?.usdPerMachine).toBeCloseTo(0.096 + 0.005, 12);
    expect(large?.usdPerEndpoint).toBeCloseTo(((230_000 / 8) * 3600 * 0.09) / 1e9, 12);
  });

  it('fails as a value when the programme cannot be read', async () => {
    expect(await solveIntegerProgram('Minim nonsense')).toMatchObject({ ok: false, problems: [{ code: 'QUILT_SOLVER_FAILED' }] });
  });
});
