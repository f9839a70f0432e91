// The prices that commands reckon with: the tables of this build, and over them what `quilt-swarm prices --refresh` read from a vendor, kept in .quilt/prices.json with its day. Spot
// prices older than a week are not believed: the estimate then counts spot machines as on demand, which they do not exceed.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { knownPrices, type PriceTable } from '../../bootstrap/prices.ts';
import { wallNowMs } from '../adapters/clock.ts';

const PRICES_FILE = '.quilt/prices.json';
const BELIEVED_MS = 7 * 86_400_000;

const rowShape = z.strictObject({
  cloud: z.string(),
  region: z.string(),
  machineType: z.string(),
  spotUsdPerHour: z.number().positive().max(100_000),
  readWallMs: z.number().nonnegative(),
});
const fileShape = z.strictObject({ spot: z.array(rowShape).max(20_000) });
export type SpotRow = z.infer<typeof rowShape>;

/** Those that are believed. A file that cannot be read is as good as none: it is only a copy of what the vendor says. */
export function readSpotRows(path = PRICES_FILE): readonly SpotRow[] {
  try {
    return fileShape.parse(JSON.parse(readFileSync(path, 'utf8'))).spot.filter(({ readWallMs }) => wallNowMs() - readWallMs < BELIEVED_MS);
  } catch {
    return [];
  }
}

/** Takes the place of what was known of the same machines. */
export function keepSpotRows(rows: readonly SpotRow[], path = PRICES_FILE): void {
  const key = ({ cloud, region, machineType }: SpotRow): string => `${cloud} ${region} ${machineType}`;
  const merged = new Map([...readSpotRows(path), ...rows].map((row) => [key(row), row]));
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(`${path}.part`, `${JSON.stringify({ spot: [...merged.values()] }, null, 1)}\n`);
  renameSync(`${path}.part`, path);
}

export function currentPrices(rows = readSpotRows()): ReadonlyMap<string, PriceTable> {
  const tables = new Map(knownPrices());
  for (const { cloud, region, machineType, spotUsdPerHour } of rows) {
    const table = tables.get(cloud);
    if (table === undefined) continue;
    const machines = table.machines.map((machine) =>
      machine.region === region && machine.machineType === machineType ? { ...machine, spotUsdPerHour } : machine,
    );
    tables.set(cloud, { ...table, machines });
  }
  return tables;
}
