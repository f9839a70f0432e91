// The files of a run (issue 2, item 8): manifest, scenario, plan hash, merged windows, summary, every entry of the log, the nodes' own logs. Enough to
// rebuild the report from the folder alone (P6). windows.bin is a sequence of records, four bytes of length and dag-cbor [node, number, payload]:
// appended as windows arrive, so that a killed coordinator leaves all but the last; a cut-off record at the end is ignored by the reader.

import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { decode, encode } from '@ipld/dag-cbor';
import type { Entry, Manifest, NodeId, WindowFrame } from '../core/messages.ts';
import type { Plan } from '../core/plan-types.ts';
import type { Bundle } from './bundle.ts';
import { makeFolder } from './make-folder.ts';

export const RUN_FILES = {
  manifest: 'manifest.json',
  scenario: 'scenario.yaml',
  plan: 'plan.json',
  windows: 'windows.bin',
  summary: 'summary.json',
  summaryText: 'summary.txt',
  /** What the summary was made from beside the windows; `report` makes it again from both. */
  facts: 'facts.json',
  timeline: 'timeline.json',
  /** Latencies by band over time, one row for each point of the timeline: the console's heat maps. */
  heat: 'heat.json',
  entries: 'entries.jsonl',
  ticket: 'ticket',
  operatorKey: 'operator.key',
  nodes: 'nodes',
} as const;

export interface RunFolder {
  readonly path: string;
  writeManifest(manifest: Manifest): void;
  writeScenario(bundle: Bundle): void;
  writePlan(plan: Plan): void;
  appendEntries(entries: readonly Entry[]): void;
  appendWindows(node: NodeId, windows: readonly WindowFrame[]): void;
  writeSummary(summary: unknown, text: string): void;
  writeFacts(facts: unknown): void;
  /** Columns by the second: large, so without blanks. */
  writeTimeline(timeline: unknown): void;
  writeHeat(heat: unknown): void;
  /** Everything appended is on disk. */
  close(): void;
}

const LENGTH_BYTES = 4;
/** Buffered before a write: entries come one by one, and a system call each would be most of their cost. */
const BUFFER_BYTES_MAX = 64 * 1024;

const pretty = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;

/** Bytes as base64, so that signatures survive as JSON. */
function jsonLine(entry: Entry): string {
  return `${JSON.stringify(entry, (_key, value) => (value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value))}\n`;
}

/** A file that may be written again is another file then: whoever collects it as it grows must not take the new text for a continuation. */
function replaceFile(path: string, text: string): void {
  const part = join(dirname(path), `.${basename(path)}.part`);
  writeFileSync(part, text);
  renameSync(part, path);
}

/** One record of windows.bin. */
export function windowRecord(node: NodeId, { number, payload }: WindowFrame): Uint8Array {
  const record = encode([node, number, payload]);
  const bytes = new Uint8Array(LENGTH_BYTES + record.byteLength);
  new DataView(bytes.buffer).setUint32(0, record.byteLength);
  bytes.set(record, LENGTH_BYTES);
  return bytes;
}

function createAppender(path: string): { add(part: Uint8Array): void; close(): void } {
  const fd = openSync(path, 'a', 0o600);
  let parts: Uint8Array[] = [];
  let sizeBytes = 0;
  const flush = (): void => {
    if (sizeBytes > 0) writeSync(fd, Buffer.concat(parts));
    parts = [];
    sizeBytes = 0;
  };
  return {
    add(part) {
      parts.push(part);
      sizeBytes += part.byteLength;
      if (sizeBytes >= BUFFER_BYTES_MAX) flush();
    },
    close() {
      flush();
      fsyncSync(fd);
      closeSync(fd);
    },
  };
}

export function openRunFolder(path: string): RunFolder {
  makeFolder(path, 0o700);
  const entries = createAppender(join(path, RUN_FILES.entries));
  const windows = createAppender(join(path, RUN_FILES.windows));
  let isClosed = false;
  return {
    path,
    writeManifest: (manifest) => writeFileSync(join(path, RUN_FILES.manifest), pretty(manifest)),
    writeScenario: (bundle) => writeFileSync(join(path, RUN_FILES.scenario), bundle.scenarioText),
    writePlan: ({ shards, ...plan }) => writeFileSync(join(path, RUN_FILES.plan), pretty({ ...plan, shardCount: shards.length, shards })),
    appendEntries(added) {
      if (!isClosed) for (const entry of added) entries.add(Buffer.from(jsonLine(entry)));
    },
    appendWindows(node, frames) {
      if (isClosed) return;
      for (const frame of frames) windows.add(windowRecord(node, frame));
    },
    writeSummary(summary, text) {
      replaceFile(join(path, RUN_FILES.summary), pretty(summary));
      replaceFile(join(path, RUN_FILES.summaryText), text);
    },
    writeFacts: (facts) => replaceFile(join(path, RUN_FILES.facts), pretty(facts)),
    writeTimeline: (timeline) => replaceFile(join(path, RUN_FILES.timeline), JSON.stringify(timeline)),
    writeHeat: (heat) => replaceFile(join(path, RUN_FILES.heat), JSON.stringify(heat)),
    close() {
      if (isClosed) return;
      isClosed = true;
      entries.close();
      windows.close();
    },
  };
}

/** All windows of a run folder in the order they arrived; the same (node, number) may come twice after a change of coordinator. */
export function* readWindows(folder: string): Generator<StoredWindow, void, undefined> {
  const path = join(folder, RUN_FILES.windows);
  if (existsSync(path)) yield* readWindowFile(path);
}

export interface StoredWindow {
  readonly node: NodeId;
  readonly frame: WindowFrame;
}

export function* readWindowFile(path: string): Generator<StoredWindow, void, undefined> {
  const bytes = readFileSync(path);
  for (let offset = 0; offset + LENGTH_BYTES <= bytes.byteLength; ) {
    const end = offset + LENGTH_BYTES + bytes.readUInt32BE(offset);
    if (end > bytes.byteLength) return;
    const [node, number, payload] = decode<[string, number, Uint8Array]>(bytes.subarray(offset + LENGTH_BYTES, end));
    yield { node, frame: { number, payload } };
    offset = end;
  }
}

/** `2026-11-23T14-05-09-smoke`: sorts by time, and is a file name everywhere. */
export function runFolderName(scenarioName: string, wallMs: number): string {
  const time = new Date(wallMs).toISOString().slice(0, 19).replaceAll(':', '-');
  const name = scenarioName
    .toLowerCase()
    .replaceAll(/[^a-z0-9.]+/g, '-')
    .slice(0, 60);
  return `${time}-${name}`;
}

/** Makes a fresh folder below `parent` and points `parent`/latest at it. */
export function createRunFolder(parent: string, scenarioName: string, wallMs: number): string {
  makeFolder(parent);
  const first = join(parent, runFolderName(scenarioName, wallMs));
  let path = first;
  for (let count = 2; existsSync(path); count++) path = `${first}-${count}`;
  makeFolder(join(path, RUN_FILES.nodes), 0o700);
  pointLatest(path);
  return path;
}

function pointLatest(path: string): void {
  const link = join(dirname(path), 'latest');
  try {
    rmSync(link, { force: true });
    symlinkSync(basename(path), link);
  } catch {
    // A file system without links: `status` then finds the newest folder by its name.
  }
}
