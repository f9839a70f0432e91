// `npm test`: installs the system parts that tests want where it may (doctor), checks types and lint, runs vitest, and ends
// with one plain count line. Each step before vitest counts as one test, so the line and the exit code always agree, and a
// failed step does not hide what the following ones find. Arguments filter the test files: `npm test -- test/unit`.

import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startVitest } from 'vitest/node';
import { err, out } from '../node/adapters/terminal.ts';
import { type Counts, countLine, countReporter } from './count-reporter.ts';

const rootPath = fileURLToPath(new URL('..', import.meta.url));
const binary = (name: string): string => join(rootPath, 'node_modules', '.bin', name);

interface Step {
  name: string;
  command: string;
  args: readonly string[];
}

const steps: readonly Step[] = [
  { name: 'doctor', command: process.execPath, args: ['node/quilt-swarm.mjs', 'doctor', '--install', '--for-tests'] },
  { name: 'types', command: binary('tsc'), args: ['-p', 'tsconfig.json'] },
  { name: 'lint', command: binary('biome'), args: ['check', '--config-path=.', '--error-on-warnings', '.'] },
];

function isStepPassed({ name, command, args }: Step): boolean {
  if (!existsSync(command)) {
    err(`${name}: ${command} is not installed; run npm ci`);
    return false;
  }
  const { status, error } = spawnSync(command, args, { cwd: rootPath, stdio: ['ignore', 'inherit', 'inherit'] });
  out(`${status === 0 ? 'passed' : 'FAILED'}: ${name}${error === undefined ? '' : ` (${error.message})`}`);
  return status === 0;
}

const filters = process.argv.slice(2);
const total: Counts = { passed: 0, failed: 0, skipped: 0 };
for (const step of steps) total[isStepPassed(step) ? 'passed' : 'failed']++;

const reporter = countReporter();
const config = join(rootPath, 'test', 'vitest.config.ts');
const vitest = await startVitest(filters, { config, watch: false, reporters: ['default', reporter] });
await vitest.close();
for (const state of ['passed', 'failed', 'skipped'] as const) total[state] += reporter.counts[state];

for (const skip of reporter.skips) out(`skipped: ${skip}`);
process.exitCode = total.failed === 0 ? 0 : 1;
out(countLine(total));
