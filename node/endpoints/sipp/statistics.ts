// SIPp's statistics into ours. Its statistics file has one row a second, with a header; columns that end in (C) count from the start, so a row that is
// late loses nothing. Its response time file has one row for every time taken. Rows that make no sense are passed over: a file may end in half of one.

import type { Recorder } from '../../core/stats-types.ts';

/** Columns of failed calls, and the few words that reports group by. */
const CAUSES: Readonly<Record<string, string>> = {
  FailedCannotSendMessage: 'cannot-send',
  FailedMaxUDPRetrans: 'timeout',
  FailedTcpConnect: 'connect-refused',
  FailedTcpClosed: 'reset',
  FailedUnexpectedMessage: 'unexpected-message',
  FailedCallRejected: 'rejected',
  FailedCmdNotSent: 'command-not-sent',
  FailedRegexpDoesntMatch: 'check-failed',
  FailedRegexpShouldntMatch: 'check-failed',
  FailedRegexpHdrNotFound: 'check-failed',
  FailedOutboundCongestion: 'congestion',
  FailedTimeoutOnRecv: 'receive-timeout',
  FailedTimeoutOnSend: 'send-timeout',
  FailedTestDoesntMatch: 'check-failed',
  FailedTestShouldntMatch: 'check-failed',
  FailedStrcmpDoesntMatch: 'check-failed',
  FailedStrcmpShouldntMatch: 'check-failed',
};
const UNEXPECTED = ['OutOfCallMsgs', 'DeadCallMsgs', 'FailedUnexpectedMessage'];
/** Different response timers of one scenario that get a name of their own; the rest is 'other'. */
const TIMERS_MAX = 20;

export interface Statistics {
  /** A line of the statistics file; true when it was a row of it. */
  readonly row: (line: string) => boolean;
  /** A line of the response time file. */
  readonly responseTime: (line: string) => void;
  /** Calls that were answered: had their first response time, or ran through. */
  readonly answered: () => number;
  readonly failed: () => number;
  readonly active: () => number;
  /** SIPp's number of users, or its rate. */
  readonly target: () => number;
  /** The process is gone: calls that were going are cut. */
  readonly close: () => void;
}

export function createStatistics(recorder: Recorder, onFailed: (cause: string) => void): Statistics {
  const calls = recorder.counter('sipp_calls');
  const succeeded = recorder.counter('sipp_calls_succeeded');
  const retransmissions = recorder.counter('sipp_retransmissions');
  const unexpected = recorder.counter('sipp_unexpected');
  const active = recorder.gauge('sipp_calls_active');
  const lengths = recorder.trend('sipp_call_length');
  const responses = createResponseTimes(recorder);
  const before = new Map<string, number>();
  let header: ReadonlyMap<string, number> | null = null;
  let [current, target] = [0, 0];

  const fail = (cause: string, count: number): void => {
    if (count <= 0) return;
    recorder.counter('sipp_calls_failed', { cause }).add(count);
    for (let index = 0; index < count; index++) onFailed(cause);
  };
  const record = (cell: (column: string) => string): void => {
    const more = (column: string): number => {
      const total = Number(cell(column)) || 0;
      const grown = Math.max(0, total - (before.get(column) ?? 0));
      before.set(column, total);
      return grown;
    };
    calls.add(more('TotalCallCreated'));
    const good = more('SuccessfulCall(C)');
    succeeded.add(good);
    retransmissions.add(more('Retransmissions(C)'));
    const bad = more('FailedCall(C)');
    // An unexpected message that ended its call is both a message and a failed call. Each column is asked once: `more` remembers.
    let odd = 0;
    let explained = 0;
    for (const name of new Set([...UNEXPECTED, ...Object.keys(CAUSES)])) {
      const count = more(`${name}(C)`);
      if (UNEXPECTED.includes(name)) odd += count;
      const cause = CAUSES[name];
      if (cause === undefined) continue;
      explained += count;
      fail(cause, count);
    }
    unexpected.add(odd);
    fail('other', bad - explained);
    const meanMs = durationMs(cell('CallLength(P)'));
    if (meanMs !== null) for (let index = 0; index < good + bad; index++) lengths.record(meanMs);
    const now = Number(cell('CurrentCall')) || 0;
    active.add(now - current);
    current = now;
    target = Number(cell('TargetRate')) || 0;
  };
  return {
    row(line) {
      const cells = line.split(';');
      if (header === null) header = new Map(cells.map((name, index) => [name, index]));
      else if (cells.length < header.size - 1) return false;
      else {
        const columns = header;
        record((name) => cells[columns.get(name) ?? -1] ?? '');
        return true;
      }
      return false;
    },
    responseTime: responses.line,
    answered: () => Math.max(before.get('SuccessfulCall(C)') ?? 0, responses.most()),
    failed: () => before.get('FailedCall(C)') ?? 0,
    active: () => current,
    target: () => target,
    close() {
      active.add(-current);
      if (current > 0) recorder.counter('sipp_calls_cut').add(current);
      current = 0;
    },
  };
}

/** Rows `Date_ms;response_time_ms;rtd_no` of the response time file. */
function createResponseTimes(recorder: Recorder): { line: (line: string) => void; most: () => number } {
  const timers = new Map<string, { trend: { record(value: number): void }; count: number }>();
  let most = 0;
  return {
    line(line) {
      const [, time = '', name = ''] = line.split(';');
      const ms = Number(time);
      if (time === '' || name === '' || !Number.isFinite(ms) || ms < 0) return;
      const key = timers.has(name) || timers.size < TIMERS_MAX ? name.slice(0, 32) : 'other';
      let timer = timers.get(key);
      if (timer === undefined) {
        timer = { trend: recorder.trend('sipp_response_time', { timer: key }), count: 0 };
        timers.set(key, timer);
      }
      timer.trend.record(ms);
      timer.count++;
      most = Math.max(most, timer.count);
    },
    most: () => most,
  };
}

/** 'hh:mm:ss:uuuuuu' in ms. */
export function durationMs(text: string): number | null {
  const match = /^(\d+):(\d\d):(\d\d):(\d{6})$/.exec(text);
  if (match === null) return null;
  const [, hours, minutes, seconds, micros] = match.map(Number);
  return (((hours ?? 0) * 60 + (minutes ?? 0)) * 60 + (seconds ?? 0)) * 1000 + (micros ?? 0) / 1000;
}
