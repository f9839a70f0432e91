// The ledger on disk: read once, then only appended to, each line synced before its caller goes on. A segment is written down before it is sent and struck off before it is
// deleted, so whatever moment a node dies in, the file that the store has not confirmed is still there and still known. What the lines mean is ledger.ts.

import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { type Ledger, type LedgerLine, ledgerLine, readLedger } from './ledger.ts';

export interface LedgerFile {
  /** As it was when the file was opened. */
  readonly before: Ledger;
  append(line: LedgerLine): Promise<void>;
  close(): Promise<void>;
}

/** Throws what the file system says. */
export async function openLedger(path: string): Promise<LedgerFile> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const file = await open(path, 'a', 0o600);
  // A line that was cut short must not swallow the next one.
  if (text !== '' && !text.endsWith('\n')) await file.appendFile('\n');
  let writing: Promise<void> = Promise.resolve();
  const write = async (line: LedgerLine): Promise<void> => {
    await file.appendFile(ledgerLine(line));
    await file.datasync();
  };
  return {
    before: readLedger(text),
    append(line) {
      const written = writing.then(() => write(line));
      // The next line is tried even when this one failed; who wrote this one hears of it.
      writing = written.catch(() => undefined);
      return written;
    },
    async close() {
      await writing;
      await file.close();
    },
  };
}
