// Where launches are written down before their first call to a vendor: one JSON file a run, in a folder that `reap` reads. A file is written beside its
// name, synced and renamed, so that a launcher that dies while writing leaves the old state or the new one. What is in it is fleet.ts's; no secret is.

import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { fail, ok, type Problem, type Result } from '../node/core/errors.ts';
import type { FleetJournal, FleetRecord } from './fleet.ts';

export interface LaunchJournal extends FleetJournal {
  /** Sorted by run id. A file that cannot be read is a Problem beside the others: machines may stand behind it. */
  read(): { readonly records: readonly FleetRecord[]; readonly problems: readonly Problem[] };
}

const RUN_ID = /^[a-z0-9]{1,40}$/;
const SUFFIX = '.json';

export function createLaunchJournal(folder: string): LaunchJournal {
  const pathOf = (runId: string): string => {
    if (!RUN_ID.test(runId)) throw new Error(`'${runId}' is no run id`);
    return join(folder, runId + SUFFIX);
  };
  return {
    write(record) {
      const path = pathOf(record.runId);
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const handle = openSync(`${path}.part`, 'w', 0o600);
      try {
        writeSync(handle, `${JSON.stringify(record, null, 2)}\n`);
        fsyncSync(handle);
      } finally {
        closeSync(handle);
      }
      renameSync(`${path}.part`, path);
      syncFolder(folder);
    },
    forget(runId) {
      rmSync(pathOf(runId), { force: true });
    },
    read() {
      const results = namesIn(folder).map((name) => readRecord(join(folder, name)));
      return {
        records: results.flatMap((result) => (result.ok ? [result.value] : [])),
        problems: results.flatMap((result) => (result.ok ? [] : result.problems)),
      };
    },
  };
}

/** A rename is on disk only when its folder is. */
function syncFolder(folder: string): void {
  const handle = openSync(folder, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
      .filter((name) => name.endsWith(SUFFIX))
      .sort();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

function readRecord(path: string): Result<FleetRecord> {
  try {
    const record: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (isRecord(record)) return ok(record);
    return fail(unreadable(path, 'it is no launch record'));
  } catch (error) {
    return fail(unreadable(path, (error as Error).message));
  }
}

function isRecord(value: unknown): value is FleetRecord {
  if (typeof value !== 'object' || value === null) return false;
  const { runId, expiresWallMs, places } = value as Record<string, unknown>;
  return (
    typeof runId === 'string' && RUN_ID.test(runId) && typeof expiresWallMs === 'number' && Array.isArray(places) && places.every(isPlace)
  );
}

const isPlace = (value: unknown): boolean => {
  const { cloud, region } = (value ?? {}) as Record<string, unknown>;
  return typeof cloud === 'string' && typeof region === 'string';
};

const unreadable = (path: string, reason: string): Problem => ({
  code: 'QUILT_LAUNCH_RECORD',
  message: `cannot read the launch record ${path}: ${reason}`,
  hint: 'look for machines of that run with quilt-swarm reap --run RUN --on CLOUD:REGION, then delete the file',
});
