// Series as keys: a metric name with its tags, in one canonical text, and the merging of two spans of the same series. Tag order never matters.

import { unreachable } from './assert.ts';
import { createHistogram, encode, extremesOf, mergeEncoded } from './histogram.ts';
import type { SeriesData, Tags } from './stats-types.ts';

/** Where samples go once a worker or the aggregate holds as many series as it may. */
export const OVERFLOW_TAGS: Tags = { overflow: 'true' };

/** Canonical: names sorted; separators that no metric or tag name has (U+001F, U+001E). */
export function seriesKey(metric: string, tags: Tags): string {
  let key = metric;
  for (const name of Object.keys(tags).sort()) key += `\u001f${name}\u001e${tags[name]}`;
  return key;
}

/** k6's notation: http_req_duration{group:viewers,status:200}. */
export function seriesLabel(metric: string, tags: Tags): string {
  const parts = Object.keys(tags)
    .sort()
    .map((name) => `${name}:${tags[name]}`);
  return parts.length === 0 ? metric : `${metric}{${parts.join(',')}}`;
}

/** Whether a series with `tags` belongs to a selection: every wanted tag is there with that value. */
export function matchesTags(tags: Tags, wanted: Tags): boolean {
  for (const name of Object.keys(wanted)) if (tags[name] !== wanted[name]) return false;
  return true;
}

/** Two spans of one series as one. `left` is the earlier span where that matters (a gauge's last value). Kinds must be equal; null when they are not. */
export function mergeData(left: SeriesData, right: SeriesData): SeriesData | null {
  switch (left.kind) {
    case 'trend': {
      if (right.kind !== 'trend') return null;
      const histogram = createHistogram();
      mergeEncoded(histogram, left.histogram, left);
      mergeEncoded(histogram, right.histogram, right);
      return { kind: 'trend', histogram: encode(histogram), ...extremesOf(histogram) };
    }
    case 'counter':
      return right.kind === 'counter' ? { kind: 'counter', sum: left.sum + right.sum } : null;
    case 'rate':
      return right.kind === 'rate' ? { kind: 'rate', pass: left.pass + right.pass, total: left.total + right.total } : null;
    case 'gauge':
      return right.kind === 'gauge'
        ? { kind: 'gauge', last: right.last, min: Math.min(left.min, right.min), max: Math.max(left.max, right.max) }
        : null;
    default:
      return unreachable(left);
  }
}
