// `quilt-swarm prices`: what machines cost by the tables that estimates use, and how old they are; with --refresh what the vendor's API says of spot machines today is read and
// kept for a week. On-demand prices and traffic come with the program: vendors publish them as files of hundreds of megabytes, or to holders of another key.

import { Command } from 'commander';
import { wallNowMs } from '../adapters/clock.ts';
import { out } from '../adapters/terminal.ts';
import type { Problem } from '../core/errors.ts';
import { openClouds } from './clouds.ts';
import { finishWithProblems, runCommand } from './finish.ts';
import { currentPrices, keepSpotRows, readSpotRows, type SpotRow } from './price-tables.ts';

interface Flags {
  readonly refresh: readonly string[];
  readonly json?: boolean;
}

async function prices({ refresh, json }: Flags): Promise<void> {
  const problems: Problem[] = [];
  for (const place of refresh) problems.push(...(await refreshPlace(place)));
  if (problems.length > 0) return finishWithProblems(problems);
  const tables = [...currentPrices().values()].filter(({ isOwn }) => isOwn !== true);
  if (json) return out(JSON.stringify(tables));
  const read = new Map(readSpotRows().map((row) => [`${row.cloud} ${row.region} ${row.machineType}`, row.readWallMs]));
  for (const { provider, asOf, regions, machines, note } of tables) {
    out(`${provider}, prices as of ${asOf}. ${note}`);
    for (const { region, egressUsdPerGB, addressUsdPerHour } of regions) {
      out(`  ${region}: traffic ${egressUsdPerGB} USD a GB, public address ${addressUsdPerHour} USD an hour`);
      for (const { machineType, vcpus, onDemandUsdPerHour, spotUsdPerHour } of machines.filter((each) => each.region === region)) {
        const readMs = read.get(`${provider} ${region} ${machineType}`);
        const day = readMs === undefined ? '' : ` (read ${new Date(readMs).toISOString().slice(0, 10)})`;
        const spot = spotUsdPerHour === undefined ? '' : `, spot at most ${spotUsdPerHour}${day}`;
        out(`    ${machineType.padEnd(18)} ${vcpus} cores  ${onDemandUsdPerHour} USD an hour${spot}`);
      }
    }
  }
}

/** Spot prices of the types that the table has there. */
async function refreshPlace(place: string): Promise<readonly Problem[]> {
  const [, cloud, region] = /^([a-z][a-z0-9-]*):([A-Za-z0-9._-]+)$/.exec(place) ?? [];
  const types = (currentPrices().get(cloud ?? '')?.machines ?? []).filter((each) => each.region === region).map((each) => each.machineType);
  if (cloud === undefined || region === undefined || types.length === 0)
    return [
      { code: 'QUILT_PRICE_PLACE', message: `there is no price table for ${place}`, hint: 'CLOUD:REGION as in `quilt-swarm prices`' },
    ];
  const clouds = await openClouds([cloud]);
  if (!clouds.ok) return clouds.problems;
  const { spotPrices } = clouds.value.cloudOf(cloud);
  if (spotPrices === undefined)
    return [{ code: 'QUILT_PRICE_PLACE', message: `${cloud} has no API for prices`, hint: 'its table comes with the program' }];
  const found = await spotPrices(region, types);
  if (!found.ok) return found.problems;
  keepSpotRows(
    [...found.value].map(([machineType, usd]): SpotRow => ({ cloud, region, machineType, spotUsdPerHour: usd, readWallMs: wallNowMs() })),
  );
  return [];
}

export function command(): Command {
  return new Command('prices')
    .description('show what machines cost by the tables that estimates use')
    .option('--refresh <cloud:region>', 'read what spot machines cost there now; repeatable', (text, all: string[]) => [...all, text], [])
    .option('--json', 'the tables as JSON')
    .action(prices);
}

export const run = (argv: readonly string[]): Promise<number> => runCommand(command(), argv);
