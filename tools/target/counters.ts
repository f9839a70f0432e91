// The server's own truth: what arrived, what was answered, what was injected, and the peaks. A load test is checked
// against it. Everything is a plain number or a table with a bounded set of keys (routes are patterns, never paths).

/** Things that begin and end: how many now, at most at one time, and ever. */
export interface Tally {
  active: number;
  peak: number;
  total: number;
}

export interface TargetStats {
  uptimeMs: number;
  meetings: Tally;
  participants: Tally;
  sockets: Tally & { slowDropped: number; silentDropped: number; replaced: number; closedForErrors: number };
  requests: Tally & {
    perSecondPeak: number;
    /** route -> HTTP status, or hung / reset / aborted where none was sent -> count; sums to total - active. */
    byRoute: Record<string, Record<string, number>>;
  };
  /** Requests for /health, /api/stats and /api/settings: never delayed, never failed, not in `requests`. */
  controlRequests: number;
  /** `in`: messages of clients; `out`: their deliveries to sockets; presence and replies are counted apart. */
  messages: {
    in: number;
    out: number;
    pings: number;
    presenceOut: number;
    presenceSuppressed: number;
    refused: number;
    bytesIn: number;
    bytesOut: number;
  };
  injected: { error: number; hang: number; reset: number; garbage: number; overCapacity: number; messageDrop: number };
  /** Turned away by a limit that is not a setting. */
  refused: { connections: number; requests: number };
}

export interface Counters extends Omit<TargetStats, 'uptimeMs'> {
  /** The second that perSecondPeak is counting, and how many it has seen. */
  second: { index: number; requests: number };
}

function createTally(): Tally {
  return { active: 0, peak: 0, total: 0 };
}

export function createCounters(): Counters {
  return {
    meetings: createTally(),
    participants: createTally(),
    sockets: { ...createTally(), slowDropped: 0, silentDropped: 0, replaced: 0, closedForErrors: 0 },
    requests: { ...createTally(), perSecondPeak: 0, byRoute: {} },
    controlRequests: 0,
    messages: { in: 0, out: 0, pings: 0, presenceOut: 0, presenceSuppressed: 0, refused: 0, bytesIn: 0, bytesOut: 0 },
    injected: { error: 0, hang: 0, reset: 0, garbage: 0, overCapacity: 0, messageDrop: 0 },
    refused: { connections: 0, requests: 0 },
    second: { index: 0, requests: 0 },
  };
}

export function begin(tally: Tally): void {
  tally.active += 1;
  tally.total += 1;
  if (tally.active > tally.peak) tally.peak = tally.active;
}

export function end(tally: Tally, count = 1): void {
  tally.active -= count;
}

export function beginRequest(counters: Counters, nowMs: number): void {
  begin(counters.requests);
  const index = Math.floor(nowMs / 1000);
  if (counters.second.index !== index) counters.second = { index, requests: 0 };
  counters.second.requests += 1;
  if (counters.second.requests > counters.requests.perSecondPeak) counters.requests.perSecondPeak = counters.second.requests;
}

export function endRequest(counters: Counters, route: string, outcome: string): void {
  end(counters.requests);
  counters.requests.byRoute[route] ??= {};
  const outcomes = counters.requests.byRoute[route];
  outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
}

export function statsOf(counters: Counters, uptimeMs: number): TargetStats {
  const { second: _second, ...figures } = counters;
  return structuredClone({ uptimeMs: Math.round(uptimeMs), ...figures });
}
