// Figures that boards, live states and reports share: thresholds, metrics, money. Their types are in node/core.

import { z } from 'zod';
import type { Spending } from '../../../node/core/spending.ts';
import type { MetricKind, MetricUnit } from '../../../node/core/stats-types.ts';
import type { MetricSummary, MetricValues, ThresholdResult } from '../../../node/core/summary-types.ts';
import { count, figure, flag, labels, maybe, schemaOf, text } from './parts.ts';

export const metricUnit = schemaOf<MetricUnit>()(
  'MetricUnit',
  'percent: a share from 0 to 1; bps: bits a second; mos: 1 to 5; usd: US dollars.',
  z.enum(['ms', 'bytes', 'count', 'percent', 'bps', 'mos', 'usd']),
);

const metricKind = schemaOf<MetricKind>()(
  'MetricKind',
  'trend: a distribution; counter: a sum; rate: a share; gauge: a level.',
  z.enum(['trend', 'counter', 'rate', 'gauge']),
);

export const spending = schemaOf<Spending>()(
  'Spending',
  "What the run costs by the machines' price tables; sums over all nodes.",
  z.strictObject({
    usd: figure('so far, US dollars'),
    usdPerHour: figure('at the present pace, traffic included, US dollars an hour'),
    limitUsd: maybe(figure('the run ends before this is spent, US dollars; null = no limit')),
    machines: count('nodes whose machine has a price'),
    usdAtEnd: figure('what it will have come to when the last machine is off, US dollars; left out when that is over').optional(),
  }),
);

export const thresholdResult = schemaOf<ThresholdResult>()(
  'ThresholdResult',
  'One threshold of the scenario, and how it stands.',
  z.strictObject({
    selector: text('as written: http_req_duration{group:viewers}'),
    expression: text('as written: p(95)<200'),
    unit: metricUnit,
    observed: maybe(figure('what was measured, in `unit`; rates are shares from 0 to 1; null = no samples')),
    limit: figure('the bound, in `unit`'),
    state: z.enum(['pass', 'fail', 'no-samples']).describe('how it stands now'),
    abortOnFail: flag('the run ends when it fails'),
  }),
);

export const metricValues = schemaOf<MetricValues>()(
  'MetricValues',
  "A metric over the whole run, in the metric's unit; percentiles come from merged histograms.",
  z.discriminatedUnion('kind', [
    z.strictObject({
      kind: z.literal('trend'),
      count: count('samples'),
      ratePerS: figure('samples a second'),
      avg: figure('mean'),
      min: figure('smallest'),
      p50: figure('median'),
      p90: figure('90th percentile'),
      p95: figure('95th percentile'),
      p99: figure('99th percentile'),
      max: figure('largest'),
    }),
    z.strictObject({ kind: z.literal('counter'), sum: figure('over the run'), ratePerS: figure('a second') }),
    z.strictObject({ kind: z.literal('rate'), pass: count('how many were true'), total: count('of how many') }),
    z.strictObject({
      kind: z.literal('gauge'),
      value: figure('last, summed over nodes'),
      min: figure('smallest'),
      max: figure('largest'),
    }),
  ]),
);

export const metricSummary = schemaOf<MetricSummary>()(
  'MetricSummary',
  'One line of the report.',
  z.strictObject({
    metric: text('its name, as thresholds write it'),
    tags: labels('the tags that set this line apart; empty = the whole metric'),
    kind: metricKind,
    unit: metricUnit,
    help: text('what it measures'),
    values: metricValues,
    groups: z
      .array(z.strictObject({ group: text('name of the endpoint group'), values: metricValues }))
      .describe('the same by group, when there is more than one'),
  }),
);
