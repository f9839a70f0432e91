// The worker's bundle, in a folder that has no node_modules above it, has media by batched system calls: koffi's addon came along and is loaded. Without it
// the worker would run as well, by node:dgram and at half the density, and nothing else would tell.

import { fork, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { linuxCalls } from '../../node/media/udp-linux-calls.ts';

const rootPath = fileURLToPath(new URL('../..', import.meta.url));
const scratchPath = realpathSync(mkdtempSync(join(tmpdir(), 'quilt-bundle-media-')));
afterAll(() => rmSync(scratchPath, { recursive: true, force: true }));
const TARGET = '127.0.0.1:9';
const scenario = {
  name: 'bundle',
  groups: {
    streams: {
      type: 'rtp',
      load: { endpoints: 1, shape: [{ step: 1, for: '1s' }] },
      behavior: { streams: [{ to: TARGET, audio: 'audio-80k' }] },
    },
  },
};

describe.skipIf(linuxCalls() === null)('the bundled worker', () => {
  it('sends media by batched system calls', async () => {
    const distPath = join(scratchPath, 'dist');
    const built = spawnSync(process.execPath, [join(rootPath, 'tools', 'build.ts'), '--no-page', '--out', distPath], { encoding: 'utf8' });
    expect(built).toMatchObject({ status: 0, stderr: '' });
    const worker = fork(join(distPath, 'worker.mjs'), { serialization: 'advanced', execArgv: [], cwd: scratchPath });
    try {
      worker.send({
        ...{ type: 'setup', scenarioText: JSON.stringify(scenario), scenarioFile: 'bundle.yaml', scenarioFolder: scratchPath },
        ...{ variables: {}, targets: [TARGET], workFolder: scratchPath, workerIndex: 0 },
      });
      const [answer] = await once(worker, 'message');
      expect(answer).toMatchObject({ type: 'ready' });
      const mapped = readFileSync(`/proc/${worker.pid}/maps`, 'utf8');
      expect(mapped).toContain(join(distPath, 'node_modules', '@koromix'));
    } finally {
      worker.kill('SIGKILL');
    }
  });
});
