// `quilt-swarm run` from start to end on real processes: everything planned is delivered, the verdict is the exit code, the run folder is whole, a
// mistake is found before anything starts, and nothing is left behind.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Summary } from '../../node/core/summary-types.ts';
import { readWindows } from '../../node/runtime/run-folder.ts';
import { createSwarmKit, nodeFolder, PATIENCE_MS, type SwarmKit, seedFolder } from '../support/swarm-kit.ts';

let kit: SwarmKit;
beforeAll(async () => {
  kit = await createSwarmKit();
  kit.scenario('lost', { holdS: 1, url: 'http://nowhere.invalid:80' });
}, PATIENCE_MS);
afterAll(() => kit.close());

describe('run', () => {
  it('delivers what is planned, reports it and leaves nothing behind', { timeout: PATIENCE_MS }, async () => {
    const before = kit.target.stats().requests.total;
    const { code, out, err } = await kit.run('run', kit.scenario('whole', { holdS: 3 }), '--nodes', '2', '--json', '--tag', 'build=7');
    expect(err()).toContain('running');
    const summary = JSON.parse(out()) as Summary;
    expect(summary.verdict).toMatchObject({ verdict: 'pass', exitCode: 0 });
    expect(code).toBe(0);
    expect(summary.load.total).toMatchObject({ livesDue: 12, started: 12, finished: 12, failed: 0, activePeak: 12 });
    expect(summary.run).toMatchObject({ scenario: 'whole', end: 'completed', tags: { build: '7' } });
    expect(summary.integrity.gaps).toEqual([]);
    expect(kit.target.stats().requests.total - before).toBeGreaterThan(24);
    expect(kit.processes()).toEqual([]);
  });

  it('keeps all that the report was made from', () => {
    const folder = kit.runFolder();
    for (const name of ['manifest.json', 'scenario.yaml', 'plan.json', 'windows.bin', 'summary.json', 'summary.txt', 'entries.jsonl']) {
      expect(existsSync(join(folder, name)), name).toBe(true);
    }
    const entries = readFileSync(join(folder, 'entries.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string; author: string });
    const kinds = new Set(entries.map(({ kind }) => kind));
    for (const kind of ['hello', 'vote', 'lead', 'roster', 'manifest', 'claim', 'ready', 'done', 'phase']) expect(kinds).toContain(kind);
    expect(new Set([...readWindows(folder)].map(({ node }) => node)).size).toBe(2);
    for (const node of [seedFolder(folder), nodeFolder(folder, 1), nodeFolder(folder, 2)]) {
      expect(readFileSync(join(node, 'node.log'), 'utf8')).toContain('"leaving"');
    }
  });

  it('fails with 99 when a threshold is not met', { timeout: PATIENCE_MS }, async () => {
    const scenario = kit.scenario('strict', { holdS: 1, threshold: 'rate>0.5' });
    const { code, out } = await kit.run('run', scenario, '--nodes', '1', '--no-color', '--quiet');
    expect(out()).toContain('FAIL');
    expect(code).toBe(99);
    expect(kit.processes()).toEqual([]);
  });

  it.each([
    ['an unknown flag', ['run', 'whole.yaml', '--nodse', '2'], '--nodes'],
    ['a missing scenario', ['run', 'nowhere.yaml'], 'no such file'],
    ['a variable that nobody declared', ['run', 'whole.yaml', '-e', 'nobody=1'], 'nobody'],
    ['a target that does not resolve', ['run', 'lost.yaml'], 'nowhere.invalid'],
    ['a ticket that was cut', ['join', 'quilt2-abcdefgh'], 'the ticket is incomplete'],
    ['no run to ask', ['status', 'runs/none'], 'no run folder'],
  ])('refuses %s with 104 before anything starts', { timeout: PATIENCE_MS }, async (_what, args, said) => {
    const { code, err } = await kit.run(...args);
    expect(err()).toContain(said);
    expect(code).toBe(104);
    expect(kit.processes()).toEqual([]);
  });
});
