// Small parts of the scaffold that others build on: what a missing system part does to a test, which files a registry
// holds, where the programs are that a node starts, and what a benchmark's last line says.

import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { monotonicNowMs } from '../../node/adapters/clock.ts';
import { childEnvironment, environmentVariable, quiltVariables } from '../../node/adapters/environment.ts';
import { findExecutable } from '../../node/commands/doctor-parts.ts';
import { entryPaths } from '../../node/commands/entries.ts';
import { registryFiles, scan } from '../../node/runtime/registry-scan.ts';
import { type BenchResult, quantile, resultLine } from '../../tools/bench-kit.ts';
import { needOf } from '../support/parts.ts';

const clockUrl = new URL('../../node/adapters/clock.ts', import.meta.url).href;
const scratchPath = mkdtempSync(join(tmpdir(), 'quilt-scaffold-'));
afterAll(() => rmSync(scratchPath, { recursive: true, force: true }));

describe('a needed part', () => {
  it('changes nothing when it is there', () => {
    const need = needOf([], true);
    expect({ isMissing: need.isMissing, title: need.title('SIPp runs') }).toEqual({ isMissing: false, title: 'SIPp runs' });
  });

  it('skips with its reason in the title when it is missing', () => {
    const need = needOf(['sipp', 'python3'], false);
    expect(need.isMissing).toBe(true);
    expect(need.title('SIPp runs')).toMatch(/^SIPp runs \(skipped: sipp and python3 not found/);
  });

  it('is a failure when it is missing in CI', () => {
    expect(() => needOf(['sipp'], true)).toThrow(/missing in CI: sipp not found/);
  });

  it('is looked for in PATH and must be a program', () => {
    expect(findExecutable('sh')).toMatch(/\/sh$/);
    expect(findExecutable('no-such-program-anywhere')).toBeUndefined();
    expect(findExecutable('.')).toBeUndefined();
  });
});

describe('a registry scan', () => {
  it('takes direct children and folders with an index, sorted, without the contract', () => {
    const folder = join(scratchPath, 'endpoints');
    mkdirSync(join(folder, 'rtp'), { recursive: true });
    mkdirSync(join(folder, 'examples'));
    for (const file of ['websocket.ts', 'endpoint.ts', 'http.ts', 'notes.md', 'rtp/index.ts', 'rtp/pacing.ts', 'examples/a.py']) {
      writeFileSync(join(folder, file), '');
    }
    expect(registryFiles(folder)).toEqual(['http.ts', 'rtp/index.ts', 'websocket.ts']);
  });

  it('is empty for a folder that does not exist', () => {
    expect(registryFiles(join(scratchPath, 'nowhere'))).toEqual([]);
  });

  it('imports what it finds', async () => {
    const scanned = await scan('endpoints');
    expect(scanned.map(({ file }) => file)).not.toContain('endpoint.ts');
    for (const { module } of scanned) expect(module).toBeTypeOf('object');
  });
});

describe('the programs a node starts', () => {
  const url = (...path: string[]) => pathToFileURL(join('/', 'somewhere', ...path)).href;

  it('are the sources when it runs from the sources', () => {
    expect(entryPaths(url('node', 'commands', 'entries.ts'))).toEqual({
      node: join('/', 'somewhere', 'node', 'quilt-swarm.mjs'),
      worker: join('/', 'somewhere', 'node', 'runtime', 'worker.ts'),
    });
  });

  it('are the bundles when it runs from the bundle', () => {
    expect(entryPaths(url('dist', 'quilt-swarm.mjs'))).toEqual({
      node: join('/', 'somewhere', 'dist', 'quilt-swarm.mjs'),
      worker: join('/', 'somewhere', 'dist', 'worker.mjs'),
    });
  });
});

describe('a benchmark', () => {
  const result: BenchResult = { figure: 12.34567, unit: 'ms', baseline: 10, reach: 15, better: 'lower' };
  const judged = (changes: Partial<BenchResult>) => JSON.parse(resultLine('x', { ...result, ...changes }));

  it('ends with the line of DESIGN 9', () => {
    expect(resultLine('mesh-200', result)).toBe(
      '{"bench":"mesh-200","figure":12.35,"unit":"ms","baseline":10,"ratio":1.235,"reach":15,"ok":true}',
    );
  });

  it.each([
    [{ figure: 15 }, true],
    [{ figure: 15.1 }, false],
    [{ better: 'higher', figure: 14.9 }, false],
    [{ better: 'higher', figure: 15 }, true],
    [{ reachIs: 'ratio', reach: 1 }, false],
    [{ reachIs: 'ratio', reach: 1, better: 'higher' }, true],
    [{ reachIs: 'ratio', reach: 1, baseline: null }, false],
    [{ reachIs: 'ratio', reach: 1, baseline: 0 }, false],
  ] as ReadonlyArray<readonly [Partial<BenchResult>, boolean]>)('judges %j as %j', (changes, isReached) => {
    expect(judged(changes).ok).toBe(isReached);
  });

  it('that measured nothing has no line', () => {
    expect(() => resultLine('x', { ...result, figure: Number.NaN })).toThrow(/measured NaN/);
  });

  it.each([
    [[3, 1, 2], 0.5, 2],
    [[3, 1, 2], 0, 1],
    [[3, 1, 2], 1, 3],
    [[4, 3, 2, 1], 0.5, 2],
    [[7], 0.99, 7],
  ])('quantile of %j at %d is %d', (values, share, expected) => {
    expect(quantile(values, share)).toBe(expected);
  });
});

describe('the surroundings', () => {
  it('clock: the machine has one monotonic clock, whichever process reads it', () => {
    const before = monotonicNowMs();
    const readClock = `import(${JSON.stringify(clockUrl)}).then(({ monotonicNowMs }) => process.stdout.write(String(monotonicNowMs())))`;
    const { stdout } = spawnSync(process.execPath, ['-e', readClock], { encoding: 'utf8' });
    expect(Number(stdout)).toBeGreaterThan(before);
    expect(Number(stdout)).toBeLessThan(monotonicNowMs());
  });

  it('environment: an empty variable is not set', () => {
    process.env.QUILT_SCAFFOLD_TEST = '';
    expect(environmentVariable('QUILT_SCAFFOLD_TEST')).toBeUndefined();
    process.env.QUILT_SCAFFOLD_TEST = 'x';
    expect(quiltVariables()).toContainEqual({ name: 'QUILT_SCAFFOLD_TEST', value: 'x' });
    expect(childEnvironment({ QUILT_SCAFFOLD_TEST: 'y' }).QUILT_SCAFFOLD_TEST).toBe('y');
    delete process.env.QUILT_SCAFFOLD_TEST;
    expect(environmentVariable('QUILT_SCAFFOLD_TEST')).toBeUndefined();
  });
});
