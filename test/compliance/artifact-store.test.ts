// The artifact store suite over a folder, over S3 by fauxqs and over S3 by real Swift, and what only one of them can show.

import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { createDirStore } from '../../node/adapters/dir-store.ts';
import { closeSwift, openDirLab, openFauxqsLab, openSwiftLab } from '../support/store-labs.ts';
import { needSwift } from '../support/swift-kit.ts';
import { expectAdvice, s3FaultSuite } from './artifact-s3-faults.ts';
import { artifactStoreCompliance, causesOf, given, never } from './artifact-store.ts';

artifactStoreCompliance('artifact store dir', openDirLab);
artifactStoreCompliance('artifact store s3 (fauxqs)', openFauxqsLab);
s3FaultSuite('S3 faults (fauxqs)', openFauxqsLab);

const swift = needSwift();
describe.skipIf(swift.isMissing)(swift.title('real Swift'), () => {
  afterAll(closeSwift);
  artifactStoreCompliance('artifact store s3 (Swift)', openSwiftLab);
  s3FaultSuite('S3 faults (Swift)', openSwiftLab);

  it('tells a wrong secret from a bucket that denies', { timeout: 120_000 }, async () => {
    const lab = await openSwiftLab();
    const problems = await lab.openWith({ AWS_SECRET_ACCESS_KEY: 'not it' }).check(never);
    await lab.close();
    expectAdvice(problems, 'credentials', /AWS_SECRET_ACCESS_KEY/);
  });
});

describe('the folder as a store', () => {
  it('notices an object that was altered on the disk', async () => {
    const lab = await openDirLab();
    const store = lab.open();
    const path = join(lab.folder, 'file');
    writeFileSync(path, 'what was written');
    given(await store.putFile('a/b', path, { signal: never }));
    const objectPath = join(lab.folder, 'store', 'a', 'b');
    writeFileSync(objectPath, readFileSync(objectPath, 'utf8').replace('written', 'w r o n g'.slice(0, 7)));
    expect(causesOf(await store.getFile('a/b', `${path}.back`, never))).toEqual(['corrupt']);
    await lab.close();
  });

  it('says what is wrong with a folder that cannot be one', async () => {
    const lab = await openDirLab();
    writeFileSync(join(lab.folder, 'file'), '');
    const problems = await createDirStore({ path: join(lab.folder, 'file', 'below') }).check(never);
    expect(problems.map(({ cause }) => cause)).toEqual(['bucket-missing']);
    expect(problems[0]?.hint).toContain('folder');
    await lab.close();
  });

  it.skipIf(process.getuid?.() === 0)('says so when it may not write there', async () => {
    const lab = await openDirLab();
    mkdirSync(join(lab.folder, 'closed'));
    chmodSync(join(lab.folder, 'closed'), 0o500);
    const problems = await createDirStore({ path: join(lab.folder, 'closed', 'store') }).check(never);
    expect(problems.map(({ cause }) => cause)).toEqual(['denied']);
    await lab.close();
  });
});
