// `quilt-swarm join TICKET`: this machine becomes a node of a swarm, also while its load runs, and leaves with the swarm's exit code. The ticket may
// come in QUILT_TICKET or from a file (@FILE), because it carries the swarm's key and arguments can be read by everybody on a machine.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, Option } from 'commander';
import { decodeTicket, type Ticket } from '../../bootstrap/ticket.ts';
import { monotonicNowMs, wallNowMs } from '../adapters/clock.ts';
import { environmentVariable, forgetVariable } from '../adapters/environment.ts';
import { NOTICE_VENDORS, type NoticeVendor, watchNotices } from '../adapters/interruption-notice.ts';
import { err } from '../adapters/terminal.ts';
import { fail, type Problem, type Result } from '../core/errors.ts';
import type { MachinePrice } from '../core/spending.ts';
import type { NodeProcess } from '../runtime/node-contract.ts';
import { createRuntimeClock } from '../runtime/runtime-clock.ts';
import { type ArtifactFlags, artifactOptions, openChosenStore, storeProblems } from './artifact-store.ts';
import { type ComposedNode, composeNode } from './compose-node.ts';
import { finish, finishWithProblems, runCommand, wholeNumber } from './finish.ts';
import { type ConsoleFlags, consoleOptions, consoleProblems, consoleWords, openNodeConsole } from './node-console.ts';
import { type MetricsFlags, metricsOption, openNodeMetrics } from './node-metrics.ts';
import { labelOption, machineCores, usdArgument, workersFor, workersOption } from './node-options.ts';
import { programVersion, SOURCES } from './program-version.ts';
import { leaveOnSignals, leaveWithParent } from './signals.ts';

interface JoinOptions extends ArtifactFlags, ConsoleFlags, MetricsFlags {
  data?: string;
  label: Record<string, string>;
  workers?: number;
  cores?: number;
  listen: string;
  announce?: string;
  usdPerHour?: number;
  usdPerGb?: number;
  paidSince?: number;
  extras?: string;
  watchNotice?: NoticeVendor;
  behindNat?: true;
  asSeed?: true;
  spare?: true;
  withParent?: true;
}

function readTicket(argument: string | undefined): Result<Ticket> {
  const given = argument ?? environmentVariable('QUILT_TICKET');
  // Workers, and the programs that they start for a scenario, have no business with the swarm's key.
  forgetVariable('QUILT_TICKET');
  if (given === undefined) {
    const hint = 'quilt-swarm join TICKET, or join @FILE, or QUILT_TICKET in the environment';
    return fail({ code: 'QUILT_TICKET_MISSING', message: 'which swarm? A ticket is needed', hint });
  }
  if (!given.startsWith('@')) return decodeTicket(given, wallNowMs());
  try {
    return decodeTicket(readFileSync(given.slice(1), 'utf8'), wallNowMs());
  } catch (error) {
    return fail({ code: 'QUILT_TICKET_FILE', message: `cannot read the ticket: ${(error as Error).message}` });
  }
}

/** Of the time that a notice leaves, for handing over what the endpoints leave behind: last windows, evidence. */
const NOTICE_REST_MS = 15_000;

function leaveOnNotice(node: NodeProcess, vendor: NoticeVendor): () => void {
  return watchNotices({
    ...{ vendor, environment: environmentVariable, wallNowMs, after: createRuntimeClock(monotonicNowMs, wallNowMs).after },
    onNotice({ reason, leftMs }) {
      err(`leaving: ${reason}`);
      node.signal('leave', { reason, graceMsMax: Math.max(0, leftMs - NOTICE_REST_MS) });
    },
  });
}

/** Load does not wait for evidence: without credentials the node works, says so, and the report has the gap. */
function sayUnstored(problems: readonly Problem[]): void {
  for (const { message, hint } of problems) err(`artifacts stay on this machine: ${message} (${hint ?? 'it is tried again'})`);
}

async function joinSwarm(argument: string | undefined, options: JoinOptions): Promise<void> {
  const wrong = consoleProblems(options);
  if (wrong.length > 0) return finishWithProblems(wrong);
  const ticket = readTicket(argument);
  if (!ticket.ok) return finishWithProblems(ticket.problems);
  const other = otherProgram(ticket.value.program);
  if (other !== null) return finishWithProblems([other]);
  const { swarmId, swarmKey, operatorKey, expectNodes, witnesses, joinWithinMs, seeds } = ticket.value;
  // A folder for each process: a machine may run several nodes of one swarm. --data makes a restarted node come back as itself.
  const dataFolder = options.data ?? join('.quilt', `${swarmId}-${process.pid}`);
  const cores = options.cores ?? machineCores();
  const isSeed = options.asSeed === true;
  const artifacts = await openChosenStore(options);
  if (!artifacts.ok) sayUnstored(artifacts.problems);
  const composed = await composeNode({
    swarm: { swarmId, swarmKey, operatorKey },
    expectNodes,
    witnesses,
    seeds,
    dataFolder,
    runFolder: join(dataFolder, 'report'),
    listen: options.behindNat === true ? [] : [options.listen],
    announce: options.announce === undefined ? [] : [options.announce],
    labels: options.label,
    price: priceOf(options),
    cores: isSeed ? 0 : cores,
    workers: isSeed ? 0 : (options.workers ?? workersFor(cores)),
    isWitness: isSeed,
    isRelayed: options.behindNat === true,
    isVoter: options.spare !== true,
    formMsMax: joinWithinMs,
    version: programVersion(),
    extrasFolder: options.extras,
    artifacts: artifacts.ok ? artifacts.value : undefined,
  });
  if (!composed.ok) return finishWithProblems(composed.problems);
  const { node, exited } = composed.value;
  if (options.withParent === true) leaveWithParent(node);
  else leaveOnSignals(node);
  err(`joining swarm ${swarmId} as ${node.self}; data in ${dataFolder}`);
  if (artifacts.ok) void storeProblems(artifacts.value).then(sayUnstored);
  const watch = watchJoining(composed.value, swarmId);
  const closeMetrics = await openNodeMetrics(options, () => node.status(), err);
  const closeConsole = await openNodeConsole(options, { folder: dataFolder, canSteer: false, say: err });
  const stopNotices = options.watchNotice === undefined ? () => {} : leaveOnNotice(node, options.watchNotice);
  const { exit, message } = await exited;
  stopNotices();
  await closeConsole();
  await closeMetrics();
  const problem = watch.stop();
  err(`left: ${problem === null ? message : `no seed of the swarm was ever reached: ${problem.message}`} (${exit})`);
  finish(exit);
}

