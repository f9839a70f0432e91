// The target as a program: starts it, prints one line of JSON when it is ready, and ends it on SIGTERM, SIGINT or (with
// --exit-on-stdin-close) when stdin closes, which is how a parent's death reaches it. Exit codes: 0 stopped as asked,
// 1 could not listen, 104 wrong arguments (all of them shown at once).

import { helpText, parseCommandLine } from './command-line.ts';
import { startTarget, type Target } from './target.ts';

const EXIT = { stopped: 0, failed: 1, badArguments: 104 } as const;

function endOn(target: Target, exitOnStdinClose: boolean): void {
  let isEnding = false;
  const endOnce = (): void => {
    // A second signal means: now.
    if (isEnding) process.exit(EXIT.failed);
    isEnding = true;
    void target.stop().then(() => process.exit(EXIT.stopped));
  };
  process.on('SIGTERM', endOnce);
  process.on('SIGINT', endOnce);
  if (!exitOnStdinClose) return;
  process.stdin.once('close', endOnce);
  process.stdin.on('error', () => process.stdin.destroy());
  process.stdin.resume();
}

async function main(): Promise<void> {
  const commandLine = parseCommandLine(process.argv.slice(2));
  if (!commandLine.ok) {
    process.stderr.write(`QUILT_TARGET_ARGUMENTS\n${commandLine.errors.map((error) => `  ${error}\n`).join('')}`);
    process.exit(EXIT.badArguments);
  }
  const { options, exitOnStdinClose, help } = commandLine.value;
  if (help) {
    process.stdout.write(helpText());
    return;
  }
  try {
    const target = await startTarget(options);
    endOn(target, exitOnStdinClose);
    const { url, wsUrl, sipPort } = target;
    process.stdout.write(`${JSON.stringify({ ready: true, url, wsUrl, sipPort })}\n`);
  } catch (error) {
    process.stderr.write(`QUILT_TARGET_LISTEN cannot listen on ${options.host}: ${(error as Error).message}\n`);
    process.exit(EXIT.failed);
  }
}

await main();
