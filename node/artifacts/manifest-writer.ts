// The coordinator's part: reads each node's list from the store, asks the store what it holds for the run, and writes the manifest there, with what is missing. Only lists pass
// through here, never the files, so it costs the same for gigabytes and for terabytes. Sizes come from listing; hashes from a HEAD each, some at once, and only for objects
// that are promised. It can be repeated at any time, also by another machine long after the run (P6): same store, same text.

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isSegment, SEGMENTS_MAX } from './ledger.ts';
import {
  type ArtifactManifest,
  buildManifest,
  type HeldArtifact,
  LIST_NAME,
  MANIFEST_NAME,
  manifestText,
  type NodeList,
  nodePrefix,
} from './manifest.ts';
import { type ArtifactStore, type ListedArtifact, refused, type StoreResult, stored } from './store.ts';

export interface ManifestOrder {
  readonly store: ArtifactStore;
  readonly runId: string;
  /** Everybody who had something to deliver. */
  readonly roster: readonly string[];
  readonly signal: AbortSignal;
}

/** More and a small store throttles; fewer and a run of a terabyte takes minutes. */
const HEADS_AT_ONCE = 16;
/** 6 TB in segments of 64 MB. */
const OBJECTS_MAX = 100_000;

/** What must be there, what is missing: by asking the store, without writing to it. */
export const surveyRun = (order: ManifestOrder): Promise<StoreResult<ArtifactManifest>> => inScratch((folder) => survey(order, folder));

export const writeManifest = (order: ManifestOrder): Promise<StoreResult<ArtifactManifest>> =>
  inScratch(async (folder) => {
    const surveyed = await survey(order, folder);
    if (!surveyed.ok) return surveyed;
    const path = join(folder, MANIFEST_NAME);
    await writeFile(path, manifestText(surveyed.value), { mode: 0o600 });
    const put = await order.store.putFile(`${order.runId}/${MANIFEST_NAME}`, path, { signal: order.signal });
    return put.ok ? surveyed : put;
  });

/** What the nodes of the roster say that they put there; whoever has said nothing is not in it. */
export const nodeLists = (order: ManifestOrder): Promise<StoreResult<ReadonlyMap<string, NodeList>>> =>
  inScratch((folder) => readLists(order, null, folder));

/** Those of the roster whose final list is in the store. */
export async function finishedNodes(order: ManifestOrder): Promise<StoreResult<readonly string[]>> {
  const lists = await nodeLists(order);
  return lists.ok ? stored([...lists.value.values()].filter(({ isFinal }) => isFinal).map(({ node }) => node)) : lists;
}

async function survey(order: ManifestOrder, folder: string): Promise<StoreResult<ArtifactManifest>> {
  const listed = await listRun(order);
  if (!listed.ok) return listed;
  const lists = await readLists(order, listed.value, folder);
  if (!lists.ok) return lists;
  const held = await hashesOf(order, listed.value, lists.value);
  if (!held.ok) return held;
  return stored(buildManifest({ runId: order.runId, roster: order.roster, lists: lists.value, held: held.value }));
}

async function inScratch<T>(act: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'quilt-manifest-'));
  try {
    return await act(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function listRun({ store, runId, signal }: ManifestOrder): Promise<StoreResult<ReadonlyMap<string, ListedArtifact>>> {
  const found = new Map<string, ListedArtifact>();
  let after: string | null = '';
  while (after !== null) {
    const page: Awaited<ReturnType<ArtifactStore['list']>> = await store.list(`${runId}/`, after, signal);
    if (!page.ok) return page;
    for (const item of page.value.items) found.set(item.key, item);
    if (found.size > OBJECTS_MAX) {
      return refused('invalid', `the run has more than ${OBJECTS_MAX} objects in ${store.address}`, 'collect fewer or larger files');
    }
    after = page.value.next;
  }
  return stored(found);
}

/** A list that cannot be read is as good as none: the node then has a gap. A store that does not answer is a problem. `listed` null = ask for each. */
async function readLists(
  { store, runId, roster, signal }: ManifestOrder,
  listed: ReadonlyMap<string, ListedArtifact> | null,
  folder: string,
): Promise<StoreResult<ReadonlyMap<string, NodeList>>> {
  const lists = new Map<string, NodeList>();
  const path = join(folder, LIST_NAME);
  for (const node of roster) {
    const key = `${nodePrefix(runId, node)}${LIST_NAME}`;
    if (listed?.has(key) === false) continue;
    const got = await store.getFile(key, path, signal);
    // Between the listing and now, or while it is replaced: the next look finds it.
    if (!got.ok && ['corrupt', 'not-found'].includes(got.problems[0]?.cause ?? '')) continue;
    if (!got.ok) return got;
    const list = parseNodeList(await readFile(path, 'utf8'), node);
    if (list !== null) lists.set(node, list);
  }
  return stored(lists);
}

function parseNodeList(text: string, node: string): NodeList | null {
  let value: Partial<NodeList>;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  const { version, segments, lostBytes, isFinal } = value ?? {};
  const isWhole =
    version === 1 && value.node === node && Array.isArray(segments) && segments.length <= SEGMENTS_MAX && segments.every(isSegment);
  if (!isWhole || typeof lostBytes !== 'object' || lostBytes === null) return null;
  return { version: 1, node, isFinal: isFinal === true, segments, lostBytes };
}

async function hashesOf(
  { store, runId, signal }: ManifestOrder,
  listed: ReadonlyMap<string, ListedArtifact>,
  lists: ReadonlyMap<string, NodeList>,
): Promise<StoreResult<ReadonlyMap<string, HeldArtifact>>> {
  const promised = [...lists].flatMap(([node, { segments }]) => segments.map(({ key }) => `${nodePrefix(runId, node)}${key}`));
  const waiting = promised.filter((key) => listed.has(key));
  const held = new Map<string, HeldArtifact>();
  let failed: StoreResult<never> | null = null;
  const ask = async (): Promise<void> => {
    for (let key = waiting.pop(); key !== undefined && failed === null; key = waiting.pop()) {
      const head = await store.head(key, signal);
      if (!head.ok) failed = head;
      else if (head.value !== null) held.set(key, head.value);
    }
  };
  await Promise.all(Array.from({ length: HEADS_AT_ONCE }, ask));
  return failed ?? stored(held);
}
