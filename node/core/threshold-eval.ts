// Thresholds against the aggregate. Percentiles come from the merged histogram of everything the selector matches, never from an average of parts.
// No samples: a trend, rate or gauge without any fails at the end, because a run that measured nothing proved nothing (k6 takes an empty trend
// as 0 and lets `p(95)<200` pass); a counter without samples is 0, which is what nothing counted means. While the run lasts, no samples is no
// verdict: it never aborts. `rate` of a counter is its sum a second of the run, as in k6.

import type { Aggregate } from './aggregate.ts';
import { type Selected, select } from './aggregate-read.ts';
import { unreachable } from './assert.ts';
import { UNITS_PER_VALUE, valueAtPercentile } from './histogram.ts';
import type { MetricDeclaration, MetricUnit } from './stats-types.ts';
import type { ThresholdResult } from './summary-types.ts';
import { type Aggregation, holds, type Threshold } from './threshold-syntax.ts';

export interface EvaluationFacts {
  /** Time since T0 that the load has run. */
  readonly elapsedMs: number;
  readonly metrics: readonly MetricDeclaration[];
}

function trendValue(selected: Extract<Selected, { kind: 'trend' }>, aggregation: Aggregation): number | null {
  const { histogram } = selected;
  if (aggregation.name === 'count') return histogram.count;
  if (histogram.count === 0) return null;
  switch (aggregation.name) {
    case 'p':
      return valueAtPercentile(histogram, aggregation.percentile);
    case 'med':
      return valueAtPercentile(histogram, 50);
    case 'avg':
      return histogram.sumUnits / histogram.count / UNITS_PER_VALUE;
    case 'min':
      return histogram.minUnits / UNITS_PER_VALUE;
    case 'max':
      return histogram.maxUnits / UNITS_PER_VALUE;
    case 'rate':
    case 'value':
      return null;
  }
}

/** The number an aggregation asks for; null = no samples (or a combination that validation refuses before a run). */
export function observe(selected: Selected | null, aggregation: Aggregation, elapsedMs: number): number | null {
  if (selected === null) return null;
  switch (selected.kind) {
    case 'trend':
      return trendValue(selected, aggregation);
    case 'counter':
      if (aggregation.name === 'count') return selected.sum;
      return aggregation.name === 'rate' ? (elapsedMs > 0 ? selected.sum / (elapsedMs / 1000) : 0) : null;
    case 'rate':
      return aggregation.name === 'rate' && selected.total > 0 ? selected.pass / selected.total : null;
    case 'gauge':
      return aggregation.name === 'value' || aggregation.name === 'min' || aggregation.name === 'max' ? selected[aggregation.name] : null;
    default:
      return unreachable(selected);
  }
}

function evaluateOne(aggregate: Aggregate, threshold: Threshold, facts: EvaluationFacts): ThresholdResult {
  const declared = facts.metrics.find(({ name }) => name === threshold.metric);
  const found = select(aggregate, threshold.metric, threshold.tags);
  const isCounter = found?.kind === 'counter' || (found === null && declared?.kind === 'counter');
  const observed = observe(found ?? (isCounter ? { kind: 'counter', sum: 0 } : null), threshold.aggregation, facts.elapsedMs);
  const state = observed === null ? 'no-samples' : holds(threshold.operator, observed, threshold.limit) ? 'pass' : 'fail';
  return {
    selector: threshold.selectorText,
    expression: threshold.expressionText,
    unit: unitOf(declared, threshold.aggregation),
    observed,
    limit: threshold.limit,
    state,
    abortOnFail: threshold.abortOnFail,
  };
}

function unitOf(declared: MetricDeclaration | undefined, aggregation: Aggregation): MetricUnit {
  if (declared?.kind === 'rate') return 'percent';
  return aggregation.name === 'count' && declared?.kind === 'trend' ? 'count' : (declared?.unit ?? 'count');
}

/** All thresholds, in the scenario's order. */
export function evaluateThresholds(aggregate: Aggregate, thresholds: readonly Threshold[], facts: EvaluationFacts): ThresholdResult[] {
  return thresholds.map((threshold) => evaluateOne(aggregate, threshold, facts));
}

/** The first threshold that ends the run now: crossed, abortOnFail, and past its delay. Asked by the coordinator once a second. */
export function abortingThreshold(aggregate: Aggregate, thresholds: readonly Threshold[], facts: EvaluationFacts): ThresholdResult | null {
  for (const threshold of thresholds) {
    if (!threshold.abortOnFail || facts.elapsedMs < threshold.delayAbortEvalMs) continue;
    const result = evaluateOne(aggregate, threshold, facts);
    if (result.state === 'fail') return result;
  }
  return null;
}
