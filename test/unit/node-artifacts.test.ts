// A node's end with its artifacts, on a clock moved by hand: a store that hangs or refuses keeps nobody longer than it may, the survey waits for those who are still at work and
// for nobody else, only evidence is taken, and the summary says in words what is missing.

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDirStore } from '../../node/adapters/dir-store.ts';
import { LIST_NAME } from '../../node/artifacts/manifest.ts';
import { type ArtifactStore, refused } from '../../node/artifacts/store.ts';
import { summarize } from '../../node/core/summary.ts';
import { withArtifacts } from '../../node/core/summary-artifacts.ts';
import type { ArtifactsSummary, Summary } from '../../node/core/summary-types.ts';
import { createNodeArtifacts, type NodeArtifacts, UPLOAD_MS_MAX } from '../../node/runtime/node-artifacts.ts';
import { renderSummary } from '../../tools/scoreboard/summary.ts';
import { createHandClock, type HandClock } from '../support/hand-clock.ts';
import { sampleAggregate, sampleFacts } from '../support/sample-run.ts';
import { until } from '../support/until.ts';

let root: string;
let clock: HandClock;
let notes: string[];
let store: ArtifactStore;
const log = { info: () => {}, warn: () => {}, error: () => {}, flush: () => {}, tail: () => [] };
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'quilt-node-artifacts-'));
  clock = createHandClock();
  notes = [];
  store = createDirStore({ path: join(root, 'store') });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** As for the seed of `run`: the report around the data folder. */
function nodeOf(self: string): NodeArtifacts {
  const dataFolder = join(root, 'run', 'nodes', self);
  mkdirSync(dataFolder, { recursive: true });
  writeFileSync(join(dataFolder, 'node.log'), `log of ${self}\n`);
  const choice = { store, everyMs: 3_600_000, random: () => 0.5 };
  const init = { artifacts: choice, config: { self }, dataFolder, runFolder: { path: join(root, 'run') }, clock, log };
  const node = createNodeArtifacts(init, (_level, text) => notes.push(text));
  if (node === null) throw new Error('there is a store');
  node.start('run');
  return node;
}

/** Moves the clock while `promise` is waited for; answers what it gives, and fails when it takes longer than `msMax` of that clock. */
async function within<T>(promise: Promise<T>, msMax: number): Promise<T> {
  let isDone = false;
  const ended = promise.finally(() => {
    isDone = true;
  });
  const stopMs = clock.nowMs() + msMax;
  await until('it ends', async () => {
    if (!isDone && clock.nowMs() < stopMs) await clock.advance(500);
    return isDone || clock.nowMs() >= stopMs;
  });
  // Work that has begun on the real disk may still end.
  await until(`it ends within ${msMax} ms`, () => isDone, 2_000);
  return ended;
}

const summaryWith = (...nodes: [name: string, state: 'finished' | 'lost'][]): Summary => {
  const whole = summarize(sampleAggregate(), sampleFacts());
  const [sample] = whole.nodes;
  if (sample === undefined) throw new Error('the sample has nodes');
  return { ...whole, nodes: nodes.map(([name, state]) => ({ ...sample, node: name, name: `${name}-name`, state })) };
};
const gapsOf = (artifacts: ArtifactsSummary | null): string[] => (artifacts?.gaps ?? []).map(({ kind, name }) => `${kind} ${name}`);

describe('a node at its end', { timeout: 30_000 }, () => {
  it('does not wait longer than it may for a store that hangs, and seconds when it is told to hurry', async () => {
    store = {
      ...store,
      putFile: (key, _path, { signal }) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve(refused('aborted', key, '')))),
    };
    const patient = nodeOf('patient');
    expect(patient.waitingFor()).toBeNull();
    const finishing = patient.finish();
    await until('it says so', () => patient.waitingFor()?.includes('1 file(s)') === true);
    await within(finishing, UPLOAD_MS_MAX + 60_000);
    expect(notes.join()).toContain('could not be sent');
    const hasty = nodeOf('hasty');
    expect(hasty.msMax()).toBeGreaterThan(UPLOAD_MS_MAX);
    hasty.hurry();
    expect(hasty.msMax()).toBeLessThan(10_000);
    await within(hasty.finish(), 5_000);
  });

  it('does not stay for a store that refuses it', async () => {
    store = { ...store, putFile: async (key) => refused('denied', key, 'ask somebody') };
    await within(nodeOf('stranger').finish(), 30_000);
    expect(notes.filter((note) => note.includes('ask somebody'))).toHaveLength(1);
  });

  it('takes evidence, of its own, and nothing that could be a secret', async () => {
    const data = join(root, 'run', 'nodes', 'seed');
    const files = ['run/facts.json', 'run/ticket', 'run/operator.key', 'run/nodes/other/node.log', 'run/dist/package.json'];
    const inData = ['work/sim.log', 'store/000003.log', 'bundles/x/rows.csv', 'node.key'];
    for (const path of [...files.map((file) => join(root, file)), ...inData.map((file) => join(data, file))]) {
      mkdirSync(join(path, '..'), { recursive: true });
      writeFileSync(path, 'x');
    }
    await within(nodeOf('seed').finish(), 5_000);
    const kept = readdirSync(join(root, 'store', 'run', 'seed'), { recursive: true }).map(String);
    const sources = kept.filter((name) => name.endsWith('.zst')).map((name) => name.replace(/\.\d+\.zst$/, ''));
    expect(sources.sort()).toEqual(['facts.json', 'nodes/seed/node.log', 'nodes/seed/work/sim.log']);
  });
});

