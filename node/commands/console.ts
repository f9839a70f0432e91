// `quilt-swarm console`: the web page. With a ticket or a run folder it watches that swarm, and steers it with the operator's key; without, it is Catapult: pick or edit a scenario, see what
// it would do, run it here and watch. It opens no browser and listens on loopback, unless it is told to listen elsewhere with TLS (or, for those who know, without).

import { join } from 'node:path';
import { Command, Option } from 'commander';
import { createCatapult } from '../../tools/console/server/catapult.ts';
import { err, out } from '../adapters/terminal.ts';
import { ok, type Problem } from '../core/errors.ts';
import { tlsOf } from './console-listen.ts';
import { type RunningConsole, startConsole } from './console-server.ts';
import { type ControlTarget, findTarget, localTarget } from './control-client.ts';
import { finish, finishWithProblems, listenArgument, runCommand } from './finish.ts';
import { keyOption } from './give-order.ts';

interface Flags {
  readonly listen: { readonly host: string; readonly port: number };
  readonly host: readonly string[];
  readonly key?: string;
  readonly share?: boolean;
  readonly token?: boolean;
  readonly operatorToken?: boolean;
  readonly forget?: boolean;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly insecure?: boolean;
}

const PORT = 7717;
const SESSIONS_PATH = join('.quilt', 'console-sessions.json');

async function openConsole(where: string | undefined, flags: Flags): Promise<void> {
  const tls = tlsOf(flags);
  const watched = where === undefined ? ok(null) : await findTarget(where);
  const problems: Problem[] = [tls, watched].flatMap((result) => (result.ok ? [] : result.problems));
  if (!tls.ok || !watched.ok) return finishWithProblems(problems);
  const catapult = where === undefined ? createCatapult('.') : null;
  // What ended without a run has a folder of which nobody answers.
  const started = (): string | null => (catapult === null || catapult.started()?.hasFailed === true ? null : catapult.runFolder());
  const current = (): ControlTarget | null => {
    const folder = started();
    return watched.value ?? (folder === null ? null : localTarget(folder));
  };
  const running = await startConsole({
    ...{ host: flags.listen.host, port: flags.listen.port, tls: tls.value, hosts: flags.host, target: current, catapult },
    where: () => where ?? started(),
    keyPath: flags.key,
    ...{ sessionsPath: SESSIONS_PATH, forget: flags.forget === true },
    // A run folder has the key beside it; a ticket has none.
    canSteer: flags.key !== undefined || watched.value === null || watched.value.folder !== null,
  });
  if (!running.ok) return finishWithProblems(running.problems);
  tellLinks(running.value, flags);
  await new Promise<void>((resolve) => {
    for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => resolve());
  });
  err('the console closes; what runs goes on');
  await running.value.close();
  await watched.value?.close();
  finish('pass');
}

function tellLinks(page: RunningConsole, { share, token, operatorToken }: Flags): void {
  out(page.link());
  err('open it in a browser: the link is good once, for ten minutes');
  if (share === true) {
    out(page.shareLink());
    err('the second link only reads, as often as it is used');
  }
  if (token === true) {
    out(page.token('reader'));
    err('a token for scripts, which only reads; for a week: Authorization: Bearer TOKEN');
  }
  if (operatorToken === true) {
    out(page.token('operator'));
    err('a token for scripts, which may start and steer; for a week: Authorization: Bearer TOKEN');
  }
}

export function command(): Command {
  return new Command('console')
    .description('the web page: watch a swarm, or pick, plan and run scenarios here')
    .argument('[where]', 'run folder or ticket to watch; without one, scenarios of this folder are run')
    .addOption(
      new Option('--listen <host:port>', 'where browsers come')
        .argParser(listenArgument)
        .default({ host: '127.0.0.1', port: PORT }, `127.0.0.1:${PORT}`),
    )
    .option(
      '--host <name>',
      'name under which browsers come, when it is not the address listened on; repeatable',
      (text, all: string[]) => [...all, text],
      [],
    )
    .option('--share', 'print a second link, which only reads')
    .option('--token', 'print a token for scripts, which only reads')
    .option('--operator-token', 'print a token for scripts, which may start and steer')
    .option('--forget', 'end all sessions, links and tokens that were given before')
    .option('--tls-cert <file>', 'certificate, for listening elsewhere than on loopback')
    .option('--tls-key <file>', 'its key')
    .option('--insecure', 'listen elsewhere without TLS')
    .addOption(keyOption())
    .action(openConsole);
}

export const run = (argv: readonly string[]): Promise<number> => runCommand(command(), argv);
