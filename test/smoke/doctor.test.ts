// `doctor --install` with stand-ins for apt: what it asks for, when it updates the lists first, and that what the package
// brings is then found. The stand-ins are the only programs in PATH, so the machine itself is not touched.

import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const entryPath = fileURLToPath(new URL('../../node/quilt-swarm.mjs', import.meta.url));
const scratchPath = mkdtempSync(join(tmpdir(), 'quilt-doctor-test-'));
afterAll(() => rmSync(scratchPath, { recursive: true, force: true }));

function program(folder: string, name: string, script: string): void {
  writeFileSync(join(folder, name), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, name), 0o755);
}

interface Stage {
  candidate: string;
  aptGet: string;
}

/** Runs doctor in a folder that is its whole PATH. */
function runDoctor({ candidate, aptGet }: Stage) {
  const folder = mkdtempSync(join(scratchPath, 'path-'));
  const logPath = join(folder, 'apt.txt');
  program(folder, 'setpriv', 'echo setpriv from util-linux 2.38.1');
  program(folder, 'python3', 'echo Python 3.11.2');
  program(folder, 'kamailio', 'echo version: kamailio 5.6.3');
  program(folder, 'nft', 'echo nftables v1.0.6');
  program(folder, 'tshark', 'echo TShark 4.0.17');
  program(folder, 'apt-cache', `echo "$2:"; echo "  Candidate: ${candidate}"`);
  program(folder, 'apt-get', `echo "$@" >> "${logPath}"\n${aptGet.replaceAll('$BIN', folder)}`);
  const answer = spawnSync(process.execPath, [entryPath, 'doctor', '--install', '--json'], {
    cwd: folder,
    env: { PATH: folder },
    encoding: 'utf8',
    timeout: 20_000,
  });
  const findings = JSON.parse(answer.stdout) as { ready: boolean; parts: Array<{ name: string; isOk: boolean; cost: string }> };
  return {
    status: answer.status,
    sipp: findings.parts.find(({ name }) => name === 'sipp'),
    asked: existsSync(logPath) ? readFileSync(logPath, 'utf8').trim().split('\n') : [],
    said: answer.stderr,
  };
}

const bringSipp = `case "$*" in *install*) printf '#!/bin/sh\\necho SIPp v3.6.1; exit 99\\n' > "$BIN/sipp"; /bin/chmod +x "$BIN/sipp";; esac`;
const options = '-o DPkg::Lock::Timeout=600 -y -q';
const isRoot = process.getuid?.() === 0;

describe.skipIf(!isRoot)(`doctor --install ${isRoot ? '' : '(skipped: needs root)'}`, () => {
  it('installs the missing package, and finds what it brings', () => {
    const { status, sipp, asked } = runDoctor({ candidate: '3.6.1-1', aptGet: bringSipp });
    expect({ status, isOk: sipp?.isOk }).toEqual({ status: 0, isOk: true });
    expect(asked).toEqual([`${options} install --no-install-recommends sip-tester`]);
  });

  it('updates the lists first when they do not know the package', () => {
    const { asked } = runDoctor({ candidate: '(none)', aptGet: bringSipp });
    expect(asked).toEqual([`${options} update`, `${options} install --no-install-recommends sip-tester`]);
  });

  it('says so when it cannot, and what that costs; an optional part is no failure', () => {
    const { status, sipp, said } = runDoctor({ candidate: '3.6.1-1', aptGet: 'exit 100' });
    expect({ status, isOk: sipp?.isOk }).toEqual({ status: 0, isOk: false });
    expect(sipp?.cost).toContain('SIPp');
    expect(said).toContain('could not install sip-tester');
  });
});
