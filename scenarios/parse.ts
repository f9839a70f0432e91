// Scenario text -> ValidScenario, or every problem of the file at once. Order: YAML, variables, targets, data, references, then section by
// section and group by group against the schema, then what spans sections. A section that fails does not stop the others from being judged;
// problems that merely follow from another (a variable without a value) are left out. Pure: files and machine facts come in through `files`.

import type { ZodType } from 'zod';
import { fail, ok, type Problem, type Result } from '../node/core/errors.ts';
import type { NodeLossPolicy } from '../node/core/messages.ts';
import type { Saved, ValidGroup, ValidMeetings, ValidScenario } from '../node/core/scenario-types.ts';
import { suggestion } from '../node/core/suggest.ts';
import type { Threshold } from '../node/core/threshold-syntax.ts';
import {
  type Behavior,
  checkBehavior,
  checkGroup,
  type GroupFacts,
  kindOfGroup,
  metricsOfBehavior,
  type WrittenGroup,
} from './check-groups.ts';
import { checkRun } from './check-run.ts';
import { checkThresholds, type Emitting } from './check-thresholds.ts';
import { type EndpointKind, NO_FILES, type ScenarioFiles } from './endpoint-kind.ts';
import { namesAt } from './names-at.ts';
import { keyText } from './problems.ts';
import { groupShape, isName, scalarSections, scenarioShape, thresholdListShape } from './schema.ts';
import { checkTargets, type Loaded, loadTables } from './sections.ts';
import { type Finding, findingsOf, keysAt, valueAt } from './shape-problems.ts';
import { readSource, type Source } from './source-map.ts';
import { pathKey, type Resolved, resolveTargets, resolveVariables, type Substituted, substituteTree } from './variables.ts';

export interface ParseOptions {
  /** What -e gave. */
  readonly variables?: Readonly<Record<string, string>>;
  readonly endpointTypes: readonly EndpointKind[];
  /** The scenario's folder; without it every file is missing. */
  readonly files?: ScenarioFiles;
}

type Mapping = Readonly<Record<string, unknown>>;
const mappingOf = (value: unknown): Mapping =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Mapping) : {};

/** What all steps share: the tree after substitution, and the list that they add to. */
interface Work {
  readonly tree: Mapping;
  readonly substituted: Substituted;
  readonly findings: Finding[];
}

export function parseScenario(text: string, fileName: string, options: ParseOptions): Result<ValidScenario> {
  const source = readSource(text, fileName);
  if (!source.ok) return source;
  const root = source.value.value;
  if (typeof root !== 'object' || root === null || Array.isArray(root)) {
    const hint = 'begin with name:, groups: ...; quilt-swarm new writes a starter';
    return fail({ code: 'QUILT_SCENARIO_TYPE', file: fileName, line: 1, column: 1, message: 'a scenario is a map of keys', hint });
  }
  const usedFiles = new Set<string>();
  const files = watched(options.files ?? NO_FILES, usedFiles);
  const resolved = resolveVariables(mappingOf(root).variables, options.variables ?? {});
  const targets = resolveTargets(resolved, mappingOf(root).targets);
  const loaded = loadTables(mappingOf(root).data, resolved, files);
  const substituted = substituteTree(root, resolved, namesAt(mappingOf(root), loaded.tables, options.endpointTypes));
  const work: Work = { tree: mappingOf(substituted.value), substituted, findings: [...resolved.findings, ...loaded.findings] };
  checkTopLevel(work);
  checkTargets(mappingOf(root).targets, targets, resolved, work.findings);
  const scenario = assemble(work, { resolved, targets, loaded, files, kinds: options.endpointTypes });
  const problems = [...source.value.problems, ...placed(work, source.value, fileName)];
  if (problems.length > 0 || scenario === null) return fail(...problems);
  return ok({ ...scenario, files: [...usedFiles].sort() });
}

/** Unknown and missing sections. */
function checkTopLevel({ tree, findings }: Work): void {
  const known = keysAt(scenarioShape, []);
  for (const key of Object.keys(tree)) {
    if (known.includes(key)) continue;
    findings.push({
      path: [key],
      part: 'key',
      code: 'QUILT_SCENARIO_UNKNOWN_KEY',
      message: 'is not known here',
      hint: suggestion(key, known),
    });
  }
}

interface Parts {
  readonly resolved: Resolved;
  readonly targets: Record<string, string>;
  readonly loaded: Loaded;
  readonly files: ScenarioFiles;
  readonly kinds: readonly EndpointKind[];
}