/** Nodes of a run compute the same plan each by itself, so they must be the same program. Who runs sources is told, and trusted. */
function otherProgram(wanted: string): Problem | null {
  const own = programVersion();
  if (own === wanted) return null;
  const message = `this program is ${own}, and the swarm runs ${wanted}`;
  if (own.endsWith(SOURCES) || wanted.endsWith(SOURCES)) {
    err(`${message}: they must be of the same sources`);
    return null;
  }
  return {
    code: 'QUILT_PROGRAM_OTHER',
    message,
    hint: 'nodes of a run must be the same build: take the one that the seed runs (quilt-swarm bundle packs it)',
  };
}

/** Prices travel with the machine: whatever node coordinates can then add them up. */
function priceOf({ usdPerHour, usdPerGb, paidSince }: JoinOptions): MachinePrice | null {
  if (usdPerHour === undefined && usdPerGb === undefined) return null;
  return { usdPerHour: usdPerHour ?? 0, usdPerGB: usdPerGb ?? 0, paidSinceWallMs: paidSince ?? wallNowMs() };
}

const WATCH_MS = 500;

/** Says when the swarm is reached, and until then why it is not: a wrong key or a dead seed looks like patience otherwise. */
function watchJoining({ seedState }: ComposedNode, swarmId: string): { stop(): Problem | null } {
  const clock = createRuntimeClock(monotonicNowMs, wallNowMs);
  let said = '';
  let isJoined = false;
  let cancel = (): void => {};
  const look = (): void => {
    const { connected, problem } = seedState();
    isJoined ||= connected;
    if (isJoined) return err(`connected to swarm ${swarmId}`);
    if (problem !== null && problem.message !== said)
      err(`not connected yet: ${problem.message}  (${problem.hint ?? 'it is tried again'})`);
    said = problem?.message ?? said;
    cancel = clock.after(WATCH_MS, look);
  };
  look();
  return {
    stop() {
      cancel();
      return isJoined ? null : seedState().problem;
    },
  };
}

export function command(): Command {
  const join = new Command('join')
    .description('join a swarm with a ticket, also while its load runs')
    .argument('[ticket]', 'the ticket, or @FILE; default: QUILT_TICKET')
    .option('--data <folder>', 'data folder; a node restarted with it comes back as itself')
    .addOption(labelOption().default({}))
    .addOption(workersOption())
    .option('--cores <count>', 'cores this node may load (default: all)', Number.parseFloat)
    .option('--listen <multiaddr>', 'where peers can reach this node', '/ip4/0.0.0.0/tcp/0')
    .option('--announce <multiaddr>', 'address to tell peers instead, e.g. the public one')
    .option('--extras <folder>', 'simulator builds that the scenario uses as ./extras (launch and run pass it)')
    .addOption(
      new Option('--watch-notice <vendor>', 'hand the shards over and leave when this vendor takes its spot machine back').choices(
        NOTICE_VENDORS,
      ),
    )
    .option('--behind-nat', 'peers cannot dial this node: it dials out, and is reached through the relays of the seeds')
    .option('--as-seed', 'carry no load: vote, relay and be dialled as the seed does, so that losing it does not matter (see seed --seeds)')
    .option(
      '--spare',
      'a node beyond the expected number: carries load, never votes; nodes that join a running swarm are spare by themselves',
    )
    .option('--usd-per-hour <usd>', 'what this machine costs, for the spent-so-far of board and summary', usdArgument)
    .option('--usd-per-gb <usd>', 'what traffic that leaves it costs', usdArgument)
    .option(
      '--paid-since <ms>',
      'wall clock since when it is paid for, milliseconds since 1970 (default: now)',
      wholeNumber(0, Number.MAX_SAFE_INTEGER),
    )
    .addOption(metricsOption())
    .option('--with-parent', 'leave at once when standard input closes (nodes of `run`)')
    .action(joinSwarm);
  for (const option of [...consoleOptions(), ...artifactOptions()]) join.addOption(option);
  return join;
}

export const run = (argv: readonly string[]): Promise<number> => runCommand(command(), consoleWords(argv));
