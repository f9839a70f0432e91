// `quilt-swarm doctor`: what this machine has, what it lacks, and what that costs. `--install` installs the Debian packages
// of missing parts where it may (root, apt-get present) and says what to type where it may not; `--json` prints the findings
// for programs. `--cloud` looks at a vendor instead (doctor-clouds.ts), and `--artifacts` tries an artifact store as well. Exit code 0 when at most optional parts
// are missing, 1 when a required part is broken, 104 when the store does not work.

import { spawnSync } from 'node:child_process';
import { Command } from 'commander';
import { childEnvironment } from '../adapters/environment.ts';
import { err, out } from '../adapters/terminal.ts';
import { type ArtifactFlags, artifactsOption, openWorkingStore, s3Options } from './artifact-store.ts';
import { examineClouds, isBroken, leastRights, showClouds } from './doctor-clouds.ts';
import { examine, type Finding, findExecutable } from './doctor-parts.ts';
import { finish, finishWithProblems, runCommand } from './finish.ts';

const installMinutesMax = 5;

function aptGet(...args: string[]): boolean {
  // Another package manager may hold the lock for minutes on a fresh machine; waiting beats failing.
  const all = ['-o', 'DPkg::Lock::Timeout=600', '-y', '-q', ...args];
  err(`doctor: apt-get ${all.join(' ')}`);
  const { status } = spawnSync('apt-get', all, {
    stdio: ['ignore', 2, 2],
    env: childEnvironment({ DEBIAN_FRONTEND: 'noninteractive' }),
    timeout: installMinutesMax * 60_000,
  });
  return status === 0;
}

/** Whether the package lists know a version to install; a fresh container has no lists at all. */
function isKnownToApt(name: string): boolean {
  const { stdout } = spawnSync('apt-cache', ['policy', name], { encoding: 'utf8', env: childEnvironment({ LC_ALL: 'C' }) });
  return /Candidate: (?!\(none\))/.test(stdout ?? '');
}

/** Installs what is missing and has a package. A failure leaves the part missing, which the findings then show. */
function install(missing: readonly Finding[]): void {
  const packages = missing.flatMap(({ debianPackage }) => debianPackage?.split(' ') ?? []);
  if (packages.length === 0) return;
  if (findExecutable('apt-get') === undefined || process.getuid?.() !== 0) {
    err(`doctor: cannot install here (needs root and apt-get): ${packages.join(' ')}`);
    return;
  }
  if (!packages.every(isKnownToApt)) aptGet('update');
  if (!aptGet('install', '--no-install-recommends', ...packages)) err(`doctor: apt-get could not install ${packages.join(' ')}`);
}

function stateOf({ isOk, isRequired }: Finding): string {
  if (isOk) return 'ok';
  return isRequired ? 'BROKEN' : 'missing';
}

function remedyOf({ debianPackage, remedy }: Finding): string {
  return debianPackage === undefined ? (remedy ?? '') : `quilt-swarm doctor --install (Debian package ${debianPackage})`;
}

function show(findings: readonly Finding[]): void {
  for (const finding of findings) {
    out(`${stateOf(finding).padEnd(8)}${finding.name.padEnd(12)}${finding.detail}`);
    if (finding.isOk) continue;
    out(`${''.padEnd(20)}cost:   ${finding.cost}`);
    out(`${''.padEnd(20)}remedy: ${remedyOf(finding)}`);
  }
  const broken = findings.filter(({ isOk, isRequired }) => !isOk && isRequired);
  const missing = findings.filter(({ isOk, isRequired }) => !isOk && !isRequired);
  out('');
  if (broken.length > 0) out(`broken: ${broken.map(({ name }) => name).join(', ')}; quilt-swarm cannot run here until that is mended`);
  else if (missing.length > 0) out(`ready; without the optional: ${missing.map(({ name }) => name).join(', ')}`);
  else out('ready; nothing is missing');
}

interface Options extends Omit<ArtifactFlags, 'artifactsEvery'> {
  readonly install?: boolean;
  readonly forTests?: boolean;
  readonly json?: boolean;
  readonly rights?: boolean;
  readonly cloud: readonly string[];
}

async function doctorClouds({ cloud, rights, json }: Options): Promise<void> {
  if (rights === true) {
    const text = await leastRights(cloud);
    return text.ok ? out(text.value) : finishWithProblems(text.problems);
  }
  const examined = await examineClouds(cloud);
  if (!examined.ok) return finishWithProblems(examined.problems);
  if (json === true) out(JSON.stringify(examined.value, null, 2));
  else showClouds(examined.value);
  finish(examined.value.some(isBroken) ? 'internalFault' : 'pass');
}

async function doctor(options: Options): Promise<void> {
  if (options.cloud.length > 0) return doctorClouds(options);
  const forTests = options.forTests === true;
  let findings = await examine(forTests);
  if (options.install === true && findings.some(({ isOk }) => !isOk)) {
    install(findings.filter(({ isOk }) => !isOk));
    findings = await examine(forTests);
  }
  const isReady = findings.every(({ isOk, isRequired }) => isOk || !isRequired);
  const opened = await openWorkingStore({ ...options, artifactsEvery: 0 });
  const artifacts = opened.ok ? [] : opened.problems;
  if (options.json === true) out(JSON.stringify({ ready: isReady && opened.ok, parts: findings, artifacts }, null, 2));
  else show(findings);
  if (options.json !== true && opened.ok && opened.value !== undefined) out(`the artifact store ${opened.value.store.address} works`);
  if (!isReady) finish('internalFault');
  else if (!opened.ok) finishWithProblems(artifacts);
}

export function command(): Command {
  const verb = new Command('doctor')
    .description('List what this machine has, what it lacks, and what that costs.')
    .option('--install', 'install missing Debian packages (root and apt-get only)')
    .option('--for-tests', 'also what only the tests of quilt-swarm itself want')
    .option('--cloud <name>', 'look at a vendor instead: NAME or NAME:REGION; repeatable', (text, all: string[]) => [...all, text], [])
    .option('--rights', 'with --cloud: print the least rights that a launch needs there, and ask nobody')
    .option('--json', 'print the findings as JSON')
    .action(doctor);
  for (const option of [artifactsOption(), ...s3Options()]) verb.addOption(option);
  return verb;
}

export const run = (argv: readonly string[]): Promise<number> => runCommand(command(), argv);
