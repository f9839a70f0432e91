// What zod found wrong, in words for the person who wrote the file: unknown keys with a suggestion, wrong types by what was wanted and what is
// there, and for a value of several allowed forms the complaint of the form that it comes closest to.

import type { ZodType, z } from 'zod';
import { nearest, suggestion } from '../node/core/suggest.ts';

/** A problem before it has a place in the file. `part`: whether the key or the value is at fault. */
export interface Finding {
  readonly path: readonly PropertyKey[];
  readonly part: 'key' | 'value';
  readonly code: `QUILT_${string}`;
  readonly message: string;
  readonly hint?: string;
}

type Issue = z.core.$ZodIssue;

/** `path` is where `value` stands in the file; `schema` is asked for the keys it knows. */
export function findingsOf(issues: readonly Issue[], schema: ZodType, value: unknown, path: readonly PropertyKey[]): Finding[] {
  const findings = issues.flatMap((issue) => findingsOfIssue(issue, schema, value, path));
  // `ovr` was meant to be `over`: that `over` is missing is the same mistake.
  const meant = new Set(
    findings.flatMap(({ code, path: at, hint }) => {
      const near = code === 'QUILT_SCENARIO_UNKNOWN_KEY' ? /^did you mean (.+)\?$/.exec(hint ?? '')?.[1] : undefined;
      return near === undefined ? [] : [[...at.slice(0, -1), near].join('\u0000')];
    }),
  );
  return findings.filter(
    ({ code, path: at, message }) =>
      code === 'QUILT_SCENARIO_UNKNOWN_KEY' || !message.startsWith('is missing') || !meant.has(at.join('\u0000')),
  );
}

function findingsOfIssue(issue: Issue, schema: ZodType, value: unknown, base: readonly PropertyKey[]): Finding[] {
  const path = [...base, ...issue.path];
  if (issue.code === 'unrecognized_keys') {
    const known = keysAt(schema, issue.path);
    return issue.keys.map((key) => ({
      path: [...path, key],
      part: 'key',
      code: 'QUILT_SCENARIO_UNKNOWN_KEY',
      message: 'is not known here',
      hint: suggestion(key, known),
    }));
  }
  if (issue.code === 'invalid_union') {
    const best = closest(issue.errors, valueAt(value, issue.path));
    if (best !== null)
      return best.flatMap((inner) => findingsOfIssue({ ...inner, path: [...issue.path, ...inner.path] }, schema, value, base));
    return [
      unionFinding(path, 'options' in issue ? (issue.options ?? []).map(String) : wantedBy(issue.errors), valueAt(value, issue.path)),
    ];
  }
  if (issue.code === 'invalid_key') {
    const [reason] = issue.issues;
    return [{ path, part: 'key', code: 'QUILT_SCENARIO_NAME', message: reason?.message ?? 'is no valid name' }];
  }
  const found = valueAt(value, issue.path);
  if (issue.code === 'invalid_type' && found === undefined) {
    return [{ path, part: 'key', code: 'QUILT_SCENARIO_MISSING', message: `is missing: it must be ${article(issue.expected)}` }];
  }
  const hint = issue.code === 'custom' ? hintOf(issue.params) : hintFor(issue, found, path);
  const code = issue.code === 'invalid_type' ? 'QUILT_SCENARIO_TYPE' : 'QUILT_SCENARIO_VALUE';
  return [{ path, part: 'value', code, message: messageOf(issue, found), ...(hint === undefined ? {} : { hint }) }];
}

