// console-page: the console's page in Chromium with a made-up feed of 700 nodes, ten groups and three hours. The figure is frames a second while the charts are dragged to and fro, against an empty page
// whose frames are counted in the same way; weight, first paint, first data and memory are printed beside it, with what they are to reach.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { chromium, type Page } from 'playwright-core';
import { monotonicNowMs } from '../../node/adapters/clock.ts';
import { out } from '../../node/adapters/terminal.ts';
import { findExecutable } from '../../node/commands/doctor-parts.ts';
import type { BenchOptions, BenchResult } from '../bench-kit.ts';
import { buildPage } from '../build-page.ts';
import { startDemo } from '../console/page/demo-server.ts';

export const about =
  'frames a second of the page while panning, 700 nodes, 10 groups and 3 hours, against an empty page; weight, first paint, first data, memory';

const NODES = 700;
const HOURS = 3;
const GROUPS = 10;
const REACH_FPS = 50;
const VIEW = { width: 1400, height: 1000 } as const;

/** Counts frames in the page until it is told to stop. */
const COUNT = `window.counted = { frames: 0, worstMs: 0, fromMs: performance.now(), lastMs: performance.now() };
(function next(nowMs) {
  if (nowMs !== undefined) { const c = window.counted; c.frames += 1; c.worstMs = Math.max(c.worstMs, nowMs - c.lastMs); c.lastMs = nowMs; }
  if (!window.counted.isOver) requestAnimationFrame(next);
})();`;

interface Frames {
  readonly perS: number;
  readonly worstMs: number;
}

async function framesWhile(page: Page, act: () => Promise<void>): Promise<Frames> {
  await page.evaluate(COUNT);
  await act();
  return page.evaluate(
    '(() => { const c = window.counted; c.isOver = true; return { perS: (c.frames * 1000) / (performance.now() - c.fromMs), worstMs: c.worstMs }; })()',
  );
}

/** Drags over the first chart, or over where it would be. */
async function drag(page: Page, seconds: number): Promise<void> {
  const box = (await page.locator('.u-over').count()) > 0 ? await page.locator('.u-over').first().boundingBox() : null;
  const { x, y, width, height } = box ?? { x: 100, y: 400, width: 500, height: 200 };
  const untilMs = monotonicNowMs() + seconds * 1000;
  await page.mouse.move(x + width / 2, y + height / 2);
  await page.mouse.down();
  for (let step = 0; monotonicNowMs() < untilMs; step++)
    await page.mouse.move(x + width * (0.5 + 0.4 * Math.sin(step / 25)), y + height / 2);
  await page.mouse.up();
}

interface Process {
  readonly pid: number;
  readonly parent: number;
  readonly command: string;
}

/** All that can be read now; they come and go. */
function processes(): Process[] {
  return readdirSync('/proc').flatMap((name) => {
    try {
      const stat = /^\d+$/.test(name) ? readFileSync(`/proc/${name}/stat`, 'utf8').replace(/^.*\) /, '') : null;
      return stat === null
        ? []
        : [{ pid: Number(name), parent: Number(stat.split(' ')[1]), command: readFileSync(`/proc/${name}/cmdline`, 'utf8') }];
    } catch {
      return [];
    }
  });
}

function privateMb(pid: number): number {
  const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const sizes = ['Private_Clean', 'Private_Dirty'].map((name) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(rollup)?.[1]));
  return sizes.reduce((sum, kb) => sum + kb, 0) / 1024;
}

/** Private memory of the largest renderer below the browser with this profile, MB: what would be free without the tab. */
function rendererMb(profile: string): number {
  const all = processes();
  const isBelow = (pid: number): boolean => {
    const found = all.find((one) => one.pid === pid);
    return found !== undefined && (found.command.includes(`--user-data-dir=${profile}`) || isBelow(found.parent));
  };
  const renderers = all.filter(({ pid, command }) => command.includes('--type=renderer') && isBelow(pid));
  return Math.max(...renderers.map(({ pid }) => privateMb(pid)));
}

function weigh(folder: string): { all: number; first: number } {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const weights = files.map(({ name, parentPath }) => ({ name, bytes: gzipSync(readFileSync(join(parentPath, name))).length }));
  const sum = (of: typeof weights): number => of.reduce((bytes, file) => bytes + file.bytes, 0);
  return { all: sum(weights), first: sum(weights.filter(({ name }) => !name.startsWith('editor-'))) };
}

export async function bench({ quick }: BenchOptions): Promise<BenchResult> {
  const seconds = quick ? 4 : 15;
  const pageFolder = mkdtempSync(join(tmpdir(), 'quilt-bench-page-'));
  const profile = mkdtempSync(join(tmpdir(), 'quilt-bench-browser-'));
  await buildPage(pageFolder);
  const demo = await startDemo({ nodes: NODES, groups: GROUPS, hours: HOURS, pageFolder });
  const options = {
    executablePath: findExecutable('chromium') ?? 'chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
    viewport: VIEW,
  };
  const context = await chromium.launchPersistentContext(profile, options);
  try {
    const empty = await context.newPage();
    const { perS: baseline } = await framesWhile(empty, () => drag(empty, seconds));
    await empty.close();
    const page = await context.newPage();
    await page.goto(`${demo.url}/#/live`);
    await page.locator('.u-over').first().waitFor();
    const dataMs = await page.evaluate<number>('performance.now()');
    const paintMs = await page.evaluate<number>("performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? NaN");
    await page.waitForTimeout(2000);
    const { perS, worstMs } = await framesWhile(page, () => drag(page, seconds));
    const { all, first } = weigh(pageFolder);
    out(`weight ${(all / 1000).toFixed(0)} kB gzip, ${(first / 1000).toFixed(0)} kB of it before somebody edits (under 300)`);
    out(`first paint ${paintMs.toFixed(0)} ms (under 1000), first data ${dataMs.toFixed(0)} ms (under 2000)`);
    out(`memory of the tab ${rendererMb(profile).toFixed(0)} MB private (under 200)`);
    out(`worst frame while panning ${worstMs.toFixed(0)} ms`);
    return { figure: perS, unit: 'frames/s', baseline, reach: REACH_FPS, better: 'higher' };
  } finally {
    await context.close();
    await demo.close();
    rmSync(pageFolder, { recursive: true, force: true });
    rmSync(profile, { recursive: true, force: true });
  }
}
