// Launch records on disk: what was written is read again by another process, a damaged file is told and hides no other, and no run id leaves the folder.

import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLaunchJournal } from '../../bootstrap/launch-journal.ts';

const record = (runId: string) => ({ runId, expiresWallMs: 5, places: [{ cloud: 'aws', region: 'us-east-1' }] });
let parent: string;
let folder: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), 'quilt-journal-'));
  folder = join(parent, 'launches');
});
afterEach(() => rmSync(parent, { recursive: true, force: true }));

describe('the launch journal', () => {
  it('is empty before the first launch', () => {
    expect(createLaunchJournal(folder).read()).toEqual({ records: [], problems: [] });
  });

  it('is read by another process, readable by nobody else, and forgets what is gone', () => {
    const journal = createLaunchJournal(folder);
    journal.write(record('rb'));
    journal.write(record('ra'));
    expect(createLaunchJournal(folder).read().records).toEqual([record('ra'), record('rb')]);
    expect(statSync(join(folder, 'ra.json')).mode & 0o077).toBe(0);
    journal.forget('ra');
    journal.forget('ra');
    expect(readdirSync(folder)).toEqual(['rb.json']);
  });

  it('tells of a file that it cannot read, and still finds the others', () => {
    const journal = createLaunchJournal(folder);
    journal.write(record('ra'));
    writeFileSync(join(folder, 'half.json'), '{"runId": "r');
    writeFileSync(join(folder, 'other.json'), '{"runId": "../up", "expiresWallMs": 1, "places": []}');
    const { records, problems } = journal.read();
    expect(records).toEqual([record('ra')]);
    expect(problems.map(({ code }) => code)).toEqual(['QUILT_LAUNCH_RECORD', 'QUILT_LAUNCH_RECORD']);
  });

  it('takes no run id that is a path', () => {
    expect(() => createLaunchJournal(folder).write(record('../up'))).toThrow('no run id');
    expect(readdirSync(parent)).toEqual([]);
  });
});
