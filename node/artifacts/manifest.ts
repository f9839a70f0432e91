// What must be in the artifact store after a run, by node and file with size and SHA-256, and what of it is missing: pure comparison of the nodes' own lists with what the store
// says it holds. A node that never delivered its list is a gap with a name, not silence. `holes` are ranges of a source that no segment covers: bytes that were lost
// between a node's file and its list. Asking the store, and writing the manifest into it, is manifest-writer.ts.

import { canonicalJson } from '../core/canonical.ts';
import type { ArtifactsSummary } from '../core/summary-types.ts';
import type { SealedSegment } from './ledger.ts';

/** A node's own word on what it put into the store. */
export interface NodeList {
  readonly version: 1;
  readonly node: string;
  /** False while the run goes on, and when the node ended with segments it could not deliver. */
  readonly isFinal: boolean;
  readonly segments: readonly SealedSegment[];
  /** Bytes that the node had to drop, by source. */
  readonly lostBytes: Readonly<Record<string, number>>;
}

/** What the store says about an object; null hash = it was not asked or does not know. */
export interface HeldArtifact {
  readonly sizeBytes: number;
  readonly sha256: string | null;
}

export type GapKind = 'no-list' | 'not-final' | 'absent' | 'wrong-size' | 'wrong-hash' | 'hole' | 'lost';
export interface ArtifactGap {
  readonly kind: GapKind;
  readonly node: string;
  /** Full key, source file or node: what the sentence is about. */
  readonly what: string;
  readonly detail: string;
}

export interface ArtifactManifest {
  readonly version: 1;
  readonly runId: string;
  readonly nodes: Readonly<Record<string, { readonly isFinal: boolean; readonly segments: readonly SealedSegment[] }>>;
  readonly fileCount: number;
  readonly totalBytes: number;
  readonly gaps: readonly ArtifactGap[];
  /** When more were found than `gaps` holds. */
  readonly gapsLeftOut: number;
}

/** A summary is on a screen; the manifest in the store holds all of them. */
const GAPS_SHOWN = 20;
/** A manifest is read by people; a store that lost everything must not make it a copy of the lists. */
const GAPS_MAX = 10_000;

/** `RUN/NODE/` before each key of a node, `RUN/` before the manifest. */
export const nodePrefix = (runId: string, node: string): string => `${runId}/${node}/`;
export const LIST_NAME = 'files.json';
export const MANIFEST_NAME = 'artifacts.json';

export interface ManifestFacts {
  readonly runId: string;
  /** Everybody who had something to deliver. */
  readonly roster: readonly string[];
  readonly lists: ReadonlyMap<string, NodeList>;
  /** By full key, as the store has them. */
  readonly held: ReadonlyMap<string, HeldArtifact>;
}

export function buildManifest(facts: ManifestFacts): ArtifactManifest {
  const gaps = facts.roster.flatMap((node) => gapsOfNode(facts, node));
  const lists = [...facts.lists.values()];
  const segments = lists.flatMap((list) => list.segments);
  return {
    ...{ version: 1, runId: facts.runId },
    nodes: Object.fromEntries(lists.map((list) => [list.node, { isFinal: list.isFinal, segments: list.segments }])),
    fileCount: segments.length,
    totalBytes: segments.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
    gaps: gaps.slice(0, GAPS_MAX),
    gapsLeftOut: Math.max(0, gaps.length - GAPS_MAX),
  };
}

/** Same facts, same text. */
export const manifestText = (manifest: ArtifactManifest): string => `${canonicalJson(manifest)}\n`;

/** The manifest as the summary shows it. `names` are the nodes' short ones. */
export function artifactsSummary(store: string, manifest: ArtifactManifest, names: ReadonlyMap<string, string>): ArtifactsSummary {
  const { fileCount, totalBytes, gaps, gapsLeftOut } = manifest;
  const shown = gaps.slice(0, GAPS_SHOWN).map((gap) => ({ ...gap, name: names.get(gap.node) ?? gap.node }));
  const problem = null;
  return { store, files: fileCount, bytes: totalBytes, gaps: shown, gapsLeftOut: gapsLeftOut + gaps.length - shown.length, problem };
}

function gapsOfNode({ runId, lists, held }: ManifestFacts, node: string): ArtifactGap[] {
  const list = lists.get(node);
  if (list === undefined) return [{ kind: 'no-list', node, what: node, detail: 'never delivered the list of its files' }];
  const gaps: ArtifactGap[] = [];
  if (!list.isFinal)
    gaps.push({ kind: 'not-final', node, what: node, detail: 'its last list was not its final one: later files are unknown' });
  for (const segment of list.segments) {
    const key = `${nodePrefix(runId, node)}${segment.key}`;
    const gap = gapOf(segment, held.get(key));
    if (gap !== null) gaps.push({ ...gap, node, what: key });
  }
  for (const [source, bytes] of Object.entries(list.lostBytes)) {
    if (bytes > 0) gaps.push({ kind: 'lost', node, what: source, detail: `${bytes} bytes were dropped: the disk's share was full` });
  }
  return [...gaps, ...holesOf(list)];
}

function gapOf(segment: SealedSegment, held: HeldArtifact | undefined): Pick<ArtifactGap, 'kind' | 'detail'> | null {
  if (held === undefined) return { kind: 'absent', detail: `${segment.sizeBytes} bytes are not in the store` };
  if (held.sizeBytes !== segment.sizeBytes)
    return { kind: 'wrong-size', detail: `${held.sizeBytes} bytes instead of ${segment.sizeBytes}` };
  if (held.sha256 === segment.sha256) return null;
  return {
    kind: 'wrong-hash',
    detail: held.sha256 === null ? 'the store knows no hash of it' : `hash ${held.sha256} instead of ${segment.sha256}`,
  };
}

function holesOf(list: NodeList): ArtifactGap[] {
  const ends = new Map<string, number>();
  const gaps: ArtifactGap[] = [];
  const inOrder = [...list.segments].sort((one, other) => one.generation - other.generation || one.fromByte - other.fromByte);
  for (const { source, generation, fromByte, toByte } of inOrder) {
    const file = `${source}#${generation}`;
    const end = ends.get(file) ?? 0;
    if (fromByte > end) gaps.push({ kind: 'hole', node: list.node, what: source, detail: `bytes ${end} to ${fromByte} are in no file` });
    ends.set(file, Math.max(end, toByte));
  }
  return gaps;
}
