// Thresholds against what the run will emit: the metric must exist, be of a kind that has the aggregation, and its tags must be able to
// match. A threshold that could never be judged would pass every run, which is worse than none.

import type { z } from 'zod';
import { BUILTIN_METRICS, DERIVED_METRICS } from '../node/core/builtin-metrics.ts';
import type { MetricDeclaration } from '../node/core/stats-types.ts';
import { nearest, suggestion } from '../node/core/suggest.ts';
import { checkAggregation, type MetricSelector, parseExpression, parseSelector, type Threshold } from '../node/core/threshold-syntax.ts';
import type { thresholdListShape } from './schema.ts';
import type { Finding } from './shape-problems.ts';

/** What one group emits, as far as it is known. */
export interface Emitting {
  readonly group: string;
  readonly type: string;
  readonly metrics: readonly MetricDeclaration[];
  /** Tags of the group, which every sample carries. */
  readonly tags: Readonly<Record<string, string>>;
}

export interface EmittingFacts {
  /** Names of all groups, also of those that are broken. */
  readonly groups: readonly string[];
  readonly emitting: readonly Emitting[];
  /** A group's type is unknown: its metrics cannot be missed. */
  readonly isIncomplete: boolean;
}

type WrittenList = z.output<typeof thresholdListShape>;

export function checkThresholds(selectorText: string, written: WrittenList, facts: EmittingFacts, findings: Finding[]): Threshold[] {
  const path = ['thresholds', selectorText];
  const selector = parseSelector(selectorText);
  if (!selector.ok) {
    for (const { code, message, hint } of selector.problems)
      findings.push({ path, part: 'key', code, message, ...(hint === undefined ? {} : { hint }) });
  }
  const declaration = selector.ok ? checkSelector(selector.value, path, facts, findings) : null;
  const thresholds: Threshold[] = [];
  const list = Array.isArray(written) ? written : [written];
  for (const [index, item] of list.entries()) {
    const own = typeof item === 'string' ? { threshold: item, abortOnFail: false, delayAbortEval: 0 } : item;
    const itemPath = [...path, ...(Array.isArray(written) ? [index] : []), ...(typeof item === 'string' ? [] : ['threshold'])];
    const expression = parseExpression(own.threshold);
    const wrong = expression.ok
      ? declaration === null || !selector.ok
        ? null
        : checkAggregation(selector.value.metric, declaration.kind, expression.value.aggregation)
      : expression.problems[0];
    if (wrong)
      findings.push({
        path: itemPath,
        part: 'value',
        code: wrong.code,
        message: wrong.message,
        ...(wrong.hint === undefined ? {} : { hint: wrong.hint }),
      });
    if (!expression.ok || !selector.ok) continue;
    const behaviour = { abortOnFail: own.abortOnFail, delayAbortEvalMs: own.delayAbortEval };
    thresholds.push({ ...selector.value, ...expression.value, selectorText, expressionText: own.threshold, ...behaviour });
  }
  return thresholds;
}

/** The metric's declaration, or null when it is unknown (reported, unless a broken group may have declared it). */
function checkSelector(
  selector: MetricSelector,
  path: readonly PropertyKey[],
  facts: EmittingFacts,
  findings: Finding[],
): MetricDeclaration | null {
  const complain = (message: string, hint: string): void => {
    findings.push({ path, part: 'key', code: 'QUILT_THRESHOLD_METRIC', message, hint });
  };
  const { metric, tags } = selector;
  const builtin = BUILTIN_METRICS.find(({ name }) => name === metric);
  const emitters = facts.emitting.filter(({ metrics }) => metrics.some(({ name }) => name === metric));
  const declaration = builtin ?? emitters[0]?.metrics.find(({ name }) => name === metric);
  if (declaration === undefined) {
    const known = new Set([
      ...facts.emitting.flatMap(({ metrics }) => metrics.map(({ name }) => name)),
      ...BUILTIN_METRICS.map(({ name }) => name),
    ]);
    if (!facts.isIncomplete || nearest(metric, [...known]) !== null)
      complain(`nothing in this scenario emits ${metric}`, suggestion(metric, [...known]));
    return null;
  }
  const group = tags.group;
  if (group !== undefined && !facts.groups.includes(group)) complain(`there is no group ${group}`, suggestion(group, facts.groups));
  else if (group !== undefined && builtin === undefined && !facts.isIncomplete && !emitters.some((emitter) => emitter.group === group)) {
    const type = facts.emitting.find((emitter) => emitter.group === group)?.type ?? 'unknown';
    complain(`group ${group} (${type}) does not emit ${metric}`, `emitted by ${emitters.map((emitter) => emitter.group).join(', ')}`);
  }
  const tagging = builtin === undefined ? emitters : DERIVED_METRICS.has(metric) ? [] : facts.emitting;
  checkTags(selector, declaration, tagging, complain);
  return declaration;
}

function checkTags(
  { metric, tags }: MetricSelector,
  declaration: MetricDeclaration,
  emitters: readonly Emitting[],
  complain: (message: string, hint: string) => void,
): void {
  for (const [tag, value] of Object.entries(tags)) {
    if (tag === 'group' || declaration.tags?.includes(tag)) continue;
    const values = new Set(emitters.flatMap((emitter) => (Object.hasOwn(emitter.tags, tag) ? [emitter.tags[tag]!] : [])));
    if (values.has(value)) continue;
    const known = ['group', ...(declaration.tags ?? []), ...new Set(emitters.flatMap((emitter) => Object.keys(emitter.tags)))];
    if (values.size === 0) complain(`${metric} carries no tag ${tag}`, suggestion(tag, known));
    else complain(`no group has the tag ${tag}:${value}`, suggestion(value, [...values]));
  }
}
