// `quilt-swarm logs NODE`: the last lines of a node's log, from wherever that node runs, through any node of its swarm; --follow keeps asking. A node that no longer answers has its log on
// its own machine, and the message says where.

import { Command } from 'commander';
import { clean } from '../../tools/scoreboard/text.ts';
import { monotonicNowMs, wallNowMs } from '../adapters/clock.ts';
import { isTty, out } from '../adapters/terminal.ts';
import { fail, ok, type Result } from '../core/errors.ts';
import type { LogTail, StatusView } from '../runtime/node-status.ts';
import { createRuntimeClock, wait } from '../runtime/runtime-clock.ts';
import { askFor, type ControlTarget, findTarget } from './control-client.ts';
import { finishWithProblems, runCommand } from './finish.ts';

interface Flags {
  readonly follow?: boolean;
}

const FOLLOW_MS = 1000;

/** By its name as boards show it, or its id or the end of that. */
export async function nodeNamed(target: ControlTarget, text: string): Promise<Result<string>> {
  const status = await askFor<StatusView>(target, { ask: 'status' });
  if (!status.ok) return status;
  const { nodes } = status.value;
  const found = nodes.filter(({ node, name }) => name === text || node === text || node.endsWith(text));
  const [only] = found;
  if (found.length === 1 && only !== undefined) return ok(only.node);
  return fail({
    code: 'QUILT_NO_SUCH_NODE',
    message: `${found.length === 0 ? 'no node of this swarm answers' : `${found.length} nodes of this swarm answer`} to ${JSON.stringify(text)}`,
    hint: `nodes: ${nodes.map(({ name }) => name).join(', ')}`,
  });
}

/** What of `lines` comes after those that were shown: the tail moves on under the reader. */
export function newLines(shown: readonly string[], lines: readonly string[]): readonly string[] {
  const last = shown.at(-1);
  const at = last === undefined ? -1 : lines.lastIndexOf(last);
  return lines.slice(at + 1);
}

/** On a terminal nothing that a log holds moves the cursor; a pipe gets the lines as they are. */
const asShown = (line: string): string => (isTty() ? clean(line) : line);

async function logs(name: string, where: string | undefined, flags: Flags): Promise<void> {
  const target = await findTarget(where);
  if (!target.ok) return finishWithProblems(target.problems);
  try {
    const node = await nodeNamed(target.value, name);
    if (!node.ok) return finishWithProblems(node.problems);
    const clock = createRuntimeClock(monotonicNowMs, wallNowMs);
    let shown: readonly string[] = [];
    for (;;) {
      const tail = await askFor<LogTail>(target.value, { ask: 'log', node: node.value });
      if (!tail.ok) return finishWithProblems(tail.problems);
      for (const line of newLines(shown, tail.value.lines)) out(asShown(line));
      shown = tail.value.lines;
      if (flags.follow !== true) return;
      await wait(clock, FOLLOW_MS);
    }
  } finally {
    await target.value.close();
  }
}

export function command(): Command {
  return new Command('logs')
    .description("show the last lines of any node's log")
    .argument('<node>', 'its name, as status shows it, or its id')
    .argument('[where]', 'run folder, data folder or ticket; default: the latest run here')
    .option('-f, --follow', 'keep asking, until the node is gone')
    .action(logs);
}

export const run = (argv: readonly string[]): Promise<number> => runCommand(command(), argv);
