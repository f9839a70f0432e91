// `quilt-swarm bundle`: packs the program for machines that have nothing yet: the built node, its runtime, and simulator builds that the operator names. Prints
// the archive's hash, which every machine of a run must hold. `launch` packs by itself; this is for object stores, images and machines set up by hand.

import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Command } from 'commander';
import { type BundleExtra, packProgram, parseExtra } from '../../bootstrap/program-bundle.ts';
import { out } from '../adapters/terminal.ts';
import type { Problem } from '../core/errors.ts';
import { entryPaths } from './entries.ts';
import { finishWithProblems, runCommand } from './finish.ts';

interface Flags {
  readonly out: string;
  readonly with: readonly string[];
  readonly json?: boolean;
}

/** Beside the bundle that runs, or where `npm run build` puts it when the sources run. */
export function builtFolder(): string {
  const entry = entryPaths().node;
  const beside = dirname(entry);
  return existsSync(join(beside, 'worker.mjs')) ? beside : join(dirname(beside), 'dist');
}

async function bundle(flags: Flags): Promise<void> {
  const problems: Problem[] = [];
  const extras: BundleExtra[] = [];
  for (const text of flags.with) {
    const extra = parseExtra(text);
    if (extra.ok) extras.push(extra.value);
    else problems.push(...extra.problems);
  }
  if (problems.length > 0) return finishWithProblems(problems);
  const packed = await packProgram({ distFolder: builtFolder(), runtimePath: process.execPath, extras, outPath: flags.out });
  if (!packed.ok) return finishWithProblems(packed.problems);
  const { path, sha256, sizeBytes } = packed.value;
  out(flags.json === true ? JSON.stringify({ path, sha256, sizeBytes }) : `${path}  ${(sizeBytes / 1e6).toFixed(1)} MB  sha256 ${sha256}`);
}

export function command(): Command {
  return new Command('bundle')
    .description('pack the program, its runtime and simulator builds for machines that have nothing yet')
    .option('--out <file>', 'where the archive goes', 'quilt-swarm.tar.gz')
    .option('--with <name=folder[#revision]>', 'a simulator build to pack; repeatable', (text, all: string[]) => [...all, text], [])
    .option('--json', 'path, hash and size as JSON')
    .action(bundle);
}

export const run = (argv: readonly string[]): Promise<number> => runCommand(command(), argv);