function messageOf(issue: Issue, found: unknown): string {
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${article(issue.expected)}, not ${kindOf(found)}`;
    case 'too_small':
      return tooSmallOrBig('at least', 'more than', issue.minimum, issue.inclusive === true, issue.origin);
    case 'too_big':
      return tooSmallOrBig('at most', 'less than', issue.maximum, issue.inclusive === true, issue.origin);
    case 'invalid_value':
      return `must be ${issue.values.map(String).join(' or ')}, not ${kindOf(found)}`;
    default:
      return issue.message;
  }
}

function tooSmallOrBig(inclusive: string, exclusive: string, bound: number | bigint, isInclusive: boolean, origin: string): string {
  const amount = `${isInclusive ? inclusive : exclusive} ${bound}`;
  if (origin === 'string') return bound === 1 ? 'must not be empty' : `must have ${amount} characters`;
  if (origin === 'array') return `must have ${amount} ${bound === 1 ? 'entry' : 'entries'}`;
  return `must be ${amount}`;
}

function hintFor(issue: Issue, found: unknown, path: readonly PropertyKey[]): string | undefined {
  if (issue.code === 'invalid_value' && typeof found === 'string') {
    return typoHint(found, issue.values.map(String));
  }
  if (issue.code === 'invalid_type' && issue.expected === 'string' && (typeof found === 'number' || typeof found === 'boolean')) {
    return looksLikeDuration(path) ? `with its unit: ${String(found)}s` : `quote it: '${String(found)}'`;
  }
  return undefined;
}

/** Keys that hold durations: there a bare number wants a unit rather than quotes. */
const durationKeys =
  /^(over|for|hold|period|stay|pause|timeout|deadline|setupTimeout|gracefulStop|delayAbortEval|think|every|wait|start)$|Timeout$/;
const looksLikeDuration = (path: readonly PropertyKey[]): boolean => durationKeys.test(String(path.at(-1) ?? ''));

function hintOf(params: Record<string, unknown> | undefined): string | undefined {
  return typeof params?.hint === 'string' ? params.hint : undefined;
}

/** Of the forms that a value may have, the complaints of the one it was probably meant to be; null when it is none of their kind. */
function closest(errors: readonly (readonly Issue[])[], value: unknown): readonly Issue[] | null {
  const candidates = errors.filter((issues) => isOfKind(issues, value)).map((issues) => ({ issues, cost: costOf(issues, value) }));
  const best = candidates.sort((a, b) => a.cost - b.cost)[0]?.issues ?? null;
  // A misspelt key is the cause; that the form's own key is missing is only its consequence.
  const unknown = best?.filter((issue) => issue.code === 'unrecognized_keys') ?? [];
  return unknown.length > 0 ? unknown : best;
}

function isOfKind(issues: readonly Issue[], value: unknown): boolean {
  return issues.every((issue) => {
    if (issue.path.length > 0) return true;
    if (issue.code === 'invalid_union') return closest(issue.errors, value) !== null;
    return issue.code !== 'invalid_type' && issue.code !== 'invalid_value';
  });
}

/** Fewer unknown keys first, then fewer complaints. */
function costOf(issues: readonly Issue[], value: unknown): number {
  let cost = issues.length;
  for (const issue of issues) {
    if (issue.code === 'unrecognized_keys') cost += 10 * issue.keys.length;
    else if (issue.code === 'invalid_type' && valueAt(value, issue.path) === undefined) cost += 5;
  }
  return cost;
}

function unionFinding(path: readonly PropertyKey[], allowed: readonly string[], found: unknown): Finding {
  const wanted = [...new Set(allowed)];
  const hint = typeof found === 'string' ? typoHint(found, wanted) : undefined;
  const message = `must be ${wanted.join(' or ') || 'something else'}, not ${kindOf(found)}`;
  return { path, part: 'value', code: 'QUILT_SCENARIO_TYPE', message, ...(hint === undefined ? {} : { hint }) };
}

/** What each form of a union would have accepted in place of the whole value. */
function wantedBy(errors: readonly (readonly Issue[])[]): string[] {
  return errors.flat().flatMap((issue) => {
    if (issue.path.length > 0) return [];
    if (issue.code === 'invalid_type') return [article(issue.expected)];
    if (issue.code === 'invalid_value') return issue.values.map(String);
    return issue.code === 'invalid_union' ? wantedBy(issue.errors) : [];
  });
}

function typoHint(found: string, known: readonly string[]): string | undefined {
  const near = nearest(found, known);
  return near === null ? undefined : `did you mean ${near}?`;
}

const articles: Readonly<Record<string, string>> = {
  object: 'a map of keys',
  record: 'a map of names',
  array: 'a list',
  tuple: 'a list',
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  nonoptional: 'given',
};
const article = (expected: string): string => articles[expected] ?? expected;

export function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'empty';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'string') return `'${value.length > 40 ? `${value.slice(0, 40)}...` : value}'`;
  return String(value);
}

export function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value;
  for (const step of path) {
    if (at === null || typeof at !== 'object' || !Object.hasOwn(at, step)) return undefined;
    at = (at as Record<PropertyKey, unknown>)[step];
  }
  return at;
}

interface Definition {
  readonly type: string;
  readonly shape?: Readonly<Record<string, ZodType>>;
  readonly innerType?: ZodType;
  readonly in?: ZodType;
  readonly element?: ZodType;
  readonly valueType?: ZodType;
  readonly items?: readonly ZodType[];
  readonly options?: readonly ZodType[];
}

/** Keys that a schema knows at a path below it: over wrappers, and over all forms of a union. */
export function keysAt(schema: ZodType, path: readonly PropertyKey[]): string[] {
  const definition = schema._zod.def as unknown as Definition;
  const inner = definition.innerType ?? definition.in;
  if (inner !== undefined) return keysAt(inner, path);
  if (definition.options !== undefined) return [...new Set(definition.options.flatMap((option) => keysAt(option, path)))];
  const [step, ...rest] = path;
  if (step === undefined) return Object.keys(definition.shape ?? {});
  const next = definition.shape?.[String(step)] ?? definition.element ?? definition.valueType ?? definition.items?.[Number(step)];
  return next === undefined ? [] : keysAt(next, rest);
}
