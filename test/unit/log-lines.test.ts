import { expect, it } from 'vitest';
import { logLine } from '../../tools/console/page/src/log-lines.ts';

it.each([
  [
    'a line of pino',
    '{"level":"warn","time":"2026-11-28T08:00:01.250Z","pid":7,"node":"abc","part":"worker","msg":"late"}',
    { time: '08:00:01.250', level: 'warn', message: 'late', rest: '{"part":"worker"}' },
  ],
  [
    'one without more',
    '{"level":"error","time":"2026-11-28T08:00:01.250Z","pid":7,"msg":"x"}',
    { time: '08:00:01.250', level: 'error', message: 'x', rest: '' },
  ],
  ['a level that is none, a time that is none', '{"level":"<b>","time":3,"msg":4}', { time: '', level: 'info', message: '', rest: '' }],
  ['one that was cut', '{"level":"info","time":"2026', { time: '', level: 'info', message: '{"level":"info","time":"2026', rest: '' }],
  ['no object', '[1]', { time: '', level: 'info', message: '[1]', rest: '' }],
  ['nothing', '', { time: '', level: 'info', message: '', rest: '' }],
])('%s', (_name, line, expected) => {
  expect(logLine(line)).toEqual(expected);
});
