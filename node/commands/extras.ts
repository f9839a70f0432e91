// Simulator builds and data that an operator names with --with, beside what lies in the scenario's own folder: folders, or what git has of one at a revision. A scenario uses them as
// ./extras/NAME/...; here they are put together in one folder, for the checks before a run and for the nodes on this computer. On rented machines they come with
// the program (bootstrap/program-bundle.ts), which has no bound of size but the disk's, and the scenario's own bundle leaves them out.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Option } from 'commander';
import { type BundleExtra, parseExtra, stageExtras } from '../../bootstrap/program-bundle.ts';
import { fail, ok, type Problem, type Result } from '../core/errors.ts';

export interface Extras {
  /** Holds one entry for each name; null = none were named. */
  readonly folder: string | null;
  /** As they lie in `folder`, for the program's bundle. */
  readonly parts: readonly BundleExtra[];
  close(): void;
}

export const withOption = (): Option =>
  new Option('--with <name=folder[#revision]>', 'a simulator build or data that the scenario uses as ./extras/NAME; repeatable')
    .argParser((text: string, all: readonly string[]) => [...all, text])
    .default([], '');

/** Problems: QUILT_BUNDLE_EXTRA, QUILT_BUNDLE_PART, QUILT_BUNDLE_TOOL. */
export async function openExtras(texts: readonly string[]): Promise<Result<Extras>> {
  if (texts.length === 0) return ok({ folder: null, parts: [], close: () => {} });
  const parsed = texts.map(parseExtra);
  const problems: Problem[] = parsed.flatMap((each) => (each.ok ? [] : each.problems));
  const named = parsed.flatMap((each) => (each.ok ? [each.value] : []));
  const folder = mkdtempSync(join(tmpdir(), 'quilt-extras-'));
  const close = (): void => rmSync(folder, { recursive: true, force: true });
  if (problems.length === 0) problems.push(...(await stageExtras(named, folder)));
  if (problems.length > 0) {
    close();
    return fail(...problems);
  }
  const parts = named.map(({ name }): BundleExtra => ({ name, folder: join(folder, name), revision: null }));
  return ok({ folder, parts, close });
}
