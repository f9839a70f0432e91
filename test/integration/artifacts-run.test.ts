// Runs of real processes that leave their evidence in a store: everything of everybody is there and the manifest says so, a node killed with -9 has left what it had sent and
// is named with what is missing, S3 works like a folder, a store that does not work is told before anything starts, and who names no bucket never reads the S3 client.

import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { zstdDecompressSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ArtifactManifest } from '../../node/artifacts/manifest.ts';
import type { ArtifactStore } from '../../node/artifacts/store.ts';
import type { Summary } from '../../node/core/summary-types.ts';
import { given, never } from '../compliance/artifact-store.ts';
import { startFaultProxy } from '../support/fault-proxy.ts';
import { openFauxqsLab, type S3Lab } from '../support/store-labs.ts';
import { createSwarmKit, nodeFolder, PATIENCE_MS, type Ran, type SwarmKit, seedFolder } from '../support/swarm-kit.ts';
import { until } from '../support/until.ts';

let kit: SwarmKit;
let lab: S3Lab;
beforeAll(async () => {
  kit = await createSwarmKit();
  lab = await openFauxqsLab();
  Object.assign(kit.environment, { AWS_ENDPOINT_URL_S3: lab.url, AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'secret' });
  kit.scenario('kept', { holdS: 3 });
  mkdirSync(join(kit.folder, 'runs'));
}, PATIENCE_MS);
afterAll(async () => {
  await kit.close();
  await lab.close();
});

const idOf = (summary: Summary, name: string): string => summary.nodes.find((node) => node.name === name)?.node ?? '';
const summaryOf = (ran: Ran): Summary => JSON.parse(ran.out()) as Summary;
const manifestOf = (store: string): ArtifactManifest => {
  const [run = ''] = readdirSync(store).filter((name) => !name.startsWith('.'));
  return JSON.parse(readFileSync(join(store, run, 'artifacts.json'), 'utf8')) as ArtifactManifest;
};
/** A source as it lies in the folder, unpacked. */
function textOf(store: string, node: string, source: string): string {
  const { runId, nodes } = manifestOf(store);
  const own = (nodes[node]?.segments ?? []).filter((segment) => segment.source === source);
  own.sort((one, other) => one.generation - other.generation || one.fromByte - other.fromByte);
  return own.map(({ key }) => zstdDecompressSync(readFileSync(join(store, runId, node, key))).toString()).join('');
}

