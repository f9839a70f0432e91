// `quilt-swarm validate FILE...`: every problem of every file, each with line, key and hint, before anything starts. Exit 104 when there is one.
// `--schema` prints the JSON Schema for editors instead.

import { Command } from 'commander';
import { editorSchemaText } from '../../scenarios/json-schema.ts';
import { err, out, write } from '../adapters/terminal.ts';
import type { Problem } from '../core/errors.ts';
import { loadEndpointTypes } from '../runtime/registry.ts';
import { openExtras, withOption } from './extras.ts';
import { finish, finishWithProblems, nameValue, runCommand } from './finish.ts';
import { readScenarioFile } from './read-scenario.ts';

interface Flags {
  readonly variable: Readonly<Record<string, string>>;
  readonly with: readonly string[];
  readonly json?: boolean;
  readonly schema?: boolean;
}

async function validate(files: readonly string[], flags: Flags, command: Command): Promise<void> {
  if (flags.schema) return write(editorSchemaText([...(await loadEndpointTypes()).values()]));
  if (files.length === 0) command.error("error: missing required argument 'file'");
  const extras = await openExtras(flags.with);
  if (!extras.ok) return finishWithProblems(extras.problems);
  const problems: Problem[] = [];
  for (const file of files) {
    const read = await readScenarioFile(file, flags.variable, extras.value.folder);
    if (!read.ok) problems.push(...read.problems);
    else if (!flags.json) err(`${file}: fine`);
  }
  extras.value.close();
  if (flags.json) out(JSON.stringify({ ok: problems.length === 0, problems }));
  if (problems.length === 0) return;
  if (flags.json) finish('badConfiguration');
  else finishWithProblems(problems);
}

export function command(): Command {
  return new Command('validate')
    .description('check scenario files: all problems at once, with line and hint')
    .argument('[file...]', 'scenario files')
    .option('-e, --variable <NAME=VALUE>', 'set a variable of the scenario (repeatable)', nameValue, {})
    .addOption(withOption())
    .option('--json', 'problems as JSON on standard output')
    .option('--schema', 'print the JSON Schema of the scenario language')
    .action(validate);
}

export const run = (argv: readonly string[]): Promise<number> => runCommand(command(), argv);
