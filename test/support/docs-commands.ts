// Whether a command line that a page shows would be understood: verbs by main.ts, their arguments and flags by the verbs' own commander definitions
// (parsed, never carried out), npm scripts by package.json, flags of the tools by their sources. Answers complaints, empty when all is well.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Command, CommanderError } from 'commander';
import { parseCommandLine } from '../../tools/target/command-line.ts';
import { proseOf } from './docs.ts';

/** `mentioned`: in running text, where arguments may be left out. */
export type Mode = 'whole' | 'mentioned';

/** Programs of any machine, whose flags are theirs. */
const ORDINARY = new Set(['cat', 'cd', 'curl', 'git', 'jq', 'kill', 'ls', 'tail']);
const NPM_OWN = new Set(['ci', 'install', 'test']);

export async function commandComplaint(root: string, words: readonly string[], mode: Mode): Promise<string[]> {
  const line = words.join(' ');
  const complain = (text: string): string[] => [`${line}: ${text}`];
  const [program = '', first = '', ...rest] = words;
  if (/^[A-Z_]+=/.test(program)) return commandComplaint(root, words.slice(1), mode);
  if (program === 'quilt-swarm') return verbComplaint(root, words.slice(1), mode);
  if (program === 'npm' && first === 'start') return verbComplaint(root, rest[0] === '--' ? rest.slice(1) : rest, mode);
  if (program === 'npm') return npmComplaint(root, first, rest).flatMap(complain);
  if (program === 'node' && /(quilt-swarm\.mjs|node\/main\.ts)$/.test(first)) return verbComplaint(root, rest, mode);
  if (program === 'node' && first === 'tools/target/main.ts') {
    const parsed = parseCommandLine(rest);
    return parsed.ok ? [] : complain(parsed.errors.join('; '));
  }
  if (program === 'node' || program === 'npx') {
    const gone = words.filter((word) => /^(\w+\/)+[\w.-]+\.ts$/.test(word) && !existsSync(join(root, word)));
    return gone.flatMap((path) => complain(`there is no ${path}`));
  }
  return ORDINARY.has(program) ? [] : complain('no program that this test knows');
}

function npmComplaint(root: string, first: string, rest: readonly string[]): string[] {
  if (NPM_OWN.has(first)) return [];
  const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
  const name = rest[0] ?? '';
  const script = scripts[name];
  if (first !== 'run' || script === undefined) return [`npm has no ${first} ${name}`];
  const file = /\btools\/\S+\.ts/.exec(script)?.[0];
  const source = file === undefined ? '' : readFileSync(join(root, file), 'utf8');
  const flags = rest.slice(1).filter((word) => /^--\w/.test(word));
  return flags.filter((flag) => !new RegExp(`\\b${flag.slice(2)}: \\{ type`).test(source)).map((flag) => `${script} has no ${flag}`);
}

async function verbComplaint(root: string, words: readonly string[], mode: Mode): Promise<string[]> {
  const [verb = '', ...argv] = words;
  const line = `quilt-swarm ${words.join(' ')}`;
  if (verb === '--help' || verb === '--version') return [];
  const verbs = [...readFileSync(join(root, 'node/main.ts'), 'utf8').matchAll(/^ {2}(\w+): \{ about:/gm)].map(([, name]) => name);
  if (!verbs.includes(verb)) return [`${line}: there is no verb ${verb}`];
  const module = (await import(`../../node/commands/${verb}.ts`)) as { command?: () => Command };
  if (module.command === undefined) return flagComplaints(join(root, `node/commands/${verb}.ts`), argv).map((text) => `${line}: ${text}`);
  const command = module.command();
  command.exitOverride().configureOutput({ writeErr: () => {}, writeOut: () => {} });
  command.action(() => {});
  try {
    await command.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    const isFine = error.exitCode === 0 || (mode === 'mentioned' && /missingArgument|optionMissingArgument/.test(error.code));
    return isFine ? [] : [`${line}: ${error.message}`];
  }
  return [];
}

/** For a verb that does not hand out its definition: the flags that its source declares. */
function flagComplaints(path: string, argv: readonly string[]): string[] {
  const source = readFileSync(path, 'utf8');
  return argv.filter((word) => word.startsWith('-') && !source.includes(`'${word}'`)).map((word) => `${path} declares no ${word}`);
}

/** Command lines in running text: code spans that begin with one of our programs. */
export const inlineCommands = (markdown: string): string[][] =>
  [...proseOf(markdown).matchAll(/`((?:quilt-swarm|npm (?:run|start --)|npx vitest|node tools\/target\/main\.ts) [^`]+)`/g)].map(
    ([, text = '']) => text.split(/\s+/),
  );
