// Reads the documentation as data, so that tests can hold it to the program: fenced blocks with the heading above them, tables behind a marker
// (`<!-- keys: http.requests -->`), relative links, command lines; and the shape of a scenario's keys, found by a path such as `scenario.groups.load`.

import type { ZodType } from 'zod';
import { BUILTIN_METRICS } from '../../node/core/builtin-metrics.ts';
import type { MetricDeclaration } from '../../node/core/stats-types.ts';

export interface Block {
  readonly language: string;
  readonly text: string;
  readonly line: number;
  /** The nearest heading above, without its marks. */
  readonly heading: string;
}

const FENCE = /^ {0,3}```(\w*)\s*$/;

export function blocksOf(markdown: string): Block[] {
  const blocks: Block[] = [];
  let heading = '';
  let open: { language: string; from: number } | null = null;
  const lines = markdown.split('\n');
  lines.forEach((line, index) => {
    const fence = FENCE.exec(line);
    if (open !== null && fence !== null) {
      blocks.push({ language: open.language, text: `${lines.slice(open.from, index).join('\n')}\n`, line: open.from + 1, heading });
      open = null;
    } else if (fence !== null) open = { language: fence[1] ?? '', from: index + 1 };
    else if (open === null && /^#+ /.test(line)) heading = line.replace(/^#+ /, '').trim();
  });
  if (open !== null) throw new Error(`a fence is not closed: line ${(open as { from: number }).from}`);
  return blocks;
}

/** The text with everything in fences left out, line for line. */
export function proseOf(markdown: string): string {
  let isInside = false;
  return markdown
    .split('\n')
    .map((line) => {
      const isFence = FENCE.test(line);
      if (isFence) isInside = !isInside;
      return isInside || isFence ? '' : line;
    })
    .join('\n');
}

/** Heading -> the anchor that GitHub gives it. */
export const anchorsOf = (markdown: string): string[] =>
  [...proseOf(markdown).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .trim()
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );

/** Targets of all links that are no web addresses. Code spans are no links. */
export const linksOf = (markdown: string): string[] =>
  [
    ...proseOf(markdown)
      .replace(/`[^`\n]*`/g, '')
      .matchAll(/\]\(([^)\s]+)\)/g),
  ]
    .map(([, target = '']) => target)
    .filter((target) => !/^[a-z]+:/i.test(target));

export interface Table {
  readonly marker: string;
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

const cellsOf = (line: string): string[] =>
  line
    .trim()
    .slice(1, -1)
    .split('|')
    .map((cell) => cell.trim());

/** Tables that stand right below `<!-- MARKER -->`. */
export function markedTables(markdown: string): Table[] {
  const lines = markdown.split('\n');
  return lines.flatMap((line, index) => {
    const marker = /^<!-- (.+) -->$/.exec(line)?.[1];
    if (marker === undefined || lines[index + 1]?.startsWith('|') !== true) return [];
    const table: string[] = [];
    for (let at = index + 1; lines[at]?.startsWith('|') === true; at++) table.push(lines[at] ?? '');
    const [header = '', , ...rows] = table;
    return [{ marker, header: cellsOf(header), rows: rows.map(cellsOf) }];
  });
}

/** What stands in `code marks`, or null. */
export const codeIn = (cell: string): string | null => /^`(.*)`$/.exec(cell)?.[1] ?? null;

interface Definition {
  readonly type: string;
  readonly innerType?: ZodType;
  readonly in?: ZodType;
  readonly element?: ZodType;
  readonly valueType?: ZodType;
  readonly options?: readonly ZodType[];
  readonly shape?: Readonly<Record<string, ZodType>>;
}

/** The keys of the map that a schema describes: through defaults, lists, maps of names, and unions with one map among their forms. */
export function keysOf(schema: ZodType): Readonly<Record<string, ZodType>> | null {
  const { type, innerType, in: input, element, valueType, options, shape } = schema.def as unknown as Definition;
  if (type === 'object') return shape ?? null;
  if (type === 'union') return (options ?? []).map(keysOf).find((keys) => keys !== null) ?? null;
  const next = innerType ?? input ?? element ?? valueType;
  return next === undefined ? null : keysOf(next);
}

/** `http.requests.checks` -> the keys of a check. `roots` gives the schema of the first word. */
export function keysAt(path: string, roots: Readonly<Record<string, ZodType>>): Readonly<Record<string, ZodType>> {
  const [first = '', ...rest] = path.split('.');
  let schema = roots[first];
  for (const step of rest) schema = schema === undefined ? undefined : keysOf(schema)?.[step];
  const keys = schema === undefined ? null : keysOf(schema);
  if (keys === null) throw new Error(`there are no keys at ${path}`);
  return keys;
}

export interface TypeFacts {
  readonly type: string;
  readonly metrics: readonly MetricDeclaration[];
}

/** The rows of the table of metrics, from the registry: each metric once, with the types that emit it. */
export function metricRows(types: readonly TypeFacts[]): string[] {
  const all = new Map<string, MetricDeclaration>();
  for (const metric of [...BUILTIN_METRICS, ...types.flatMap(({ metrics }) => metrics)])
    if (!all.has(metric.name)) all.set(metric.name, metric);
  return [...all.values()].map(({ name, kind, unit, tags, help }) => {
    const emitters = types.filter(({ metrics }) => metrics.some((metric) => metric.name === name)).map(({ type }) => type);
    const own = (tags ?? []).map((tag) => `\`${tag}\``).join(' ');
    return `| \`${name}\` | ${emitters.length === 0 ? 'every run' : emitters.join(', ')} | ${kind} | ${unit} | ${own} | ${help} |`;
  });
}

/** Command lines of a shell block: comments and `> FILE` gone, `a && b` apart, words split as a shell would. */
export function commandsOf(shell: string): string[][] {
  return shell
    .replaceAll(/\\\n/g, ' ')
    .split('\n')
    .map((line) =>
      line
        .replace(/(^|\s)#.*$/, '')
        .replace(/ > [\w.-]+$/, '')
        .trim(),
    )
    .flatMap((line) => line.split(/\s*(?:&&|\|\||;)\s*/))
    .filter((line) => line !== '')
    .map((line) => [...line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, plain]) => double ?? single ?? plain ?? ''))
    .filter(([word]) => word !== '{' && word?.startsWith('{') === false);
}
