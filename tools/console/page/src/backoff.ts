// How long to wait before the next attempt to reach the console: soon at first, then ever less often, spread by a part of the page's own number, so that many pages do not come back at
// the same moment. Pure.

const FIRST_MS = 500;
const MOST_MS = 15_000;

/** `attempt` from 0; `spread` from 0 to 1. */
export const waitBefore = (attempt: number, spread: number): number =>
  Math.round(Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(attempt, 10)) * (0.75 + spread / 2));
