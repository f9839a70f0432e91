// The server's own truth: what arrived, what was answered, what was injected, and the peaks. A load test is checked
// against it. Everything is a plain number or a table with a bounded set of keys (routes are patterns, never paths; a SIP
// method that the server does not know is `other`).

/** Things that begin and end: how many now, at most at one time, and ever. */
export interface Tally {
  active: number;
  peak: number;
  total: number;
}

type Table = Record<string, number>;

export interface SipStats {
  /** Registered contacts. */
  bindings: Tally;
  /**
   * Calls from ringing to their end. `rejected`: final answers to new INVITEs by status, challenges and redirects too. `ended`: why answered calls
   * ended: `caller` (its BYE), `meeting`, `participant` (deleted), `dropped` (sipDropAfterMs), `wrong-pin`, `no-pin`, `full`, `no-ack`, `expired`
   * (session timer), `stopped`, ...
   */
  calls: Tally & { answered: number; cancelled: number; rejected: Table; ended: Table };
  /** New requests by method. */
  requests: Table;
  /** Requests seen again and answered as before. */
  retransmissions: number;
  /** Responses to nobody. */
  strayResponses: number;
  /** Requests in a dialog that is not there, a forged BYE for one. */
  unknownDialogs: number;
  /** What was no SIP message, no session description, or too much, by kind. */
  malformed: Table;
  challenges: number;
  wrongCredentials: number;
  /** Digits by RFC 4733 events and by INFO. */
  digits: { event: number; info: number };
  rtp: { in: number; out: number; rtcpIn: number; rtcpOut: number; rejected: Table };
  injected: { reject: number; silent: number; authLoop: number; drop: number; rtpLoss: number; rtpDuplicate: number; rtpReorder: number };
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
  sip: SipStats;
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

function createSipStats(): SipStats {
  return {
    bindings: createTally(),
    calls: { ...createTally(), answered: 0, cancelled: 0, rejected: {}, ended: {} },
    requests: {},
    retransmissions: 0,
    strayResponses: 0,
    unknownDialogs: 0,
    malformed: {},
    challenges: 0,
    wrongCredentials: 0,
    digits: { event: 0, info: 0 },
    rtp: { in: 0, out: 0, rtcpIn: 0, rtcpOut: 0, rejected: {} },
    injected: { reject: 0, silent: 0, authLoop: 0, drop: 0, rtpLoss: 0, rtpDuplicate: 0, rtpReorder: 0 },
  };
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
    sip: createSipStats(),
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

/** One more of `key`; keys come from a bounded set. */
export function tick(table: Table, key: string | number): void {
  table[key] = (table[key] ?? 0) + 1;
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
  tick(counters.requests.byRoute[route], outcome);
}

export function statsOf(counters: Counters, uptimeMs: number): TargetStats {
  const { second: _second, ...figures } = counters;
  return structuredClone({ uptimeMs: Math.round(uptimeMs), ...figures });
}