function assemble(work: Work, parts: Parts): ValidScenario | null {
  const section = <T>(name: string, schema: ZodType<T>): T | undefined => check(work, schema, work.tree[name], [name]);
  const name = section('name', scalarSections.name);
  const description = section('description', scalarSections.description);
  const deadline = section('deadline', scalarSections.deadline);
  const setupMsMax = section('setupTimeout', scalarSections.setupTimeout);
  const gracefulStopMs = section('gracefulStop', scalarSections.gracefulStop);
  const seed = section('seed', scalarSections.seed);
  const policies = section('policies', scalarSections.policies);
  const tags = section('tags', scalarSections.tags);
  const shards = section('shards', scalarSections.shards);
  const before = work.findings.length;
  const written = section('meetings', scalarSections.meetings);
  const isMeetingsBroken = work.findings.length > before;
  const facts: GroupFacts = {
    kinds: parts.kinds,
    meetingCount: isMeetingsBroken ? null : (written?.count ?? 0),
    tables: parts.loaded.tables,
    tableNames: parts.loaded.names,
    machine: parts.files,
    gracefulStopMs: gracefulStopMs ?? 0,
    deadlineMs: deadline ?? null,
    tags: tags ?? {},
  };
  const { groups, thresholds } = groupsAndThresholds(work, facts);
  const run = checkRun(
    groups,
    { deadlineMs: deadline ?? null, setupMsMax: setupMsMax ?? 0, gracefulStopMs: gracefulStopMs ?? 0 },
    work.findings,
  );
  if (work.findings.length > 0) return null;
  return {
    name: name ?? '',
    description: description ?? '',
    seed: seed ?? 0,
    variables: parts.resolved.variables,
    targets: parts.targets,
    meetings: written === undefined ? null : meetingsFrom(written),
    groups: run.groups,
    thresholds,
    policies: {
      onNodeLoss: lossPolicyOf(policies?.onNodeLoss ?? 'reassign'),
      onCoordinatorLoss: policies?.onCoordinatorLoss ?? 'terminate',
    },
    deadlineMs: run.deadlineMs,
    setupMsMax: setupMsMax ?? 0,
    gracefulStopMs: gracefulStopMs ?? 0,
    shardEndpoints: shards?.endpoints ?? null,
    shardMeetings: shards?.meetings ?? null,
    tags: tags ?? {},
    files: [],
  };
}

function groupsAndThresholds(work: Work, facts: GroupFacts): { groups: ValidGroup[]; thresholds: Threshold[] } {
  const written = work.tree.groups;
  const names = Object.keys(mappingOf(written));
  if (names.length === 0) {
    const hint = 'groups: {visitors: {type: http, load: ..., behavior: ...}}';
    work.findings.push({
      path: ['groups'],
      part: 'key',
      code: 'QUILT_SCENARIO_MISSING',
      message: 'must be a map with at least one group',
      hint,
    });
  }
  const groups: ValidGroup[] = [];
  const emitting: Emitting[] = [];
  let isIncomplete = false;
  for (const [index, name] of names.entries()) {
    const path = ['groups', name];
    if (!isName(name))
      work.findings.push({ path, part: 'key', code: 'QUILT_SCENARIO_NAME', message: 'must be a name: letters, digits, _ and -' });
    const raw = mappingOf(mappingOf(written)[name]);
    const kind = kindOfGroup(raw.type, path, facts.kinds, work.findings);
    const behavior = kind === null ? null : behaviorOf(work, kind, raw, path, facts);
    isIncomplete ||= kind === null || (behavior === null && kind.metricsOf !== undefined);
    const group = check<WrittenGroup>(work, groupShape, mappingOf(written)[name], path);
    const tags = { ...facts.tags, ...group?.tags };
    if (kind !== null)
      emitting.push({ group: name, type: kind.type, metrics: behavior === null ? kind.metrics : metricsOfBehavior(behavior), tags });
    const valid = group === undefined ? null : checkGroup(name, index, group, behavior, facts, work.findings);
    if (valid !== null) groups.push(valid);
  }
  return { groups, thresholds: thresholdsOf(work, { groups: names, emitting, isIncomplete }) };
}

function behaviorOf(work: Work, kind: EndpointKind, raw: Mapping, path: readonly string[], facts: GroupFacts): Behavior | null {
  const before = work.findings.length;
  const options = check(work, kind.options, raw.behavior ?? {}, [...path, 'behavior']);
  if (work.findings.length > before) return null;
  const behavior = { kind, options };
  checkBehavior(behavior, path, facts.machine, work.findings);
  return behavior;
}

