// Runs the examples of tools/console/API.md against a real console, in the order of the page: curl from the token to the exit code, the script that judges a run, and the live socket beside
// it. Only the console's port is another one.

import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { EXIT } from '../../node/core/errors.ts';
import type { StartedRun } from '../../tools/console/protocol.ts';
import { summary } from '../../tools/console/schemas/summary.ts';
import { blocksOf } from '../support/docs.ts';
import { needs } from '../support/parts.ts';
import { createSwarmKit, PATIENCE_MS, type SwarmKit } from '../support/swarm-kit.ts';
import { until } from '../support/until.ts';

const page = readFileSync(fileURLToPath(new URL('../../tools/console/API.md', import.meta.url)), 'utf8');
const examples = (language: string): string[] => blocksOf(page).flatMap((block) => (block.language === language ? [block.text] : []));

let kit: SwarmKit;
let origin: string;
let token: string;
beforeAll(async () => {
  kit = await createSwarmKit();
  const console_ = kit.start('console', '--listen', '0', '--operator-token');
  await until('there is a token', () => console_.out().split('\n').length > 2, PATIENCE_MS);
  const [link = '', line = ''] = console_.out().split('\n');
  origin = new URL(link).origin;
  token = line;
  writeFileSync(join(kit.folder, 'console.txt'), console_.out());
}, PATIENCE_MS);
afterAll(() => kit.close());

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Ends what does not end by itself. */
function run(program: string, args: readonly string[]): Promise<Ended> {
  const child = spawn(program, args, {
    ...{ cwd: kit.folder, env: { ...process.env, TOKEN: token }, stdio: ['ignore', 'pipe', 'pipe'], timeout: PATIENCE_MS },
  });
  const said = { out: '', err: '' };
  child.stdout.on('data', (chunk) => (said.out += chunk));
  child.stderr.on('data', (chunk) => (said.err += chunk));
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, ...said }));
  });
}

const curl = needs('curl');
describe.skipIf(curl.isMissing)(curl.title('the examples with curl'), () => {
  it('start, steer and judge a run', { timeout: PATIENCE_MS * 2 }, async () => {
    kit.scenario('my-service', { holdS: 8 });
    const blocks = examples('bash');
    expect(blocks.length).toBe(4);
    const script = blocks.join('').replace('http://127.0.0.1:7717', origin);
    const { code, out, err } = await run('bash', ['-c', script]);
    expect([code, err], out).toEqual([EXIT.pass, expect.any(String)]);
    expect(out).toContain('"command":"quilt-swarm run my-service.yaml -n 2"');
    expect(out).toMatch(/"command":"quilt-swarm scale /);
    const report = summary.parse(JSON.parse(readFileSync(join(kit.folder, 'summary.json'), 'utf8')));
    expect([report.run.scenario, report.verdict.verdict]).toEqual(['my-service', 'pass']);
  });
});

describe('the scripts', () => {
  const [judge = '', watch = ''] = examples('js');
  const script = (name: string, text: string): string => {
    writeFileSync(join(kit.folder, name), text);
    return name;
  };

  it('judge a run that fails, and watch it', { timeout: PATIENCE_MS * 2 }, async () => {
    expect(examples('js').length).toBe(2);
    kit.scenario('strict', { holdS: 6, threshold: 'rate>1' });
    const judging = run(process.execPath, [script('judge.mjs', judge), origin, 'strict.yaml']);
    const headers = { authorization: `Bearer ${token}` };
    const isRunning = async (): Promise<boolean> => {
      const last = (await (await fetch(`${origin}/api/v1/run`, { headers })).json()) as StartedRun;
      return last.isRunning;
    };
    await until('the run was started: until then the socket tells of the one before', isRunning, PATIENCE_MS);
    const watched = run(process.execPath, [script('watch.mjs', watch), origin]);
    const judged = await judging;
    expect([judged.code, judged.err]).toEqual([EXIT.thresholdFailed, '']);
    expect(judged.out).toMatch(/^\d+ endpoints, 7 s\nquilt-swarm run strict\.yaml -n 2\n/);
    expect(judged.out, 'the report').toContain('http_req_failed');
    const { code, out } = await watched;
    expect([code, out]).toEqual([0, expect.stringMatching(/running: 12 active\n(.*\n)*fail\n$/)]);
  });

  it('say what is wrong with a scenario, and with a token', async () => {
    writeFileSync(join(kit.folder, 'wrong.yaml'), 'name: wrong\ngroups:\n  a:\n    type: htp\n');
    const wrong = await run(process.execPath, [script('judge.mjs', judge), origin, 'wrong.yaml']);
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('line 4: ')]);
    const missing = await run(process.execPath, ['judge.mjs', origin, 'missing.yaml']);
    expect([missing.code, missing.err]).toEqual([1, expect.stringContaining('QUILT_CONSOLE_PATH')]);
    token = 'wrong';
    const stranger = await run(process.execPath, ['judge.mjs', origin, 'wrong.yaml']);
    expect([stranger.code, stranger.err]).toEqual([1, expect.stringContaining('QUILT_CONSOLE_LOGIN')]);
  });
});
