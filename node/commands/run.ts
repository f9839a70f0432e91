// `quilt-swarm run SCENARIO`: a swarm of N nodes on this machine, one run, and everything gone at the end. Validates first; Ctrl-C once drains and still
// prints the summary, twice stops now. The exit code is the verdict's (DESIGN 8).

import { chmodSync, copyFileSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { monotonicNowMs, wallNowMs } from '../adapters/clock.ts';
import { err } from '../adapters/terminal.ts';
import type { NodeLossPolicy } from '../core/messages.ts';
import type { RuntimeClock } from '../runtime/components.ts';
import { UPLOAD_MS_MAX } from '../runtime/node-artifacts.ts';
import type { NodeExit } from '../runtime/node-contract.ts';
import type { StatusView } from '../runtime/node-status.ts';
import { createRunFolder, RUN_FILES } from '../runtime/run-folder.ts';
import { createRuntimeClock } from '../runtime/runtime-clock.ts';
import { type ArtifactFlags, artifactOptions, artifactWords, openWorkingStore } from './artifact-store.ts';
import { RUNS_FOLDER } from './control-client.ts';
import { type Extras, openExtras, withOption } from './extras.ts';
import { finish, finishWithProblems, runCommand } from './finish.ts';
import { startLiveBoard, wantsColor } from './live-board.ts';
import { formLocalSwarm, type LocalSwarm } from './local-swarm.ts';
import { type ConsoleFlags, consoleOptions, consoleProblems, consoleWords, openNodeConsole } from './node-console.ts';
import { type MetricsFlags, metricsOption, openNodeMetrics } from './node-metrics.ts';
import {
  coordinatorLossOption,
  maxWallOption,
  nodeLossOption,
  nodesOption,
  tagOption,
  variableOption,
  workersOption,
} from './node-options.ts';
import { makeManifest, sign } from './operator.ts';
import { type PreparedRun, prepareRun } from './prepare-run.ts';
import { listenToRunKeys } from './run-keys.ts';
import { showSummary } from './run-report.ts';

interface Flags extends ArtifactFlags, ConsoleFlags, MetricsFlags {
  readonly nodes: number;
  readonly workers?: number;
  readonly variable: Readonly<Record<string, string>>;
  readonly tag: Readonly<Record<string, string>>;
  readonly onNodeLoss?: NodeLossPolicy;
  readonly onCoordinatorLoss?: 'terminate' | 'reelect';
  readonly maxWall?: number;
  readonly runFolder: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly color: boolean;
  readonly with: readonly string[];
}

/** The ticket outlives the run's own limit by this much. */
const TICKET_SLACK_MS = 600_000;
/** Nodes that were told to end are given this long, twice, before they are killed. */
const END_MS_MAX = 5_000;

async function runScenario(file: string, flags: Flags): Promise<void> {
  const wrong = consoleProblems(flags);
  if (wrong.length > 0) return finishWithProblems(wrong);
  const extras = await openExtras(flags.with);
  if (!extras.ok) return finishWithProblems(extras.problems);
  try {
    await runWith(file, flags, extras.value);
  } finally {
    extras.value.close();
  }
}

async function runWith(file: string, flags: Flags, extras: Extras): Promise<void> {
  const prepared = await prepareRun(file, flags.variable, flags.tag, extras);
  if (!prepared.ok) return finishWithProblems(prepared.problems);
  const artifacts = await openWorkingStore(flags);
  if (!artifacts.ok) return finishWithProblems(artifacts.problems);
  const { scenario } = prepared.value;
  const wallMsMax = flags.maxWall ?? scenario.deadlineMs;
  let runFolder: string;
  try {
    runFolder = createRunFolder(flags.runFolder, scenario.name, wallNowMs());
  } catch (error) {
    const message = `cannot make a run folder in ${flags.runFolder}: ${(error as Error).message}`;
    return finishWithProblems([{ code: 'QUILT_RUN_FOLDER', message, hint: 'give another place with --run-folder' }]);
  }
  const formed = await formLocalSwarm({
    runFolder,
    nodes: flags.nodes,
    workers: flags.workers,
    ticketMs: wallMsMax + TICKET_SLACK_MS,
    ...{ artifacts: artifacts.value, artifactWords: artifactWords(flags), extrasFolder: extras.folder },
  });
  if (!formed.ok) {
    // Nothing ran: an empty run folder would only hide the last real one.
    rmSync(runFolder, { recursive: true, force: true });
    return finishWithProblems(formed.problems);
  }
  const ticketPath = join(runFolder, RUN_FILES.ticket);
  writeFileSync(ticketPath, `${formed.value.ticket}\n`, { mode: 0o600 });
  chmodSync(ticketPath, 0o600);
  await carryOut(formed.value, prepared.value, { wallMsMax, runFolder }, flags);
}

async function carryOut(
  local: LocalSwarm,
  prepared: PreparedRun,
  { wallMsMax, runFolder }: { wallMsMax: number; runFolder: string },
  flags: Flags,
): Promise<void> {
  const clock = createRuntimeClock(monotonicNowMs, wallNowMs);
  const { node, exited } = local.seed;
  const { scenario, plan, bundle } = prepared;
  const manifest = makeManifest({
    scenario,
    plan,
    bundleHash: node.putBundle(bundle),
    onNodeLoss: flags.onNodeLoss ?? scenario.policies.onNodeLoss,
    onCoordinatorLoss: flags.onCoordinatorLoss ?? scenario.policies.onCoordinatorLoss,
    wallMsMax,
  });
  node.order(sign(local.swarm.swarmId, local.swarm.operator, { order: 'manifest', manifest }));
  const color = wantsColor(flags.color);
  const board = flags.quiet ? null : startLiveBoard({ clock, color, plain: flags.json === true, status: () => askStatus(local) });
  const say = (text: string): void => (board === null ? err(text) : board.print(text));
  const signalCount = stopOnSignals(local, manifest.runId, clock, say);
  const closeMetrics = await openNodeMetrics(flags, () => node.status(), say);
  const closeConsole = await openNodeConsole(flags, { folder: runFolder, canSteer: true, say });
  const stopKeys = listenToRunKeys({
    runId: manifest.runId,
    give: (order) => node.order(sign(local.swarm.swarmId, local.swarm.operator, order)),
    status: () => node.status(),
    interrupt: () => process.kill(process.pid, 'SIGINT'),
    say,
  });
  const exit: NodeExit = await exited;
  await closeConsole();
  await closeMetrics();
  board?.stop();
  stopKeys();
  // Nodes of a sealed run leave by themselves; others would wait for a coordinator that is gone.
  const patienceMs = END_MS_MAX + (flags.artifacts === undefined || signalCount() > 1 ? 0 : UPLOAD_MS_MAX);
  await local.children.end(node.status().phase === 'sealed' ? patienceMs : 0);
  adoptWindows(runFolder, node.status().board.coordinator);
  showSummary(node.report()?.summary ?? null, exit.message, { json: flags.json === true, color });
  finish(exit.exit);
}

/** The coordinator's picture, through the seed: they are the same as long as nothing happened to it. */
async function askStatus(local: LocalSwarm): Promise<StatusView | null> {
  const answer = await local.seed.node.control({ ask: 'status' });
  return answer.ok ? (answer.value as StatusView) : null;
}

/** When one of the child nodes coordinated, the merged windows are in its folder: they belong to the run. */
function adoptWindows(runFolder: string, coordinator: string | null): void {
  if (coordinator === null) return;
  const reportFolder = join(runFolder, RUN_FILES.nodes, coordinator, 'report');
  for (const name of [RUN_FILES.windows, RUN_FILES.facts, RUN_FILES.timeline, RUN_FILES.heat]) {
    const from = join(reportFolder, name);
    if (existsSync(from)) copyFileSync(from, join(runFolder, name));
  }
}

/** Once: drain. Twice: stop now. Three times: the nodes are not asked any more. Answers how often it was. */
function stopOnSignals(
  { swarm, seed, children }: LocalSwarm,
  runId: string,
  clock: RuntimeClock,
  say: (text: string) => void,
): () => number {
  let count = 0;
  const order = (mode: 'drain' | 'now'): void => {
    const reason = mode === 'drain' ? 'interrupted' : 'interrupted twice';
    seed.node.order(sign(swarm.swarmId, swarm.operator, { order: 'stop', runId, mode, reason }));
  };
  const onSignal = (): void => {
    count += 1;
    const isSealed = seed.node.status().phase === 'sealed';
    if (count === 1) {
      if (isSealed) say('the run is over, its evidence is still being sent; once more leaves the rest where it is');
      else say('draining: endpoints leave politely, the summary follows; once more stops now');
      order('drain');
      // Before the start there is nothing to drain, and nobody to seal the run.
      if (seed.node.status().phase === 'forming') seed.node.signal('now');
    } else if (count === 2) {
      say('stopping now');
      order('now');
      clock.after(isSealed ? 0 : END_MS_MAX, () => seed.node.signal('now'));
    } else {
      seed.node.signal('now');
      void children.end(0);
    }
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, onSignal);
  return () => count;
}

export function command(): Command {
  const runs = new Command('run')
    .description('run a scenario with a local swarm; the load is the total of the swarm')
    .argument('<scenario>', 'scenario file (quilt-swarm new writes one)')
    .addOption(nodesOption())
    .addOption(workersOption())
    .addOption(variableOption().default({}))
    .addOption(tagOption().default({}))
    .addOption(nodeLossOption())
    .addOption(coordinatorLossOption())
    .addOption(maxWallOption())
    .addOption(withOption())
    .option('--run-folder <folder>', 'where run folders are made', RUNS_FOLDER)
    .addOption(metricsOption())
    .option('--quiet', 'no board, only the summary')
    .option('--json', 'the summary as JSON on standard output')
    .option('--no-color', 'no colour')
    .action(runScenario);
  for (const option of [...consoleOptions(), ...artifactOptions()]) runs.addOption(option);
  return runs;
}

export const run = (argv: readonly string[]): Promise<number> => runCommand(command(), consoleWords(argv));
