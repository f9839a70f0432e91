// The scenarios of the folder that the console was started in. Paths come from a browser: they must lead to a YAML file inside the folder, links included. Listing a file parses it and
// never runs anything.

import { existsSync, readdirSync, readFileSync, realpathSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { parse } from 'yaml';
import { fail, ok, type Problem, type Result } from '../../../node/core/errors.ts';
import { words } from '../../../node/core/shell-words.ts';
import type { ScenarioRow } from '../protocol.ts';
import { SCENARIO_LENGTH_MAX } from '../schemas/folder.ts';

const SCENARIOS_MAX = 200;
const FOLDERS = ['', 'scenarios'];

export interface ScenarioFolder {
  scenarios(): readonly ScenarioRow[];
  read(path: string): Result<string>;
  save(path: string, text: string): Result<{ readonly command: string }>;
  /** The real path of a scenario that may be there; null = it must not be touched. */
  inside(path: string): string | null;
}

export const NOT_THERE: Problem = {
  ...{ code: 'QUILT_CONSOLE_PATH', message: 'there is no such scenario here', hint: 'a YAML file in the folder of the console' },
};

/** `root`: a real path. */
export function createScenarioFolder(root: string): ScenarioFolder {
  const inside = (path: string): string | null => {
    if (!/\.ya?ml$/.test(path) || path.includes('\0')) return null;
    const full = resolve(root, path);
    const real = existsSync(full)
      ? realpathSync(full)
      : existsSync(dirname(full))
        ? join(realpathSync(dirname(full)), basename(full))
        : null;
    return real?.startsWith(root + sep) ? real : null;
  };

  const rowOf = (path: string): ScenarioRow => {
    const row = { path, name: basename(path).replace(/\.ya?ml$/, ''), description: '', isValid: false };
    try {
      const { name, description, groups } = parse(readFileSync(join(root, path), 'utf8')) as Record<string, unknown>;
      return {
        ...row,
        ...(typeof name === 'string' ? { name } : {}),
        ...(typeof description === 'string' ? { description } : {}),
        isValid: typeof groups === 'object' && groups !== null,
      };
    } catch {
      return row;
    }
  };

  return {
    inside,
    scenarios: () =>
      FOLDERS.flatMap((name) => {
        const at = join(root, name);
        if (!existsSync(at) || !statSync(at).isDirectory()) return [];
        return readdirSync(at)
          .filter((file) => /\.ya?ml$/.test(file) && statSync(join(at, file)).size <= SCENARIO_LENGTH_MAX)
          .map((file) => (name === '' ? file : `${name}/${file}`));
      })
        .sort()
        .slice(0, SCENARIOS_MAX)
        .map(rowOf)
        // Other YAML files lie around too.
        .filter(({ isValid }) => isValid),
    read(path) {
      const real = inside(path);
      if (real === null || !existsSync(real) || statSync(real).size > SCENARIO_LENGTH_MAX) return fail(NOT_THERE);
      return ok(readFileSync(real, 'utf8'));
    },
    save(path, text) {
      const real = inside(path);
      if (real === null) return fail(NOT_THERE);
      writeFileSync(`${real}.part`, text);
      renameSync(`${real}.part`, real);
      return ok({ command: `$EDITOR ${words(relative(root, real))}` });
    },
  };
}