function thresholdsOf(work: Work, facts: Parameters<typeof checkThresholds>[2]): Threshold[] {
  const written = work.tree.thresholds;
  if (written === undefined || written === null) return [];
  const thresholds: Threshold[] = [];
  for (const [selector, value] of Object.entries(mappingOf(written))) {
    const list = check(work, thresholdListShape, value, ['thresholds', selector]);
    if (list !== undefined) thresholds.push(...checkThresholds(selector, list, facts, work.findings));
  }
  if (typeof written !== 'object' || Array.isArray(written)) {
    work.findings.push({
      path: ['thresholds'],
      part: 'value',
      code: 'QUILT_SCENARIO_TYPE',
      message: 'must be a map: metric{tag:value}: p(95)<200',
    });
  }
  return thresholds;
}

/** Checks one part of the tree against its schema. A number that a variable put where text is wanted becomes text again. */
function check<T>(work: Work, schema: ZodType<T>, value: unknown, path: readonly PropertyKey[]): T | undefined {
  let parsed = schema.safeParse(value);
  if (!parsed.success) {
    const retyped = structuredClone(value);
    let isRetyped = false;
    for (const issue of parsed.error.issues) {
      if (issue.code !== 'invalid_type' || issue.expected !== 'string' || !work.substituted.replaced.has(pathKey([...path, ...issue.path])))
        continue;
      const parent = valueAt(retyped, issue.path.slice(0, -1));
      if (typeof parent !== 'object' || parent === null || issue.path.length === 0) continue;
      (parent as Record<PropertyKey, unknown>)[issue.path.at(-1)!] = String(valueAt(retyped, issue.path));
      isRetyped = true;
    }
    if (isRetyped) parsed = schema.safeParse(retyped);
  }
  if (parsed.success) return parsed.data;
  work.findings.push(...findingsOf(parsed.error.issues, schema, value, path));
  return undefined;
}

/** Findings with file, line, column and key; those that follow from a variable without a value are left out. */
function placed({ findings, substituted }: Work, source: Source, file: string): Problem[] {
  const problems: Problem[] = [];
  for (const { path, part, code, message, hint } of findings) {
    if (code !== 'QUILT_REFERENCE' && code !== 'QUILT_REFERENCE_UNKNOWN' && substituted.poisoned.has(pathKey(path))) continue;
    const shown = { code, message, ...(hint === undefined ? {} : { hint }) };
    const first = String(path[0] ?? '');
    if (first.startsWith('-e ')) problems.push({ ...shown, key: first });
    else problems.push({ ...shown, file, ...source.placeOf(path, part), key: keyText(path) });
  }
  const seen = new Set<string>();
  return problems.filter(({ line, column, key, message }) => {
    const mark = `${line}:${column}:${key}:${message}`;
    return seen.has(mark) ? false : seen.add(mark);
  });
}

/** Notes which files a scenario turned out to need, so that the bundle can carry them. */
function watched(files: ScenarioFiles, used: Set<string>): ScenarioFiles {
  const note = (path: string, isThere: boolean): boolean => {
    if (isThere) used.add(path);
    return isThere;
  };
  return {
    read: (path) => {
      const text = files.read(path);
      note(path, text !== null);
      return text;
    },
    fileExists: (path) => note(path, files.fileExists(path)),
    commandExists: (name) => files.commandExists(name),
  };
}

type WrittenMeetings = NonNullable<ReturnType<typeof scalarSections.meetings.parse>>;

function meetingsFrom({ count, provision, teardown }: WrittenMeetings): ValidMeetings {
  const common = (call: NonNullable<typeof teardown>) => ({
    method: call.method,
    url: call.url,
    headers: call.headers,
    json: call.json,
    text: call.text,
    expect: call.expect,
    timeoutMs: call.timeout,
    ratePerS: call.rate,
  });
  const saved = Object.entries(provision?.save ?? {}).map(([name, where]): [string, Saved] => [
    name,
    typeof where === 'string' ? { json: where } : where,
  ]);
  return {
    count,
    provision: provision === undefined ? null : { ...common(provision), save: Object.fromEntries(saved) },
    teardown: teardown === undefined ? null : { ...common(teardown), save: {} },
  };
}

type WrittenLoss = 'reassign' | 'fail' | { readonly tolerate: string };
const lossPolicyOf = (written: WrittenLoss): NodeLossPolicy =>
  typeof written === 'string' ? { kind: written } : { kind: 'tolerate', percent: Number(written.tolerate.slice(0, -1)) };
