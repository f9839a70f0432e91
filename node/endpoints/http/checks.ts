// Checks and captures, compiled: a check is a question about an answer, a capture takes a text out of it. Neither throws whatever the target
// sent; a body that is not JSON simply has nothing at any path. The body is parsed at most once an answer.

import { formatDuration } from '../../core/duration.ts';
import { type JsonPath, jsonText, lookUp, parseJson, parseJsonPath } from '../../core/json-path.ts';
import { isStatusIn } from '../../core/option-shapes.ts';
import type { Recorder } from '../../core/stats-types.ts';
import type { CaptureOptions, CheckOptions } from './options.ts';

/** An answer as checks see it. */
export interface Answer {
  readonly status: number;
  /** Parsed when first asked for. */
  readonly headers: () => Readonly<Record<string, string | string[] | undefined>>;
  /** Empty unless a check or capture of the request needs it. */
  readonly text: string;
  /** The text as JSON, parsed when first asked for. */
  readonly json: () => unknown;
  readonly durationMs: number;
}

export interface Check {
  readonly name: string;
  readonly needsBody: boolean;
  readonly holds: (answer: Answer) => boolean;
  readonly series: ReturnType<Recorder['rate']>;
}

export interface Capture {
  /** As templates name it: captured.NAME. */
  readonly name: string;
  readonly needsBody: boolean;
  readonly take: (answer: Answer) => string | undefined;
}

type Question = Pick<Check, 'holds' | 'needsBody'> & { readonly says: string };

export function compileCheck(options: CheckOptions, recorder: Recorder): Check {
  const { says, holds, needsBody } = questionOf(options);
  const name = options.name ?? says;
  return { name, holds, needsBody, series: recorder.rate('checks', { check: name }) };
}

function questionOf(options: CheckOptions): Question {
  const { status, header, json, bodyContains, bodyMatches, durationBelow } = options;
  if (status !== undefined) {
    const says = `status is ${status.map(([from, to]) => (from === to ? from : `${from}-${to}`)).join(' or ')}`;
    return { says, needsBody: false, holds: (answer) => isStatusIn(answer.status, status) };
  }
  if (header !== undefined) {
    const compare = comparisonOf(options);
    const name = header.toLowerCase();
    return { says: `header ${header} ${compare.says}`, needsBody: false, holds: (answer) => compare.holds(headerText(answer, name)) };
  }
  if (json !== undefined) {
    const compare = comparisonOf(options);
    const path = parseJsonPath(json) as JsonPath;
    return { says: `${json} ${compare.says}`, needsBody: true, holds: (answer) => compare.holds(lookUp(answer.json(), path)) };
  }
  if (bodyContains !== undefined) {
    return { says: `body contains ${bodyContains}`, needsBody: true, holds: (answer) => answer.text.includes(bodyContains) };
  }
  if (bodyMatches !== undefined) {
    const pattern = new RegExp(bodyMatches);
    return { says: `body matches ${bodyMatches}`, needsBody: true, holds: (answer) => pattern.test(answer.text) };
  }
  const limitMs = durationBelow ?? 0;
  return { says: `duration below ${formatDuration(limitMs)}`, needsBody: false, holds: (answer) => answer.durationMs < limitMs };
}

/** What `equals`, `contains`, `matches` and `exists` ask of a value; without any of them, that it is there. All given ones must hold. */
function comparisonOf(options: CheckOptions): { says: string; holds: (value: unknown) => boolean } {
  const { equals, contains, matches, exists } = options;
  const parts: { says: string; holds: (value: unknown) => boolean }[] = [];
  if (equals !== undefined) {
    const wanted = JSON.stringify(equals);
    parts.push({ says: `equals ${wanted}`, holds: (value) => JSON.stringify(value) === wanted });
  }
  if (contains !== undefined) {
    parts.push({ says: `contains ${contains}`, holds: (value) => value !== undefined && jsonText(value).includes(contains) });
  }
  if (matches !== undefined) {
    const pattern = new RegExp(matches);
    parts.push({ says: `matches ${matches}`, holds: (value) => value !== undefined && pattern.test(jsonText(value)) });
  }
  if (exists === false) parts.push({ says: 'is absent', holds: (value) => value === undefined });
  else if (exists === true || parts.length === 0) parts.push({ says: 'exists', holds: (value) => value !== undefined });
  return { says: parts.map((part) => part.says).join(' and '), holds: (value) => parts.every((part) => part.holds(value)) };
}

function headerText(answer: Answer, name: string): string | undefined {
  const value = answer.headers()[name];
  return Array.isArray(value) ? value.join(', ') : value;
}

export function compileCapture(name: string, options: CaptureOptions): Capture {
  const captured = `captured.${name}`;
  const { json, header, regex } = options;
  if (json !== undefined) {
    const path = parseJsonPath(json) as JsonPath;
    const take = (answer: Answer): string | undefined => {
      const value = lookUp(answer.json(), path);
      return value === undefined || value === null ? undefined : jsonText(value);
    };
    return { name: captured, needsBody: true, take };
  }
  if (header !== undefined) {
    const lower = header.toLowerCase();
    return { name: captured, needsBody: false, take: (answer) => headerText(answer, lower) };
  }
  const pattern = new RegExp(regex ?? '');
  const take = (answer: Answer): string | undefined => {
    const match = pattern.exec(answer.text);
    return match === null ? undefined : (match[1] ?? match[0]);
  };
  return { name: captured, needsBody: true, take };
}

/** An answer's body as JSON, parsed on demand. */
export function lazyJson(text: string): () => unknown {
  let value: unknown;
  let isParsed = false;
  return () => {
    if (!isParsed) value = parseJson(text);
    isParsed = true;
    return value;
  };
}
