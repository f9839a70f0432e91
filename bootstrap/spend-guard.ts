// What a run has spent so far and when its budget ends, as pure arithmetic over what the launcher knows by itself: no vendor is asked, because their bills are hours late.
// Each machine costs its hourly rate from the moment it was asked for, and never less than the vendor's minimum; traffic costs what was sent, and from now on what
// the current rate would send. `budgetEnd` leaves room for the wind-down: machines go on costing while the run drains. Prices are prices.ts; ending is the launcher's.

import { BILLED_S_MIN, GB_BYTES } from './prices.ts';

const HOUR_MS = 3_600_000;
const MINIMUM_MS = BILLED_S_MIN * 1000;
/** A budget that lasts longer is no limit of this run; also keeps the sum within exact numbers. */
const HORIZON_MS = 366 * 24 * HOUR_MS;

export interface RentedMachine {
  /** Wall clock, ms: when it was asked for, which is not later than its bill starts. */
  readonly sinceMs: number;
  /** Null while it runs. */
  readonly untilMs: number | null;
  /** Machine and public address together. */
  readonly usdPerHour: number;
}

export interface SentTraffic {
  readonly usdPerGB: number;
  /** Up to now. */
  readonly bytes: number;
  /** From now on, until the end. */
  readonly bps: number;
}

export interface SpendState {
  readonly nowMs: number;
  readonly machines: readonly RentedMachine[];
  readonly traffic: readonly SentTraffic[];
}

const billedMs = ({ sinceMs, untilMs }: RentedMachine, atMs: number): number =>
  Math.max(MINIMUM_MS, Math.min(untilMs ?? atMs, atMs) - sinceMs);

/** Spent by `atMs`, which is now or later; between the two the machines stay and the traffic keeps its rate. */
export function spentUsd({ nowMs, machines, traffic }: SpendState, atMs = nowMs): number {
  const aheadMs = Math.max(0, atMs - nowMs);
  const rent = machines.reduce((sum, machine) => sum + (machine.usdPerHour * billedMs(machine, Math.max(atMs, nowMs))) / HOUR_MS, 0);
  const sent = traffic.reduce((sum, { usdPerGB, bytes, bps }) => sum + (usdPerGB * (bytes + (bps * aheadMs) / 8000)) / GB_BYTES, 0);
  return rent + sent;
}

/**
 * The latest whole millisecond, wall clock, at which the run can begin to end so that `budgetUsd` is not passed `windDownMs` later: now when that is already too
 * late, null when the budget outlasts a year.
 */
export function budgetEndMs(state: SpendState, budgetUsd: number, windDownMs: number): number | null {
  const spentAfter = (aheadMs: number): number => spentUsd(state, state.nowMs + aheadMs + windDownMs);
  if (spentAfter(0) > budgetUsd) return state.nowMs;
  if (spentAfter(HORIZON_MS) <= budgetUsd) return null;
  // Spending never falls, so the last moment within the budget is found by halving: 35 steps, and no case is forgotten.
  let withinMs = 0;
  let beyondMs = HORIZON_MS;
  while (beyondMs - withinMs > 1) {
    const middleMs = Math.floor((withinMs + beyondMs) / 2);
    if (spentAfter(middleMs) <= budgetUsd) withinMs = middleMs;
    else beyondMs = middleMs;
  }
  return state.nowMs + withinMs;
}
