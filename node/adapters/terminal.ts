// Standard output and standard error, and the only place that writes to them. Results and summaries go to `out`;
// complaints, progress and hints go to `err`, so that `quilt-swarm report --json | jq` never meets a hint.
// A reader that went away (`| head`) is not an error: once the pipe is broken, further lines are dropped in silence and
// the command's own exit code stands. A pipe takes 64 kB at once and the rest when its reader has read, so whoever ends the
// process waits for `flushed` first.

interface Sink {
  write: (text: string) => void;
  flushed: () => Promise<void>;
}

function sinkTo(stream: NodeJS.WriteStream): Sink {
  let isBroken = false;
  let isGuarded = false;
  return {
    write(text) {
      if (isBroken) return;
      if (!isGuarded) {
        isGuarded = true;
        stream.on('error', () => {
          isBroken = true;
        });
      }
      stream.write(text);
    },
    flushed: () =>
      new Promise((resolve) => {
        if (isBroken || stream.writableLength === 0) return resolve();
        stream.once('error', () => resolve());
        stream.write('', () => resolve());
      }),
  };
}

const standardOutput = sinkTo(process.stdout);
const standardError = sinkTo(process.stderr);

/** Everything written has left the process, or nobody wants it any more. */
export async function flushed(): Promise<void> {
  await Promise.all([standardOutput.flushed(), standardError.flushed()]);
}

/** Writes one line of result. */
export function out(line = ''): void {
  standardOutput.write(`${line}\n`);
}

/** Writes one line of complaint, progress or hint. */
export function err(line = ''): void {
  standardError.write(`${line}\n`);
}

/** Writes text as it is, without a line end: cursor movement and live lines that are overwritten. */
export function write(text: string): void {
  standardOutput.write(text);
}

/** Whether a person is watching standard output: live lines, colour and keys make sense only then. */
export function isTty(): boolean {
  return process.stdout.isTTY === true;
}

/** Width of the terminal in characters; 100 when there is none, so that plain logs have a predictable shape. */
export function columns(): number {
  return process.stdout.columns || 100;
}

/** Height of the terminal in lines; 24 when there is none. */
export function rows(): number {
  return process.stdout.rows || 24;
}

/** Calls back when the terminal changes its size; returns how to stop that. */
export function onResize(callback: () => void): () => void {
  process.stdout.on('resize', callback);
  return () => {
    process.stdout.off('resize', callback);
  };
}
