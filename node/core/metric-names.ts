// How a metric of a run is called, and in which unit it is told, outside: Prometheus' rules (prefix, base units, unit as the last word) for scrape, remote write and
// OTLP alike, so that a board works with any of them. The counters' `_total` is the exposition's and not here. Bounds of histograms are a fixed set for each unit:
// buckets that differ between nodes or versions could not be added up.

import type { MetricKind, MetricUnit, Tags } from './stats-types.ts';

export interface OutsideName {
  readonly name: string;
  /** Last word of the name, or '' when the unit is not in it. */
  readonly unit: string;
  /** Outside value = value inside x scale. */
  readonly scale: number;
}

const UNITS: Readonly<Record<MetricUnit, { readonly word: string; readonly scale: number }>> = {
  ms: { word: 'seconds', scale: 0.001 },
  bytes: { word: 'bytes', scale: 1 },
  bps: { word: 'bits_per_second', scale: 1 },
  percent: { word: 'percent', scale: 1 },
  mos: { word: 'mos', scale: 1 },
  usd: { word: 'usd', scale: 1 },
  count: { word: '', scale: 1 },
};

const clean = (text: string): string => text.replaceAll(/[^a-zA-Z0-9_]/g, '_');

/** `http_req_duration` in ms is `quilt_http_req_duration_seconds`; `cost_usd` says its unit already. The unit of a rate is that of its two counters: none. */
export function outsideName(metric: string, kind: MetricKind, unit: MetricUnit): OutsideName {
  const { word, scale } = UNITS[kind === 'rate' ? 'count' : unit];
  const base = `quilt_${clean(unit === 'ms' ? metric.replace(/_ms$/, '') : metric)}`.replace(/_total$/, '');
  const isSaid = word === '' || `${base}_`.includes(`_${word}_`);
  const name = isSaid ? base : `${base}_${word}`;
  return { name, unit: word !== '' && name.endsWith(`_${word}`) ? word : '', scale };
}

/** Outside values, ascending: twenty, and one more for what is above. A histogram costs so many series at the receiver. */
const BOUNDS_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 50, 100, 250, 1000, 3600];
const BOUNDS_MOS = [1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 2.75, 3, 3.25, 3.5, 3.6, 3.75, 3.9, 4, 4.1, 4.2, 4.3, 4.4, 4.5];
const BOUNDS_PERCENT = [0, 0.1, 0.2, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 40, 50, 60, 70, 80, 90, 100];
const BOUNDS_OTHER = [0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1e3, 2e3, 5e3, 1e4, 2e4, 5e4, 1e5, 2e5, 5e5, 1e6];

export function boundsOf(unit: MetricUnit): readonly number[] {
  if (unit === 'ms') return BOUNDS_SECONDS;
  if (unit === 'mos') return BOUNDS_MOS;
  return unit === 'percent' ? BOUNDS_PERCENT : BOUNDS_OTHER;
}

export type Label = readonly [name: string, value: string];

/** Longer ones would only be refused by the receiver, with everything beside them. */
const LABEL_LENGTH_MAX = 256;
/** What the node itself says of a series, and what the formats use: a tag of that name gets another. */
const RESERVED: ReadonlySet<string> = new Set(['le', 'quantile', 'node', 'vendor', 'region', 'run', 'job', 'instance']);

/** Tags as labels, sorted by name. Different tags never become one label. */
export function labelsOf(tags: Tags): Label[] {
  const labels = new Map<string, string>();
  for (const tag of Object.keys(tags).sort()) {
    let name = clean(tag);
    if (RESERVED.has(name) || !/^[a-zA-Z]/.test(name)) name = `tag_${name}`;
    while (labels.has(name)) name += '_';
    labels.set(name, (tags[tag] ?? '').slice(0, LABEL_LENGTH_MAX));
  }
  // By code units, as remote write wants them; a locale would put capitals elsewhere.
  return [...labels].sort(([left], [right]) => (left < right ? -1 : 1));
}
