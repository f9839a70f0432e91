// The target's command line: one flag for each entry of the option table, `--flag value` or `--flag=value`. Wrong flags
// and wrong values are returned together, never one at a time.

import { type Checked, checkOptions, FIELDS, type TargetOptions } from './options.ts';

export interface CommandLine {
  options: TargetOptions;
  exitOnStdinClose: boolean;
  help: boolean;
}

export function parseCommandLine(argv: readonly string[]): Checked<CommandLine> {
  const errors: string[] = [];
  const given: Record<string, unknown> = {};
  let exitOnStdinClose = false;
  let help = false;
  for (let index = 0; index < argv.length; index += 1) {
    const [flag = '', inline] = (argv[index] ?? '').split(/=(.*)/s);
    const field = FIELDS.find((candidate) => flag === `--${candidate.flag}`);
    if (flag === '--exit-on-stdin-close') exitOnStdinClose = true;
    else if (flag === '--help') help = true;
    else if (field === undefined) errors.push(`${flag}: unknown flag, see --help`);
    else {
      const value = inline ?? argv[++index];
      if (value === undefined || value === '') errors.push(`${flag}: needs a value`);
      else given[field.key] = 'min' in field ? Number(value) : value;
    }
  }
  const checked = checkOptions(given as Partial<TargetOptions>);
  if (!checked.ok) errors.push(...checked.errors);
  if (errors.length > 0 || !checked.ok) return { ok: false, errors };
  return { ok: true, value: { options: checked.value, exitOnStdinClose, help } };
}

export function helpText(): string {
  const lines = FIELDS.map((field) => {
    const choices = 'choices' in field ? `: ${field.choices.join(', ')}` : '';
    return `  --${field.flag.padEnd(24)} ${field.about}${choices} (default ${field.initial ?? 'none'})`;
  });
  return ['node tools/target/main.ts [flags]', ...lines, '  --exit-on-stdin-close      end when stdin closes', ''].join('\n');
}
