// What the `sip` type measures of signalling, and its series resolved once a group; media's are in node/media/metrics.ts. Times count from when a
// thing was due (P8): a registration or a call from the life's start or the end of the wait before it, a hang-up from the planned leave.

import type { MetricDeclaration, Recorder } from '../../core/stats-types.ts';

export const signallingMetrics = [
  { name: 'sip_register_duration', kind: 'trend', unit: 'ms', help: 'from when a registration was due until its 200, challenges included' },
  { name: 'sip_calls', kind: 'counter', unit: 'count', help: 'calls begun, in either direction', tags: ['direction'] },
  { name: 'sip_call_failed', kind: 'rate', unit: 'percent', help: 'share of calls that were not answered or did not end as we wished' },
  { name: 'sip_ringing', kind: 'trend', unit: 'ms', help: 'post-dial delay: from when a call was due until the first 180 or 183' },
  { name: 'sip_call_setup', kind: 'trend', unit: 'ms', help: 'from when a call was due until its 200, challenges and redirects included' },
  { name: 'sip_call_duration', kind: 'trend', unit: 'ms', help: 'from the answer to the end' },
  { name: 'sip_reinvite_duration', kind: 'trend', unit: 'ms', help: 'hold and resume: from the re-INVITE to its 200' },
  { name: 'sip_request_duration', kind: 'trend', unit: 'ms', help: 'from request to final answer', tags: ['method'] },
  { name: 'sip_calls_active', kind: 'gauge', unit: 'count', help: 'calls in conversation now, over all nodes' },
  { name: 'sip_retransmissions', kind: 'counter', unit: 'count', help: 'messages sent again because no answer came in time' },
  { name: 'sip_failures', kind: 'counter', unit: 'count', help: 'registrations and calls that went wrong', tags: ['cause'] },
  {
    name: 'sip_unexpected',
    kind: 'counter',
    unit: 'count',
    help: 'messages that were malformed, for nobody, forged or out of order',
    tags: ['kind'],
  },
] as const satisfies readonly MetricDeclaration[];

type Trend = ReturnType<Recorder['trend']>;
type Counter = ReturnType<Recorder['counter']>;

export interface SignallingSeries {
  readonly registerDuration: Trend;
  readonly callsOut: Counter;
  readonly callsIn: Counter;
  readonly callFailed: ReturnType<Recorder['rate']>;
  readonly ringing: Trend;
  readonly callSetup: Trend;
  readonly callDuration: Trend;
  readonly reinviteDuration: Trend;
  readonly callsActive: ReturnType<Recorder['gauge']>;
  readonly retransmissions: Counter;
  readonly requestDuration: (method: string) => Trend;
  readonly failure: (cause: string) => void;
  readonly unexpected: (kind: string, count: number) => void;
}

/** Series by one tag, each made when first needed. */
function byTag<T>(make: (value: string) => T): (value: string) => T {
  const made = new Map<string, T>();
  return (value) => {
    let series = made.get(value);
    if (series === undefined) {
      series = make(value);
      made.set(value, series);
    }
    return series;
  };
}

export function createSignallingSeries(recorder: Recorder): SignallingSeries {
  const failures = byTag((cause) => recorder.counter('sip_failures', { cause }));
  const unexpected = byTag((kind) => recorder.counter('sip_unexpected', { kind }));
  return {
    registerDuration: recorder.trend('sip_register_duration'),
    callsOut: recorder.counter('sip_calls', { direction: 'out' }),
    callsIn: recorder.counter('sip_calls', { direction: 'in' }),
    callFailed: recorder.rate('sip_call_failed'),
    ringing: recorder.trend('sip_ringing'),
    callSetup: recorder.trend('sip_call_setup'),
    callDuration: recorder.trend('sip_call_duration'),
    reinviteDuration: recorder.trend('sip_reinvite_duration'),
    callsActive: recorder.gauge('sip_calls_active'),
    retransmissions: recorder.counter('sip_retransmissions'),
    requestDuration: byTag((method) => recorder.trend('sip_request_duration', { method })),
    failure: (cause) => failures(cause).add(1),
    unexpected: (kind, count) => unexpected(kind).add(count),
  };
}
