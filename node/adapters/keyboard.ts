// Standard input as single key presses (raw mode) or as the answer to one question, and the only place that touches it so. Raw mode takes Ctrl-C away from the terminal: whoever
// listens gets it as a byte and must act on it. A crash would leave the shell in raw mode without `stop`, so it also runs at exit. Standard input
// never keeps the process alive.

import { createInterface } from 'node:readline/promises';

/** One line of a person; null where there is none, or no terminal to ask on. */
export async function askLine(question: string): Promise<string | null> {
  if (process.stdin.isTTY !== true || process.stderr.isTTY !== true) return null;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const closed = new Promise<null>((resolve) => terminal.once('close', () => resolve(null)));
  const answer = await Promise.race([terminal.question(question), closed]);
  terminal.close();
  return answer;
}

/** Calls back with what was typed; returns how to stop and give the terminal back. Does nothing where there is no terminal. */
export function listenToKeys(onInput: (text: string) => void): () => void {
  const { stdin } = process;
  if (stdin.isTTY !== true) return () => {};
  const listener = (bytes: Buffer): void => onInput(bytes.toString('utf8'));
  let isStopped = false;
  const stop = (): void => {
    if (isStopped) return;
    isStopped = true;
    stdin.off('data', listener);
    stdin.setRawMode(false);
    stdin.pause();
    process.off('exit', stop);
  };
  stdin.setRawMode(true);
  stdin.on('data', listener);
  stdin.unref();
  process.on('exit', stop);
  return stop;
}
