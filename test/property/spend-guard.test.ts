// The spend guard against its own definition: what is spent at the moment it names stays within the budget and a millisecond later does not, whatever runs and is sent.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { budgetEndMs, type SpendState, spentUsd } from '../../bootstrap/spend-guard.ts';
import { SEED } from '../support/core-arbitraries.ts';

const bounded = { seed: SEED, numRuns: 300 };

const HOUR_MS = 3_600_000;
const nowMs = 1_800_000_000_000;
const machine = fc.record({
  sinceMs: fc.integer({ min: nowMs - 5 * HOUR_MS, max: nowMs }),
  untilMs: fc.option(fc.integer({ min: nowMs - HOUR_MS, max: nowMs }), { nil: null }),
  usdPerHour: fc.double({ min: 0, max: 20, noNaN: true }),
});
const traffic = fc.record({
  usdPerGB: fc.double({ min: 0, max: 1, noNaN: true }),
  bytes: fc.integer({ min: 0, max: 1e13 }),
  bps: fc.integer({ min: 0, max: 1e11 }),
});
const state: fc.Arbitrary<SpendState> = fc.record({
  nowMs: fc.constant(nowMs),
  machines: fc.array(machine, { maxLength: 8 }),
  traffic: fc.array(traffic, { maxLength: 3 }),
});
const windDown = fc.integer({ min: 0, max: HOUR_MS });

describe('the spend guard', () => {
  it('never falls as time goes on', () => {
    fc.assert(
      fc.property(state, fc.nat(HOUR_MS), fc.nat(HOUR_MS), (given, first, more) => {
        expect(spentUsd(given, nowMs + first + more)).toBeGreaterThanOrEqual(spentUsd(given, nowMs + first));
      }),
      bounded,
    );
  });

  it('names the last moment from which the wind-down stays within the budget', () => {
    fc.assert(
      fc.property(state, windDown, fc.double({ min: 0.01, max: 5000, noNaN: true }), (given, windDownMs, budgetUsd) => {
        const endMs = budgetEndMs(given, budgetUsd, windDownMs);
        if (endMs === null) {
          expect(spentUsd(given, nowMs + 365 * 24 * HOUR_MS)).toBeLessThanOrEqual(budgetUsd);
          return;
        }
        if (endMs > nowMs) expect(spentUsd(given, endMs + windDownMs)).toBeLessThanOrEqual(budgetUsd);
        expect(spentUsd(given, endMs + 1 + windDownMs)).toBeGreaterThan(budgetUsd);
      }),
      bounded,
    );
  });

  it('counts as a person would: ten machines at 0.36 an hour, 1 Gbit/s at 0.1 a GB, for an hour', () => {
    const machines = Array.from({ length: 10 }, () => ({ sinceMs: nowMs, untilMs: null, usdPerHour: 0.36 }));
    const given: SpendState = { nowMs, machines, traffic: [{ usdPerGB: 0.1, bytes: 0, bps: 1e9 }] };
    expect(spentUsd(given, nowMs + HOUR_MS)).toBeCloseTo(3.6 + 45, 9);
    expect(budgetEndMs(given, 48.6, 0)).toBeCloseTo(nowMs + HOUR_MS, -1);
    expect(budgetEndMs(given, 48.6, HOUR_MS / 2)).toBeCloseTo(nowMs + HOUR_MS / 2, -1);
  });

  it('bills a machine for a minute at least, and a machine that has ended no longer', () => {
    const short = { sinceMs: nowMs - 1000, untilMs: nowMs - 500, usdPerHour: 60 };
    expect(spentUsd({ nowMs, machines: [short], traffic: [] }, nowMs + HOUR_MS)).toBeCloseTo(1, 12);
    const long = { sinceMs: nowMs - HOUR_MS, untilMs: nowMs - HOUR_MS / 2, usdPerHour: 60 };
    expect(spentUsd({ nowMs, machines: [long], traffic: [] }, nowMs + HOUR_MS)).toBeCloseTo(30, 12);
  });

  it('ends at once when the budget is spent, and never when nothing costs', () => {
    const spent: SpendState = { nowMs, machines: [], traffic: [{ usdPerGB: 1, bytes: 2e9, bps: 0 }] };
    expect(budgetEndMs(spent, 1, 0)).toBe(nowMs);
    expect(budgetEndMs(spent, 2, HOUR_MS)).toBeNull();
  });
});
