// Variables and targets: what -e gave against what the scenario declares, and the first pass of ${...} over the whole file. Every
// reference is checked against what is known at its place, so that ${meeting.id} in a group without meetings is found here and not
// by a request to /meetings//join in the middle of the night.

import { malformedReference, nameHint, namesIn, putIn, type Scalar } from '../node/core/substitute.ts';
import { nearest, suggestion } from '../node/core/suggest.ts';
import { isName, variableShape } from './schema.ts';
import { type Finding, findingsOf } from './shape-problems.ts';

export interface Resolved {
  /** Name -> value as text. */
  readonly variables: Record<string, string>;
  /** vars.X and targets.X with their types. */
  readonly known: Map<string, Scalar>;
  /** Names whose value is a stand-in, because the real one is missing or wrong: problems that they cause are not shown. */
  readonly standIns: Set<string>;
  readonly findings: Finding[];
}

const isMapping = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `given` is what the command line says; its mistakes have the path ['-e NAME'] and no place in the file. */
export function resolveVariables(section: unknown, given: Readonly<Record<string, string>>): Resolved {
  const resolved: Resolved = { variables: {}, known: new Map(), standIns: new Set(), findings: [] };
  if (section !== undefined && section !== null && !isMapping(section)) {
    resolved.findings.push({ path: ['variables'], part: 'value', code: 'QUILT_SCENARIO_TYPE', message: 'must be a map of names' });
  }
  const declared = isMapping(section) ? section : {};
  for (const [name, written] of Object.entries(declared)) declare(resolved, name, written, given);
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(declared, name)) continue;
    const hint = Object.keys(declared).length === 0 ? 'the scenario declares no variables' : suggestion(name, Object.keys(declared));
    resolved.findings.push({
      path: [`-e ${name}`],
      part: 'key',
      code: 'QUILT_VARIABLE_UNDECLARED',
      message: 'is no variable of this scenario',
      hint,
    });
  }
  return resolved;
}

function declare(resolved: Resolved, name: string, written: unknown, given: Readonly<Record<string, string>>): void {
  const path = ['variables', name];
  const complain = (message: string, hint: string | undefined, at: readonly PropertyKey[] = path): void => {
    resolved.findings.push({ path: at, part: 'key', code: 'QUILT_VARIABLE', message, ...(hint === undefined ? {} : { hint }) });
    resolved.standIns.add(`vars.${name}`);
  };
  if (!isName(name)) complain('must be a name: letters, digits, _ and -', undefined);
  const parsed = variableShape.safeParse(written);
  if (!parsed.success) {
    resolved.findings.push(...findingsOf(parsed.error.issues, variableShape, written, path));
    resolved.standIns.add(`vars.${name}`);
  }
  const options = !parsed.success ? {} : typeof parsed.data === 'object' ? parsed.data : { default: parsed.data };
  if (typeof options.default === 'string' && options.default.includes('${'))
    complain('cannot refer to anything in its default', 'put the parts together where they are used');
  const type = options.default === undefined ? (options.type ?? 'string') : typeof options.default;
  const standIn: Scalar = type === 'number' ? 1 : type === 'boolean' ? false : 'value';
  let value: Scalar = options.default ?? standIn;
  const text = Object.hasOwn(given, name) ? given[name] : undefined;
  if (text !== undefined) {
    const typed = typedScalar(text, type);
    if (typed === null) complain(`must be a ${type}, not '${text}'`, undefined, [`-e ${name}`]);
    else value = typed;
  } else if (parsed.success && (options.default === undefined || options.required === true)) {
    complain('has no value', `pass -e ${name}=VALUE${options.required === true ? '' : ', or give it a default'}`);
  }
  resolved.variables[name] = String(value);
  resolved.known.set(`vars.${name}`, value);
}

function typedScalar(text: string, type: string): Scalar | null {
  if (type === 'number') return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : null;
  if (type === 'boolean') return text === 'true' ? true : text === 'false' ? false : null;
  return text;
}

/** Adds targets.X to what is known; targets may refer to variables. */
export function resolveTargets(resolved: Resolved, section: unknown): Record<string, string> {
  const targets: Record<string, string> = {};
  if (!isMapping(section)) return targets;
  for (const [name, url] of Object.entries(section)) {
    if (typeof url !== 'string') continue;
    targets[name] = String(putIn(url, resolved.known)).replaceAll('$${', () => '${');
    resolved.known.set(`targets.${name}`, targets[name]);
    if (namesIn(url).some((used) => resolved.standIns.has(used) || !resolved.known.has(used))) resolved.standIns.add(`targets.${name}`);
  }
  return targets;
}

/** What may be referred to below a path of the file, beside what is known to all: names or, with a dot at the end, whole families. */
export type NamesAt = (path: readonly PropertyKey[]) => readonly string[];

export interface Substituted {
  readonly value: unknown;
  /** Paths (joined) whose value came from a reference, for telling apart '7' and 7. */
  readonly replaced: Set<string>;
  /** Paths (joined) that a stand-in went into, or a reference that nothing fills. */
  readonly poisoned: Set<string>;
}

export const pathKey = (path: readonly PropertyKey[]): string => path.map(String).join('\u0000');

/** Puts known values into every text of the tree and reports every reference that nothing will ever fill. The tree is not changed. */
export function substituteTree(tree: unknown, resolved: Resolved, namesAt: NamesAt): Substituted {
  const replaced = new Set<string>();
  const poisoned = new Set<string>();
  const visit = (value: unknown, path: readonly PropertyKey[]): unknown => {
    if (typeof value === 'string') {
      if (!value.includes('${')) return value;
      const isKnown = checkReferences(value, path, resolved, namesAt);
      if (!isKnown) poisoned.add(pathKey(path));
      const put = putIn(value, resolved.known);
      if (put !== value) replaced.add(pathKey(path));
      if (namesIn(value).some((name) => resolved.standIns.has(name))) poisoned.add(pathKey(path));
      return put;
    }
    if (Array.isArray(value)) return value.map((item, index) => visit(item, [...path, index]));
    if (!isMapping(value)) return value;
    // fromEntries defines own properties, so a key such as __proto__ stays a key.
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, path.length === 0 && key === 'variables' ? item : visit(item, [...path, key])]),
    );
  };
  return { value: visit(tree, []), replaced, poisoned };
}

function checkReferences(text: string, path: readonly PropertyKey[], resolved: Resolved, namesAt: NamesAt): boolean {
  const before = resolved.findings.length;
  const broken = malformedReference(text);
  if (broken !== null) {
    const hint = 'write ${vars.NAME}; a literal ${ is written $${';
    resolved.findings.push({ path, part: 'value', code: 'QUILT_REFERENCE', message: `'${broken}' is no reference`, hint });
  }
  const local = namesAt(path);
  for (const name of namesIn(text)) {
    if (resolved.known.has(name) || local.includes(name) || local.some((family) => family.endsWith('.') && name.startsWith(family)))
      continue;
    const known = [...local.filter((word) => !word.endsWith('.')), ...resolved.known.keys()];
    const hint =
      nearest(name, known) === null && name.startsWith('meeting.') && !local.some((word) => word.startsWith('meeting.'))
        ? 'only groups with meetings (perMeeting: or meetings:) know ${meeting.NAME}'
        : nameHint(name, known);
    resolved.findings.push({ path, part: 'value', code: 'QUILT_REFERENCE_UNKNOWN', message: `\${${name}} is not known here`, hint });
  }
  return resolved.findings.length === before;
}
