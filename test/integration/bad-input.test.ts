// What a tired person gives to the real program, and what it answers: every mistake as a line of words, the exit code of DESIGN 8, never a stack
// trace, and nothing made on disk or started. Each row is one command in a folder of its own.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, it } from 'vitest';

const rootPath = fileURLToPath(new URL('../..', import.meta.url));
/** Only says when to give up. */
const PATIENCE_MS = 60_000;

const plain = `name: plain
targets: { api: 'http://127.0.0.1:9' }
groups:
  callers:
    type: http
    load: { endpoints: 2, shape: [{ step: 100%, for: 2s }] }
    behavior: { baseUrl: '\${targets.api}', requests: [{ name: list, url: / }] }
`;
const withData = `${plain}data: { users: { file: pipe.csv } }\n`;

const files: Readonly<Record<string, string | Uint8Array>> = {
  'plain.yaml': plain,
  'data.yaml': withData,
  'empty.yaml': '',
  'circle.yaml': 'name: x\ngroups: &g\n  a: *g\n',
  'deep.yaml': `name: x\ngroups: ${'['.repeat(20_000)}${']'.repeat(20_000)}`,
  'program.yaml': Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0, 1, 2, 0xff, 0xfe]),
  'utf16.yaml': Buffer.from(`\uFEFF${plain}`, 'utf16le'),
  'huge.yaml': 'a'.repeat(2 * 1024 * 1024),
};

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'quilt-bad-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  mkdirSync(join(folder, 'folder.yaml'));
  spawnSync('mkfifo', [join(folder, 'pipe.csv')]);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const quilt = (...args: string[]) =>
  spawnSync(process.execPath, [join(rootPath, 'node/quilt-swarm.mjs'), ...args], { cwd: folder, encoding: 'utf8', timeout: PATIENCE_MS });

it.each<[string, string[], RegExp]>([
  ['an empty scenario', ['run', 'empty.yaml'], /a scenario is a map of keys/],
  ['a folder as scenario', ['run', 'folder.yaml'], /cannot be read/],
  ['a program as scenario', ['run', 'program.yaml'], /not a text file/],
  ['a scenario in UTF-16', ['run', 'utf16.yaml'], /save it as UTF-8/],
  ['a huge scenario', ['run', 'huge.yaml'], /larger than 1 MiB/],
  ['an alias within its anchor', ['run', 'circle.yaml'], /aliases/],
  ['a scenario of brackets', ['run', 'deep.yaml'], /nested too deeply/],
  ['a pipe as data file', ['run', 'data.yaml'], /no file pipe\.csv/],
  ['no nodes at all', ['run', 'plain.yaml', '--nodes', '0'], /from 1 to 200/],
  ['a mistyped flag', ['run', 'plain.yaml', '--nodez', '3'], /Did you mean --nodes\?/],
  ['a mistyped verb', ['runn', 'plain.yaml'], /Did you mean run\?/],
  ['a variable that the scenario lacks', ['run', 'plain.yaml', '-e', 'rate=5'], /-e rate/],
  ['an address that is none', ['seed', '--data', 'plain.yaml/x', '--listen', 'garbage'], /data folder/],
  ['no ticket', ['join', 'quilt9-abc'], /version 9/],
])('%s', { timeout: PATIENCE_MS }, (_what, args, words) => {
  const before = readdirSync(folder).sort();
  const { status, stderr } = quilt(...args);
  expect(stderr).toMatch(words);
  expect(stderr).not.toMatch(/^\s+at /m);
  expect(status).toBe(104);
  expect(readdirSync(folder).sort()).toEqual(before);
});

it('an address to announce that is none', { timeout: PATIENCE_MS }, () => {
  const { status, stderr, stdout } = quilt('seed', '--data', 'seed', '--announce', 'junk');
  expect(stderr).toContain('junk is no multiaddr');
  expect([status, stdout]).toEqual([104, '']);
});

it.skipIf(process.platform !== 'linux')('folders in which nothing can be made', { timeout: PATIENCE_MS }, () => {
  for (const args of [
    ['run', 'plain.yaml', '--run-folder', '/proc/x'],
    ['seed', '--data', '/proc/x/y'],
  ]) {
    const { status, stderr } = quilt(...args);
    expect(stderr).toMatch(/cannot make/);
    expect(status).toBe(104);
  }
});
