// How many bytes this machine has sent, as its kernel counts them: all interfaces but loopback, whoever sent them, because that is what a vendor bills. Linux only
// (/proc/net/dev, proc(5)); elsewhere nothing is known and 0 is the answer, which is the same at every reading.

import { readFileSync } from 'node:fs';

const SENT_COLUMN = 8;

/** Bytes since the machine started. */
export function readSentBytes(): number {
  let text: string;
  try {
    text = readFileSync('/proc/net/dev', 'utf8');
  } catch {
    return 0;
  }
  return sentBytesIn(text);
}

/** Two lines of titles, then `name: received... sent...` with eight columns each. */
export function sentBytesIn(text: string): number {
  let bytes = 0;
  for (const line of text.split('\n').slice(2)) {
    const [name, counts] = line.split(':');
    if (name === undefined || counts === undefined || name.trim() === 'lo') continue;
    bytes += Number(counts.trim().split(/\s+/)[SENT_COLUMN]) || 0;
  }
  return bytes;
}
