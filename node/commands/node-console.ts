// --console of the verbs that run nodes: the same page, served by this node's process for as long as the node lasts. It asks the node as any client does, so every node shows the same, and
// closing a page or leaving it open changes nothing. Where it listens follows the rules of `quilt-swarm console`: any port of loopback unless a place is given, elsewhere with TLS.

import { Option } from 'commander';
import type { Problem } from '../core/errors.ts';
import type { ListenAddress } from '../core/host-port.ts';
import { tlsOf } from './console-listen.ts';
import type { RunningConsole } from './console-server.ts';
import { localTarget } from './control-client.ts';
import { listenArgument } from './finish.ts';

export interface ConsoleFlags {
  /** True = any port of loopback. */
  readonly console?: ListenAddress | true;
  readonly consoleHost?: readonly string[];
  readonly consoleShare?: boolean;
  readonly consoleToken?: boolean;
  readonly consoleOperatorToken?: boolean;
  readonly consoleTlsCert?: string;
  readonly consoleTlsKey?: string;
  readonly consoleInsecure?: boolean;
}

const ANY_PORT: ListenAddress = { host: '127.0.0.1', port: 0 };
const PLACE = /^(.+:)?\d{1,5}$/;

export const consoleOptions = (): Option[] => [
  new Option('--console [host:port]', 'serve the web page of this swarm and print its link (default: any port of loopback)').argParser(
    listenArgument,
  ),
  new Option('--console-host <name>', 'name under which browsers come to it, when it is not the address listened on; repeatable').argParser(
    (text: string, all: readonly string[] = []) => [...all, text],
  ),
  new Option('--console-share', 'print a second link to it, which only reads'),
  new Option('--console-token', 'print a token for scripts, which only reads'),
  new Option('--console-operator-token', 'print a token for scripts, which may steer where the page may'),
  new Option('--console-tls-cert <file>', 'its certificate, for listening elsewhere than on loopback'),
  new Option('--console-tls-key <file>', "the certificate's key"),
  new Option('--console-insecure', 'it listens elsewhere without TLS'),
];

/** The place may be left out, and then a scenario or a ticket may come next: commander would take that for the place. */
export const consoleWords = (argv: readonly string[]): string[] =>
  argv.flatMap((word, index) => (word === '--console' && !PLACE.test(argv[index + 1] ?? '') ? ['--console=127.0.0.1:0'] : [word]));

const listenFlags = (flags: ConsoleFlags) => ({
  listen: typeof flags.console === 'object' ? flags.console : ANY_PORT,
  tlsCert: flags.consoleTlsCert,
  tlsKey: flags.consoleTlsKey,
  insecure: flags.consoleInsecure,
});

/** What is wrong with these flags, before anything runs. */
export function consoleProblems(flags: ConsoleFlags): readonly Problem[] {
  if (flags.console === undefined) {
    const [lonely] = Object.keys(flags).filter((name) => /^console./.test(name));
    if (lonely === undefined) return [];
    const flag = `--${lonely.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
    return [{ code: 'QUILT_CONSOLE_FLAG', message: `${flag} says how, and nothing says that there is a console`, hint: 'add --console' }];
  }
  const tls = tlsOf(listenFlags(flags), '--console-');
  return tls.ok ? [] : tls.problems;
}

export interface NodeConsoleInit {
  /** Run folder or data folder. */
  readonly folder: string;
  /** Whether the operator's key is in it. */
  readonly canSteer: boolean;
  readonly say: (text: string) => void;
}

/** Answers how to close it, once the node is gone. A port that is taken is no reason not to run: it is said, and nothing else. */
export async function openNodeConsole(flags: ConsoleFlags, { folder, canSteer, say }: NodeConsoleInit): Promise<() => Promise<void>> {
  const wanted = listenFlags(flags);
  const tls = tlsOf(wanted, '--console-');
  if (flags.console === undefined || !tls.ok) return async () => {};
  // Loaded only here: nodes that show no page pay nothing for it.
  const { startConsole } = await import('./console-server.ts');
  const target = localTarget(folder);
  const opened = await startConsole({
    ...{ ...wanted.listen, tls: tls.value, hosts: flags.consoleHost ?? [], target: () => target, where: () => folder },
    ...{ keyPath: undefined, canSteer, catapult: null, sessionsPath: null },
  });
  if (!opened.ok) {
    for (const { message, hint } of opened.problems) say(`${message}  (${hint ?? 'the run goes on without it'})`);
    return async () => {};
  }
  sayLinks(opened.value, flags, say);
  return async () => {
    // Whoever watches learns what the run came to, now that it is written.
    await opened.value.finish();
    await opened.value.close();
  };
}

function sayLinks(page: RunningConsole, flags: ConsoleFlags, say: (text: string) => void): void {
  say(`console: ${page.link()}`);
  if (flags.consoleShare === true) say(`console, reading only: ${page.shareLink()}`);
  if (flags.consoleToken === true) say(`console, token that only reads: ${page.token('reader')}`);
  if (flags.consoleOperatorToken === true) say(`console, token that may steer: ${page.token('operator')}`);
}
