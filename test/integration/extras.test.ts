// A simulator build that the operator names: a scenario uses it as ./extras/NAME, from a folder for a run on this computer, and from a git revision for machines of a launch, which
// get it with the program. What lies in the folder by now is another build, and must not be the one that runs.

import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Summary } from '../../node/core/summary-types.ts';
import { createSwarmKit, PATIENCE_MS, type SwarmKit } from '../support/swarm-kit.ts';

const probe = fileURLToPath(new URL('../../node/endpoints/examples/probe.sh', import.meta.url));
let kit: SwarmKit;
let build: string;
const at = (...names: string[]): string => join(kit.folder, ...names);
const git = (...words: string[]): void =>
  void execFileSync('git', ['-C', build, '-c', 'user.name=t', '-c', 'user.email=t@localhost', ...words]);

beforeAll(async () => {
  kit = await createSwarmKit();
  build = at('build');
  mkdirSync(join(build, 'bin'), { recursive: true });
  copyFileSync(probe, join(build, 'bin', 'probe.sh'));
  chmodSync(join(build, 'bin', 'probe.sh'), 0o755);
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '-m', 'first');
  writeFileSync(
    at('probes.yaml'),
    `name: probes
groups:
  probes:
    type: exec
    load: { endpoints: 2, shape: [{ step: 2, for: 3s }] }
    behavior:
      command: [./extras/sim/bin/probe.sh, '${kit.target.url}/']
      targets: ['${new URL(kit.target.url).host}']
      metrics: { probe_ms: { kind: trend, unit: ms }, probe_ok: { kind: rate, unit: percent } }
thresholds:
  ep_failed: count==0
`,
  );
}, PATIENCE_MS);
afterAll(() => kit.close());

const passed = (text: string): void => {
  const summary = JSON.parse(text) as Summary;
  expect(summary).toMatchObject({ verdict: { verdict: 'pass' }, load: { total: { started: 2, failed: 0 } } });
};

describe('a build that is named', { timeout: PATIENCE_MS * 2 }, () => {
  it('is used as it lies, by nodes on this computer', async () => {
    const ran = await kit.run('run', 'probes.yaml', '-n', '2', '--with', `sim=${build}`, '--json');
    expect({ code: ran.code, err: ran.err() }).toMatchObject({ code: 0 });
    passed(ran.out());
  });

  it('is used as it was at a revision, by machines of a launch', async () => {
    writeFileSync(join(build, 'bin', 'probe.sh'), '#!/bin/sh\nexit 1\n');
    const ran = await kit.run('launch', 'probes.yaml', '--on', 'local:eu:c1=1', '--with', `sim=${build}#HEAD`, '--json');
    expect({ code: ran.code, err: ran.err() }).toMatchObject({ code: 0 });
    passed(ran.out());
    expect(readFileSync(join(build, 'bin', 'probe.sh'), 'utf8')).toContain('exit 1');
  });

  it.each([
    [['--with', 'sim=nowhere'], 'nowhere is not there'],
    [['--with', 'sim=build#v9'], 'git'],
    [['--with', 'SIM=build'], 'cannot be read'],
    [['--with', 'sim=build', '--with', 'sim=build'], 'two extras are named sim'],
    [[], 'there is no file ./extras/sim/bin/probe.sh'],
  ])('with %j is refused before anything starts', async (flags, words) => {
    const ran = await kit.run('validate', 'probes.yaml', ...flags);
    expect({ code: ran.code, err: ran.err() }).toMatchObject({ code: 104, err: expect.stringContaining(words) });
  });
});
