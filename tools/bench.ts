// `npm run bench` lists the benchmarks; `npm run bench -- NAME... [--quick]` runs them, each in a process of its own, so that
// neither heap nor open sockets of one reach the next. A benchmark is one file of tools/bench/ that exports what
// bench-kit.ts calls a BenchModule. Exit code 0 when everything asked for was measured, whatever the figures; 1 when a
// benchmark failed, hung or measured nothing; 104 for a name or flag that does not exist.

import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { err, out } from '../node/adapters/terminal.ts';
import { EXIT } from '../node/core/errors.ts';
import { type BenchModule, describeMachine, resultLine } from './bench-kit.ts';

const folderUrl = new URL('bench/', import.meta.url);
/** Quick ones promise 30 s; the rest is for a busy machine. Beyond this it hangs, e.g. on a socket that nobody closed. */
const minutesMax = { quick: 2, full: 20 } as const;

function benchNames(): string[] {
  if (!existsSync(folderUrl)) return [];
  const files = readdirSync(folderUrl).filter((file) => file.endsWith('.ts'));
  return files.map((file) => basename(file, '.ts')).sort();
}

async function load(name: string): Promise<BenchModule> {
  const loaded: Partial<BenchModule> = await import(new URL(`${name}.ts`, folderUrl).href);
  if (typeof loaded.about !== 'string' || typeof loaded.bench !== 'function') {
    throw new Error(`tools/bench/${name}.ts must export about (string) and bench (function)`);
  }
  return loaded as BenchModule;
}

async function list(names: readonly string[]): Promise<number> {
  for (const name of names) out(`${name.padEnd(20)}${(await load(name)).about}`);
  out(`\nnpm run bench -- NAME [--quick]`);
  return EXIT.pass;
}

/** The child's part: one benchmark in this process. Leaves the process to end by itself, so that a leak shows as a hang. */
async function runHere(name: string, quick: boolean): Promise<number> {
  const { about, bench } = await load(name);
  out(`${name}: ${about}${quick ? ' (quick)' : ''}`);
  out(`machine: ${describeMachine()}`);
  const result = await bench({ quick });
  out(resultLine(name, result));
  return EXIT.pass;
}

/** The parent's part: whether the benchmark's process ended well and in time. */
function isMeasured(name: string, quick: boolean): boolean {
  const args = [fileURLToPath(import.meta.url), '--here', name, ...(quick ? ['--quick'] : [])];
  const minutes = quick ? minutesMax.quick : minutesMax.full;
  const { status, signal } = spawnSync(process.execPath, args, {
    stdio: ['ignore', 'inherit', 'inherit'],
    timeout: minutes * 60_000,
    killSignal: 'SIGKILL',
  });
  if (signal !== null) err(`${name}: ended by ${signal}, after ${minutes} minutes at the latest`);
  return status === 0;
}

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    options: { quick: { type: 'boolean', default: false }, here: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const names = benchNames();
  const unknown = positionals.filter((name) => !names.includes(name));
  if (unknown.length > 0) {
    err(`no such benchmark: ${unknown.join(', ')}; there are: ${names.join(', ')}`);
    return EXIT.badConfiguration;
  }
  const [first] = positionals;
  if (first === undefined) return list(names);
  if (values.here) return runHere(first, values.quick);
  const failed = positionals.filter((name) => !isMeasured(name, values.quick));
  if (failed.length > 0) err(`not measured: ${failed.join(', ')}`);
  return failed.length === 0 ? EXIT.pass : EXIT.internalFault;
}

try {
  process.exitCode = await main();
} catch (error) {
  const isArgument = error instanceof TypeError && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS');
  if (isArgument) err(error.message);
  else err(error instanceof Error ? (error.stack ?? error.message) : String(error));
  process.exitCode = isArgument ? EXIT.badConfiguration : EXIT.internalFault;
}
