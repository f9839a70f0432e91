// The line that `npm test` ends with, on runs that vitest itself made of planted files: what passes, fails, is skipped with
// and without a reason, does not load, and leaves an error behind. A green line over a red run is the defect to find.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { startVitest } from 'vitest/node';
import { countLine, countReporter } from '../../tools/count-reporter.ts';

const rootPath = fileURLToPath(new URL('../..', import.meta.url));
const scratchPath = mkdtempSync(join(tmpdir(), 'quilt-count-'));
afterAll(() => rmSync(scratchPath, { recursive: true, force: true }));

async function countOf(sources: Record<string, string>) {
  const root = mkdtempSync(join(scratchPath, 'run-'));
  mkdirSync(join(root, 'test'));
  symlinkSync(join(rootPath, 'node_modules'), join(root, 'node_modules'));
  for (const [name, source] of Object.entries(sources)) {
    writeFileSync(join(root, 'test', name), `import { describe, expect, it } from 'vitest';\n${source}`);
  }
  const reporter = countReporter();
  const exitCode = process.exitCode;
  const vitest = await startVitest([], {
    root,
    config: false,
    watch: false,
    include: ['test/*.test.ts'],
    reporters: [reporter],
    pool: 'threads',
  });
  await vitest.close();
  // The inner run marks this process as failed, as it should for a command line; here it is the expected outcome.
  process.exitCode = exitCode;
  return { line: countLine(reporter.counts), skips: reporter.skips };
}

describe('the count line', () => {
  it('counts passed and failed tests, and names every skip with its reason', async () => {
    const { line, skips } = await countOf({
      'a.test.ts': `it('one', () => {}); it('two', () => { expect(1).toBe(2); });
        it('three', (context) => context.skip('no radio'));
        describe.skipIf(true)('four (skipped: no lamp)', () => { it('inner', () => {}); });`,
      'b.test.ts': `it('five', () => {}); it.skipIf(true)('six', () => {});`,
    });
    expect(line).toBe('2 passed, 1 failed, 3 skipped');
    expect(skips).toEqual([
      'test/a.test.ts > three (skipped: no radio)',
      'test/a.test.ts > four (skipped: no lamp) > inner',
      'test/b.test.ts > six (skipped: no reason given)',
    ]);
  });

  it('counts a file that does not load as one failure', async () => {
    const { line } = await countOf({ 'a.test.ts': `it('one', () => {});`, 'b.test.ts': `throw new Error('part missing');` });
    expect(line).toBe('1 passed, 1 failed');
  });

  it('counts an error that no test carries', async () => {
    const { line } = await countOf({
      'a.test.ts': `it('one', async () => { Promise.reject(new Error('lost')); await new Promise(setImmediate); });`,
    });
    expect(line).toBe('1 passed, 1 failed');
  });

  it('counts a hook of a suite that throws', async () => {
    const { line } = await countOf({
      'a.test.ts': `import { afterAll } from 'vitest';
        describe('suite', () => { it('one', () => {}); afterAll(() => { throw new Error('left behind'); }); });`,
    });
    expect(line).toBe('1 passed, 1 failed');
  });

  it('is a failure when there is nothing to count', async () => {
    expect((await countOf({})).line).toBe('0 passed, 1 failed');
  });
});