describe('a run with an artifact store', { timeout: PATIENCE_MS * 2 }, () => {
  it('has everything of everybody there, and says that nothing is missing', async () => {
    const store = join(kit.folder, 'whole-store');
    const ran = await kit.run('run', kit.scenario('kept', { holdS: 3 }), '--nodes', '2', '--json', '--artifacts', 'dir:whole-store');
    expect(ran.code, ran.err()).toBe(0);
    const summary = summaryOf(ran);
    const manifest = manifestOf(store);
    expect(manifest.gaps).toEqual([]);
    expect(manifest.runId).toBe(summary.run.runId);
    expect(summary.artifacts).toEqual({
      ...{ store: `dir:${store}`, files: manifest.fileCount, bytes: manifest.totalBytes, gaps: [], gapsLeftOut: 0, problem: null },
    });
    expect(summary.verdict.reasons.map(({ code }) => code)).not.toContain('artifacts-missing');
    expect(Object.keys(manifest.nodes).sort()).toEqual(summary.nodes.map(({ node }) => node).sort());
    for (const name of ['node-1', 'node-2']) {
      const sources = manifest.nodes[idOf(summary, name)]?.segments.map(({ source }) => source);
      expect(sources).toEqual(expect.arrayContaining(['node.log', 'own-windows.bin', 'report/entries.jsonl']));
      expect(textOf(store, idOf(summary, name), 'node.log')).toContain('"leaving"');
    }
    const folder = kit.runFolder();
    expect(textOf(store, idOf(summary, 'seed'), 'windows.bin')).toBe(readFileSync(join(folder, 'windows.bin')).toString());
    expect(readFileSync(join(folder, 'summary.txt'), 'utf8')).toContain('nothing is missing');
    const kept = Object.values(manifest.nodes).flatMap(({ segments }) => segments.map(({ source }) => source));
    expect(kept.filter((source) => /key|ticket|store\/|bundles\//.test(source))).toEqual([]);
    expect(kit.processes()).toEqual([]);
  });

  it('names the node that was killed and what of it is missing, and has what it had sent', async () => {
    const store = join(kit.folder, 'killed-store');
    const flags = ['--nodes', '3', '--json', '--artifacts', 'dir:killed-store', '--artifacts-every', '1s'];
    const ran = kit.start('run', kit.scenario('killed', { holdS: 15 }), ...flags);
    await until('there is a run folder', () => ran.err().includes('forming'), PATIENCE_MS);
    const folder = kit.runFolder();
    const status = await kit.untilStatus(seedFolder(folder), 'the load is on', ({ board }) => board.endpointsActive === 12, true);
    const victim = status.nodes.find(({ name }) => name === 'node-2')?.node ?? '';
    await until('it has sent windows and a list', () => {
      const [run = ''] = existsSync(store) ? readdirSync(store).filter((name) => !name.startsWith('.')) : [];
      const own = join(store, run, victim);
      return existsSync(join(own, 'files.json')) && readFileSync(join(own, 'files.json'), 'utf8').includes('own-windows.bin');
    });
    process.kill(kit.pidOf(nodeFolder(folder, 2)), 'SIGKILL');
    expect(await ran.ended).toBe(0);
    const summary = summaryOf(ran);
    expect(idOf(summary, 'node-2')).toBe(victim);
    expect(summary.artifacts?.gaps.map(({ name }) => name)).toEqual(expect.arrayContaining(['node-2']));
    expect(new Set(summary.artifacts?.gaps.map(({ name }) => name))).toEqual(new Set(['node-2']));
    expect(manifestOf(store).gaps).toEqual(expect.arrayContaining([expect.objectContaining({ kind: 'not-final', node: victim })]));
    const said = summary.verdict.reasons.find(({ code }) => code === 'artifacts-missing');
    expect(said).toMatchObject({ level: 'note', message: expect.stringContaining('node-2') });
    expect(textOf(store, victim, 'own-windows.bin').length).toBeGreaterThan(100);
    expect(readFileSync(join(folder, 'summary.txt'), 'utf8')).toContain('was not its final one');
  });

  /** A seed and two nodes as processes of their own, under load; each with a list of its files in the store. */
  async function separate(name: string, holdS: number, ...more: string[]) {
    const store = join(kit.folder, `${name}-store`);
    const flags = ['--listen', '/ip4/127.0.0.1/tcp/0', '--artifacts', `dir:${store}`, '--artifacts-every', '1s'];
    const scenario = kit.scenario(name, { holdS });
    const data = (part: string): string => join(kit.folder, `${name}-${part}`);
    const seed = kit.start('seed', '--expect-nodes', '2', '--data', data('seed'), '--scenario', scenario, '--json', ...flags, ...more);
    await until('the ticket is printed', () => seed.out().includes('\n'), PATIENCE_MS);
    const ticket = seed.out().split('\n')[0] ?? '';
    const joinAs = (part: string): Ran =>
      kit.start('join', ticket, '--data', data(part), '--label', `name=${part}`, '--cores', '0.5', ...flags);
    const joined = [joinAs('n1'), joinAs('n2')];
    const status = await kit.untilStatus(
      data('n1'),
      'the load is on',
      ({ phase, sinceT0Ms }) => phase === 'running' && (sinceT0Ms ?? 0) > 1500,
    );
    const ids = status.nodes.map(({ node }) => node);
    await until('all have sent a list', () =>
      ids.every((node) => readdirSync(store, { recursive: true }).some((path) => String(path).endsWith(`${node}/files.json`))),
    );
    return { seed, joined, store, data, status, joinAs };
  }

  it('goes on where a node was killed that comes back with its folder: then nothing is missing', async () => {
    const { seed, joined, store, data, status, joinAs } = await separate('back', 25);
    const victim = status.nodes.find(({ name }) => name === 'n2')?.node ?? '';
    joined[1]?.child.kill('SIGKILL');
    await kit.untilStatus(data('n1'), 'it is counted out', ({ nodes }) => nodes.some(({ state }) => state === 'lost'), true);
    const again = joinAs('n2');
    expect(await seed.ended).toBe(0);
    expect([await joined[0]?.ended, await again.ended]).toEqual([0, 0]);
    const summary = JSON.parse(seed.out().split('\n').slice(1).join('\n')) as Summary;
    expect(summary.artifacts).toMatchObject({ gaps: [], problem: null });
    // Of both lives, in one piece.
    const log = textOf(store, victim, 'node.log');
    expect(log.match(/"leaving"/g)).toHaveLength(1);
    expect(
      new Set(
        log
          .trim()
          .split('\n')
          .map((line) => (JSON.parse(line) as { pid: number }).pid),
      ).size,
    ).toBe(2);
    expect(log).toBe(readFileSync(join(data('n2'), 'node.log'), 'utf8').slice(0, log.length));
  });

  it('has a manifest also when the coordinator was killed: whoever writes the report writes it', async () => {
    const { seed, joined, store, status } = await separate('heir', 60);
    expect(status.nodes.find(({ node }) => node === status.coordinator)?.name).toBe('seed');
    seed.child.kill('SIGKILL');
    expect([await joined[0]?.ended, await joined[1]?.ended]).toEqual([112, 112]);
    const { gaps } = manifestOf(store);
    expect(gaps.map(({ kind, node }) => [kind, node])).toEqual([['not-final', status.coordinator]]);
    const far = summaryOf(await kit.run('report', `dir:${store}`, '--json'));
    expect(far.integrity.windows).toBeGreaterThan(0);
    expect(far.run.end).toBe('coordinator-lost');
    expect(far.artifacts?.gaps.map(({ name }) => name)).toEqual(['seed']);
  });

  it('is reported from the store alone, and from what its nodes kept of themselves when the coordinator left nothing', async () => {
    const store = join(kit.folder, 'whole-store');
    const { runId, nodes } = manifestOf(store);
    const folder = readdirSync(join(kit.folder, 'runs')).find((name) => name.endsWith('kept')) ?? '';
    const local = summaryOf(await kit.run('report', join('runs', folder), '--json'));
    const far = summaryOf(await kit.run('report', 'dir:whole-store', '--json'));
    expect(far.artifacts).toMatchObject({ gaps: [], files: local.artifacts?.files });
    const measured = ({ files, integrity, ...summary }: Summary) => ({ ...summary, windows: integrity.windows, gaps: integrity.gaps });
    expect(measured(far)).toEqual(measured(local));

    const seed = idOf(local, 'seed');
    for (const { key, source } of nodes[seed]?.segments ?? []) if (/^(windows|facts)\./.test(source)) rmSync(join(store, runId, seed, key));
    const alone = await kit.run('report', 'dir:whole-store', '--of', runId, '--json');
    expect(summaryOf(alone).integrity.windows).toBe(local.integrity.windows);
    expect(summaryOf(alone).load.total.started).toBe(local.load.total.started);
    expect(summaryOf(alone).artifacts?.gaps.map(({ kind }) => kind)).toEqual(['absent', 'absent']);
    expect(alone.err()).toContain('from its windows alone');
    const other = await kit.run('report', 'dir:whole-store', '--of', 'r0');
    expect(other).toMatchObject({ code: 104 });
    expect(other.err()).toContain(runId);
  });

  it('finds it all in a bucket as well', async () => {
    const address = `s3://${lab.bucket}/some/prefix`;
    const ran = await kit.run('run', kit.scenario('bucket', { holdS: 2 }), '--nodes', '2', '--json', '--artifacts', address);
    expect(ran.code, ran.err()).toBe(0);
    const summary = summaryOf(ran);
    expect(summary.artifacts).toMatchObject({ store: address, gaps: [], problem: null });
    const store: ArtifactStore = lab.open();
    const keys = given(await store.list(`${summary.run.runId}/`, '', never)).items.map(({ key }) => key);
    expect(keys).toContain(`${summary.run.runId}/artifacts.json`);
    // Lists and the manifest are not among the files.
    expect(keys).toHaveLength((summary.artifacts?.files ?? 0) + 3 + 1);
    const far = summaryOf(await kit.run('report', address, '--json'));
    expect(far.artifacts).toEqual(summary.artifacts);
    expect(far.load).toEqual(summary.load);
  });

  it('is left by Ctrl-C twice when the store hangs at the end, with verdict and what is known', async () => {
    const proxy = await startFaultProxy(lab.url);
    // The check at the start gets through: it is the only one with such a name.
    proxy.choose = ({ method, url }) => (method === 'PUT' && !url.includes('quilt-probe') ? { kind: 'silence' } : null);
    kit.environment.AWS_ENDPOINT_URL_S3 = proxy.url;
    const ran = kit.start('run', kit.scenario('hangs', { holdS: 1 }), '--nodes', '1', '--json', '--artifacts', `s3://${lab.bucket}/hangs`);
    await until('it says what it waits for', () => ran.err().includes('Ctrl-C twice leaves the rest'), PATIENCE_MS);
    expect(ran.err()).toContain('this node still sends');
    ran.child.kill('SIGINT');
    await until('the first is heard', () => ran.err().includes('once more leaves the rest'));
    ran.child.kill('SIGINT');
    expect(await ran.ended).toBe(0);
    await proxy.close();
    const summary = summaryOf(ran);
    expect(summary.verdict.verdict).toBe('pass');
    expect(summary.verdict.reasons.map(({ code }) => code)).toContain('artifacts-missing');
    expect(kit.processes()).toEqual([]);
  });

  it.each([
    ['a bucket that is not there', ['run', 'kept.yaml', '--artifacts', 's3://nobody-made-this'], 'make the bucket'],
    ['a folder that cannot be made', ['doctor', '--artifacts', 'dir:/proc/nowhere/store'], 'cannot be made'],
    ['what is no store', ['seed', '--artifacts', 'ftp://x'], 's3://BUCKET/PREFIX'],
    ['a folder here for machines elsewhere', ['launch', 'kept.yaml', '--on', 'ssh:r:t=1', '--host', 'h', '--artifacts', 'dir:x'], 's3://'],
  ])('tells %s before anything starts', async (_what, args, said) => {
    kit.environment.AWS_ENDPOINT_URL_S3 = lab.url;
    kit.environment.QUILT_SSH_HOSTS = join(kit.folder, 'hosts.yaml');
    writeFileSync(kit.environment.QUILT_SSH_HOSTS, 'r: [{ host: 10.0.0.5, user: load, cores: 8 }]\n');
    const before = readdirSync(join(kit.folder, 'runs')).length;
    const { code, err } = await kit.run(...args);
    expect({ code, err: err() }).toMatchObject({ code: 104, err: expect.stringContaining(said) });
    expect(readdirSync(join(kit.folder, 'runs'))).toHaveLength(before);
    expect(kit.processes()).toEqual([]);
  });

  it('reads the S3 client only for a bucket', async () => {
    const dist = join(kit.folder, 'dist');
    expect(readFileSync(join(dist, 'quilt-swarm.mjs'), 'utf8')).not.toContain('ListObjectsV2Command');
    expect(readFileSync(join(dist, 'adapters', 's3-store.mjs'), 'utf8')).toContain('ListObjectsV2Command');
    renameSync(join(dist, 'adapters'), join(dist, 'away'));
    const ran = await kit.run('run', kit.scenario('small', { holdS: 1 }), '--nodes', '1', '--json', '--artifacts', 'dir:small-store');
    expect(ran.code, ran.err()).toBe(0);
    const bucket = await kit.run('doctor', '--artifacts', `s3://${lab.bucket}`);
    renameSync(join(dist, 'away'), join(dist, 'adapters'));
    expect(bucket).toMatchObject({ code: 1 });
    expect(bucket.err()).toContain('s3-store.mjs');
    rmSync(join(kit.folder, 'small-store'), { recursive: true });
  });
});
