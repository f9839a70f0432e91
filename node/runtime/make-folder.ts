// Makes a folder and those above it. Node's own recursive mkdir says "no such file" of a read-only disk and never returns where the kernel refuses to
// make anything (/proc), so the way up is walked here, and the error that a person reads is the kernel's.

import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/** Throws the error of the first folder that cannot be made; one that is there already is fine. */
export function makeFolder(path: string, mode?: number): void {
  try {
    mkdirSync(path, { mode });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EEXIST' && isFolder(path)) return;
    if (code !== 'ENOENT' || dirname(path) === path || isFolder(dirname(path))) throw error;
    makeFolder(dirname(path), mode);
    mkdirSync(path, { mode });
  }
}

const isFolder = (path: string): boolean => statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
