// The clouds by name: the real folder for what is there and what is not, and made-up modules for what a file may export.

import { describe, expect, it } from 'vitest';
import { cloudFiles, cloudFilesOf, loadCloudType } from '../../node/runtime/cloud-registry.ts';

const named = (name: string): { name: string } => ({ name });

describe('the clouds of this build', () => {
  it('are found by their files', async () => {
    expect(Object.keys(await cloudFiles())).toEqual(expect.arrayContaining(['local', 'ssh', 'openstack', 'rackspace']));
    for (const name of Object.keys(await cloudFiles())) expect(await loadCloudType(name)).toMatchObject({ ok: true, value: { name } });
  });

  it('are suggested for a mistyped name, and listed for a strange one', async () => {
    expect(await loadCloudType('locla')).toMatchObject({
      ok: false,
      problems: [{ code: 'QUILT_CLOUD_UNKNOWN', hint: 'did you mean local?' }],
    });
    expect(await loadCloudType('nimbus-9000')).toMatchObject({ ok: false, problems: [{ hint: expect.stringContaining('ssh') }] });
  });
});

describe('a file of clouds', () => {
  it('may hold several profiles', () => {
    const module = { cloudTypes: [named('openstack'), named('rackspace')] };
    expect(cloudFilesOf([{ file: 'openstack/index.ts', module }])).toEqual({
      openstack: 'openstack/index.ts',
      rackspace: 'openstack/index.ts',
    });
  });

  it('must have the cloud of its own name', () => {
    expect(() => cloudFilesOf([{ file: 'gce.ts', module: {} }])).toThrow(/no cloudType of the name 'gce'/);
    expect(() => cloudFilesOf([{ file: 'gce.ts', module: { cloudType: named('aws') } }])).toThrow(/'gce'/);
  });

  it('may not have a name that another has', () => {
    const modules = [
      { file: 'a.ts', module: { cloudTypes: [named('a'), named('b')] } },
      { file: 'b.ts', module: { cloudType: named('b') } },
    ];
    expect(() => cloudFilesOf(modules)).toThrow(/already in a\.ts/);
  });
});
