// `quilt-swarm report [FOLDER|STORE]`: the summary of a run, made again from the windows of its run folder (rebuild-report.ts) or of its artifact store
// (stored-report.ts), and shown as the run itself showed it.

import { Command } from 'commander';
import { renderSummary } from '../../tools/scoreboard/summary.ts';
import { columns, err, out, write } from '../adapters/terminal.ts';
import { timelineReport } from '../core/timeline-report.ts';
import { RUN_FILES } from '../runtime/run-folder.ts';
import { type ArtifactFlags, s3Options } from './artifact-store.ts';
import { latestRun } from './control-client.ts';
import { finishWithProblems, runCommand } from './finish.ts';
import { wantsColor } from './live-board.ts';
import { rebuildReport } from './rebuild-report.ts';
import { isStoreAddress, reportFromStore } from './stored-report.ts';

interface Flags extends Pick<ArtifactFlags, 'artifactsEndpoint' | 'artifactsRegion'> {
  readonly of?: string;
  readonly json?: boolean;
  readonly timeline?: boolean;
  readonly color: boolean;
}

async function report(folder: string | undefined, flags: Flags): Promise<void> {
  const chosen = folder ?? latestRun();
  if (chosen === null) {
    return finishWithProblems([
      { code: 'QUILT_NO_RUN', message: 'there is no run here', hint: 'name a run folder, or start one: quilt-swarm run' },
    ]);
  }
  const rebuilt = await (isStoreAddress(chosen)
    ? reportFromStore({ ...flags, artifacts: chosen, artifactsEvery: 0 }, flags.of)
    : rebuildReport(chosen));
  if (!rebuilt.ok) return finishWithProblems(rebuilt.problems);
  const { summary, aggregate, isWhole, unreadableWindows, t0SwarmMs, plannedAt } = rebuilt.value;
  if (!isWhole) err(`${chosen} has no ${RUN_FILES.facts}: this report is made from its windows alone`);
  if (unreadableWindows > 0) err(`${unreadableWindows} windows could not be read`);
  if (flags.timeline) out(JSON.stringify(timelineReport(aggregate, t0SwarmMs, {}, plannedAt)));
  else if (flags.json) out(JSON.stringify(summary));
  else write(`${renderSummary(summary, { color: wantsColor(flags.color), columns: columns() }).join('\n')}\n`);
}

export function command(): Command {
  const reports = new Command('report')
    .description("show a run's summary, made again from its stored windows")
    .argument('[folder]', 'run folder, or artifact store: dir:PATH, s3://BUCKET/PREFIX (default: the latest run here)')
    .option('--of <run>', 'which run of an artifact store that holds several')
    .option('--json', 'the summary as JSON')
    .option('--timeline', 'the run by the second, as JSON columns')
    .option('--no-color', 'no colour')
    .action(report);
  for (const option of s3Options()) reports.addOption(option);
  return reports;
}

export const run = (argv: readonly string[]): Promise<number> => runCommand(command(), argv);
