// Nodes of a run are the same program: another build is told so before it joins, and the swarm never hears of it.

import { execFile } from 'node:child_process';
import { appendFileSync, cpSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { programVersion } from '../../node/commands/program-version.ts';
import { createSwarmKit, PATIENCE_MS, type SwarmKit } from '../support/swarm-kit.ts';
import { until } from '../support/until.ts';

let kit: SwarmKit;
beforeAll(async () => {
  kit = await createSwarmKit();
}, PATIENCE_MS);
afterAll(() => kit.close());

it('another build is refused by its ticket', { timeout: PATIENCE_MS }, async () => {
  const other = join(kit.folder, 'other');
  cpSync(join(kit.folder, 'dist'), other, { recursive: true });
  expect(programVersion(other)).toBe(programVersion(join(kit.folder, 'dist')));
  appendFileSync(join(other, 'worker.mjs'), '// as another commit would have it\n');
  expect(programVersion(other)).not.toBe(programVersion(join(kit.folder, 'dist')));

  const seed = kit.start('seed', '--data', join(kit.folder, 'seed'));
  await until('there is a ticket', () => seed.out().includes('\n'), PATIENCE_MS);
  const ended = await new Promise<{ code: number | null; err: string }>((done) => {
    const child = execFile(
      process.execPath,
      [join(other, 'quilt-swarm.mjs'), 'join', seed.out().trim()],
      { cwd: kit.folder },
      (_error, _out, err) => done({ code: child.exitCode, err }),
    );
  });
  expect(ended).toMatchObject({ code: 104, err: expect.stringContaining('nodes of a run must be the same build') });
  expect(ended.err).toContain(programVersion(other));
  expect(ended.err).toContain(programVersion(join(kit.folder, 'dist')));
});
