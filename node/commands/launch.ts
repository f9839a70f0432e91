// `quilt-swarm launch SCENARIO --on CLOUD:REGION:TYPE=N`: this machine is the seed and the operator; the load nodes are machines that are rented for the run, of
// several vendors at once. Everything is validated before anything is asked for, everything that is asked for is in the launch journal first, and
// everything is ended when the run is over, when too little came, or when a signal says so. A launcher that dies leaves the record to `reap`, and
// the machines to their own kill timers.

import { randomBytes } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { type BundleServer, serveBundle } from '../../bootstrap/bundle-server.ts';
import { type FleetPart, launchFleet } from '../../bootstrap/fleet.ts';
import { INSTANCES_MAX, type LaunchRequest, parseLaunchRequests } from '../../bootstrap/launch-request.ts';
import { type ProgramBundle, packProgram } from '../../bootstrap/program-bundle.ts';
import { wallNowMs } from '../adapters/clock.ts';
import { err } from '../adapters/terminal.ts';
import { type ExitName, fail, ok, type Problem, type Result } from '../core/errors.ts';
import type { NodeLossPolicy } from '../core/messages.ts';
import type { ArtifactsChoice } from '../runtime/node-artifacts.ts';
import { createRunFolder, RUN_FILES } from '../runtime/run-folder.ts';
import { type ArtifactFlags, artifactOptions, artifactWords, openWorkingStore } from './artifact-store.ts';
import { builtProgram } from './bundle.ts';
import { type OpenClouds, openClouds } from './clouds.ts';
import { type ComposedNode, composeNode } from './compose-node.ts';
import { RUNS_FOLDER } from './control-client.ts';
import { type Extras, openExtras, withOption } from './extras.ts';
import { finishWithProblems, runCommand, wholeNumber } from './finish.ts';
import { agreeToCost, costOfLaunch, lifeWithinMs } from './launch-cost.ts';
import { type MachineRequest, orderOf, partsOf } from './launch-orders.ts';
import { runOnFleet } from './launch-run.ts';
import { type MachineFlags, machineOptions, machinesFor } from './machine-mix.ts';
import { type ConsoleFlags, consoleOptions, consoleProblems, consoleWords } from './node-console.ts';
import {
  coordinatorLossOption,
  joinWithinOption,
  maxCostOption,
  maxWallOption,
  nodeLossOption,
  tagOption,
  variableOption,
} from './node-options.ts';
import { makeSwarm, makeTicket, type SwarmSecrets, saveOperatorKey } from './operator.ts';
import { type PreparedRun, prepareRun } from './prepare-run.ts';
import { programVersion } from './program-version.ts';

interface WrittenFlags extends MachineFlags, ArtifactFlags, ConsoleFlags {
  readonly host?: string;
  readonly meshPort?: number;
  readonly bundlePort: number;
  readonly image?: string;
  readonly with: readonly string[];
  readonly seedOn: readonly string[];
  readonly joinWithin: number;
  readonly maxWall?: number;
  readonly maxCost?: number;
  readonly yes?: boolean;
  readonly onNodeLoss?: NodeLossPolicy;
  readonly onCoordinatorLoss?: 'terminate' | 'reelect';
  readonly variable: Readonly<Record<string, string>>;
  readonly tag: Readonly<Record<string, string>>;
  readonly runFolder: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly color: boolean;
}

interface Flags extends WrittenFlags {
  readonly meshPort: number;
}

/** Where machines of a vendor are reached; on this computer any port will do. */
const MESH_PORT = 4001;
/** Machines outlive the run's own limit by this much, for their evidence; then the kill timer. */
const END_SLACK_MS = 10 * 60_000;
const LOOPBACK = '127.0.0.1';

/** What is known before anything runs. */
interface Launch {
  readonly prepared: PreparedRun;
  readonly requests: readonly MachineRequest[];
  readonly clouds: OpenClouds;
  readonly flags: Flags;
  /** From the first call to the last machine's kill timer. */
  readonly lifeMs: number;
  readonly runFolder: string;
  readonly extras: Extras;
  readonly artifacts: ArtifactsChoice | undefined;
}

async function launch(file: string, written: WrittenFlags): Promise<void> {
  const wrong = consoleProblems(written);
  if (wrong.length > 0) return finishWithProblems(wrong);
  const extras = await openExtras(written.with);
  if (!extras.ok) return finishWithProblems(extras.problems);
  try {
    await launchWith(file, written, extras.value);
  } finally {
    extras.value.close();
  }
}

