// `quilt-swarm status`: what a running swarm is doing, asked from any of its nodes; --watch keeps asking. Of a run that is over it says where the
// summary is.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { renderBoard } from '../../tools/scoreboard/board.ts';
import { createStyle, type Style } from '../../tools/scoreboard/style.ts';
import { monotonicNowMs, wallNowMs } from '../adapters/clock.ts';
import { columns, isTty, out, write } from '../adapters/terminal.ts';
import { ok, type Problem } from '../core/errors.ts';
import type { Order } from '../core/messages.ts';
import type { StatusView } from '../runtime/node-status.ts';
import { RUN_FILES } from '../runtime/run-folder.ts';
import { createRuntimeClock, wait } from '../runtime/runtime-clock.ts';
import { askFor, type ControlTarget, findTarget } from './control-client.ts';
import { finishWithProblems, runCommand } from './finish.ts';
import { giveOrder, keyOption } from './give-order.ts';
import { startLiveBoard, wantsColor } from './live-board.ts';
import { listenToRunKeys } from './run-keys.ts';

interface Flags {
  readonly watch?: boolean;
  readonly key?: string;
  readonly json?: boolean;
  readonly color: boolean;
}

const WATCH_MS = 1000;
const LOOK_MS = 100;
const ROWS_MAX = 30;
const EVENTS_SHOWN = 8;

function statusLines(status: StatusView, style: Style): string[] {
  const lines = renderBoard(status.board, { columns: columns(), rows: ROWS_MAX }, style);
  lines.push(style.dim(` run ${status.runId ?? '-'}, ${status.shardsOwned} of ${status.shards} shards owned`));
  for (const node of status.nodes) {
    const role = node.load ? `${node.shards} shards` : 'witness';
    const state = node.state === 'lost' ? style.bad(node.state) : node.state;
    lines.push(` ${style.name(node.name.padEnd(12))} ${state.padEnd(10)} ${role}`);
  }
  const startMs = status.sinceT0Ms === null ? null : status.sinceT0Ms;
  for (const { text, level } of status.notes.slice(-EVENTS_SHOWN)) {
    lines.push(` ${level === 'info' ? style.dim('·') : style.warn('!')} ${text}`);
  }
  if (startMs === null) lines.push(style.dim(' the load has not started'));
  return lines;
}

function show(status: StatusView, flags: Flags, style: Style): void {
  if (flags.json) out(JSON.stringify(status));
  else write(`${statusLines(status, style).join('\n')}\n`);
}

/** The summary of a run that is over, when its folder has one. */
function showFinished(folder: string | null, flags: Flags): boolean {
  if (folder === null) return false;
  const path = join(folder, flags.json ? RUN_FILES.summary : RUN_FILES.summaryText);
  if (!existsSync(path)) return false;
  write(readFileSync(path, 'utf8'));
  return true;
}

/** The board in place, as `run` shows it, until the run is over; keys steer where the operator's key is at hand. */
async function watchLive(target: ControlTarget, where: string | undefined, flags: Flags): Promise<Problem | null> {
  const clock = createRuntimeClock(monotonicNowMs, wallNowMs);
  let last: StatusView | null = null;
  let problem: Problem | null = null;
  const board = startLiveBoard({
    ...{ clock, color: wantsColor(flags.color), plain: false },
    async status() {
      const status = await askFor<StatusView>(target, { ask: 'status' });
      if (status.ok) last = status.value;
      else problem = status.problems[0] ?? null;
      return last;
    },
  });
  let isLeft = false;
  const give = (order: Order): void => {
    giveOrder(where, flags.key, () => ok(order)).then((given) => {
      for (const { message, hint } of given.ok ? [] : given.problems) board.print(`${message}  (${hint ?? ''})`);
    });
  };
  const stopKeys = listenToRunKeys({
    // Orders name the run; before it is known no key does anything.
    runId: () => last?.runId ?? '',
    give,
    status: () => last,
    interrupt: () => {
      isLeft = true;
    },
    say: (text) => board.print(text),
  });
  while (problem === null && !isLeft) await wait(clock, LOOK_MS);
  stopKeys();
  board.stop();
  return isLeft ? null : problem;
}

async function watch(target: ControlTarget, where: string | undefined, flags: Flags): Promise<void> {
  const clock = createRuntimeClock(monotonicNowMs, wallNowMs);
  const style = createStyle(wantsColor(flags.color));
  for (;;) {
    const status = await askFor<StatusView>(target, { ask: 'status' });
    if (!status.ok) {
      if (!showFinished(target.folder, flags)) finishWithProblems(status.problems);
      return;
    }
    if (flags.watch && !flags.json && isTty()) {
      const over = await watchLive(target, where, flags);
      if (over !== null && !showFinished(target.folder, flags)) finishWithProblems([over]);
      return;
    }
    show(status.value, flags, style);
    if (!flags.watch) return;
    await wait(clock, WATCH_MS);
  }
}

async function status(where: string | undefined, flags: Flags): Promise<void> {
  const target = await findTarget(where);
  if (!target.ok) return finishWithProblems(target.problems);
  await watch(target.value, where, flags);
  await target.value.close();
}

export function command(): Command {
  return new Command('status')
    .description('show what a swarm is doing')
    .argument('[where]', 'run folder, data folder or ticket; default: the latest run here')
    .option('-w, --watch', "the board, as run shows it; keys + - p q Q steer where the operator's key is")
    .addOption(keyOption())
    .option('--json', 'as JSON, one line each time')
    .option('--no-color', 'no colour')
    .action(status);
}

export const run = (argv: readonly string[]): Promise<number> => runCommand(command(), argv);
