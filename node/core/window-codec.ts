// A window as bytes: dag-cbor of nested arrays (no keys on the wire), with a version in front. Decoding takes bytes of strangers: everything is
// checked for type, range and bound before any of it is used, and the answer to doubt is a problem, never an exception. The histogram bytes are
// passed through, but walked once, so that whoever merges them may trust them and their count.

import * as dagCbor from '@ipld/dag-cbor';
import { fail, ok, type Problem, type Result } from './errors.ts';
import { encodedCount } from './histogram.ts';
import type { ErrorCount, GeneratorHealth, GroupLoad, Series, SeriesData, Tags, Window } from './stats-types.ts';

/** Bump with any change of the layout, and keep a fixture of the old one in test/golden. */
export const WINDOW_VERSION = 1;

const BOUNDS = {
  /** One second of a node of many workers; a larger one is a mistake or an attack. */
  bytesMax: 8 * 1024 * 1024,
  rowsMax: 50_000,
  textLengthMax: 512,
  tagsMax: 32,
} as const;

const KINDS = ['trend', 'counter', 'rate', 'gauge'] as const;
const SIDES = ['target', 'generator'] as const;

type SeriesRow = readonly [metric: string, tags: readonly string[], kind: number, ...values: (number | Uint8Array)[]];

/** What one node wrote must never be refused by another: texts that an external program made up are cut, and no NaN goes out. */
const clip = (text: string): string => text.slice(0, BOUNDS.textLengthMax);
const finite = (value: number): number => (Number.isFinite(value) ? value : 0);

function seriesRow({ metric: name, tags, data }: Series): SeriesRow {
  const metric = clip(name);
  const flatTags = Object.keys(tags)
    .sort()
    .slice(0, BOUNDS.tagsMax)
    .flatMap((tag) => [clip(tag), clip(tags[tag]!)]);
  const kind = KINDS.indexOf(data.kind);
  switch (data.kind) {
    case 'trend':
      return [metric, flatTags, kind, data.count, data.sum, data.min, data.max, data.histogram];
    case 'counter':
      return [metric, flatTags, kind, data.sum];
    case 'rate':
      return [metric, flatTags, kind, data.pass, data.total];
    case 'gauge':
      return [metric, flatTags, kind, data.last, data.min, data.max];
  }
}

const loadRow = (load: GroupLoad): unknown[] => [
  clip(load.group),
  load.owned,
  load.active,
  load.started,
  load.finished,
  load.failed,
  load.claims,
];
const errorRow = (error: ErrorCount): unknown[] => [
  SIDES.indexOf(error.side),
  clip(error.group),
  clip(error.cause),
  error.count,
  clip(error.example),
];
const healthRow = (health: GeneratorHealth): unknown[] => [
  finite(health.cpuCores),
  finite(health.memoryMb),
  finite(health.loopDelayMsMax),
  finite(health.latenessMsP99),
  finite(health.socketDrops),
  health.tainted.map(clip),
];

export function encodeWindow(window: Window): Uint8Array {
  return dagCbor.encode([
    WINDOW_VERSION,
    window.number,
    window.startMs,
    window.durationMs,
    window.series.map(seriesRow),
    window.errors.map(errorRow),
    healthRow(window.health),
    window.load.map(loadRow),
  ]);
}

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);
const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;
const isLevel = (value: unknown): value is number => isNumber(value) && value >= 0;
const isText = (value: unknown): value is string => typeof value === 'string' && value.length <= BOUNDS.textLengthMax;
const isRows = (value: unknown): value is readonly unknown[] => Array.isArray(value) && value.length <= BOUNDS.rowsMax;
const isTexts = (value: unknown): value is readonly string[] => isRows(value) && value.every(isText);

function readTags(flat: readonly string[]): Tags | null {
  if (flat.length % 2 !== 0 || flat.length > 2 * BOUNDS.tagsMax) return null;
  // Not assigned key by key to {}: a tag may be called __proto__.
  return Object.fromEntries(Array.from({ length: flat.length / 2 }, (_, index) => [flat[2 * index]!, flat[2 * index + 1]!]));
}

