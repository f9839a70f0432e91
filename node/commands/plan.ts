// `quilt-swarm plan FILE`: what would run where, without running: totals, the load curve, the share of each of N equal nodes by the same
// assign() that a swarm uses, and whether their cores suffice. With --json everything, shards included. Exit 113 when a shard has no place.

import { availableParallelism } from 'node:os';
import { Command } from 'commander';
import { columns, out } from '../adapters/terminal.ts';
import { type Assignment, assign } from '../core/assign.ts';
import { ok } from '../core/errors.ts';
import { targetsOf } from '../core/host-port.ts';
import type { RosterMember } from '../core/messages.ts';
import { makePlan } from '../core/plan.ts';
import type { Plan } from '../core/plan-types.ts';
import type { ValidScenario } from '../core/scenario-types.ts';
import { openExtras, withOption } from './extras.ts';
import { finish, finishWithProblems, nameValue, runCommand, wholeNumber } from './finish.ts';
import { costLines, costOfLaunch } from './launch-cost.ts';
import { type MachineFlags, machineOptions, machinesFor, membersOf, wordsOf } from './machine-mix.ts';
import { type NodeShare, renderPlan } from './plan-view.ts';
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
  const made = makePlan(scenario);
  const isRented = flags.on.length + flags.mix.length > 0;
  const requests = isRented ? await machinesFor({ scenario, plan: made }, flags) : ok([]);
  if (!requests.ok) return finishWithProblems(requests.problems);
  const types = typesOf(scenario);
  const members = isRented ? membersOf(requests.value, types, flags.cores ?? availableParallelism()) : equalNodes(flags, types);
  const cost = isRented ? costOfLaunch({ scenario, plan: made }, requests.value, flags.reserveAddresses === true) : null;
  const assignment = assign(made, members);
  const nodes = members.map((member) => shareOf(member, made, assignment));
  const unplaceable = reasonsOf(assignment);
  const targets = targetsOf(scenario);
  if (flags.json)
    out(
      JSON.stringify({
        scenario: scenario.name,
        plan: made,
        owners: assignment.owners,
        nodes,
        unplaceable,
        targets,
        thresholds: scenario.thresholds,
        ...(cost === null ? {} : { machines: requests.value, cost: cost.estimate }),
      }),
    );
  else {
    for (const line of renderPlan({ scenario, plan: made, nodes, unplaceable, targets, columns: columns() })) out(line);
    if (cost !== null) for (const line of ['', `machines    ${wordsOf(requests.value)}`, ...costLines(cost)]) out(line);
  }
  if (unplaceable.length > 0) finish('capacityNeverReached');
}

const typesOf = ({ groups }: ValidScenario): string[] => [...new Set(['http', ...groups.map(({ type }) => type)])];

/** N nodes that can run every type of the scenario; without --cores they share this machine's. */
function equalNodes({ nodes, cores: coresEach, label }: Flags, types: readonly string[]): RosterMember[] {
  const cores = coresEach ?? availableParallelism() / nodes;
  const capabilities = { types, cores, memoryMb: 0, capacityMillicores: Math.floor(cores * 1000), labels: label };
  return Array.from({ length: nodes }, (_, index) => ({ node: `node-${index + 1}`, voter: true, load: true, capabilities }));
}

function shareOf({ node, capabilities }: RosterMember, made: Plan, { owners }: Assignment): NodeShare {
  const own = made.shards.filter((shard) => owners[shard.id] === node);
  return {
    node,
    shards: own.length,
    endpointsMax: own.reduce((sum, shard) => sum + (shard.kind === 'endpoints' ? shard.activeMax : 0), 0),
    millicores: own.reduce((sum, shard) => sum + shard.costMillicores, 0),
    capacityMillicores: capabilities.capacityMillicores,
  };
}

function reasonsOf({ unplaceable }: Assignment): { reason: string; shards: number }[] {
  const counts = new Map<string, number>();
  for (const { reason } of unplaceable) counts.set(reason, (counts.get(reason) ?? 0) + 1);
  return [...counts].map(([reason, shards]) => ({ reason, shards }));
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
