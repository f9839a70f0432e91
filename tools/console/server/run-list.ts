// Runs that were made in the folder of the console, newest first, as their folders tell it: what each came to, its summary, and how it was started. Names come from a browser: only a plain name
// of a folder below runs/ is one.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { RUNS_FOLDER } from '../../../node/commands/control-client.ts';
import { readStarted, type StartedRecord } from '../../../node/commands/started.ts';
import { isRunning, storedPlace, storedReport, storedTimeline } from '../../../node/commands/stored-run.ts';
import { fail, ok, type Problem, type Result } from '../../../node/core/errors.ts';
import type { Summary } from '../../../node/core/summary-types.ts';
import type { LiveTimeline } from '../../../node/runtime/collector.ts';
import { RUN_FILES } from '../../../node/runtime/run-folder.ts';
import type { RunRow } from '../protocol.ts';

const RUNS_MAX = 200;
const NO_RUN: Problem = { code: 'QUILT_NO_RUN', message: 'there is no such run here', hint: 'GET /api/v1/runs lists them' };

export interface RunList {
  runs(): readonly RunRow[];
  summary(id: string): Result<Summary>;
  /** By the second. */
  timeline(id: string): Result<LiveTimeline>;
  /** How the run was started, and the scenario's text that it had; null = that is not known any more. */
  started(id: string): Result<{ readonly record: StartedRecord; readonly text: string | null }>;
}

export function createRunList(root: string): RunList {
  const folderOf = (id: string): string | null =>
    /^[\w.-]+$/.test(id) && !id.startsWith('.') && existsSync(join(root, RUNS_FOLDER, id)) ? join(root, RUNS_FOLDER, id) : null;
  return {
    runs() {
      const at = join(root, RUNS_FOLDER);
      if (!existsSync(at)) return [];
      const names = readdirSync(at).filter((name) => name !== 'latest' && statSync(join(at, name)).isDirectory());
      return names
        .sort()
        .reverse()
        .slice(0, RUNS_MAX)
        .map((id) => runRow(id, join(at, id)));
    },
    summary(id) {
      const folder = folderOf(id);
      const stored = folder === null ? null : storedReport(folder);
      if (stored === null) return fail({ code: 'QUILT_NO_SUMMARY', message: `run ${id} has no summary`, hint: 'it may still be going on' });
      return ok(stored.summary);
    },
    timeline(id) {
      const folder = folderOf(id);
      return folder === null ? fail(NO_RUN) : storedTimeline(folder, id);
    },
    started(id) {
      const folder = folderOf(id);
      const record = folder === null ? null : readStarted(folder);
      if (folder === null || record === null)
        return fail({
          code: 'QUILT_NOT_KEPT',
          message: `how run ${id} was started is not known`,
          hint: 'runs of older versions did not keep it: start its scenario in Catapult',
        });
      const path = join(folder, RUN_FILES.scenario);
      return ok({ record, text: existsSync(path) ? readFileSync(path, 'utf8') : null });
    },
  };
}

function runRow(id: string, folder: string): RunRow {
  const place = isRunning(folder) ? folder : storedPlace(folder);
  const path = join(place ?? folder, RUN_FILES.summary);
  const unknown: RunRow = {
    ...{ id, scenario: id.replace(/^[\dT-]+-/, ''), startedWallMs: null, durationMs: 0, verdict: 'unknown', exitCode: null, reason: '' },
    isKept: readStarted(folder) !== null,
  };
  if (!existsSync(path)) return { ...unknown, verdict: isRunning(folder) ? 'running' : 'unknown' };
  try {
    const { run, verdict } = JSON.parse(readFileSync(path, 'utf8')) as Summary;
    const { scenario, startedWallMs, durationMs } = run;
    return {
      ...unknown,
      ...{ scenario, startedWallMs, durationMs, verdict: verdict.verdict, exitCode: verdict.exitCode },
      reason: verdict.reasons[0]?.message ?? '',
    };
  } catch {
    return unknown;
  }
}
