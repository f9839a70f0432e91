// `quilt-swarm scale GROUP AMOUNT`: more or fewer endpoints while a run lasts. AMOUNT is a factor on the planned curve (2, 0.5), or a change of what is
// in force now (+10%, -10%). It takes effect a few seconds ahead, at the same moment of swarm time on every node, so that the sum stays exact.

import { Command, InvalidArgumentError } from 'commander';
import { err } from '../adapters/terminal.ts';
import { fail, ok, type Problem } from '../core/errors.ts';
import { suggestion } from '../core/suggest.ts';
import type { StatusView } from '../runtime/node-status.ts';
import { finishWithProblems, runCommand } from './finish.ts';
import { giveOrder, keyOption, runIdOf } from './give-order.ts';

type Amount = { readonly factor: number } | { readonly percent: number };

interface Flags {
  readonly key?: string;
  readonly in: number;
}

const FACTOR_MAX = 100;
/** Every node must have heard of the order by then; the log spreads in well under a second. */
const AHEAD_S_DEFAULT = 3;

function amountArgument(text: string): Amount {
  const percent = /^([+-]\d+(?:\.\d+)?)%$/.exec(text.trim());
  if (percent !== null) return { percent: Number(percent[1]) };
  const factor = Number(text);
  if (text === '' || !(factor >= 0 && factor <= FACTOR_MAX))
    throw new InvalidArgumentError(`a factor from 0 to ${FACTOR_MAX}, or +N% or -N%, is expected.`);
  return { factor };
}

function secondsArgument(text: string): number {
  const seconds = Number(text);
  if (!(seconds >= 1 && seconds <= 3600)) throw new InvalidArgumentError('seconds from 1 to 3600 are expected.');
  return seconds;
}

/** Problem: QUILT_NO_GROUP. */
export function unknownGroup({ board }: StatusView, group: string): Problem | null {
  const groups = board.groups.map((each) => each.group);
  if (group === '*' || groups.includes(group)) return null;
  return { code: 'QUILT_NO_GROUP', message: `the run has no group '${group}'`, hint: suggestion(group, [...groups, '*']) };
}

/** Factor in force for the group: the last order that names it or all. */
function factorNow(status: StatusView, group: string): number {
  const last = status.scales.filter((scale) => scale.group === group || scale.group === '*' || group === '*').at(-1);
  return last?.factor ?? 1;
}

const factorOf = (amount: Amount, now: number): number =>
  Math.min(FACTOR_MAX, Math.max(0, 'factor' in amount ? amount.factor : now * (1 + amount.percent / 100)));

async function scale(group: string, amount: Amount, where: string | undefined, flags: Flags): Promise<void> {
  let factor = 1;
  const given = await giveOrder(where, flags.key, (status) => {
    const runId = runIdOf(status);
    if (!runId.ok) return runId;
    const unknown = unknownGroup(status, group);
    if (unknown !== null) return fail(unknown);
    if (status.phase !== 'running' || status.sinceT0Ms === null) {
      return fail({ code: 'QUILT_NOT_RUNNING', message: `the run is ${status.phase}`, hint: 'load can be scaled while it runs' });
    }
    factor = factorOf(amount, factorNow(status, group));
    const atMs = Math.max(0, status.sinceT0Ms) + flags.in * 1000;
    return ok({ order: 'scale', runId: runId.value, scale: { group, factor, atMs } });
  });
  if (!given.ok) return finishWithProblems(given.problems);
  err(`run ${given.value.runId}: ${group === '*' ? 'all groups' : group} at ${Math.round(factor * 100)} % of the plan in ${flags.in} s`);
}

export function command(): Command {
  return new Command('scale')
    .description('run more or fewer endpoints from now on')
    .argument('<group>', "group of the scenario, or '*' for all")
    .argument('<amount>', 'factor on the plan (1.5), or a change of now (+20%, -20%)', amountArgument)
    .argument('[where]', 'run folder, data folder or ticket; default: the latest run here')
    .option('--in <seconds>', 'how far ahead it takes effect', secondsArgument, AHEAD_S_DEFAULT)
    .addOption(keyOption())
    .action(scale);
}

/** `-20%` would look like a flag. */
const protect = (argument: string): string => (/^-\d+(?:\.\d+)?%$/.test(argument) ? ` ${argument}` : argument);

export const run = (argv: readonly string[]): Promise<number> => runCommand(command(), argv.map(protect));
