// A file that rows are appended to for as long as a run lasts. Opened before anything runs, so that a wrong path is told then. A disk that is full later ends the file, with a note, and not the run.

import { closeSync, openSync, writeSync } from 'node:fs';
import { fail, ok, type Result } from '../core/errors.ts';
import type { OutputComponents } from './output.ts';

export interface RowFile {
  add(text: string): void;
  close(): void;
}

/** One write a window of a large node; what is not written yet dies with the process. */
const BUFFER_CHARS_MAX = 64 * 1024;

/** An older file of that name is replaced, as k6 does. */
export function openRowFile(name: string, path: string): Result<(components: OutputComponents) => RowFile> {
  if (path === '') return fail({ code: 'QUILT_OUT', message: `--out ${name}= names no file`, hint: `--out ${name}=FILE` });
  let fd: number;
  try {
    fd = openSync(path, 'w', 0o600);
  } catch (error) {
    const message = `--out ${name}=${path} cannot be written: ${(error as Error).message}`;
    return fail({ code: 'QUILT_OUT', message, hint: 'name a file in a folder that exists and that this user may write to' });
  }
  return ok(({ note }) => {
    let waiting: string[] = [];
    let chars = 0;
    let state: 'open' | 'failed' | 'closed' = 'open';
    const flush = (): void => {
      if (state !== 'open' || chars === 0) return;
      const bytes = Buffer.from(waiting.join(''));
      waiting = [];
      chars = 0;
      try {
        for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at);
      } catch (error) {
        state = 'failed';
        note('warning', `--out ${name}=${path} ends here: ${(error as Error).message}`);
      }
    };
    return {
      add(text) {
        if (state !== 'open') return;
        waiting.push(text);
        chars += text.length;
        if (chars >= BUFFER_CHARS_MAX) flush();
      },
      close() {
        flush();
        if (state !== 'closed') closeSync(fd);
        state = 'closed';
      },
    };
  });
}