function readData(kind: unknown, values: readonly unknown[]): SeriesData | null {
  const [a, b, c, d, histogram] = values;
  if (kind === 0 && values.length === 5) {
    if (!isCount(a) || !isLevel(b) || !isLevel(c) || !isLevel(d) || !(histogram instanceof Uint8Array) || a === 0 || c > d) return null;
    return encodedCount(histogram) === a ? { kind: 'trend', count: a, sum: b, min: c, max: d, histogram } : null;
  }
  if (kind === 1 && values.length === 1) return isNumber(a) ? { kind: 'counter', sum: a } : null;
  if (kind === 2 && values.length === 2) return isCount(a) && isCount(b) && a <= b ? { kind: 'rate', pass: a, total: b } : null;
  if (kind === 3 && values.length === 3)
    return isNumber(a) && isNumber(b) && isNumber(c) ? { kind: 'gauge', last: a, min: b, max: c } : null;
  return null;
}

function readSeries(row: unknown): Series | null {
  if (!Array.isArray(row)) return null;
  const [metric, flatTags, kind, ...values] = row as unknown[];
  if (!isText(metric) || !isTexts(flatTags)) return null;
  const tags = readTags(flatTags);
  const data = readData(kind, values);
  return tags === null || data === null ? null : { metric, tags, data };
}

function readError(row: unknown): ErrorCount | null {
  if (!Array.isArray(row) || row.length !== 5) return null;
  const [sideIndex, group, cause, count, example] = row as unknown[];
  const side = sideIndex === 0 || sideIndex === 1 ? SIDES[sideIndex] : undefined;
  if (side === undefined || !isText(group) || !isText(cause) || !isCount(count) || !isText(example)) return null;
  return { side, group, cause, count, example };
}

function readHealth(row: unknown): GeneratorHealth | null {
  if (!Array.isArray(row) || row.length !== 6) return null;
  const [cpuCores, memoryMb, loopDelayMsMax, latenessMsP99, socketDrops, tainted] = row as unknown[];
  if (!isLevel(cpuCores) || !isLevel(memoryMb) || !isLevel(loopDelayMsMax) || !isLevel(latenessMsP99)) return null;
  return isCount(socketDrops) && isTexts(tainted) ? { cpuCores, memoryMb, loopDelayMsMax, latenessMsP99, socketDrops, tainted } : null;
}

function readLoad(row: unknown): GroupLoad | null {
  if (!Array.isArray(row) || row.length !== 7) return null;
  const [group, owned, active, started, finished, failed, claims] = row as unknown[];
  if (!isText(group) || !isCount(owned) || !isCount(active) || !isCount(started) || !isCount(finished) || !isCount(failed)) return null;
  return isTexts(claims) ? { group, owned, active, started, finished, failed, claims } : null;
}

/** Every row or nothing. */
function readRows<T>(rows: unknown, read: (row: unknown) => T | null): T[] | null {
  if (!isRows(rows)) return null;
  const result: T[] = [];
  for (const row of rows) {
    const value = read(row);
    if (value === null) return null;
    result.push(value);
  }
  return result;
}

function refuse(message: string): { readonly ok: false; readonly problems: readonly Problem[] } {
  return fail({ code: 'QUILT_BAD_WINDOW', message: `a window cannot be read: ${message}` });
}

export function decodeWindow(bytes: Uint8Array): Result<Window> {
  if (bytes.length > BOUNDS.bytesMax) return refuse(`${bytes.length} bytes, at most ${BOUNDS.bytesMax} are read`);
  let fields: unknown;
  try {
    fields = dagCbor.decode(bytes);
  } catch {
    return refuse('not dag-cbor');
  }
  if (!Array.isArray(fields) || fields.length !== 8) return refuse('not a list of 8 fields');
  const [version, number, startMs, durationMs, seriesRows, errorRows, health, loadRows] = fields as unknown[];
  if (version !== WINDOW_VERSION) return refuse(`version ${String(version)}, expected ${WINDOW_VERSION}`);
  if (!isCount(number) || number === 0 || !isNumber(startMs) || !isLevel(durationMs)) return refuse('its number or times');
  const series = readRows(seriesRows, readSeries);
  if (series === null) return refuse('its series');
  const errors = readRows(errorRows, readError);
  if (errors === null) return refuse('its errors');
  const readableHealth = readHealth(health);
  if (readableHealth === null) return refuse('its health');
  const load = readRows(loadRows, readLoad);
  if (load === null) return refuse('its load');
  return ok({ number, startMs, durationMs, series, errors, health: readableHealth, load });
}
