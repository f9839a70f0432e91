// Flags that every verb which runs nodes shares, their QUILT_* twins, and the arithmetic of cores and workers. Precedence (DESIGN 8): defaults,
// then the scenario, then the environment, then flags; commander does the last two.

import { availableParallelism } from 'node:os';
import { InvalidArgumentError, Option } from 'commander';
import { parseDuration } from '../core/duration.ts';
import type { NodeLossPolicy } from '../core/messages.ts';
import { nameValue, wholeNumber } from './finish.ts';

export const WORKERS_MAX = 256;
export const NODES_MAX = 200;

export function durationArgument(text: string): number {
  const ms = parseDuration(text);
  if (ms === null || ms <= 0) throw new InvalidArgumentError('a duration like 90s, 10m or 1h30m is expected.');
  return ms;
}

export function nodeLossArgument(text: string): NodeLossPolicy {
  if (text === 'reassign' || text === 'fail') return { kind: text };
  const percent = Number(/^tolerate:\s*(\d+(?:\.\d+)?)\s*%?$/.exec(text)?.[1] ?? Number.NaN);
  if (Number.isFinite(percent) && percent <= 100) return { kind: 'tolerate', percent };
  throw new InvalidArgumentError('reassign, fail or tolerate:P% is expected.');
}

const NODES_DEFAULT = 4;
export const nodesOption = (): Option =>
  new Option('-n, --nodes <count>', 'nodes that carry load').argParser(wholeNumber(1, NODES_MAX)).default(NODES_DEFAULT).env('QUILT_NODES');
export const workersOption = (): Option =>
  new Option('--workers <count>', 'worker processes of a node (default: one for each core it may use)')
    .argParser(wholeNumber(1, WORKERS_MAX))
    .env('QUILT_WORKERS');
export const labelOption = (): Option =>
  new Option('--label <name=value>', 'label of the node: scenarios place load by it, reports break down by it; repeatable').argParser(
    nameValue,
  );
export const variableOption = (): Option =>
  new Option('-e, --variable <name=value>', 'value of a scenario variable; repeatable').argParser(nameValue);
export const tagOption = (): Option =>
  new Option('--tag <name=value>', 'tag of the run, kept in its summary; repeatable').argParser(nameValue);
export const nodeLossOption = (): Option =>
  new Option('--on-node-loss <policy>', "reassign | tolerate:P% | fail (default: the scenario's)")
    .argParser(nodeLossArgument)
    .env('QUILT_ON_NODE_LOSS');
export const coordinatorLossOption = (): Option =>
  new Option('--on-coordinator-loss <policy>', "terminate | reelect (default: the scenario's)")
    .choices(['terminate', 'reelect'])
    .env('QUILT_ON_COORDINATOR_LOSS');
export const maxWallOption = (): Option =>
  new Option('--max-wall <duration>', "end the whole run after this time, whatever happens (default: the scenario's deadline)")
    .argParser(durationArgument)
    .env('QUILT_MAX_WALL');

export const maxCostOption = (): Option =>
  new Option('--max-cost <usd>', 'end the run before its machines and traffic have cost more, US dollars by the price tables')
    .argParser(usdArgument)
    .env('QUILT_MAX_COST');

export function usdArgument(text: string): number {
  const usd = Number(text);
  if (text.trim() === '' || !Number.isFinite(usd) || usd < 0 || usd > 1e9)
    throw new InvalidArgumentError('an amount like 12.50 is expected.');
  return usd;
}

/** People start machines by hand: much longer than a local swarm needs, and still an end for machines that are paid for. */
const JOIN_WITHIN_MS_DEFAULT = 10 * 60_000;
export const joinWithinOption = (): Option =>
  new Option('--join-within <duration>', 'the expected nodes must be there within this time, else everybody leaves with exit 113')
    .argParser(durationArgument)
    .default(JOIN_WITHIN_MS_DEFAULT, '10m')
    .env('QUILT_JOIN_WITHIN');

/** Cores of this machine that this process may use. */
export const machineCores = (): number => availableParallelism();

export const workersFor = (cores: number): number => Math.max(1, Math.min(WORKERS_MAX, Math.floor(cores)));
