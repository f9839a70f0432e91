// `quilt-swarm reap`: ends what launches left behind. Without arguments: every recorded launch whose time is over; with a run: that one, now. It asks the vendors
// that the launch journal names, so it finds what a launcher that died had made. `--on CLOUD:REGION` looks at a place that no record names.

import { Command } from 'commander';
import { endFleet, type FleetPlace, type FleetRecord } from '../../bootstrap/fleet.ts';
import { wallNowMs } from '../adapters/clock.ts';
import { out } from '../adapters/terminal.ts';
import type { Problem } from '../core/errors.ts';
import { openClouds, openJournal } from './clouds.ts';
import { finish, finishWithProblems, runCommand } from './finish.ts';

interface Flags {
  readonly on: readonly string[];
  readonly all?: boolean;
}

async function reap(runId: string | undefined, flags: Flags): Promise<void> {
  const { records, problems } = openJournal().read();
  const places = flags.on.map(placeOf);
  if (places.includes(null)) return finishWithProblems([WRONG_PLACE]);
  const wanted = records.filter((record) =>
    runId === undefined ? flags.all || record.expiresWallMs <= wallNowMs() : record.runId === runId,
  );
  if (runId !== undefined && places.length > 0) wanted.push({ runId, expiresWallMs: 0, places: places as FleetPlace[] });
  if (runId !== undefined && wanted.length === 0) return finishWithProblems([...problems, unknownRun(runId, records)]);
  const left: Problem[] = [...problems];
  for (const record of wanted) left.push(...(await endRecord(record)));
  for (const { runId: other, expiresWallMs } of records.filter((record) => !wanted.includes(record)))
    out(`run ${other} is left alone: its machines may live until ${new Date(expiresWallMs).toISOString()} (reap ${other} ends them now)`);
  if (left.length > 0) return finishWithProblems(left, 'internalFault');
  if (wanted.length === 0) out('nothing to end');
  finish('pass');
}

async function endRecord(record: FleetRecord): Promise<readonly Problem[]> {
  const clouds = await openClouds(record.places.map(({ cloud }) => cloud));
  if (!clouds.ok) return clouds.problems;
  const left = await endFleet(clouds.value.fleet, record);
  if (left.length === 0)
    out(`run ${record.runId}: nothing is left in ${record.places.map(({ cloud, region }) => `${cloud} ${region}`).join(', ')}`);
  return left;
}

function placeOf(text: string): FleetPlace | null {
  const [, cloud, region] = /^([a-z][a-z0-9-]*):([A-Za-z0-9._-]+)$/.exec(text) ?? [];
  return cloud === undefined || region === undefined ? null : { cloud, region };
}

const WRONG_PLACE: Problem = { code: 'QUILT_REAP_PLACE', message: '--on of reap is CLOUD:REGION', hint: 'for example aws:us-east-1' };
const unknownRun = (runId: string, records: readonly FleetRecord[]): Problem => ({
  code: 'QUILT_REAP_RUN',
  message: `no launch of run ${runId} is recorded here`,
  hint: `${records.length === 0 ? 'nothing is recorded' : `recorded: ${records.map((record) => record.runId).join(', ')}`}; with --on CLOUD:REGION a vendor is asked all the same`,
});

export function command(): Command {
  return new Command('reap')
    .description('end the machines that launches left behind')
    .argument('[run]', 'end this run now; without it, every run whose time is over')
    .option(
      '--on <cloud:region>',
      'look there for the run, although no record says so; repeatable',
      (text, all: string[]) => [...all, text],
      [],
    )
    .option('--all', 'every recorded run, also one whose time is not over')
    .action(reap);
}

export const run = (argv: readonly string[]): Promise<number> => runCommand(command(), argv);
