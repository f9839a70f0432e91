// What a run left in its folder, for pages that are opened after its end: its report, and itself by the second. The folder may be a run's, or the data folder of a node that coordinated it,
// which has the same files below report/. Of a run that was killed the nodes that outlived it each judged by what they had: then the report is theirs.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fail, ok, type Result } from '../core/errors.ts';
import type { LiveTimeline, Report } from '../runtime/collector.ts';
import { socketPathOf } from '../runtime/control.ts';
import { RUN_FILES } from '../runtime/run-folder.ts';

const REPORT_FOLDER = 'report';

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** Reports of single nodes, the one with most windows first. */
function nodePlaces(folder: string): string[] {
  const nodes = join(folder, RUN_FILES.nodes);
  if (!existsSync(nodes)) return [];
  const places = readdirSync(nodes).map((node) => join(nodes, node, REPORT_FOLDER));
  const windowBytes = (place: string): number => sizeOf(join(place, RUN_FILES.windows));
  return places.sort((left, right) => windowBytes(right) - windowBytes(left));
}

/** Where this file of the run lies; null = nowhere, or nowhere yet. */
export function storedPlace(folder: string, name: string = RUN_FILES.summary): string | null {
  const has = (place: string): boolean => existsSync(join(place, name));
  return [folder, join(folder, REPORT_FOLDER)].find(has) ?? nodePlaces(folder).find(has) ?? null;
}

/** Whether the node that made this run is there. It leaves its socket behind when it is killed, so that alone says nothing. */
export function isRunning(folder: string): boolean {
  const seed = join(folder, RUN_FILES.nodes, 'seed');
  try {
    const pid = Number(readFileSync(join(seed, 'pid'), 'utf8'));
    return pid > 0 && existsSync(socketPathOf(seed)) && process.kill(pid, 0);
  } catch {
    return false;
  }
}

const jsonIn = <T>(place: string, name: string): T => JSON.parse(readFileSync(join(place, name), 'utf8')) as T;

/** Half of a run must not pass for the whole. */
function withNote(summary: Report['summary'], node: string): Report['summary'] {
  const message = `no report of the whole run was written; this one, from ${node}, is of what that node knew alone`;
  const { verdict } = summary;
  return { ...summary, verdict: { ...verdict, reasons: [...verdict.reasons, { code: 'one-node', message, level: 'taint' }] } };
}

/** What the run came to; null = nothing that can be read, perhaps because it is being written: the next second may have it. */
export function storedReport(folder: string): Report | null {
  const place = storedPlace(folder);
  if (place === null) return null;
  try {
    const summary = jsonIn<Report['summary']>(place, RUN_FILES.summary);
    const text = readFileSync(join(place, RUN_FILES.summaryText), 'utf8');
    const isOfOneNode = place.startsWith(join(folder, RUN_FILES.nodes, '/'));
    return { summary: isOfOneNode ? withNote(summary, basename(dirname(place))) : summary, text };
  } catch {
    return null;
  }
}

/** `name`: what it is called in the problem. Runs from before there were heat maps have none. Problem: QUILT_NO_TIMELINE. */
export function storedTimeline(folder: string, name = folder): Result<LiveTimeline> {
  const place = storedPlace(folder, RUN_FILES.timeline);
  const hint = `${RUN_FILES.timeline} is written where the run was coordinated, at its end`;
  if (place === null) return fail({ code: 'QUILT_NO_TIMELINE', message: `${name} holds no run by the second`, hint });
  try {
    const heat = existsSync(join(place, RUN_FILES.heat)) ? jsonIn<LiveTimeline['heat']>(place, RUN_FILES.heat) : [];
    return ok({ timeline: jsonIn<LiveTimeline['timeline']>(place, RUN_FILES.timeline), heat });
  } catch (error) {
    return fail({ code: 'QUILT_NO_TIMELINE', message: `${name} by the second cannot be read: ${(error as Error).message}`, hint });
  }
}
