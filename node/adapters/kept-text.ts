// One text that outlives the process, in a file that only its owner reads. Written whole and renamed; a folder that cannot be written keeps nothing, and whoever asked goes on without.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export interface KeptText {
  load(): string | null;
  save(text: string): void;
}

/** `onProblem` is told once why nothing is kept. */
export function keptText(path: string, onProblem: (message: string) => void): KeptText {
  let hasFailed = false;
  return {
    load() {
      try {
        return readFileSync(path, 'utf8');
      } catch {
        // The first time, or nothing that can be read: there is nothing.
        return null;
      }
    },
    save(text) {
      try {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
        writeFileSync(`${path}.part`, text, { mode: 0o600 });
        renameSync(`${path}.part`, path);
      } catch (error) {
        if (!hasFailed) onProblem((error as Error).message);
        hasFailed = true;
      }
    },
  };
}