describe('the survey', { timeout: 30_000 }, () => {
  it('waits for those who are at work, not for the lost, and not for those who went without a word', async () => {
    const [seed, slow, dumb] = [nodeOf('seed'), nodeOf('slow'), nodeOf('dumb')];
    await within(seed.finish(), 5_000);
    const summary = summaryWith(['seed', 'finished'], ['slow', 'finished'], ['dumb', 'finished'], ['lost', 'lost']);
    let isOver = false;
    const surveyed = seed.survey({ summary, peers: () => ['slow'], isAuthor: true }).finally(() => {
      isOver = true;
    });
    const untilMs = clock.nowMs() + 60_000;
    await until('a minute has passed, and only the one at work is waited for', async () => {
      await clock.advance(500);
      return clock.nowMs() > untilMs && seed.waitingFor() === '1 other node still sends evidence';
    });
    expect(isOver).toBe(false);
    await within(slow.finish(), 5_000);
    const artifacts = await within(surveyed, 60_000);
    expect(gapsOf(artifacts)).toEqual(['no-list dumb-name', 'no-list lost-name']);
    expect(readdirSync(join(root, 'store', 'run'))).toContain('artifacts.json');
    await within(dumb.finish(), 5_000);
    expect(readdirSync(join(root, 'store', 'run', 'dumb'))).toContain(LIST_NAME);
  });

  it('does not wait at all when everybody else is lost', async () => {
    const seed = nodeOf('seed');
    await within(seed.finish(), 5_000);
    const summary = summaryWith(['seed', 'finished'], ['lost', 'lost']);
    expect(gapsOf(await within(seed.survey({ summary, peers: () => ['lost'], isAuthor: true }), 5_000))).toEqual(['no-list lost-name']);
  });

  it('tells when it cannot look', async () => {
    const seed = nodeOf('seed');
    await within(seed.finish(), 5_000);
    store.list = async () => refused('denied', 'no entry', 'ask somebody');
    const artifacts = await within(seed.survey({ summary: summaryWith(['seed', 'finished']), peers: () => [], isAuthor: false }), 5_000);
    expect(artifacts?.problem).toContain('no entry');
  });
});

describe('a summary with artifacts', () => {
  const whole: ArtifactsSummary = { store: 'dir:/x', files: 3, bytes: 1500, gaps: [], gapsLeftOut: 0, problem: null };
  const gap = (name: string) => ({ node: name, name, kind: 'absent', what: `run/${name}/a`, detail: '5 bytes are not in the store' });
  const summary = summaryWith(['seed', 'finished']);
  const shown = (artifacts: ArtifactsSummary): string =>
    renderSummary(withArtifacts(summary, artifacts), { color: false, columns: 120 }).join('\n');

  it('has one line when nothing is missing, and no reason', () => {
    expect(shown(whole)).toMatch(/ARTIFACTS +3 files, 1\.50 kB · nothing is missing\n {4}dir:\/x\n\n/);
    expect(withArtifacts(summary, whole).verdict).toEqual(summary.verdict);
  });

  it('names what is missing, once, and keeps the verdict', () => {
    const gaps = Array.from({ length: 8 }, (_, index) => gap(`n${index}`));
    const twice = withArtifacts(withArtifacts(summary, whole), { ...whole, gaps, gapsLeftOut: 2 });
    const again = withArtifacts(twice, { ...whole, gaps, gapsLeftOut: 2 });
    expect(again.verdict.reasons.filter(({ code }) => code === 'artifacts-missing')).toEqual([
      { code: 'artifacts-missing', level: 'note', message: 'artifacts are missing in dir:/x: 10 gaps, of n0, n1, n2 and 5 more nodes' },
    ]);
    expect(again.verdict.exit).toBe(summary.verdict.exit);
    expect(shown({ ...whole, gaps, gapsLeftOut: 2 })).toContain('… 4 more in artifacts.json there');
  });

  it('says that it is unknown when nobody could look', () => {
    expect(shown({ ...whole, problem: 'no entry' })).toContain('whether the artifacts are in dir:/x is unknown: no entry');
  });
});
