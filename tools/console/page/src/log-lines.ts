// A line of a node's log, taken apart: pino writes one JSON object a line. What is none is shown as it is. Pure.

export interface LogLine {
  /** Of the day, UTC, to the millisecond; '' = none. */
  readonly time: string;
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly message: string;
  /** Everything else that was logged with it, as JSON; '' = nothing. */
  readonly rest: string;
}

const levels = new Set(['debug', 'info', 'warn', 'error']);
const TIME = /T(\d\d:\d\d:\d\d\.\d{3})/;

export function logLine(line: string): LogLine {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    // Cut where it was too long, or no line of ours.
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return { time: '', level: 'info', message: line, rest: '' };
  const { time, level, msg, pid: _pid, node: _node, ...rest } = value as Record<string, unknown>;
  return {
    time: TIME.exec(String(time))?.[1] ?? '',
    level: levels.has(String(level)) ? (level as LogLine['level']) : 'info',
    message: typeof msg === 'string' ? msg : '',
    rest: Object.keys(rest).length === 0 ? '' : JSON.stringify(rest),
  };
}
