// What the http type measures, under the names that k6's users know. One difference is deliberate (P8): http_req_duration counts from when
// the request was due, so it contains waiting for a connection and the generator's own lateness; http_req_service counts from when the
// request went out, which is what k6 calls http_req_duration. A trend's series is per name, method and status; the parts only per name.

import type { MetricDeclaration, Recorder } from '../../core/stats-types.ts';

const perRequest = ['name', 'method', 'status'];
const perName = ['name'];

export const httpMetrics: readonly MetricDeclaration[] = [
  { name: 'http_reqs', kind: 'counter', unit: 'count', help: 'requests made', tags: perRequest },
  { name: 'http_req_duration', kind: 'trend', unit: 'ms', help: 'from when a request was due to the end of its answer', tags: perRequest },
  { name: 'http_req_service', kind: 'trend', unit: 'ms', help: 'from when a request went out to the end of its answer', tags: perName },
  {
    name: 'http_req_waiting',
    kind: 'trend',
    unit: 'ms',
    help: 'from when a request went out to the first byte of its answer',
    tags: perName,
  },
  { name: 'http_req_blocked', kind: 'trend', unit: 'ms', help: 'waiting for a connection, making one included', tags: perName },
  { name: 'http_req_connecting', kind: 'trend', unit: 'ms', help: 'making one connection, TLS included' },
  { name: 'http_req_failed', kind: 'rate', unit: 'percent', help: 'share without an answer or with an unexpected status', tags: perName },
  { name: 'http_req_interrupted', kind: 'counter', unit: 'count', help: 'requests that the end of a life cut off', tags: perName },
  { name: 'checks', kind: 'rate', unit: 'percent', help: 'share of checks that held', tags: ['check'] },
  { name: 'iterations', kind: 'counter', unit: 'count', help: 'journeys completed' },
  { name: 'iteration_duration', kind: 'trend', unit: 'ms', help: 'from when a journey was due to its end, think times included' },
  { name: 'data_sent', kind: 'counter', unit: 'bytes', help: 'application bytes sent' },
  { name: 'data_received', kind: 'counter', unit: 'bytes', help: 'application bytes received' },
];

interface StatusSeries {
  readonly requests: ReturnType<Recorder['counter']>;
  readonly duration: ReturnType<Recorder['trend']>;
}

export interface RequestSeries {
  /** `status` 0 stands for no answer, as in k6. */
  readonly of: (status: number) => StatusSeries;
  readonly service: ReturnType<Recorder['trend']>;
  readonly waiting: ReturnType<Recorder['trend']>;
  readonly blocked: ReturnType<Recorder['trend']>;
  readonly failed: ReturnType<Recorder['rate']>;
  readonly interrupted: ReturnType<Recorder['counter']>;
}

/** Resolves the series once; a status is resolved when it is first seen. */
export function createRequestSeries(recorder: Recorder, name: string, method: string): RequestSeries {
  const byStatus = new Map<number, StatusSeries>();
  const of = (status: number): StatusSeries => {
    let found = byStatus.get(status);
    if (found === undefined) {
      const tags = { name, method, status: String(status) };
      found = { requests: recorder.counter('http_reqs', tags), duration: recorder.trend('http_req_duration', tags) };
      byStatus.set(status, found);
    }
    return found;
  };
  return {
    of,
    service: recorder.trend('http_req_service', { name }),
    waiting: recorder.trend('http_req_waiting', { name }),
    blocked: recorder.trend('http_req_blocked', { name }),
    failed: recorder.rate('http_req_failed', { name }),
    interrupted: recorder.counter('http_req_interrupted', { name }),
  };
}
