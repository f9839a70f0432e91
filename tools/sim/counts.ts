// What a run exercised, counted: printed as the summary of `npm run sim`, so that "2000 seeds clean" can be told from "2000
// seeds in which nothing happened".

export const COUNTED = [
  'steps',
  'virtualSeconds',
  'faultFree',
  'elections',
  'downs',
  'moves',
  'lapses',
  'runsOfShards',
  'windows',
  'windowsOfLostNodes',
  'custodies',
  'partitions',
  'oneWays',
  'pauses',
  'crashes',
  'restarts',
  'workerCrashes',
  'spotNotices',
  'slowDisks',
  'lateJoiners',
  'lostMessages',
  'duplicates',
  'overtakings',
  'forgedOrders',
  'intruders',
  'stops',
  'scales',
  'judged',
  'converged',
  'viewsCompared',
] as const;
export type Counted = (typeof COUNTED)[number];
export type Counts = Record<Counted, number> & {
  /** How nodes left, and why runs ended: name -> number. */
  readonly exits: Record<string, number>;
  readonly endings: Record<string, number>;
};

export function createCounts(): Counts {
  const numbers = Object.fromEntries(COUNTED.map((name) => [name, 0])) as Record<Counted, number>;
  return { ...numbers, exits: {}, endings: {} };
}

export function countName(table: Record<string, number>, name: string, by = 1): void {
  table[name] = (table[name] ?? 0) + by;
}

export function addCounts(sum: Counts, more: Counts): void {
  for (const name of COUNTED) sum[name] += more[name];
  for (const [name, by] of Object.entries(more.exits)) countName(sum.exits, name, by);
  for (const [name, by] of Object.entries(more.endings)) countName(sum.endings, name, by);
}