async function launchWith(file: string, written: WrittenFlags, extras: Extras): Promise<void> {
  const prepared = await prepareRun(file, written.variable, written.tag, extras);
  const load = prepared.ok ? await machinesFor(prepared.value, written) : parseLaunchRequests(written.on);
  const seeds = written.seedOn.length === 0 ? ok([]) : parseLaunchRequests(written.seedOn);
  const requests = bothOf(load, seeds);
  const clouds = requests.ok ? await openClouds(requests.value.map(({ cloud }) => cloud)) : requests;
  const wrong = [requests, prepared, clouds].flatMap((result) => (result.ok ? [] : result.problems));
  if (!requests.ok || !prepared.ok || !clouds.ok) return finishWithProblems([...new Set(wrong)]);
  const isFar = requests.value.some(({ cloud }) => cloud !== 'local');
  const flags: Flags = { ...written, meshPort: written.meshPort ?? (isFar ? MESH_PORT : 0) };
  if (isFar && flags.host === undefined) return finishWithProblems([NO_HOST]);
  if (isFar && flags.artifacts?.startsWith('dir:')) return finishWithProblems([FAR_FOLDER]);
  const artifacts = await openWorkingStore(flags);
  if (!artifacts.ok) return finishWithProblems(artifacts.problems);
  const refused = await refusedByVendors(clouds.value, requests.value, flags);
  if (refused.length > 0) return finishWithProblems(refused);
  const cost = costOfLaunch(prepared.value, requests.value, flags.reserveAddresses === true);
  const disagreed = await agreeToCost(cost, flags);
  if (disagreed.length > 0) return finishWithProblems(disagreed);
  const wallMs = flags.maxWall ?? prepared.value.scenario.deadlineMs;
  const runFolder = createRunFolder(flags.runFolder, prepared.value.scenario.name, wallNowMs());
  const lifeMs = Math.min(flags.joinWithin + wallMs + END_SLACK_MS, lifeWithinMs(cost, flags.maxCost ?? Number.POSITIVE_INFINITY));
  const values = { prepared: prepared.value, requests: requests.value, clouds: clouds.value, artifacts: artifacts.value };
  await withBundle({ ...values, flags, lifeMs, runFolder, extras });
}

function bothOf(load: Result<readonly LaunchRequest[]>, seeds: Result<readonly LaunchRequest[]>): Result<readonly MachineRequest[]> {
  if (!load.ok || !seeds.ok) return fail(...[load, seeds].flatMap((result) => (result.ok ? [] : result.problems)));
  return ok([...load.value.map((each) => ({ ...each, isSeed: false })), ...seeds.value.map((each) => ({ ...each, isSeed: true }))]);
}

const NO_HOST: Problem = {
  code: 'QUILT_LAUNCH_HOST',
  message: 'rented machines must reach this one: under which address?',
  hint: '--host with the public address or name; the mesh port and the bundle port must be open there',
};

const FAR_FOLDER: Problem = {
  code: 'QUILT_LAUNCH_ARTIFACTS',
  message: 'rented machines cannot write into a folder of this one: --artifacts dir: is for the local cloud',
  hint: '--artifacts s3://BUCKET/PREFIX; the machines use their own role there, for no secret goes into user data',
};

async function withBundle(plan: Launch): Promise<void> {
  const outPath = join(plan.runFolder, 'program.tar.gz');
  const built = builtProgram(plan.runFolder);
  const packed = built.ok
    ? await packProgram({ distFolder: built.value, runtimePath: process.execPath, extras: plan.extras.parts, outPath })
    : built;
  if (!packed.ok) return finishWithProblems(packed.problems);
  const version = built.ok ? programVersion(built.value) : '';
  const host = plan.flags.host === undefined ? LOOPBACK : '0.0.0.0';
  const token = randomBytes(16).toString('hex');
  const served = await serveBundle({ bundle: packed.value, host, port: plan.flags.bundlePort, token, machines: countOf(plan.requests) });
  if (!served.ok) return finishWithProblems(served.problems);
  // It is in the archive now.
  rmSync(join(plan.runFolder, 'dist'), { recursive: true, force: true });
  try {
    await withSeed(plan, { ...packed.value, version }, served.value);
  } finally {
    await served.value.close();
    rmSync(outPath, { force: true });
  }
}

const countOf = (requests: readonly LaunchRequest[]): number => requests.reduce((sum, { count }) => sum + count, 0);

/** `version`: of the program in the bundle. This node is of the same sources, and says so. */
async function withSeed(plan: Launch, bundle: ProgramBundle & { readonly version: string }, server: BundleServer): Promise<void> {
  const { flags, requests, runFolder, lifeMs } = plan;
  const swarm = makeSwarm();
  const saved = saveOperatorKey(runFolder, swarm.operator);
  if (!saved.ok) return finishWithProblems(saved.problems);
  const far = flags.host !== undefined;
  const seeds = countOf(requests.filter(({ isSeed }) => isSeed));
  const sizes = { expectNodes: countOf(requests) - seeds, witnesses: 1 + seeds };
  const seed = await composeNode({
    swarm: { ...swarm, operatorKey: swarm.operator.publicKey },
    ...{ ...sizes, seeds: [], dataFolder: join(runFolder, RUN_FILES.nodes, 'seed'), runFolder },
    listen: [`/ip4/${far ? '0.0.0.0' : LOOPBACK}/tcp/${flags.meshPort}`],
    announce: far ? [`/${/^[\d.]+$/.test(flags.host) ? 'ip4' : 'dns'}/${flags.host}/tcp/${flags.meshPort}`] : [],
    ...{ labels: { name: 'seed' }, price: null, cores: 0, workers: 0, isWitness: true, isVoter: true, formMsMax: flags.joinWithin },
    version: bundle.version,
    ...{ extrasFolder: plan.extras.folder ?? undefined, artifacts: plan.artifacts },
  });
  if (!seed.ok) return finishWithProblems(seed.problems);
  const ticket = makeTicket(swarm, {
    ...{ seeds: seed.value.addresses(), ...sizes, joinWithinMs: flags.joinWithin, validMs: lifeMs },
    program: bundle.version,
  });
  const parts = ticket.ok ? partsOf({ ...plan, moreFlags: moreFlags(plan), ticket: ticket.value, sha256: bundle.sha256, server }) : ticket;
  if (!parts.ok) {
    seed.value.node.signal('now');
    await seed.value.exited;
    return finishWithProblems(parts.problems);
  }
  // For a console or a status from another computer.
  if (ticket.ok) writeFileSync(join(runFolder, RUN_FILES.ticket), `${ticket.value}\n`, { mode: 0o600 });
  await withFleet(plan, swarm, seed.value, parts.value);
}

