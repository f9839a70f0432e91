// The complete lines that another program appended to a file since the last look. Synchronous: the files are small, local and read a few times a second.

import { closeSync, openSync, readSync } from 'node:fs';

export interface Tail {
  readonly read: (onLine: (line: string) => void) => void;
  readonly close: () => void;
}

/** Shared: a read is over before another begins. */
const chunk = Buffer.allocUnsafe(64 * 1024);
/** A line that grows beyond this is no line of ours; what it holds is dropped. */
const LINE_CHARACTERS_MAX = 64 * 1024;

/** The file may come later than its tail. */
export function createTail(path: string): Tail {
  let fd: number | null = null;
  let rest = '';
  const open = (): number | null => {
    try {
      return openSync(path, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
  };
  return {
    read(onLine) {
      fd ??= open();
      if (fd === null) return;
      for (let bytes = readSync(fd, chunk); bytes > 0; bytes = readSync(fd, chunk)) {
        const lines = (rest + chunk.toString('latin1', 0, bytes)).split('\n');
        rest = lines.pop() ?? '';
        if (rest.length > LINE_CHARACTERS_MAX) rest = '';
        for (const line of lines) onLine(line.replace(/\r$/, ''));
      }
    },
    close() {
      if (fd !== null) closeSync(fd);
      fd = null;
      rest = '';
    },
  };
}
