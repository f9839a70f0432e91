// The metrics of type `sipp`: SIPp's own counts and times, added up over its processes.

import type { MetricDeclaration } from '../../core/stats-types.ts';

export const sippMetrics: readonly MetricDeclaration[] = [
  { name: 'sipp_calls', kind: 'counter', unit: 'count', help: 'calls that SIPp started' },
  { name: 'sipp_calls_succeeded', kind: 'counter', unit: 'count', help: 'calls that ran through the XML scenario' },
  { name: 'sipp_calls_failed', kind: 'counter', unit: 'count', help: 'calls that did not, by what SIPp says of them', tags: ['cause'] },
  { name: 'sipp_calls_cut', kind: 'counter', unit: 'count', help: 'calls that were still going when their process ended' },
  { name: 'sipp_calls_active', kind: 'gauge', unit: 'count', help: 'calls that are going' },
  { name: 'sipp_retransmissions', kind: 'counter', unit: 'count', help: 'messages that SIPp sent again (UDP)' },
  { name: 'sipp_unexpected', kind: 'counter', unit: 'count', help: 'messages that no call, or no step of its call, was waiting for' },
  {
    name: 'sipp_response_time',
    kind: 'trend',
    unit: 'ms',
    help: 'every response time that the XML scenario takes (start_rtd to rtd), by its name there',
    tags: ['timer'],
  },
  {
    name: 'sipp_call_length',
    kind: 'trend',
    unit: 'ms',
    help: "length of calls; SIPp tells a mean each second, so its percentiles are of seconds' means",
  },
];
