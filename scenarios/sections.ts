// The sections that are read before the rest, because the rest refers to them: data tables and targets.

import { targetPatternOf } from '../node/core/host-port.ts';
import type { DataTable } from '../node/core/scenario-types.ts';
import { putIn } from '../node/core/substitute.ts';
import { parseTable } from './data-table.ts';
import type { ScenarioFiles } from './endpoint-kind.ts';
import { dataShape, isName, targetShape } from './schema.ts';
import { type Finding, findingsOf, kindOf } from './shape-problems.ts';
import type { Resolved } from './variables.ts';

type Mapping = Readonly<Record<string, unknown>>;
const isMapping = (value: unknown): value is Mapping => typeof value === 'object' && value !== null && !Array.isArray(value);

export interface Loaded {
  readonly tables: ReadonlyMap<string, DataTable>;
  readonly names: readonly string[];
  readonly findings: readonly Finding[];
}

export function loadTables(section: unknown, resolved: Resolved, files: ScenarioFiles): Loaded {
  const tables = new Map<string, DataTable>();
  const findings: Finding[] = notMapping(section, ['data']);
  const written = isMapping(section) ? section : {};
  for (const [name, value] of Object.entries(written)) {
    const path = ['data', name];
    if (!isName(name))
      findings.push({ path, part: 'key', code: 'QUILT_SCENARIO_NAME', message: 'must be a name: letters, digits, _ and -' });
    const parsed = dataShape.safeParse(value);
    if (!parsed.success) {
      findings.push(...findingsOf(parsed.error.issues, dataShape, value, path));
      continue;
    }
    const file = String(putIn(parsed.data.file, resolved.known));
    const text = files.read(file);
    if (text === null) {
      findings.push({
        path: [...path, 'file'],
        part: 'value',
        code: 'QUILT_DATA_FILE',
        message: `there is no file ${file} that can be read`,
        hint: 'paths are relative to the scenario file',
      });
      continue;
    }
    const table = parseTable({ name, file, unique: parsed.data.unique, delimiter: parsed.data.delimiter }, text);
    if (table.ok) tables.set(name, table.value);
    else {
      for (const { code, message, line, hint } of table.problems) {
        findings.push({
          path: [...path, 'file'],
          part: 'value',
          code,
          message: `${file}:${line ?? 1} ${message}`,
          ...(hint === undefined ? {} : { hint }),
        });
      }
    }
  }
  return { tables, names: Object.keys(written), findings };
}

/** Targets must be texts that name a host and a port. `targets` holds the values after substitution. */
export function checkTargets(section: unknown, targets: Readonly<Record<string, string>>, resolved: Resolved, findings: Finding[]): void {
  findings.push(...notMapping(section, ['targets']));
  for (const [name, value] of Object.entries(isMapping(section) ? section : {})) {
    const path = ['targets', name];
    if (!isName(name))
      findings.push({ path, part: 'key', code: 'QUILT_SCENARIO_NAME', message: 'must be a name: letters, digits, _ and -' });
    const parsed = targetShape.safeParse(value);
    if (!parsed.success) findings.push(...findingsOf(parsed.error.issues, targetShape, value, path));
    else if (targetPatternOf(targets[name] ?? '') === null && !resolved.standIns.has(`targets.${name}`)) {
      findings.push({
        path,
        part: 'value',
        code: 'QUILT_TARGET',
        message: `${kindOf(targets[name])} names no host and port`,
        hint: 'e.g. http://127.0.0.1:8080, 10.0.0.5:5060, or 10.0.0.6:* for media at any port of a host',
      });
    }
  }
}

function notMapping(section: unknown, path: readonly string[]): Finding[] {
  if (section === undefined || section === null || isMapping(section)) return [];
  return [{ path, part: 'value', code: 'QUILT_SCENARIO_TYPE', message: `must be a map of names, not ${kindOf(section)}` }];
}
