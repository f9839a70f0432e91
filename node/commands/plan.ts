// `quilt-swarm plan FILE`: what would run where, without running: totals, the load curve, the share of each of N equal nodes by the same
// assign() that a swarm uses, and whether their cores suffice. With --json everything, shards included. Exit 113 when a shard has no place.

import { Command } from 'commander';
import { columns, out } from '../adapters/terminal.ts';
import { ok } from '../core/errors.ts';
import { targetsOf } from '../core/host-port.ts';
import { makePlan } from '../core/plan.ts';
import { openExtras, withOption } from './extras.ts';
import { finish, finishWithProblems, nameValue, runCommand, wholeNumber } from './finish.ts';
import { costLines } from './launch-cost.ts';
import { type MachineFlags, machineOptions, wordsOf } from './machine-mix.ts';
import { placeOnMachines, placeOnNodes } from './placed-plan.ts';
import { renderPlan } from './plan-view.ts';
import { readScenarioFile } from './read-scenario.ts';

interface Flags extends MachineFlags {
  readonly nodes: number;
  readonly cores?: number;
  readonly label: Readonly<Record<string, string>>;
  readonly variable: Readonly<Record<string, string>>;
  readonly with: readonly string[];
  readonly json?: boolean;
}

async function plan(file: string, flags: Flags): Promise<void> {
  const extras = await openExtras(flags.with);
  if (!extras.ok) return finishWithProblems(extras.problems);
  const read = await readScenarioFile(file, flags.variable, extras.value.folder);
  extras.value.close();
  if (!read.ok) return finishWithProblems(read.problems);
  const { scenario } = read.value;
  const planned = { scenario, plan: makePlan(scenario) };
  const isRented = flags.on.length + flags.mix.length > 0;
  const placed = isRented
    ? await placeOnMachines(planned, flags, flags.cores)
    : ok(placeOnNodes(planned, { nodes: flags.nodes, cores: flags.cores, labels: flags.label }));
  if (!placed.ok) return finishWithProblems(placed.problems);
  const { nodes, unplaceable, owners, machines, cost } = placed.value;
  const targets = targetsOf(scenario);
  if (flags.json)
    out(
      JSON.stringify({
        scenario: scenario.name,
        plan: planned.plan,
        owners,
        nodes,
        unplaceable,
        targets,
        thresholds: scenario.thresholds,
        ...(cost === null ? {} : { machines, cost: cost.estimate }),
      }),
    );
  else {
    for (const line of renderPlan({ ...planned, nodes, unplaceable, targets, columns: columns() })) out(line);
    if (cost !== null) for (const line of ['', `machines    ${wordsOf(machines)}`, ...costLines(cost)]) out(line);
  }
  if (unplaceable.length > 0) finish('capacityNeverReached');
}

export function command(): Command {
  const verb = new Command('plan')
    .description('show what would run where, without running')
    .argument('<file>', 'scenario file')
    .option('-n, --nodes <N>', 'nodes to spread the plan over', wholeNumber(1, 10_000), 4)
    .option('--cores <N>', "cores of each node (default: this machine's, shared by all)", wholeNumber(1, 1024))
    .option('--label <NAME=VALUE>', 'label that every node carries (repeatable)', nameValue, {})
    .option('-e, --variable <NAME=VALUE>', 'set a variable of the scenario (repeatable)', nameValue, {})
    .addOption(withOption())
    .option('--json', 'everything as JSON, shards included')
    .option('--reserve-addresses', 'as of `launch`: an address of its own for each machine')
    .action(plan);
  for (const option of machineOptions()) verb.addOption(option);
  return verb.addHelpText(
    'after',
    '\nWith --on or --mix the nodes are those machines, and what they would cost is shown. Nothing is rented.',
  );
}

export const run = (argv: readonly string[]): Promise<number> => runCommand(command(), argv);
