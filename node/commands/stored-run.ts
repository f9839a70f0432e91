// What a run left in its folder, for pages that are opened after its end: its report, and itself by the second. The folder may be a run's, or the data folder of a node that coordinated it,
// which has the same files below report/.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fail, ok, type Result } from '../core/errors.ts';
import type { LiveTimeline, Report } from '../runtime/collector.ts';
import { RUN_FILES } from '../runtime/run-folder.ts';

/** The first of the folder's places in which `read` finds what it wants. Not there, or not whole yet: null, and the next second may have it. */
function inPlaces<T>(folder: string, read: (place: string) => T): T | null {
  for (const place of [folder, join(folder, 'report')]) {
    try {
      return read(place);
    } catch {
      // Files are replaced whole, but one may be there before the other.
    }
  }
  return null;
}

const jsonIn = <T>(place: string, name: string): T => JSON.parse(readFileSync(join(place, name), 'utf8')) as T;

/** What the run came to; null = nothing that can be read. */
export function storedReport(folder: string): Report | null {
  return inPlaces(folder, (place) => ({
    summary: jsonIn<Report['summary']>(place, RUN_FILES.summary),
    text: readFileSync(join(place, RUN_FILES.summaryText), 'utf8'),
  }));
}

/** `name`: what it is called in the problem. Runs from before there were heat maps have none. Problem: QUILT_NO_TIMELINE. */
export function storedTimeline(folder: string, name = folder): Result<LiveTimeline> {
  const found = inPlaces(
    folder,
    (place): LiveTimeline => ({
      timeline: jsonIn<LiveTimeline['timeline']>(place, RUN_FILES.timeline),
      heat: existsSync(join(place, RUN_FILES.heat)) ? jsonIn<LiveTimeline['heat']>(place, RUN_FILES.heat) : [],
      // What happened is told by its summary.
      ...{ node: '', notes: [] },
    }),
  );
  if (found !== null) return ok(found);
  return fail({
    code: 'QUILT_NO_TIMELINE',
    message: `${name} holds no run by the second`,
    hint: `${RUN_FILES.timeline} is written where the run was coordinated, at its end`,
  });
}
