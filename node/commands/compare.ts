// `quilt-swarm compare FIRST SECOND`: what changed between two runs, from their summaries. Either may be a run folder or a summary.json. The exit code
// says whether they could be compared, not which was better.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { renderComparison } from '../../tools/scoreboard/comparison.ts';
import { columns, out, write } from '../adapters/terminal.ts';
import { fail, ok, type Result } from '../core/errors.ts';
import { SUMMARY_VERSION, type Summary } from '../core/summary-types.ts';
import { RUN_FILES } from '../runtime/run-folder.ts';
import { finishWithProblems, runCommand } from './finish.ts';
import { wantsColor } from './live-board.ts';

interface Flags {
  readonly json?: boolean;
  readonly color: boolean;
}

function readSummary(where: string): Result<Summary> {
  const path = existsSync(where) && statSync(where).isDirectory() ? join(where, RUN_FILES.summary) : where;
  if (!existsSync(path)) {
    return fail({
      code: 'QUILT_NO_SUMMARY',
      message: `${path} does not exist`,
      hint: 'name a run folder or a summary.json; quilt-swarm report --json makes one',
    });
  }
  let summary: Partial<Summary> | null = null;
  try {
    summary = JSON.parse(readFileSync(path, 'utf8')) as Partial<Summary>;
  } catch {
    return fail({ code: 'QUILT_BAD_SUMMARY', message: `${path} is not JSON` });
  }
  if (summary?.summaryVersion !== SUMMARY_VERSION) {
    return fail({
      code: 'QUILT_BAD_SUMMARY',
      message: `${path} is no summary of version ${SUMMARY_VERSION}`,
      hint: 'quilt-swarm report --json makes one from a run folder',
    });
  }
  return ok(summary as Summary);
}

async function compare(firstPath: string, secondPath: string, flags: Flags): Promise<void> {
  const first = readSummary(firstPath);
  const second = readSummary(secondPath);
  if (!first.ok || !second.ok) return finishWithProblems([first, second].flatMap((read) => (read.ok ? [] : read.problems)));
  if (flags.json) out(JSON.stringify({ first: first.value, second: second.value }));
  else write(`${renderComparison(first.value, second.value, { color: wantsColor(flags.color), columns: columns() }).join('\n')}\n`);
}

export function command(): Command {
  return new Command('compare')
    .description('show what changed between two runs')
    .argument('<first>', 'run folder or summary.json')
    .argument('<second>', 'run folder or summary.json')
    .option('--json', 'both summaries as one JSON object')
    .option('--no-color', 'no colour')
    .action(compare);
}

export const run = (argv: readonly string[]): Promise<number> => runCommand(command(), argv);
