// `quilt-swarm seed`: makes a swarm - key, operator key, ticket - and serves as its first node: a voting witness that carries no load, and a relay for
// nodes that cannot be dialled. The ticket is the one line on standard output; everything else goes to standard error. With --scenario the run is
// submitted at once and starts when the expected nodes are there.

import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { monotonicNowMs, wallNowMs } from '../adapters/clock.ts';
import { err, out } from '../adapters/terminal.ts';
import type { NodeLossPolicy } from '../core/messages.ts';
import { makeFolder } from '../runtime/make-folder.ts';
import { RUN_FILES } from '../runtime/run-folder.ts';
import { createRuntimeClock } from '../runtime/runtime-clock.ts';
import { type ArtifactFlags, artifactOptions, openWorkingStore } from './artifact-store.ts';
import { type ComposedNode, composeNode } from './compose-node.ts';
import { type Extras, openExtras, withOption } from './extras.ts';
import { finish, finishWithProblems, runCommand, wholeNumber } from './finish.ts';
import { startLiveBoard, wantsColor } from './live-board.ts';
import { type ConsoleFlags, consoleOptions, consoleProblems, consoleWords, openNodeConsole } from './node-console.ts';
import { type MetricsFlags, metricsOption, openNodeMetrics } from './node-metrics.ts';
import {
  coordinatorLossOption,
  durationArgument,
  joinWithinOption,
  labelOption,
  maxCostOption,
  maxWallOption,
  nodeLossOption,
  tagOption,
  variableOption,
} from './node-options.ts';
import { makeManifest, makeSwarm, makeTicket, type SwarmSecrets, saveOperatorKey, sign } from './operator.ts';
import { type PreparedRun, prepareRun } from './prepare-run.ts';
import { programVersion } from './program-version.ts';
import { showSummary } from './run-report.ts';
import { leaveOnSignals } from './signals.ts';

interface Flags extends ArtifactFlags, ConsoleFlags, MetricsFlags {
  readonly expectNodes: number;
  readonly seeds: number;
  readonly listen: string;
  readonly announce?: string;
  readonly data?: string;
  readonly label: Readonly<Record<string, string>>;
  readonly valid?: number;
  readonly joinWithin: number;
  readonly scenario?: string;
  readonly variable: Readonly<Record<string, string>>;
  readonly tag: Readonly<Record<string, string>>;
  readonly onNodeLoss?: NodeLossPolicy;
  readonly onCoordinatorLoss?: 'terminate' | 'reelect';
  readonly maxWall?: number;
  readonly maxCost?: number;
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly color: boolean;
  readonly with: readonly string[];
}

const EXPECTED_MAX = 4096;
const SEEDS_MAX = 8;
const VALID_MS_DEFAULT = 24 * 3_600_000;

async function seed(flags: Flags): Promise<void> {
  const wrong = consoleProblems(flags);
  if (wrong.length > 0) return finishWithProblems(wrong);
  const extras = await openExtras(flags.with);
  if (!extras.ok) return finishWithProblems(extras.problems);
  try {
    await seedWith(flags, extras.value);
  } finally {
    extras.value.close();
  }
}

