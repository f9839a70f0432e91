// The node's log file: pino, one JSON object a line, in the node's own data folder. Written line by line and synchronously: pino's worker transports
// lose what was logged last when the process ends, which is what one reads a log for, and its own synchronous destination spins for ever
// on a full disk (pino 10, sonic-boom flushSync). A node logs a few lines a second, so this costs nothing.
// Two things never get in: secrets (tickets are recognised by their form, wherever they stand; bytes become their length; a few names
// are blotted out) and more than bytesMax in all. A disk that is full or gone loses lines, which are counted, and never stops the node.

import { fsyncSync, openSync, writeSync } from 'node:fs';
import pino from 'pino';

export type LogFields = Readonly<Record<string, unknown>>;
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';

export interface Logger {
  debug(fields: LogFields, message: string): void;
  info(fields: LogFields, message: string): void;
  warn(fields: LogFields, message: string): void;
  error(fields: LogFields, message: string): void;
  /** Everything logged so far survives the machine when it returns; the process alone it survives anyway. */
  flush(): void;
  /** Lines that did not reach the file. */
  lost(): number;
  /** The last lines, oldest first, without their ends: what other machines can be shown of this file. */
  tail(): readonly string[];
}

export interface LoggerInit {
  readonly path: string;
  /** Part of every line, such as the node's short name. */
  readonly fields?: LogFields;
  readonly level?: LogLevel;
  /** The file stops growing here: a fault that logs in a loop must not fill the disk under the store. */
  readonly bytesMax?: number;
}

const BYTES_MAX = 64 * 1024 * 1024;
const DEPTH_MAX = 6;
const TAIL_LINES = 200;
/** Of one line in the tail: 200 lines are at most 800 kB in an answer. */
const TAIL_LINE_CHARS = 4000;
const SECRET_NAMES = new Set(['ticket', 'swarmKey', 'privateKey', 'seed', 'secret', 'password', 'token', 'authorization', 'cookie']);
const TICKET = /quilt\d+-[A-Za-z0-9_-]{16,}/g;

/** Throws when the file cannot be opened: the caller has just made the folder. */
export function createLogger({ path, fields = {}, level = 'info', bytesMax = BYTES_MAX }: LoggerInit): Logger {
  const file = openSync(path, 'a', 0o600);
  const tail: string[] = [];
  let lostLines = 0;
  let writtenBytes = 0;
  const write = (line: string): void => {
    const text = line.replace(TICKET, '[ticket]');
    tail.push(text.trimEnd().slice(0, TAIL_LINE_CHARS));
    if (tail.length > TAIL_LINES) tail.shift();
    const bytes = Buffer.from(text);
    writtenBytes += bytes.byteLength;
    try {
      if (writtenBytes > bytesMax || writeSync(file, bytes) < bytes.byteLength) lostLines += 1;
    } catch {
      lostLines += 1;
    }
  };
  const logger = pino(
    {
      level,
      base: { pid: process.pid, ...fields },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: (logged) => withoutSecrets(logged, DEPTH_MAX) as Record<string, unknown> },
    },
    { write },
  );
  return {
    debug: (logged, message) => logger.debug(logged, message),
    info: (logged, message) => logger.info(logged, message),
    warn: (logged, message) => logger.warn(logged, message),
    error: (logged, message) => logger.error(logged, message),
    flush() {
      try {
        fsyncSync(file);
      } catch {
        // The disk is gone: nothing that a log could be told.
      }
    },
    lost: () => lostLines,
    tail: () => tail,
  };
}

/** A copy that is safe to write: no bytes, no secrets, no endless nesting. */
function withoutSecrets(value: unknown, depth: number): unknown {
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (ArrayBuffer.isView(value)) return `<${value.byteLength} bytes>`;
  if (value instanceof Error) return { message: value.message, stack: value.stack };
  if (depth === 0) return '<deeper>';
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, depth - 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [name, SECRET_NAMES.has(name) ? '[secret]' : withoutSecrets(item, depth - 1)]),
  );
}
