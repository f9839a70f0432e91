// Starts the real entry on the real Node, as a user's shell does. A test runner compiles what Node refuses and resolves
// what Node does not, so only this shows that the program starts: on the pinned runtime, on the machine's own older Node
// when there is one, and as the bundle, copied to a folder that has no node_modules anywhere above it.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const rootPath = fileURLToPath(new URL('../..', import.meta.url));
const entryPath = join(rootPath, 'node', 'quilt-swarm.mjs');
const scratchPath = mkdtempSync(join(tmpdir(), 'quilt-smoke-'));
afterAll(() => rmSync(scratchPath, { recursive: true, force: true }));

const { version } = JSON.parse(readFileSync(join(rootPath, 'package.json'), 'utf8')) as { version: string };

function start(executable: string, ...args: string[]) {
  return spawnSync(executable, args, { cwd: scratchPath, encoding: 'utf8', timeout: 20_000 });
}

/** The machine's own Node, when it is one that cannot run the program itself. */
function olderNode(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  for (const folder of folders) {
    const path = join(folder, 'node');
    const answer = spawnSync(path, ['--version'], { encoding: 'utf8', timeout: 5000 });
    const major = Number(/^v(\d+)/.exec(answer.stdout ?? '')?.[1]);
    if (major >= 18 && major < 24) return path;
  }
  return undefined;
}