async function seedWith(flags: Flags, extras: Extras): Promise<void> {
  let prepared: PreparedRun | null = null;
  if (flags.scenario !== undefined) {
    const result = await prepareRun(flags.scenario, flags.variable, flags.tag, extras);
    if (!result.ok) return finishWithProblems(result.problems);
    prepared = result.value;
  }
  const artifacts = await openWorkingStore(flags);
  if (!artifacts.ok) return finishWithProblems(artifacts.problems);
  const swarm = makeSwarm();
  const dataFolder = flags.data ?? join('.quilt', `${swarm.swarmId}-seed`);
  try {
    makeFolder(dataFolder, 0o700);
  } catch (error) {
    const message = `cannot make the data folder ${dataFolder}: ${(error as Error).message}`;
    return finishWithProblems([{ code: 'QUILT_DATA_FOLDER', message, hint: 'give another one with --data' }]);
  }
  if (existsSync(join(dataFolder, RUN_FILES.operatorKey))) {
    const message = `${dataFolder} belongs to another swarm already: its operator key is there`;
    return finishWithProblems([
      { code: 'QUILT_DATA_FOLDER', message, hint: 'a seed makes a new swarm: give it a folder of its own with --data' },
    ]);
  }
  const saved = saveOperatorKey(dataFolder, swarm.operator);
  if (!saved.ok) return finishWithProblems(saved.problems);
  const composed = await composeNode({
    swarm: { ...swarm, operatorKey: swarm.operator.publicKey },
    expectNodes: flags.expectNodes,
    witnesses: flags.seeds,
    seeds: [],
    dataFolder,
    runFolder: join(dataFolder, 'report'),
    listen: [flags.listen],
    announce: flags.announce === undefined ? [] : [flags.announce],
    labels: { name: 'seed', ...flags.label },
    price: null,
    cores: 0,
    workers: 0,
    isWitness: true,
    isVoter: true,
    formMsMax: flags.joinWithin,
    version: programVersion(),
    extrasFolder: extras.folder ?? undefined,
    artifacts: artifacts.value,
  });
  if (!composed.ok) {
    // Nothing ran: a folder that nobody asked for, with keys in it, would only be found again by accident.
    if (flags.data === undefined) rmSync(dataFolder, { recursive: true, force: true });
    return finishWithProblems(composed.problems);
  }
  const seeds = composed.value.addresses();
  const ticket = makeTicket(swarm, {
    seeds,
    expectNodes: flags.expectNodes,
    program: programVersion(),
    witnesses: flags.seeds,
    joinWithinMs: flags.joinWithin,
    validMs: flags.valid ?? VALID_MS_DEFAULT,
  });
  if (!ticket.ok) {
    composed.value.node.signal('now');
    return finishWithProblems(ticket.problems);
  }
  out(ticket.value);
  err(`swarm ${swarm.swarmId}: waiting for ${flags.expectNodes} nodes; operator key in ${join(dataFolder, RUN_FILES.operatorKey)}`);
  const closeMetrics = await openNodeMetrics(flags, () => composed.value.node.status(), err);
  const closeConsole = await openNodeConsole(flags, { folder: dataFolder, canSteer: true, say: err });
  await serve(composed.value, swarm, prepared, flags);
  await closeConsole();
  await closeMetrics();
}

async function serve({ node, exited }: ComposedNode, swarm: SwarmSecrets, prepared: PreparedRun | null, flags: Flags): Promise<void> {
  if (prepared !== null) {
    const { scenario, plan, bundle } = prepared;
    const order = makeManifest({
      scenario,
      plan,
      bundleHash: node.putBundle(bundle),
      onNodeLoss: flags.onNodeLoss ?? scenario.policies.onNodeLoss,
      onCoordinatorLoss: flags.onCoordinatorLoss ?? scenario.policies.onCoordinatorLoss,
      wallMsMax: flags.maxWall ?? scenario.deadlineMs,
      costUsdMax: flags.maxCost,
    });
    node.order(sign(swarm.swarmId, swarm.operator, { order: 'manifest', manifest: order }));
  }
  leaveOnSignals(node);
  const clock = createRuntimeClock(monotonicNowMs, wallNowMs);
  const color = wantsColor(flags.color);
  // Standard output is the ticket's: the board goes to standard error as plain lines.
  const board = flags.quiet ? null : startLiveBoard({ clock, color: false, plain: true, status: async () => node.status() });
  const { exit, message } = await exited;
  board?.stop();
  if (prepared !== null) showSummary(node.report()?.summary ?? null, message, { json: flags.json === true, color });
  else err(`left: ${message} (${exit})`);
  finish(exit);
}

export function command(): Command {
  const seedCommand = new Command('seed')
    .description('make a swarm, print its ticket and serve as its first node')
    .option('--expect-nodes <count>', 'load nodes that the swarm waits for', wholeNumber(1, EXPECTED_MAX), 1)
    .option(
      '--seeds <count>',
      'seeds of the swarm, this one included; the others come with join --as-seed, best from another vendor',
      wholeNumber(1, SEEDS_MAX),
      1,
    )
    .option('--listen <multiaddr>', 'where nodes can reach this one', '/ip4/0.0.0.0/tcp/0')
    .option('--announce <multiaddr>', 'address for the ticket instead, e.g. the public one')
    .option('--data <folder>', 'data folder')
    .option('--valid <duration>', 'how long the ticket is good (default: 24h)', durationArgument)
    .addOption(joinWithinOption())
    .option('--scenario <file>', 'run this when the expected nodes are there')
    .addOption(withOption())
    .addOption(labelOption().default({}))
    .addOption(variableOption().default({}))
    .addOption(tagOption().default({}))
    .addOption(nodeLossOption())
    .addOption(coordinatorLossOption())
    .addOption(maxWallOption())
    .addOption(maxCostOption())
    .addOption(metricsOption())
    .option('--quiet', 'no progress lines')
    .option('--json', 'the summary as JSON on standard output, after the ticket')
    .option('--no-color', 'no colour')
    .action(seed);
  for (const option of [...consoleOptions(), ...artifactOptions()]) seedCommand.addOption(option);
  return seedCommand;
}

export const run = (argv: readonly string[]): Promise<number> => runCommand(command(), consoleWords(argv));
