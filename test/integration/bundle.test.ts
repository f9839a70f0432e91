// The program bundle with the system's tar and git, and its server with a real client: the same content packs to the same bytes, what is named and not there
// is told before anything is written, a broken download goes on where it was, and strangers get nothing.

import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { serveBundle } from '../../bootstrap/bundle-server.ts';
import { type ProgramBundle, packProgram, parseExtra } from '../../bootstrap/program-bundle.ts';
import { builtProgram } from '../../node/commands/bundle.ts';

let folder: string;
const at = (...names: string[]): string => join(folder, ...names);
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quilt-pack-'));
  mkdirSync(at('dist', 'prebuilds'), { recursive: true });
  writeFileSync(at('dist', 'quilt-swarm.mjs'), 'the node\n');
  writeFileSync(at('dist', 'worker.mjs'), 'the worker\n');
  writeFileSync(at('runtime'), '#!/bin/sh\necho runtime\n', { mode: 0o755 });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const pack = (name: string, extras: readonly string[] = []) =>
  packProgram({
    distFolder: at('dist'),
    runtimePath: at('runtime'),
    extras: extras.map((text) => {
      const extra = parseExtra(text);
      if (!extra.ok) throw new Error(text);
      return extra.value;
    }),
    outPath: at(name),
  });
const packed = async (name: string, extras?: readonly string[]): Promise<ProgramBundle> => {
  const result = await pack(name, extras);
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result.value;
};
const git = (...args: string[]) =>
  expect(spawnSync('git', ['-C', at('sim'), '-c', 'user.name=t', '-c', 'user.email=t@t', ...args]).status).toBe(0);

describe('the program bundle', () => {
  it('is the same bytes for the same content, whatever the times', async () => {
    const one = await packed('one.tar.gz');
    utimesSync(at('dist', 'worker.mjs'), 1, 1);
    chmodSync(at('dist', 'worker.mjs'), 0o600);
    const two = await packed('two.tar.gz');
    expect(two.sha256).toBe(one.sha256);
    expect(createHash('sha256').update(readFileSync(two.path)).digest('hex')).toBe(one.sha256);
    expect(readFileSync(two.path).length).toBe(two.sizeBytes);
    writeFileSync(at('dist', 'worker.mjs'), 'another worker\n');
    expect((await packed('three.tar.gz')).sha256).not.toBe(one.sha256);
  });

  it('holds the page of the console, and is the same bytes when it is built again', { timeout: 60_000 }, async () => {
    const bundles = [];
    for (const name of ['first', 'second']) {
      const built = builtProgram(at(name));
      if (!built.ok) throw new Error(JSON.stringify(built.problems));
      expect(readFileSync(join(built.value, 'console', 'index.html'), 'utf8')).toContain('<script');
      const packing = await packProgram({
        ...{ distFolder: built.value, runtimePath: at('runtime'), extras: [], outPath: at(`${name}.tar.gz`) },
      });
      if (!packing.ok) throw new Error(JSON.stringify(packing.problems));
      bundles.push(packing.value.sha256);
    }
    expect(bundles[1]).toBe(bundles[0]);
  });

  it('unpacks to a runtime that runs, and extras by name', async () => {
    mkdirSync(at('sim'));
    writeFileSync(at('sim', 'phone.sh'), 'old\n');
    git('init', '-q');
    git('add', '.');
    git('commit', '-qm', 'first');
    git('tag', 'v1');
    writeFileSync(at('sim', 'phone.sh'), 'new\n');
    const { path } = await packed('all.tar.gz', [`old=${at('sim')}#v1`, `lying=${at('sim')}`]);
    mkdirSync(at('there'));
    expect(spawnSync('tar', ['-xzf', path, '-C', at('there')]).status).toBe(0);
    expect(spawnSync(at('there', 'runtime', 'node'), { encoding: 'utf8' }).stdout).toBe('runtime\n');
    expect(readFileSync(at('there', 'extras', 'old', 'phone.sh'), 'utf8')).toBe('old\n');
    expect(readFileSync(at('there', 'extras', 'lying', 'phone.sh'), 'utf8')).toBe('new\n');
  });

  it('tells everything that is not there, and leaves no archive', async () => {
    rmSync(at('dist', 'quilt-swarm.mjs'));
    const result = await pack('none.tar.gz', [`gone=${at('gone')}`]);
    expect(result).toMatchObject({ ok: false, problems: [{ hint: 'npm run build makes it' }, { code: 'QUILT_BUNDLE_PART' }] });
    expect(existsSync(at('none.tar.gz'))).toBe(false);
  });

  it('tells what git said of a revision that is not there', async () => {
    mkdirSync(at('sim'));
    git('init', '-q');
    expect(await pack('none.tar.gz', [`sim=${at('sim')}#v9`])).toMatchObject({
      ok: false,
      problems: [{ code: 'QUILT_BUNDLE_TOOL', message: expect.stringContaining('v9') }],
    });
    expect(existsSync(at('none.tar.gz'))).toBe(false);
  });

  it.each(['sim', '=x', 'Sim=x', 'a/b=x', 'sim=x#--output=/etc/y', 'sim=x#a#b'])('refuses --with %s', (text) => {
    expect(parseExtra(text)).toMatchObject({ ok: false, problems: [{ code: 'QUILT_BUNDLE_EXTRA' }] });
  });
});

describe('its server', () => {
  const token = 'a1b2c3d4e5f6a7b8';

  it('gives the bundle to who knows the path, whole or from a byte on, and nothing to others', async () => {
    const bundle = await packed('one.tar.gz');
    const served = await serveBundle({ bundle, host: '127.0.0.1', port: 0, token, machines: 1 });
    if (!served.ok) throw new Error('not served');
    const { port, path, counters, close } = served.value;
    const bytes = readFileSync(bundle.path);
    const get = async (where: string, headers: Record<string, string> = {}) => {
      const response = await fetch(`http://127.0.0.1:${port}${where}`, { headers });
      return { status: response.status, body: Buffer.from(await response.arrayBuffer()) };
    };
    try {
      expect(await get(path)).toEqual({ status: 200, body: bytes });
      expect(await get(path, { range: 'bytes=100-' })).toEqual({ status: 206, body: bytes.subarray(100) });
      expect((await get(path, { range: `bytes=${bytes.length}-` })).status).toBe(416);
      for (const other of ['/', `/${token}/`, path.replace(token, 'x'), `${path}/..`, `/${token}/../../etc/passwd`])
        expect((await get(other)).status).toBe(404);
      expect(counters()).toMatchObject({ served: 2, bytes: bytes.length * 2 - 100, refused: 5 });
    } finally {
      await close();
    }
  });

  it('says which port it could not have', async () => {
    const bundle = await packed('one.tar.gz');
    const first = await serveBundle({ bundle, host: '127.0.0.1', port: 0, token, machines: 1 });
    if (!first.ok) throw new Error('not served');
    const second = await serveBundle({ bundle, host: '127.0.0.1', port: first.value.port, token, machines: 1 });
    expect(second).toMatchObject({ ok: false, problems: [{ code: 'QUILT_BUNDLE_PORT' }] });
    await first.value.close();
  });
});