/** What every way of starting must answer alike. */
function answersAsAlways(executable: string, path: () => string): void {
  it('--version prints the version', () => {
    expect(start(executable, path(), '--version')).toMatchObject({ status: 0, stdout: `${version}\n`, stderr: '' });
  });

  it('--help names the verbs', () => {
    const { status, stdout, stderr } = start(executable, path(), '--help');
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('Usage: quilt-swarm');
    expect(stdout).toContain('doctor');
  });

  it('--help of a verb says its defaults for people', () => {
    const { status, stdout } = start(executable, path(), 'console', '--help');
    expect(status).toBe(0);
    expect(stdout).toContain('(default: 127.0.0.1:7717)');
    expect(stdout).not.toMatch(/default: [[{]/);
  });

  it('an unknown verb is exit 104 with the nearest one', () => {
    const { status, stderr } = start(executable, path(), 'docter');
    expect(status).toBe(104);
    expect(stderr).toContain('docter');
    expect(stderr).toMatch(/did you mean.*doctor/i);
  });

  it('an unknown flag is exit 104 with the nearest one', () => {
    const { status, stderr } = start(executable, path(), 'doctor', '--jsn');
    expect(status).toBe(104);
    expect(stderr).toMatch(/did you mean.*--json/i);
  });

  it('a result that is larger than a pipe holds is read whole by whoever reads late', () => {
    const shell = spawnSync('sh', ['-c', '"$0" "$1" validate --schema | (sleep 1; wc -c)', executable, path()], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    const schemaBytes = readFileSync(join(rootPath, 'scenarios', 'scenario.schema.json')).length;
    expect(Number(shell.stdout)).toBe(schemaBytes);
  });

  it('a verb runs', () => {
    const { status, stdout } = start(executable, path(), 'doctor', '--json');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ ready: true });
  });
}

describe('the entry on the pinned runtime', () => {
  it('is what tests themselves run on', () => {
    expect(Number.parseInt(process.versions.node, 10)).toBeGreaterThanOrEqual(24);
  });

  answersAsAlways(process.execPath, () => entryPath);
});

const older = olderNode();
describe.skipIf(older === undefined)(
  `the entry on ${older === undefined ? 'an older Node (skipped: none in PATH)' : 'the older Node'}`,
  () => {
    answersAsAlways(older ?? '', () => entryPath);

    it('says in one line what it needs when the pinned runtime is not installed', () => {
      const folder = join(scratchPath, 'alone', 'node');
      const copyPath = join(folder, 'quilt-swarm.mjs');
      mkdirSync(folder, { recursive: true });
      writeFileSync(copyPath, readFileSync(entryPath));
      const { status, stdout, stderr } = start(older ?? '', copyPath, '--version');
      expect({ status, stdout }).toEqual({ status: 1, stdout: '' });
      expect(stderr).toMatch(/^quilt-swarm: needs Node 24 or newer \(this is v\d+\.[^\n]*npm ci[^\n]*\n$/);
    });
  },
);

/** A stand-in for the program: reports what reaches it, so that the entry's own part can be seen. */
const probeProgram = `
process.on('SIGTERM', () => { console.log('SIGTERM reached'); process.exit(42); });
process.on('SIGHUP', () => { console.log('SIGHUP reached'); process.exit(43); });
if (process.argv[2] === 'code') process.exit(7);
if (process.argv[2] === 'die') process.kill(process.pid, 'SIGKILL');
setInterval(() => {}, 1000);
console.log(JSON.stringify({ pid: process.pid, argv: process.argv.slice(2), launched: process.env.QUILT_LAUNCHED ?? null }));
`;

/** The entry beside a bundle that is the probe, and the real node_modules beside both. */
function entryWithProbe(): string {
  const folder = mkdtempSync(join(scratchPath, 'probe-'));
  for (const each of ['node', 'dist']) mkdirSync(join(folder, each));
  symlinkSync(join(rootPath, 'node_modules'), join(folder, 'node_modules'));
  writeFileSync(join(folder, 'node', 'quilt-swarm.mjs'), readFileSync(entryPath));
  writeFileSync(join(folder, 'dist', 'quilt-swarm.mjs'), probeProgram);
  return join(folder, 'node', 'quilt-swarm.mjs');
}

describe.skipIf(older === undefined)(`re-execution ${older === undefined ? '(skipped: no older Node in PATH)' : ''}`, () => {
  async function launch(...args: string[]) {
    const launcher = spawn(older ?? '', [entryWithProbe(), ...args], { cwd: scratchPath, stdio: ['ignore', 'pipe', 'inherit'] });
    const exited = once(launcher, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
    launcher.stdout.setEncoding('utf8');
    let output = '';
    launcher.stdout.on('data', (text: string) => {
      output += text;
    });
    const closed = once(launcher.stdout, 'close');
    return { launcher, exited, closed, output: () => output };
  }

  async function launchRunning(...args: string[]) {
    const launched = await launch(...args);
    await once(launched.launcher.stdout, 'data');
    const hello = JSON.parse(launched.output()) as { pid: number; argv: string[]; launched: string | null };
    return { ...launched, hello };
  }

  it('passes arguments on and leaves no trace in the environment', async () => {
    const { launcher, exited, hello } = await launchRunning('run', '--flag', 'a b', '');
    expect(hello).toMatchObject({ argv: ['run', '--flag', 'a b', ''], launched: null });
    expect(hello.pid).not.toBe(launcher.pid);
    launcher.kill('SIGTERM');
    await exited;
  });

  it.each([
    ['SIGTERM', 42],
    ['SIGHUP', 43],
  ] as const)('passes %s on and ends with the exit code of the program', async (signal, code) => {
    const { launcher, exited, closed, output } = await launchRunning();
    launcher.kill(signal);
    expect(await exited).toEqual([code, null]);
    await closed;
    expect(output()).toContain(`${signal} reached`);
  });

  it('ends with the code that the program ends with', async () => {
    const { exited } = await launch('code');
    expect(await exited).toEqual([7, null]);
  });

  it('dies of the signal that the program dies of', async () => {
    const { exited } = await launch('die');
    expect(await exited).toEqual([null, 'SIGKILL']);
  });

  it('killed outright, it takes the program with it', async () => {
    const { launcher, exited, closed, output } = await launchRunning();
    launcher.kill('SIGKILL');
    await exited;
    // The program holds the other end of this pipe: it closes when the program is gone.
    await closed;
    expect(output()).toContain('SIGTERM reached');
  });
});

describe('the bundle', () => {
  const bundlePath = join(scratchPath, 'bundle');
  const built = start(process.execPath, join(rootPath, 'tools', 'build.ts'), '--out', bundlePath);

  it('builds without a warning', () => {
    expect(built).toMatchObject({ status: 0, stderr: '' });
  });

  answersAsAlways(process.execPath, () => join(bundlePath, 'quilt-swarm.mjs'));
});

describe('type stripping', () => {
  const files = ['node', 'bootstrap', 'scenarios', 'tools'].flatMap((folder) => {
    try {
      return readdirSync(join(rootPath, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file));
    } catch {
      return [];
    }
  });
  const sources = files.filter((file) => file.endsWith('.ts'));

  it('takes every source file as it stands', () => {
    expect(sources).toContain(join('node', 'main.ts'));
    const refused = sources.flatMap((file) => {
      try {
        stripTypeScriptTypes(readFileSync(join(rootPath, file), 'utf8'), { mode: 'strip' });
        return [];
      } catch (error) {
        return [`${file}: ${error instanceof Error ? error.message : error}`];
      }
    });
    expect(refused).toEqual([]);
  });

  it('would notice what it is there to notice', () => {
    expect(() => stripTypeScriptTypes('enum Color { red }', { mode: 'strip' })).toThrow();
  });
});
