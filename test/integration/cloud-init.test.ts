// The boot script run for real by sh in a folder, with stand-ins for what would end the machine: the kill timer is first, the program starts only with the hash
// that was ordered, and every way it can go ends in power off. Hostile values stay values.

import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { type BundleServer, serveBundle } from '../../bootstrap/bundle-server.ts';
import { type BootInit, type BootSpread, bootScript, renderUserData, shellWord } from '../../bootstrap/cloud-init.ts';

import { needs } from '../support/parts.ts';

let folder: string;
const at = (...names: string[]): string => join(folder, ...names);

/** A command that notes its name and arguments, one a line, and then does `body`. */
function standIn(name: string, body = ''): void {
  writeFileSync(at('bin', name), `#!/bin/sh\necho "${name} $*" >>"${at('calls')}"\n${body}\n`, { mode: 0o755 });
}

/** What the machine would have fetched: a runtime that notes what it was started with, and ends as `exit` says. */
function makeBundle(exit: number): string {
  mkdirSync(at('made', 'runtime'), { recursive: true });
  mkdirSync(at('made', 'dist'), { recursive: true });
  const runtime = `#!/bin/sh\nfor word in "$@"; do printf '<%s>' "$word" >>"${at('started')}"; done\ncat ticket >>"${at('started')}"\nexit ${exit}\n`;
  writeFileSync(at('made', 'runtime', 'node'), runtime, { mode: 0o755 });
  writeFileSync(at('made', 'dist', 'quilt-swarm.mjs'), '');
  expect(spawnSync('tar', ['-czf', at('bundle'), '-C', at('made'), '.']).status).toBe(0);
  return createHash('sha256')
    .update(readFileSync(at('bundle')))
    .digest('hex');
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quilt-boot-'));
  mkdirSync(at('bin'));
  for (const name of ['systemd-run', 'poweroff', 'shutdown', 'systemctl', 'sleep', 'sync']) standIn(name);
  // Gives what lies under the last part of the address, and fails for what does not.
  standIn('curl', `for url in "$@"; do :; done; from="${folder}/\${url##*/}"; [ -f "$from" ] && cp "$from" bundle.tar.gz`);
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const init = (changes: Partial<BootInit>): BootInit => ({
  ...{ ticket: 'quilt2-TICKET', bundleUrls: ['http://seed/bundle'], bundleSha256: '0'.repeat(64), killAfterS: 3_600 },
  ...{ labels: { region: 'eu' }, joinFlags: [], folder: at('machine'), ...changes },
});
const boot = (changes: Partial<BootInit>): SpawnSyncReturns<string> =>
  spawnSync('sh', ['-c', bootScript(init(changes))], { encoding: 'utf8', env: { PATH: `${at('bin')}:/usr/bin:/bin` } });
const calls = (): string[] => readFileSync(at('calls'), 'utf8').trim().split('\n');

describe('a machine that boots', () => {
  it('sets its kill timer before anything else, joins with the ticket from a file of its own, and powers off with the node', () => {
    const { status } = boot({ bundleSha256: makeBundle(0) });
    expect(status).toBe(0);
    expect(calls()[0]).toMatch(/^systemd-run .*--on-active=3600 .*systemctl poweroff --force$/);
    expect(calls().at(-1)).toMatch(/^poweroff/);
    expect(readFileSync(at('started'), 'utf8')).toBe(
      `<dist/quilt-swarm.mjs><join><@ticket><--data><${at('machine', 'data')}><--label><region=eu>quilt2-TICKET\n`,
    );
    expect(statSync(at('machine', 'ticket')).mode & 0o077).toBe(0);
  });

  it('announces the address that the seed sees, and nothing when the answer is none', () => {
    // The stand-in of curl for files other than the bundle.
    standIn(
      'curl',
      `for url in "$@"; do :; done; from="${folder}/\${url##*/}"; to=bundle.tar.gz; case "$url" in */address) to=address;; esac; cp "$from" $to`,
    );
    const announce = { url: 'http://seed/address', port: 4001 };
    writeFileSync(at('address'), '203.0.113.9');
    expect(boot({ bundleSha256: makeBundle(0), announce }).status).toBe(0);
    expect(readFileSync(at('started'), 'utf8')).toContain('<--label><region=eu><--announce></ip4/203.0.113.9/tcp/4001>quilt2-TICKET');
    rmSync(at('started'));
    writeFileSync(at('address'), '<html>$(reboot)');
    expect(boot({ bundleSha256: makeBundle(0), announce }).status).toBe(0);
    expect(readFileSync(at('started'), 'utf8')).toContain('<--label><region=eu>quilt2-TICKET');
  });

  it('powers off as well when the node fails, with its exit code', () => {
    expect(boot({ bundleSha256: makeBundle(112) }).status).toBe(112);
    expect(calls().at(-1)).toMatch(/^poweroff/);
  });

  it('never starts a bundle with another hash, tries all sources again, and powers off', () => {
    makeBundle(0);
    expect(boot({ bundleUrls: ['http://seed/bundle', 'http://store/none'] }).status).toBe(1);
    expect(existsSync(at('started'))).toBe(false);
    expect(calls().filter((call) => call.startsWith('curl'))).toHaveLength(20);
    expect(calls().filter((call) => call.startsWith('sleep'))).toHaveLength(10);
    expect(calls().at(-1)).toMatch(/^poweroff/);
  });

  it('takes the next source when the first has nothing', () => {
    expect(boot({ bundleSha256: makeBundle(0), bundleUrls: ['http://store/none?secret=1', 'http://seed/bundle'] }).status).toBe(0);
    expect(readFileSync(at('machine', 'boot.log'), 'utf8')).toContain('no bundle from http://store/none (code');
    expect(readFileSync(at('machine', 'boot.log'), 'utf8')).not.toContain('secret');
  });

  it('falls back to shutdown where systemd is not, and powers off when it cannot even make its folder', () => {
    standIn('systemd-run', 'exit 1');
    writeFileSync(at('file'), '');
    expect(boot({ folder: at('file', 'below'), killAfterS: 61 }).status).toBe(1);
    expect(calls().slice(0, 2)).toEqual([expect.stringMatching(/^systemd-run/), 'shutdown -P +2 quilt-swarm: the run is over']);
    expect(calls().at(-1)).toMatch(/^poweroff/);
  });

  it('unpacks nothing that is no archive', () => {
    writeFileSync(at('bundle'), 'no archive');
    const bundleSha256 = createHash('sha256').update('no archive').digest('hex');
    expect(boot({ bundleSha256 }).status).toBe(1);
    expect(calls().at(-1)).toMatch(/^poweroff/);
  });
});

const python = needs('python3');
const TOKEN = 'a1b2c3d4e5f6a7b8';
/** All that the boot script calls, for a machine that has nothing else. */
const PROGRAMS = ['sh', 'curl', 'sha256sum', 'tar', 'gzip', 'mkdir', 'cat', 'date', 'wc', 'rm', 'timeout'];

describe.skipIf(python.isMissing)(python.title('a machine that boots with others'), () => {
  let server: BundleServer;
  let bundleSha256: string;
  beforeEach(async () => {
    rmSync(at('bin', 'curl'));
    bundleSha256 = makeBundle(0);
    const bundle = { path: at('bundle'), sha256: bundleSha256, sizeBytes: statSync(at('bundle')).size };
    const served = await serveBundle({ bundle, host: '127.0.0.1', port: 0, token: TOKEN, machines: 1 });
    if (!served.ok) throw new Error('not served');
    server = served.value;
  });
  afterEach(() => server.close());

  /** Not spawnSync: the seed is in this process. */
  async function bootWith(changes: Partial<BootSpread>, path = `${at('bin')}:/usr/bin:/bin`): Promise<number | null> {
    const { port, spread } = server;
    const url = `http://127.0.0.1:${port}${spread.path}`;
    const { scriptSha256, blocksSha256 } = spread;
    const script = bootScript(
      init({
        ...{ bundleSha256, bundleUrls: [`http://127.0.0.1:${port}${server.path}`] },
        spread: { url, scriptSha256, blocksSha256, listen: '127.0.0.1:0', ...changes },
      }),
    );
    const child = spawn('/bin/sh', ['-c', script], { env: { PATH: path }, stdio: 'ignore' });
    return new Promise((done) => child.on('close', done));
  }
  const log = (): string => readFileSync(at('machine', 'boot.log'), 'utf8');

  it('gets the bundle block by block, and joins', async () => {
    expect({ code: await bootWith({}), log: log() }).toMatchObject({ code: 0, log: expect.stringContaining('spread: all 1 blocks') });
    expect(server.counters()).toMatchObject({ served: 0, blocks: 1, refused: 0 });
    expect(readFileSync(at('started'), 'utf8')).toContain('<join>');
    expect(existsSync(at('machine', 'spread.py'))).toBe(false);
  });

  it('gets it whole without python3', async () => {
    mkdirSync(at('programs'));
    for (const name of PROGRAMS) symlinkSync(join('/usr/bin', name), at('programs', name));
    expect({ code: await bootWith({}, `${at('bin')}:${at('programs')}`), log: log() }).toMatchObject({ code: 0 });
    expect(server.counters()).toMatchObject({ served: 1, blocks: 0 });
    expect(log()).toContain('no bundle from other machines (code 1)');
  });

  it.each([
    ['a script with another hash', { scriptSha256: '0'.repeat(64) }],
    ['another block list', { blocksSha256: '0'.repeat(64) }],
    ['a seed that is not there', { url: 'http://127.0.0.1:9/token' }],
    ['hostile words', { listen: "'; touch hit; '" }],
  ])('gets it whole after %s', async (_what, changes) => {
    expect({ code: await bootWith(changes), log: log() }).toMatchObject({ code: 0 });
    expect(server.counters()).toMatchObject({ served: 1, blocks: 0 });
    expect(existsSync(at('machine', 'hit'))).toBe(false);
    expect(readFileSync(at('started'), 'utf8')).toContain('<join>');
  });
});

describe('what is rendered', () => {
  it('keeps hostile values values', () => {
    const noZero = fc.string({ unit: 'binary', maxLength: 40 }).filter((text) => !text.includes('\0') && text.isWellFormed());
    fc.assert(
      fc.property(fc.array(noZero, { minLength: 1, maxLength: 20 }), (values) => {
        const script = `for word in ${values.map(shellWord).join(' ')}; do printf '%s\\0' "$word"; done`;
        expect(spawnSync('sh', ['-c', script], { encoding: 'utf8' }).stdout).toBe(values.map((value) => `${value}\0`).join(''));
      }),
      { numRuns: 50 },
    );
  });

  it('passes them on whole, through YAML and the shell', () => {
    const value = `$(touch ${at('hit')}); "'\\ ‘x’ # : {`;
    const bundleSha256 = makeBundle(0);
    const rendered = renderUserData(init({ bundleSha256, labels: { note: value } }), 16_384);
    const config = parse(rendered.ok ? rendered.value : '');
    expect(Object.keys(config)).toEqual(['bootcmd', 'write_files', 'runcmd']);
    mkdirSync(at('machine'));
    writeFileSync(at('machine', 'boot.sh'), config.write_files[0].content);
    chmodSync(at('machine', 'boot.sh'), 0o700);
    spawnSync('sh', [at('machine', 'boot.sh')], { env: { PATH: `${at('bin')}:/usr/bin:/bin` } });
    expect(readFileSync(at('started'), 'utf8')).toContain(`<note=${value}>`);
    expect(existsSync(at('hit'))).toBe(false);
  });

  it('has the kill timer in the command that runs first', () => {
    const rendered = renderUserData(init({}), 16_384);
    const config = parse(rendered.ok ? rendered.value : '');
    expect(config.bootcmd).toEqual([['sh', '-c', expect.stringContaining('--on-active=3600')]]);
    expect(rendered.ok && rendered.value.startsWith('#cloud-config\n')).toBe(true);
  });

  it('leaves most of what the smallest vendor takes to labels and addresses', () => {
    const rendered = renderUserData(init({ spread, ticket: 't'.repeat(600) }), 16_384);
    expect(rendered.ok && rendered.value.length).toBeLessThan(8_192);
  });

  const spread: BootSpread = {
    ...{
      url: `http://seed.example:4002/${'a'.repeat(32)}`,
      scriptSha256: '0'.repeat(64),
      blocksSha256: '0'.repeat(64),
      listen: '0.0.0.0:4001',
    },
  };
  it.each([
    [{ labels: { note: 'x'.repeat(16_384) } }, 'QUILT_USER_DATA_SIZE', 'the vendor takes 16384'],
    [{ killAfterS: 0 }, 'QUILT_BOOT', 'kill timer'],
    [{ killAfterS: 1.5 }, 'QUILT_BOOT', 'kill timer'],
    [{ bundleSha256: 'abc' }, 'QUILT_BOOT', 'SHA-256'],
    [{ bundleUrls: [] }, 'QUILT_BOOT', 'no URL'],
    [{ bundleUrls: ['file:///etc/passwd'] }, 'QUILT_BOOT', 'no http'],
    [{ folder: 'relative' }, 'QUILT_BOOT', 'absolute'],
    [{ spread: { ...spread, url: 'seed' } }, 'QUILT_BOOT', 'no http'],
    [{ spread: { ...spread, scriptSha256: '$(id)' } }, 'QUILT_BOOT', 'SHA-256'],
    [{ spread: { ...spread, blocksSha256: 'abc' } }, 'QUILT_BOOT', 'SHA-256'],
  ] as const)('is refused with words: %j', (changes, code, words) => {
    const rendered = renderUserData(init(changes), 16_384);
    expect(rendered).toMatchObject({ ok: false, problems: [{ code, message: expect.stringContaining(words) }] });
  });
});
