// A scenario's YAML text, its plain value, and where in the text each key stands. YAML mistakes become problems; aliases are bounded so
// that a few lines cannot expand to gigabytes, and so is the text. Library: yaml (parseDocument keeps going after an error).

import { type Document, isAlias, isMap, isNode, isScalar, isSeq, LineCounter, parseDocument, type YAMLError } from 'yaml';
import type { Problem, Result } from '../node/core/errors.ts';

export const SCENARIO_BYTES_MAX = 1024 * 1024;
/** Nodes that all aliases together may stand for; yaml refuses more. */
const ALIAS_COUNT_MAX = 100;

export interface Source {
  /** Plain data: maps, lists, strings, numbers, booleans, null. */
  readonly value: unknown;
  /** Problems that leave a usable value: duplicate keys. */
  readonly problems: readonly Problem[];
  /** Line and column of a path: of its key, or of its value. A path that is not there gives its nearest ancestor that is. */
  readonly placeOf: (path: readonly PropertyKey[], part: 'key' | 'value') => { line: number; column: number };
}

export function readSource(text: string, file: string): Result<Source> {
  if (text.length > SCENARIO_BYTES_MAX) {
    return {
      ok: false,
      problems: [
        { code: 'QUILT_SCENARIO_TOO_LARGE', file, message: 'the file is larger than 1 MiB', hint: 'put data into CSV files (data:)' },
      ],
    };
  }
  // U+FFFD is what decoding makes of bytes that are no UTF-8: a program, a picture, UTF-16.
  if (text.includes('\0') || text.startsWith('\uFFFD')) {
    const hint = 'save it as UTF-8, without zero bytes';
    return { ok: false, problems: [{ code: 'QUILT_SCENARIO_NOT_TEXT', file, message: 'this is not a text file in UTF-8', hint }] };
  }
  const lineCounter = new LineCounter();
  let document: Document.Parsed;
  let value: unknown;
  const problems: Problem[] = [];
  try {
    document = parseDocument(text, { lineCounter, uniqueKeys: true, prettyErrors: false });
    const wrong = [...document.errors, ...document.warnings];
    if (wrong.some(({ message }) => message.startsWith('Maximum call stack'))) throw new RangeError();
    problems.push(...worthShowing(wrong, lineCounter).map((error) => syntaxProblem(error, text, file, lineCounter)));
    if (wrong.some(({ code }) => code !== 'DUPLICATE_KEY')) return { ok: false, problems };
    value = document.toJS({ maxAliasCount: ALIAS_COUNT_MAX });
    refuseCircles(value);
  } catch (error) {
    // RangeError: nested too deeply for the parser's stack. ReferenceError: aliases that would expand without bound.
    const isAliases = error instanceof ReferenceError;
    const message = isAliases ? 'its aliases (*name) expand to too much' : 'it is nested too deeply';
    return { ok: false, problems: [{ code: 'QUILT_YAML', file, message, hint: 'write it out, or use fewer levels' }] };
  }
  const placeOf = (path: readonly PropertyKey[], part: 'key' | 'value') => {
    const { line, col } = lineCounter.linePos(offsetOf(document, path, part));
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  return { ok: true, value: { value, problems, placeOf } };
}

/** An alias within its own anchor makes a value that contains itself: nobody could walk it to its end. */
function refuseCircles(value: unknown, above = new Set<unknown>()): void {
  if (typeof value !== 'object' || value === null) return;
  if (above.has(value)) throw new ReferenceError('an alias within its own anchor');
  above.add(value);
  for (const part of Object.values(value)) refuseCircles(part, above);
  above.delete(value);
}

/** Syntax mistakes shown at once; with more, the file is something else than YAML. */
const SYNTAX_PROBLEMS_MAX = 5;

/** One a line, and after the first no mere "unexpected": once the parser has lost its way it is surprised by everything. */
function worthShowing(errors: readonly YAMLError[], lineCounter: LineCounter): YAMLError[] {
  const seen = new Set<number>();
  return errors.filter(({ pos, code }) => {
    const { line } = lineCounter.linePos(pos[0]);
    if (seen.has(line) || (seen.size > 0 && code === 'UNEXPECTED_TOKEN')) return false;
    return seen.add(line).size <= SYNTAX_PROBLEMS_MAX;
  });
}

function syntaxProblem(error: YAMLError, text: string, file: string, lineCounter: LineCounter): Problem {
  const { line, col } = lineCounter.linePos(error.pos[0]);
  const isDuplicate = error.code === 'DUPLICATE_KEY';
  const message = isDuplicate ? 'the key is there twice' : error.message.replace(/\s+/g, ' ').slice(0, 200);
  // `{ url: ${targets.api} }` is the commonest of all: within braces YAML takes the next { for a map.
  const isUnquoted = !isDuplicate && (text.split('\n')[line - 1] ?? '').replace(/'[^']*'|"[^"]*"/g, '').includes('${');
  const hint = isUnquoted ? "within { } quote it: '${...}'" : hints[error.code];
  return {
    code: isDuplicate ? 'QUILT_YAML_DUPLICATE_KEY' : 'QUILT_YAML',
    file,
    line,
    column: col,
    message,
    ...(hint === undefined ? {} : { hint }),
  };
}

const hints: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'keep one of them',
  TAB_AS_INDENT: 'indent with spaces',
  BAD_INDENT: 'align it with its neighbours, two spaces a level',
  TAG_RESOLVE_FAILED: 'tags (!name) have no meaning here; quote the text',
  MULTIPLE_DOCS: 'one scenario a file: remove the --- line',
  MISSING_CHAR: 'a quote or bracket is not closed, or a colon is missing',
};

/** Walks the document along the path as far as it goes. */
function offsetOf(document: Document.Parsed, path: readonly PropertyKey[], part: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = startOf(node, 0);
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    const isLast = depth === path.length - 1;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => String(isScalar(key) ? key.value : key) === String(step));
      if (pair === undefined) return offset;
      const keyOffset = startOf(pair.key, offset);
      // A block of lines begins below its key; the key is where a person looks.
      const isBlock = (isMap(pair.value) || isSeq(pair.value)) && pair.value.flow !== true;
      offset = isLast && part === 'value' && !isBlock ? startOf(pair.value, keyOffset) : keyOffset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item: unknown = node.items[Number(step)];
      if (item === undefined) return offset;
      offset = startOf(item, offset);
      node = item;
    } else return offset;
  }
  return offset;
}

const startOf = (node: unknown, otherwise: number): number => (isNode(node) && node.range ? node.range[0] : otherwise);
