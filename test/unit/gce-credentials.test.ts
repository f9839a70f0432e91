// How the GCE cloud comes by its tokens, over the fake's token endpoint, which verifies the signed assertion, and its metadata server. No message may show what is in a key file.

import { readFileSync, writeFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cloudType } from '../../bootstrap/clouds/gce/index.ts';
import { type FakeGoogle, startFakeGoogle } from '../support/clouds/gce.ts';
import { filter, gceOrder, listGce as list, never, openGce, region } from '../support/clouds/gce-lab.ts';

let google: FakeGoogle;
const open = () => openGce(google);
const launch = async (changes = {}) => (await open()).launch(gceOrder(changes), never);

beforeEach(async () => {
  google = await startFakeGoogle();
});
afterEach(async () => {
  await google.close();
  expect(google.complaints).toEqual([]);
});

describe('credentials', () => {
  it('are a signed assertion, exchanged once for many calls', async () => {
    await launch({ count: 5 });
    expect(google.tokensGiven).toBe(1);
  });

  it('are taken from the metadata server where there is no key file', async () => {
    google.environment.GOOGLE_APPLICATION_CREDENTIALS = undefined;
    google.environment.GCE_METADATA_HOST = new URL(google.url).host;
    expect((await launch()).instances.length).toBe(3);
  });

  it('are renewed before they end', async () => {
    const cloud = await open();
    await list(cloud);
    google.project.advance(3_500_000);
    await list(cloud);
    google.project.advance(50_000);
    await list(cloud);
    expect(google.tokensGiven).toBe(2);
  });

  it('are renewed when Google takes them back, once', async () => {
    const cloud = await open();
    await list(cloud);
    google.endTokens();
    await list(cloud);
    expect(google.tokensGiven).toBe(2);
    google.failNext(2, 401, 'authError');
    expect(await cloud.list(filter)).toMatchObject({ ok: false, problems: [{ code: 'QUILT_GCE_CREDENTIALS' }] });
  });

  it('that are refused are a refusal that names the clock', async () => {
    google.refuseTokens('invalid_grant');
    const { instances, refusals } = await launch();
    expect(instances).toEqual([]);
    expect(refusals).toMatchObject([{ code: 'QUILT_GCE_CREDENTIALS', cause: 'credentials', hint: expect.stringContaining('clock') }]);
    expect((await (await open()).check(region))[0]).toMatchObject({ isOk: false, remedy: expect.stringContaining('clock') });
  });

  it('are refused when this clock is an hour off', async () => {
    const components = { ...google.components, wallNowMs: () => google.project.nowMs - 3_600_000 };
    const opened = await cloudType.create(components);
    const listed = opened.ok ? await opened.value.list(filter) : opened;
    expect(listed).toMatchObject({ ok: false, problems: [{ message: expect.stringContaining('invalid_grant') }] });
  });

  it.each([
    ['that is not there', (path: string) => `${path}.not`, null],
    ['that is no JSON', (path: string) => path, () => '{ private_key: secret-of-mine'],
    ['of a person', (path: string) => path, (text: string) => text.replace('service_account', 'authorized_user')],
    ['with a broken key', (path: string) => path, (text: string) => text.replace(/BEGIN PRIVATE KEY.{40}/, 'BEGIN PRIVATE KEY')],
    ['that would send its assertion in the clear', (path: string) => path, (text: string) => text.replace('127.0.0.1', 'oauth.example')],
  ])('a key file %s is a problem, and its content is in no message', async (_title, pathOf, change) => {
    const path = google.environment.GOOGLE_APPLICATION_CREDENTIALS as string;
    google.environment.GOOGLE_APPLICATION_CREDENTIALS = pathOf(path);
    if (change !== null) writeFileSync(path, change(readFileSync(path, 'utf8')));
    const opened = await cloudType.create(google.components);
    expect(opened).toMatchObject({ ok: false, problems: [{ code: 'QUILT_GCE_CREDENTIALS' }] });
    expect(JSON.stringify(opened)).not.toMatch(/secret-of-mine|PRIVATE KEY/);
  });

  it('without a key file or metadata server are a problem with what to do', async () => {
    google.environment.GOOGLE_APPLICATION_CREDENTIALS = undefined;
    google.environment.GCE_METADATA_HOST = '127.0.0.1:1';
    expect(await cloudType.create(google.components)).toMatchObject({
      ok: false,
      problems: [{ hint: expect.stringContaining('key file') }],
    });
  });

  it.each([
    ['QUILT_GCE_PROJECT', 'No Project'],
    ['QUILT_GCE_ENDPOINT', 'file:///etc'],
  ])('a wrong %s is a problem', async (name, value) => {
    google.environment[name] = value;
    expect(await cloudType.create(google.components)).toMatchObject({ ok: false, problems: [{ code: 'QUILT_GCE_SETTINGS' }] });
  });
});