/** Words of `join` that are the same for all machines. */
const moreFlags = ({ extras, flags }: Launch): string[] => [
  ...(extras.folder === null ? [] : ['--extras', 'extras']),
  ...artifactWords(flags),
];

/** Without user data yet: what a vendor can tell of an order before the program is packed and a seed runs. */
async function refusedByVendors(clouds: OpenClouds, requests: readonly MachineRequest[], flags: Flags): Promise<readonly Problem[]> {
  const refusals = requests.map((request, index) => {
    const order = orderOf(request, index, { runId: 'check', userData: '', lifeMs: flags.joinWithin, flags });
    return clouds.cloudOf(request.cloud).validate(order);
  });
  return (await Promise.all(refusals)).flat();
}

async function withFleet(plan: Launch, swarm: SwarmSecrets, seed: ComposedNode, parts: readonly FleetPart[]): Promise<void> {
  const interrupt = new AbortController();
  let onSignal = (): void => {
    err('interrupted: what was launched is ended again');
    interrupt.abort();
  };
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(name, () => onSignal());
  const components = plan.clouds.fleet;
  const wanted = countOf(plan.requests);
  err(`launching ${wanted} machines: ${parts.map(({ cloud, order }) => `${cloud} ${order.region} ${order.count}`).join(', ')}`);
  const launched = await launchFleet(components, parts, wanted, interrupt.signal);
  if (!launched.ok) {
    seed.node.signal('now');
    await seed.exited;
    return finishWithProblems(launched.problems, exitOf(launched.problems));
  }
  err(`${launched.value.instances.length} machines are starting; if this program dies: quilt-swarm reap ${launched.value.record.runId}`);
  await runOnFleet({
    ...{ prepared: plan.prepared, flags: plan.flags, runFolder: plan.runFolder, swarm, seed, components, fleet: launched.value },
    takeSignals: (take) => {
      onSignal = take;
    },
  });
}

/** Problems that were found before anything was asked for are the order's own. */
function exitOf(problems: readonly Problem[]): ExitName {
  const codes = new Set<string>(problems.map(({ code }) => code));
  if (codes.has('QUILT_LAUNCH_INTERRUPTED')) return 'stoppedByOperator';
  return codes.has('QUILT_LAUNCH_SHORT') ? 'capacityNeverReached' : 'badConfiguration';
}

export function command(): Command {
  const verb = new Command('launch')
    .description('rent machines of one or more clouds, run a scenario on them, and end them')
    .argument('<scenario>', 'scenario file')
    .option('--host <address>', 'where rented machines reach this one')
    .option('--mesh-port <port>', 'TCP port of the mesh, here and there (default: 4001, any for local machines)', wholeNumber(0, 65_535))
    .option('--bundle-port <port>', 'TCP port from which machines fetch the program', wholeNumber(0, 65_535), 0)
    .option('--image <name>', "the vendor's image (default: a current Debian)")
    .option(
      '--seed-on <cloud:region:type=count>',
      'further seeds there, which carry no load: losing the vendor of one does not matter then; repeatable',
      (text, all: string[]) => [...all, text],
      [],
    )
    .option('--reserve-addresses', 'an address of its own for each machine, for targets that admit only known ones')
    .addOption(joinWithinOption())
    .addOption(maxWallOption())
    .addOption(maxCostOption())
    .option('--yes', 'do not ask whether the estimated cost is agreed to')
    .addOption(nodeLossOption())
    .addOption(coordinatorLossOption())
    .addOption(variableOption().default({}))
    .addOption(tagOption().default({}))
    .addOption(withOption())
    .option('--run-folder <folder>', 'where run folders are made', RUNS_FOLDER)
    .option('--quiet', 'no board, only the summary')
    .option('--json', 'the summary as JSON on standard output')
    .option('--no-color', 'no colour')
    .addHelpText('after', `\nAt most ${INSTANCES_MAX} machines. Nothing but what --on or --mix names is ever rented.`)
    .action(launch);
  for (const option of [...machineOptions(), ...artifactOptions(), ...consoleOptions()]) verb.addOption(option);
  return verb;
}

export const run = (argv: readonly string[]): Promise<number> => runCommand(command(), consoleWords(argv));
