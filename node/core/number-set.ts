// A set of positive integers that mostly arrive in order, as sorted intervals: membership of millions of window numbers in a few bytes, and its
// holes are the gaps that promise P6 wants shown.

/** Inclusive ends; sorted, disjoint and not adjacent. */
export interface NumberSet {
  readonly intervals: { first: number; last: number }[];
}

export const createNumberSet = (): NumberSet => ({ intervals: [] });

/** Adds `number`; false when it was there already. */
export function addNumber(set: NumberSet, number: number): boolean {
  const { intervals } = set;
  // Searched from the end: new numbers are nearly always the highest.
  let index = intervals.length - 1;
  while (index >= 0 && intervals[index]!.first > number) index -= 1;
  const left = intervals[index];
  const right = intervals[index + 1];
  if (left !== undefined && number <= left.last) return false;
  const touchesLeft = left !== undefined && left.last + 1 === number;
  const touchesRight = right !== undefined && right.first === number + 1;
  if (touchesLeft && touchesRight) {
    left.last = right.last;
    intervals.splice(index + 1, 1);
  } else if (touchesLeft) left.last = number;
  else if (touchesRight) right.first = number;
  else intervals.splice(index + 1, 0, { first: number, last: number });
  return true;
}

export const hasNumber = (set: NumberSet, number: number): boolean =>
  set.intervals.some(({ first, last }) => first <= number && number <= last);
export const highestNumber = (set: NumberSet): number => set.intervals.at(-1)?.last ?? 0;

/** What is missing of 1 to `upTo`, as inclusive intervals. */
export function holesUpTo(set: NumberSet, upTo: number): { first: number; last: number }[] {
  const holes: { first: number; last: number }[] = [];
  let next = 1;
  for (const { first, last } of set.intervals) {
    if (first > upTo) break;
    if (first > next) holes.push({ first: next, last: first - 1 });
    next = last + 1;
  }
  if (next <= upTo) holes.push({ first: next, last: upTo });
  return holes;
}
