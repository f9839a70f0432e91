// `quilt-swarm stop`: ends a run. Drains by default - endpoints leave politely, windows arrive, the summary is written; --now takes no time for the
// endpoints. The exit code of the run is 105 then.

import { Command } from 'commander';
import { err } from '../adapters/terminal.ts';
import { ok } from '../core/errors.ts';
import { finishWithProblems, runCommand } from './finish.ts';
import { giveOrder, keyOption, runIdOf } from './give-order.ts';

interface Flags {
  readonly now?: boolean;
  readonly key?: string;
  readonly reason: string;
}

async function stop(where: string | undefined, flags: Flags): Promise<void> {
  const mode = flags.now ? 'now' : 'drain';
  const given = await giveOrder(where, flags.key, (status) => {
    const runId = runIdOf(status);
    return runId.ok ? ok({ order: 'stop', runId: runId.value, mode, reason: flags.reason }) : runId;
  });
  if (!given.ok) return finishWithProblems(given.problems);
  err(`run ${given.value.runId}: told to ${mode === 'now' ? 'stop now' : 'drain and stop'}`);
}

export function command(): Command {
  return new Command('stop')
    .description('drain and end a run')
    .argument('[where]', 'run folder, data folder or ticket; default: the latest run here')
    .option('--now', 'do not wait for endpoints to leave politely')
    .option('--reason <text>', 'kept in the log of the run', 'stopped by the operator')
    .addOption(keyOption())
    .action(stop);
}

export const run = (argv: readonly string[]): Promise<number> => runCommand(command(), argv);
