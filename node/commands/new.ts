// `quilt-swarm new [FILE]`: a commented scenario to start from. It validates as it is and runs against the embedded target (tools/target).
// An existing file is never overwritten without --force.

import { writeFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { Command, Option } from 'commander';
import { STARTER_TYPES, type StarterType, starterText } from '../../scenarios/starter.ts';
import { err, out } from '../adapters/terminal.ts';
import { finishWithProblems, runCommand } from './finish.ts';

interface Flags {
  readonly type: StarterType;
  readonly force?: boolean;
}

function write(file: string, flags: Flags): void {
  const name = basename(file, extname(file)).replace(/[^\w-]/g, '-') || 'scenario';
  try {
    // 'wx' fails when the file is there: no moment between looking and writing.
    writeFileSync(file, starterText(name, flags.type), { flag: flags.force ? 'w' : 'wx' });
  } catch (error) {
    const isThere = (error as NodeJS.ErrnoException).code === 'EEXIST';
    const message = isThere ? 'is already there' : `cannot be written: ${(error as Error).message}`;
    return finishWithProblems([{ code: 'QUILT_FILE', file, message, hint: isThere ? '--force overwrites it' : 'choose another place' }]);
  }
  out(`wrote ${file}`);
  err(`next: quilt-swarm validate ${file}, quilt-swarm plan ${file}, quilt-swarm run ${file}`);
}

export function command(): Command {
  return new Command('new')
    .description('write a commented starter scenario')
    .argument('[file]', 'where to write it', 'scenario.yaml')
    .addOption(new Option('--type <TYPE>', 'endpoint type of the starter').choices([...STARTER_TYPES]).default('http'))
    .option('--force', 'overwrite an existing file')
    .action(write);
}

export const run = (argv: readonly string[]): Promise<number> => runCommand(command(), argv);
