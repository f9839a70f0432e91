// The threshold language, k6's: `metric{tag:value}` on the left, `p(95)<200` on the right. Which aggregations a metric allows follows from its
// kind: trend avg min max med p(N) count; counter count rate; rate rate; gauge value min max. This file parses and explains;
// verdict.ts evaluates. A threshold on a name that nothing emits is refused before the run: it could never fail.

import { fail, ok, type Problem, type Result } from './errors.ts';
import type { MetricKind } from './stats-types.ts';
import { suggestion } from './suggest.ts';

export type Aggregation =
  | { readonly name: 'avg' | 'min' | 'max' | 'med' | 'count' | 'rate' | 'value' }
  | { readonly name: 'p'; readonly percentile: number };

export const OPERATORS = ['<', '<=', '>', '>=', '==', '!='] as const;
export type Operator = (typeof OPERATORS)[number];

export interface MetricSelector {
  readonly metric: string;
  /** All of these must match a series' tags; none = the series of all groups merged. */
  readonly tags: Readonly<Record<string, string>>;
}

export interface ThresholdExpression {
  readonly aggregation: Aggregation;
  readonly operator: Operator;
  readonly limit: number;
}

export interface Threshold extends MetricSelector, ThresholdExpression {
  /** As the person wrote it: `http_req_duration{group:viewers}` and `p(95)<200`. */
  readonly selectorText: string;
  readonly expressionText: string;
  readonly abortOnFail: boolean;
  /** Not judged for abortOnFail before this time from T0, ms. */
  readonly delayAbortEvalMs: number;
}

/** What a metric of each kind can be asked for. */
export const AGGREGATIONS: Readonly<Record<MetricKind, readonly Aggregation['name'][]>> = {
  trend: ['avg', 'min', 'max', 'med', 'p', 'count'],
  counter: ['count', 'rate'],
  rate: ['rate'],
  gauge: ['value', 'min', 'max'],
};

const problem = (message: string, hint: string): { ok: false; problems: readonly Problem[] } =>
  fail({ code: 'QUILT_THRESHOLD_SYNTAX', message, hint });

/** `name` or `name{tag:value,tag:value}`; values may be quoted. */
export function parseSelector(text: string): Result<MetricSelector> {
  const match = /^\s*([A-Za-z_]\w*)\s*(?:\{([^{}]*)\})?\s*$/.exec(text);
  if (match === null) return problem(`'${text}' is no metric`, 'write metric or metric{tag:value}, e.g. http_req_duration{group:viewers}');
  const tags: Record<string, string> = {};
  const inner = (match[2] ?? '').trim();
  for (const part of inner === '' ? [] : inner.split(',')) {
    const tag = /^\s*([A-Za-z_]\w*)\s*:\s*(?:"([^"]*)"|'([^']*)'|(.*?))\s*$/.exec(part);
    const value = tag?.[2] ?? tag?.[3] ?? tag?.[4] ?? '';
    if (tag === null || value === '') return problem(`'${part.trim()}' is no tag`, 'write {tag:value}, several separated by commas');
    tags[tag[1]!] = value;
  }
  return ok({ metric: match[1]!, tags });
}

/** `aggregation operator number`, e.g. `p(99.9) <= 250`, `rate>0.99`, `count==0`. */
export function parseExpression(text: string): Result<ThresholdExpression> {
  const match = /^\s*([a-z]+)\s*(?:\(\s*([\d.]+)\s*\))?\s*(<=|>=|===?|!==?|<|>)\s*(-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*$/i.exec(text);
  if (match === null)
    return problem(`'${text}' is no threshold`, "write aggregation, operator, number: 'p(95)<200', 'rate>0.99', 'count<10'");
  const [, word = '', argument, sign = '', number = ''] = match;
  const aggregation = aggregationOf(word, argument);
  if (!aggregation.ok) return aggregation;
  const operator = (sign === '===' ? '==' : sign === '!==' ? '!=' : sign) as Operator;
  return ok({ aggregation: aggregation.value, operator, limit: Number(number) });
}

function aggregationOf(word: string, argument: string | undefined): Result<Aggregation> {
  if (word === 'p') {
    const percentile = Number(argument);
    if (argument === undefined || !(percentile > 0 && percentile <= 100))
      return problem(`p wants a percentile above 0 and up to 100`, 'e.g. p(95)');
    return ok({ name: 'p', percentile });
  }
  const names = ['avg', 'min', 'max', 'med', 'count', 'rate', 'value'] as const;
  const name = names.find((known) => known === word);
  if (name === undefined) return problem(`unknown aggregation '${word}'`, suggestion(word, [...names, 'p(N)']));
  if (argument !== undefined) return problem(`${name} takes no argument`, `write ${name}, or p(${argument}) for a percentile`);
  return ok({ name });
}

/** Whether a metric of this kind can be asked for this; the problem's hint lists what can. */
export function checkAggregation(metric: string, kind: MetricKind, aggregation: Aggregation): Problem | null {
  const allowed = AGGREGATIONS[kind];
  if (allowed.includes(aggregation.name)) return null;
  const asked = aggregation.name === 'p' ? `p(${aggregation.percentile})` : aggregation.name;
  const can = allowed.map((name) => (name === 'p' ? 'p(N)' : name)).join(', ');
  return { code: 'QUILT_THRESHOLD_AGGREGATION', message: `${metric} is a ${kind} and has no ${asked}`, hint: `a ${kind} has ${can}` };
}

/** Whether an observed value keeps the threshold. */
export function holds(operator: Operator, observed: number, limit: number): boolean {
  switch (operator) {
    case '<':
      return observed < limit;
    case '<=':
      return observed <= limit;
    case '>':
      return observed > limit;
    case '>=':
      return observed >= limit;
    case '==':
      return observed === limit;
    case '!=':
      return observed !== limit;
  }
}
