// The report of a run from its artifact store alone (P6): the coordinator's merged windows and facts where they are, and every node's own windows, which a coordinator that was
// lost cannot take with it; the same window from two sources counts once. What is in the store, and what is missing of the run's nodes, is asked anew. The summary itself is
// made as from a run folder (rebuild-report.ts).

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type FetchedFile, fetchRun, storedRuns } from '../artifacts/fetch-run.ts';
import { artifactsSummary } from '../artifacts/manifest.ts';
import { surveyRun } from '../artifacts/manifest-writer.ts';
import type { ArtifactStore } from '../artifacts/store.ts';
import { fail, ok, type Result } from '../core/errors.ts';
import { withArtifacts } from '../core/summary-artifacts.ts';
import type { SavedFacts } from '../core/summary-facts.ts';
import { OWN_WINDOWS } from '../runtime/node-artifacts.ts';
import { openRunFolder, RUN_FILES, readWindowFile } from '../runtime/run-folder.ts';
import { type ArtifactFlags, openChosenStore } from './artifact-store.ts';
import { type RebuiltReport, rebuildReport } from './rebuild-report.ts';

export const isStoreAddress = (text: string): boolean => /^(dir|s3):/.test(text);

/** In a node's folder, or in the run folder around it (node-artifacts.ts). */
const isSource =
  (...names: string[]) =>
  (source: string): boolean =>
    names.some((name) => source === name || source === `report/${name}`);
const isWindows = isSource(RUN_FILES.windows, OWN_WINDOWS);
const isFacts = isSource(RUN_FILES.facts);
const isManifest = isSource(RUN_FILES.manifest);

/** `runId` undefined = the only one there. */
export async function reportFromStore(flags: ArtifactFlags, runId: string | undefined): Promise<Result<RebuiltReport>> {
  const { artifacts: address = '' } = flags;
  if (address.startsWith('dir:') && !existsSync(address.slice('dir:'.length)))
    return fail({ code: 'QUILT_NO_RUN', message: `there is no folder ${address.slice('dir:'.length)}`, hint: 'correct the address' });
  const opened = await openChosenStore(flags);
  if (!opened.ok || opened.value === undefined) return opened.ok ? fail() : opened;
  const { store } = opened.value;
  const scratch = mkdtempSync(join(tmpdir(), 'quilt-report-'));
  try {
    return await rebuild(store, runId, scratch);
  } finally {
    store.close();
    rmSync(scratch, { recursive: true, force: true });
  }
}

async function rebuild(store: ArtifactStore, wanted: string | undefined, scratch: string): Promise<Result<RebuiltReport>> {
  const { signal } = new AbortController();
  const runs = await storedRuns(store, signal);
  if (!runs.ok) return runs;
  const chosen = chooseRun(store.address, runs.value, wanted);
  if (!chosen.ok) return chosen;
  const runId = chosen.value;
  const isWanted = (source: string): boolean => isWindows(source) || isFacts(source) || isManifest(source);
  const parts = join(scratch, 'parts');
  mkdirSync(parts);
  const fetched = await fetchRun({ store, runId, isWanted, folder: parts, signal });
  if (!fetched.ok) return fetched;
  const { nodes, files } = fetched.value;
  const folder = join(scratch, 'run');
  assemble(folder, files);
  const rebuilt = await rebuildReport(folder);
  if (!rebuilt.ok) return rebuilt;
  const { summary } = rebuilt.value;
  const names = new Map(summary.nodes.map(({ node, name }) => [node, name]));
  const surveyed = await surveyRun({ store, runId, roster: [...new Set([...names.keys(), ...nodes])], signal });
  if (!surveyed.ok) return surveyed;
  const place = [{ what: 'artifact store', path: `${store.address}/${runId}` }];
  return ok({
    ...rebuilt.value,
    summary: { ...withArtifacts(summary, artifactsSummary(store.address, surveyed.value, names)), files: place },
  });
}

function chooseRun(address: string, runs: readonly string[], wanted: string | undefined): Result<string> {
  const shown = runs.slice(0, 20).join(', ');
  const hint = runs.length === 0 ? 'correct the address: its last part is the prefix of all runs' : `name one with --of: ${shown}`;
  if (wanted !== undefined && !runs.includes(wanted))
    return fail({ code: 'QUILT_NO_RUN', message: `${address} holds no run ${wanted}`, hint });
  const chosen = wanted ?? runs[0];
  if (chosen === undefined || (wanted === undefined && runs.length > 1))
    return fail({ code: 'QUILT_NO_RUN', message: `${address} holds ${runs.length} runs`, hint });
  return ok(chosen);
}

/** A run folder from the parts: all windows, and the facts and manifest of whoever judged. */
function assemble(folder: string, files: readonly FetchedFile[]): void {
  const run = openRunFolder(folder);
  const known = new Set<string>();
  for (const { source, path } of files) {
    if (!isWindows(source) || !existsSync(path)) continue;
    for (const { node, frame } of readWindowFile(path)) {
      const name = `${node} ${frame.number}`;
      if (!known.has(name)) run.appendWindows(node, [frame]);
      known.add(name);
    }
  }
  run.close();
  const facts = files.filter(({ source, isWhole }) => isFacts(source) && isWhole);
  // Several when a coordinator was lost: who sealed the run was its coordinator in its own eyes, and wrote last.
  const judged = facts.findLast(({ node, path }) => coordinatorIn(path) === node) ?? facts.at(-1);
  const manifest = files.findLast(({ source, isWhole }) => isManifest(source) && isWhole);
  if (judged !== undefined) copyFileSync(judged.path, join(folder, RUN_FILES.facts));
  if (manifest !== undefined) copyFileSync(manifest.path, join(folder, RUN_FILES.manifest));
}

function coordinatorIn(path: string): string | null {
  try {
    const { facts } = JSON.parse(readFileSync(path, 'utf8')) as SavedFacts;
    return facts.nodes.find(({ isCoordinator }) => isCoordinator)?.node ?? null;
  } catch {
    // Not written by us: as good as none, and then the windows alone are reported.
    return null;
  }
}
