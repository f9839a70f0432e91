// The console's page in Chromium for tests: it is built once into a folder of its own, served with the made-up swarm of tools/console/page/demo-server.ts, and everything that the browser
// complains about, its policy above all, is kept. What a test opens is closed after it. The list of views stands here, so that a test of all views is one of new ones too.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { build } from 'vite';
import { afterAll, afterEach, beforeAll, expect } from 'vitest';
import { type DemoServer, type DemoServerInit, startDemo } from '../../tools/console/page/demo-server.ts';
import { LOGIN_PAGE, LOGIN_SCRIPT, LOGIN_STYLE } from '../../tools/console/server/login-page.ts';
import { launchChromium } from './chromium.ts';

export interface PageKit {
  /** Where the page was built. */
  readonly folder: string;
  open(init?: DemoServerInit, look?: BrowserContextOptions): Promise<{ demo: DemoServer; page: Page }>;
  /** What the browser complained about since it was last asked. */
  complaints(): string[];
  /** Closes what was opened, not the browser. */
  tidy(): Promise<void>;
  close(): Promise<void>;
}

export interface View {
  readonly name: string;
  readonly hash: string;
  /** Shown when the view is complete. */
  readonly last: string;
  /** What a person does to get there. */
  readonly reach?: (page: Page, demo: DemoServer) => Promise<void>;
}

export const DESKTOP = { width: 1280, height: 900 } as const;
export const PHONE = { width: 360, height: 740 } as const;

export const views: readonly View[] = [
  { name: 'Scoreboard', hash: '#/live', last: '.events li' },
  {
    name: 'Scoreboard, tables behind the charts open',
    hash: '#/live',
    last: '.chart table tbody tr',
    reach: (page) => page.evaluate('for (const behind of document.querySelectorAll("details.table-behind")) behind.open = true'),
  },
  {
    name: 'Scoreboard, log of a node',
    hash: '#/live',
    last: '.log-lines li',
    reach: (page) => page.getByRole('button', { name: 'node-2', exact: true }).click(),
  },
  {
    name: 'Scoreboard, question before a stop',
    hash: '#/live',
    last: 'dialog[open]',
    reach: (page) => page.getByRole('button', { name: 'Drain and stop…' }).click(),
  },
  {
    name: 'Scoreboard, line lost',
    hash: '#/live',
    last: '.banner',
    reach: async (_page, demo) => demo.cut(),
  },
  { name: 'Catapult', hash: '#/catapult', last: '.curve svg' },
  {
    name: 'Catapult, on clouds',
    hash: '#/catapult',
    last: '.placement',
    reach: (page) => page.getByRole('button', { name: 'Clouds' }).click(),
  },
  {
    name: 'Catapult, with problems',
    hash: '#/catapult',
    last: '.problems li',
    async reach(page) {
      await page.locator('.cm-content').click();
      await page.keyboard.press('Control+Home');
      await page.keyboard.type('broken: 1\n');
    },
  },
  { name: 'Runs', hash: '#/runs', last: 'tbody tr' },
  { name: 'Report', hash: '#/runs/2026-11-27T08-00-00-rush-hour', last: '#run-files' },
  { name: 'Comparison', hash: '#/runs/a/b', last: '.compared' },
  {
    name: 'Scoreboard, after the end',
    hash: '#/live',
    last: '.over details[open] .report',
    async reach(page, demo) {
      demo.finish();
      await page.getByText('The run is over').click();
    },
  },
];

/** To a view, loaded anew, so that nothing is left of the view before. */
export async function goToView(page: Page, demo: DemoServer, { hash, last, reach }: View): Promise<void> {
  demo.accept();
  await page.goto('about:blank');
  await page.goto(`${demo.url}/${hash}`);
  if (hash === '#/live') await page.getByRole('timer').waitFor();
  if (hash.startsWith('#/catapult')) await page.locator('.curve svg').waitFor();
  await reach?.(page, demo);
  await page.locator(last).first().waitFor();
}

/** The hooks of a `describe` whose tests share a kit: it is there before the first of them, and no test leaves a complaint of the browser behind. */
export function usePageKit(take: (kit: PageKit) => void): void {
  let kit: PageKit | undefined;
  beforeAll(async () => {
    kit = await createPageKit();
    take(kit);
  });
  afterEach(async () => {
    await kit?.tidy();
    expect(kit?.complaints()).toEqual([]);
  });
  afterAll(() => kit?.close());
}

/** How much wider the page is than its window. */
export const overflow = (page: Page): Promise<number> =>
  page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');

async function createPageKit(): Promise<PageKit> {
  const pageFolder = mkdtempSync(join(tmpdir(), 'quilt-page-'));
  const configFile = fileURLToPath(new URL('../../tools/console/vite.config.ts', import.meta.url));
  await build({ configFile, logLevel: 'error', build: { outDir: pageFolder } });
  const browser = await launchChromium();
  const demos: DemoServer[] = [];
  let complained: string[] = [];
  return {
    folder: pageFolder,
    async open(init = {}, look = {}) {
      const demo = await startDemo({ nodes: 12, hours: 0.05, pageFolder, ...init });
      demos.push(demo);
      const page = await browser.newPage({ viewport: DESKTOP, reducedMotion: 'reduce', ...look });
      page.on('console', (message) => {
        if (message.type() === 'error' && !message.text().includes('WebSocket')) complained.push(message.text());
      });
      page.on('pageerror', (error) => complained.push(error.message));
      await answerLogs(page);
      return { demo, page };
    },
    complaints() {
      const told = complained;
      complained = [];
      return told;
    },
    async tidy() {
      for (const context of browser.contexts()) await context.close();
      for (const demo of demos.splice(0)) await demo.close();
    },
    async close() {
      await browser.close();
      rmSync(pageFolder, { recursive: true, force: true });
    },
  };
}

/** A log in the demo's stead: the same lines whatever node is asked. */
export async function answerLogs(page: Page, ...lines: readonly string[]): Promise<void> {
  const usual = [
    '{"time":"2026-11-28T08:00:01.250Z","level":"info","msg":"joined the swarm"}',
    '{"level":"warn","msg":"late by 30 ms","shard":4}',
  ];
  await page.route('**/api/v1/nodes/**', (route) => route.fulfill({ json: { lines: lines.length === 0 ? usual : lines } }));
}

/** The login page, which the console's server has and the demo has not. */
export async function openLogin(page: Page, demo: DemoServer): Promise<void> {
  const parts = {
    '/login': ['text/html', LOGIN_PAGE],
    '/login.js': ['text/javascript', LOGIN_SCRIPT],
    '/login.css': ['text/css', LOGIN_STYLE],
  };
  for (const [path, [contentType, body]] of Object.entries(parts))
    await page.route(`${demo.url}${path}`, (route) =>
      route.fulfill({ contentType: `${contentType}; charset=utf-8`, body: body as string }),
    );
  await page.goto(`${demo.url}/login`);
  await page.getByLabel('Code').waitFor();
}
