// What a run left behind, found: in its folder, in the folder of the node that coordinated it, and with the nodes that outlived a run that was killed.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isRunning, storedPlace, storedReport, storedTimeline } from '../../node/commands/stored-run.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quilt-stored-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const timeline = { timelineVersion: 1, stepMs: 1000, atMs: [0], groups: [], metrics: [] };

function write(place: string, files: Readonly<Record<string, unknown>>): void {
  mkdirSync(join(folder, place), { recursive: true });
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, place, name), typeof content === 'string' ? content : JSON.stringify(content));
}
const report = (scenario: string) => ({
  'summary.json': { run: { scenario }, verdict: { reasons: [] } },
  'summary.txt': 'text',
  'timeline.json': timeline,
});

it('finds a run in its folder, and in that of the node that coordinated it', () => {
  expect([storedReport(folder), storedTimeline(folder)]).toMatchObject([null, { ok: false, problems: [{ code: 'QUILT_NO_TIMELINE' }] }]);
  write('report', report('a'));
  expect(storedReport(folder)).toMatchObject({ summary: { run: { scenario: 'a' }, verdict: { reasons: [] } }, text: 'text' });
  write('.', { ...report('b'), 'heat.json': [{ metric: 'm', boundsMs: [1], rows: [[1, 2]] }] });
  expect(storedReport(folder)).toMatchObject({ summary: { run: { scenario: 'b' } } });
  expect(storedTimeline(folder)).toMatchObject({ ok: true, value: { timeline, heat: [{ metric: 'm' }] } });
});

it('takes the report of the node that knows most, where the run was killed before it had one', () => {
  write('nodes/one/report', { ...report('little'), 'windows.bin': 'xx' });
  write('nodes/two/report', { ...report('much'), 'windows.bin': 'xxxx' });
  write('nodes/seed', { 'node.log': '' });
  expect(storedReport(folder)).toMatchObject({
    summary: { run: { scenario: 'much' }, verdict: { reasons: [{ level: 'taint', message: expect.stringContaining('from two,') }] } },
  });
  expect(storedTimeline(folder)).toMatchObject({ ok: true, value: { heat: [] } });
  expect(storedPlace(folder)).toBe(join(folder, 'nodes', 'two', 'report'));
});

it('says what is wrong with what cannot be read', () => {
  write('.', { ...report('b'), 'summary.json': '{"run"', 'timeline.json': '[' });
  expect(storedReport(folder)).toBe(null);
  expect(storedTimeline(folder, 'that run')).toMatchObject({ ok: false, problems: [{ message: expect.stringContaining('that run') }] });
});

it('takes no run for running whose node was killed and left its socket behind', () => {
  write('nodes/seed', { 'control.sock': '', pid: `${process.pid}\n` });
  expect(isRunning(folder)).toBe(true);
  // No process has it: numbers end at 2^22.
  write('nodes/seed', { pid: `${2 ** 22 + 1}\n` });
  expect(isRunning(folder)).toBe(false);
});
