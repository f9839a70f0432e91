// --console of the verbs that run nodes: the same page, served by this node's process on loopback for as long as the node lasts. It asks the node as any client does, so every node shows
// the same, and closing a page or leaving it open changes nothing.

import { Option } from 'commander';
import { localTarget } from './control-client.ts';

export interface ConsoleFlags {
  readonly console?: boolean;
}

export const consoleOption = (): Option => new Option('--console', 'serve the web page of this swarm on loopback, and print its link');

export interface NodeConsoleInit {
  /** Run folder or data folder. */
  readonly folder: string;
  /** Whether the operator's key is in it. */
  readonly canSteer: boolean;
  readonly say: (text: string) => void;
}

/** Answers how to close it. A port that is taken is no reason not to run: it is said, and nothing else. */
export async function openNodeConsole(flags: ConsoleFlags, { folder, canSteer, say }: NodeConsoleInit): Promise<() => Promise<void>> {
  if (flags.console !== true) return async () => {};
  // Loaded only here: nodes that show no page pay nothing for it.
  const { startConsole } = await import('./console-server.ts');
  const target = localTarget(folder);
  const opened = await startConsole({
    ...{ host: '127.0.0.1', port: 0, tls: null, hosts: [], target: () => target, where: () => folder },
    ...{ keyPath: undefined, canSteer, catapult: null, sessionsPath: null },
  });
  if (!opened.ok) {
    for (const { message, hint } of opened.problems) say(`${message}  (${hint ?? 'the run goes on without it'})`);
    return async () => {};
  }
  say(`console: ${opened.value.link()}`);
  return () => opened.value.close();
}
