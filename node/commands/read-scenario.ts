// A scenario from its text and its folder: the pure parser (scenarios/parse.ts) with what it asks of a machine, the registry's endpoint types and
// the files beside the scenario. Used by the commands before a run and by every node in one, so that both see the same errors.

import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { basename, delimiter, dirname, isAbsolute, join, normalize } from 'node:path';
import type { ScenarioFiles } from '../../scenarios/endpoint-kind.ts';
import { parseScenario } from '../../scenarios/parse.ts';
import { unresolvedProblems } from '../../scenarios/unresolved.ts';
import { environmentVariable } from '../adapters/environment.ts';
import { unresolvedHosts } from '../adapters/name-lookup.ts';
import { fail, ok } from '../core/errors.ts';
import { hostOf, targetsOf } from '../core/host-port.ts';
import type { ReadScenario } from '../runtime/load-run.ts';
import { loadEndpointTypes } from '../runtime/registry.ts';

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** What the parser may ask of a scenario's folder and of this machine. */
export function scenarioFiles(folder: string, extrasFolder: string | null = null): ScenarioFiles {
  const at = (path: string): string => {
    if (isAbsolute(path)) return path;
    const inside = normalize(path);
    return extrasFolder !== null && inside.startsWith('extras/') ? join(extrasFolder, inside.slice('extras/'.length)) : join(folder, path);
  };
  const searchPath = (environmentVariable('PATH') ?? '').split(delimiter).filter((part) => part !== '');
  return {
    read(path) {
      try {
        // A pipe or a device has no end, and every node needs these bytes.
        return statSync(at(path)).isFile() ? readFileSync(at(path), 'utf8') : null;
      } catch {
        return null;
      }
    },
    fileExists(path) {
      return statSync(at(path), { throwIfNoEntry: false })?.isFile() === true;
    },
    commandExists: (name) => (name.includes('/') ? isExecutable(at(name)) : searchPath.some((part) => isExecutable(join(part, name)))),
  };
}

export const readScenario: ReadScenario = async ({ text, file, folder, variables, extrasFolder }) => {
  const endpointTypes = [...(await loadEndpointTypes()).values()];
  const parsed = parseScenario(text, file, { variables, endpointTypes, files: scenarioFiles(folder, extrasFolder) });
  if (!parsed.ok) return parsed;
  const used = new Set(parsed.value.groups.map(({ type }) => type));
  const types = endpointTypes
    .filter(({ type }) => used.has(type))
    .map(({ type, metrics, metricsOf }) => {
      const own = parsed.value.groups.filter((group) => group.type === type).flatMap(({ behavior }) => metricsOf?.(behavior) ?? []);
      return { type, metrics: [...metrics, ...own] };
    });
  return ok({ scenario: parsed.value, types });
};

/** Reads and parses a file that the user named, and asks for its targets' addresses: a name that does not resolve is found before anything starts. */
export async function readScenarioFile(path: string, variables: Readonly<Record<string, string>>, extrasFolder: string | null = null) {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    const message = isMissing ? 'there is no such file' : `cannot be read: ${(error as Error).message}`;
    return fail({ code: 'QUILT_SCENARIO_FILE', file: path, message, hint: 'quilt-swarm new writes a starter scenario' });
  }
  const read = await readScenario({ text, file: path, folder: dirname(path), variables, extrasFolder });
  if (!read.ok) return read;
  const { scenario } = read.value;
  const problems = unresolvedProblems(scenario, text, path, await unresolvedHosts(targetsOf(scenario).map(hostOf)));
  return problems.length > 0 ? fail(...problems) : ok({ ...read.value, text, name: basename(path) });
}
