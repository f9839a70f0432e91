// Metrics that every run has, whatever its endpoint types: some are recorded by the worker, some are derived from the load and error tables of the
// windows when a threshold or the summary asks. An endpoint type declares its own metrics beside these; a name belongs to one kind everywhere.

import type { MetricDeclaration } from './stats-types.ts';

export const METRIC = {
  /** Recorded by the worker. */
  joinDuration: 'ep_join_duration',
  startLateness: 'ep_start_lateness',
  checks: 'checks',
  dataSent: 'data_sent',
  dataReceived: 'data_received',
  seriesOverflow: 'stats_series_overflow',
  errorOverflow: 'stats_error_overflow',
  outOfRange: 'stats_out_of_range',
  /** Recorded by the node. */
  cost: 'cost_usd',
  costPerHour: 'cost_usd_per_hour',
  /** Derived from GroupLoad. */
  active: 'ep_active',
  planned: 'ep_planned',
  started: 'ep_started',
  finished: 'ep_finished',
  failed: 'ep_failed',
  /** Derived from ErrorCount, with tags group, side and cause. */
  errors: 'errors',
} as const;

/** These know groups (errors also side and cause), but not the tags that a scenario gives to them: the tables they come from have none. */
export const DERIVED_METRICS: ReadonlySet<string> = new Set([
  METRIC.active,
  METRIC.planned,
  METRIC.started,
  METRIC.finished,
  METRIC.failed,
  METRIC.errors,
]);

export const BUILTIN_METRICS: readonly MetricDeclaration[] = [
  { name: METRIC.joinDuration, kind: 'trend', unit: 'ms', help: 'from when an endpoint was due to start until it was in' },
  { name: METRIC.startLateness, kind: 'trend', unit: 'ms', help: 'from when an endpoint was due to start until the generator started it' },
  { name: METRIC.checks, kind: 'rate', unit: 'percent', help: 'share of checks that held', tags: ['check'] },
  { name: METRIC.dataSent, kind: 'counter', unit: 'bytes', help: 'application bytes sent' },
  { name: METRIC.dataReceived, kind: 'counter', unit: 'bytes', help: 'application bytes received' },
  { name: METRIC.active, kind: 'gauge', unit: 'count', help: 'endpoints active now, over all nodes' },
  { name: METRIC.planned, kind: 'gauge', unit: 'count', help: 'endpoints that the owned shards plan for now, over all nodes' },
  { name: METRIC.started, kind: 'counter', unit: 'count', help: 'endpoint lives started' },
  { name: METRIC.finished, kind: 'counter', unit: 'count', help: 'endpoint lives that ended as planned' },
  { name: METRIC.failed, kind: 'counter', unit: 'count', help: 'endpoint lives that ended by an error' },
  { name: METRIC.errors, kind: 'counter', unit: 'count', help: 'errors of the target and of the generator', tags: ['side', 'cause'] },
  { name: METRIC.cost, kind: 'gauge', unit: 'usd', help: 'what the machines and their traffic cost so far, by their price tables' },
  { name: METRIC.costPerHour, kind: 'gauge', unit: 'usd', help: 'what they cost an hour at the present pace' },
  {
    name: METRIC.seriesOverflow,
    kind: 'counter',
    unit: 'count',
    help: 'samples recorded under {overflow:true} because a worker had too many series',
  },
  {
    name: METRIC.errorOverflow,
    kind: 'counter',
    unit: 'count',
    help: 'errors counted under the cause "other" because a group had too many causes',
  },
  {
    name: METRIC.outOfRange,
    kind: 'counter',
    unit: 'count',
    help: 'trend values below zero or above an hour, counted at the end of the range',
  },
];
