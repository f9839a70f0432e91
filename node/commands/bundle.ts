// `quilt-swarm bundle`: packs the program for machines that have nothing yet: the built node, its runtime, and simulator builds that the operator names. Prints
// the archive's hash, which every machine of a run must hold. `launch` packs by itself; this is for object stores, images and machines set up by hand.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { type ProgramBundle, packProgram } from '../../bootstrap/program-bundle.ts';
import { childEnvironment } from '../adapters/environment.ts';
import { out } from '../adapters/terminal.ts';
import { fail, ok, type Result } from '../core/errors.ts';
import { entryPaths } from './entries.ts';
import { openExtras, withOption } from './extras.ts';
import { finishWithProblems, runCommand } from './finish.ts';

interface Flags {
  readonly out: string;
  readonly with: readonly string[];
  readonly json?: boolean;
}

/**
 * What machines shall run is what runs here: the bundle that this process was started from, or the sources built anew into `scratchFolder`, since an older build
 * beside edited sources would be another program. Problem: QUILT_BUNDLE_BUILD with what the build said.
 */
export function builtProgram(scratchFolder: string): Result<string> {
  const beside = dirname(entryPaths().node);
  if (existsSync(join(beside, 'worker.mjs'))) return ok(beside);
  const distFolder = join(scratchFolder, 'dist');
  const built = spawnSync(process.execPath, [join(dirname(beside), 'tools', 'build.ts'), '--out', distFolder], {
    encoding: 'utf8',
    env: childEnvironment(),
  });
  if (built.status === 0) return ok(distFolder);
  const message = `the program could not be built: ${built.stderr.trim() || built.error?.message}`;
  return fail({ code: 'QUILT_BUNDLE_BUILD', message, hint: 'npm ci installs what the build needs' });
}

async function bundle(flags: Flags): Promise<void> {
  const extras = await openExtras(flags.with);
  if (!extras.ok) return finishWithProblems(extras.problems);
  const scratch = mkdtempSync(join(tmpdir(), 'quilt-build-'));
  try {
    const built = builtProgram(scratch);
    const packed = built.ok
      ? await packProgram({ distFolder: built.value, runtimePath: process.execPath, extras: extras.value.parts, outPath: flags.out })
      : built;
    if (!packed.ok) return finishWithProblems(packed.problems);
    tell(packed.value, flags.json === true);
  } finally {
    extras.value.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

function tell({ path, sha256, sizeBytes }: ProgramBundle, isJson: boolean): void {
  out(isJson ? JSON.stringify({ path, sha256, sizeBytes }) : `${path}  ${(sizeBytes / 1e6).toFixed(1)} MB  sha256 ${sha256}`);
}

export function command(): Command {
  return new Command('bundle')
    .description('pack the program, its runtime and simulator builds for machines that have nothing yet')
    .option('--out <file>', 'where the archive goes', 'quilt-swarm.tar.gz')
    .addOption(withOption())
    .option('--json', 'path, hash and size as JSON')
    .action(bundle);
}

export const run = (argv: readonly string[]): Promise<number> => runCommand(command(), argv);
