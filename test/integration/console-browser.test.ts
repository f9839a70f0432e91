// The console in a real browser with a real swarm behind it: a person's whole way from a scenario with a mistake to the report of its run, with the keyboard alone; two people who watch while a
// node dies; and a console that is restarted under an open page. No word of the browser's console is about the page's policy.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { needs } from '../support/parts.ts';
import { createSwarmKit, nodeFolder, PATIENCE_MS, type Ran, type SwarmKit } from '../support/swarm-kit.ts';
import { until } from '../support/until.ts';

const need = needs('chromium');
const buildPage = fileURLToPath(new URL('../../tools/build-page.ts', import.meta.url));

let kit: SwarmKit;
let browser: Browser;
const complaints: string[] = [];

async function console_(port = '0'): Promise<{ ran: Ran; links: readonly string[] }> {
  const ran = kit.start('console', '--listen', port, '--share');
  await until('there are links', () => ran.out().split('\n').length > 2, PATIENCE_MS);
  return { ran, links: ran.out().split('\n') };
}

/** A browser of its own: nobody else's cookies. */
async function visitor(link = ''): Promise<{ page: Page; context: BrowserContext }> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 1600 }, reducedMotion: 'reduce' });
  const page = await context.newPage();
  page.on('console', (message) => {
    if (message.type() === 'error' && /policy|refused to/i.test(message.text())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  await page.goto(link);
  page.setDefaultTimeout(PATIENCE_MS);
  return { page, context };
}

/** Presses Tab until what has the focus is named so: how somebody without a mouse gets there. */
async function tabTo(page: Page, name: string): Promise<void> {
  for (let presses = 0; presses < 80; presses++) {
    await page.keyboard.press('Tab');
    const found = await page.evaluate(
      '(document.activeElement?.getAttribute("aria-label") ?? document.activeElement?.textContent ?? "").trim()',
    );
    if (found === name) return;
  }
  throw new Error(`no Tab leads to ${name}`);
}

/** The line of some chart has points, and there is a heat map. */
async function chartsAreDrawn(page: Page): Promise<void> {
  const chart = page.locator('.chart', { hasText: 'Endpoints' }).first();
  await chart.locator('summary').click();
  await expect.poll(() => chart.locator('tbody tr').count(), { timeout: PATIENCE_MS }).toBeGreaterThan(2);
  await page.locator('canvas.heat').first().waitFor();
}

async function showsEndedRun(page: Page): Promise<void> {
  await page.getByRole('heading', { name: 'Load delivered' }).waitFor();
  await chartsAreDrawn(page);
  expect(await page.locator('.report').getByText('pass', { exact: true }).count()).toBeGreaterThan(0);
}

describe.skipIf(need.isMissing)(need.title('the console in Chromium, with a swarm'), () => {
  beforeAll(async () => {
    kit = await createSwarmKit();
    execFileSync(process.execPath, [buildPage, join(kit.folder, 'dist', 'console')], { stdio: 'pipe' });
    browser = await launchChromium();
  }, PATIENCE_MS);
  afterAll(async () => {
    await browser?.close();
    await kit.close();
    expect(complaints).toEqual([]);
  });

  it('leads from a scenario with a mistake to the report of its run, by keyboard, and shows that run again after a reload', {
    timeout: PATIENCE_MS * 2,
  }, async () => {
    kit.scenario('mine', { holdS: 3 });
    const { ran, links } = await console_();
    const { page, context } = await visitor(links[0]);
    await page.getByRole('heading', { name: 'Plan' }).waitFor();
    await page.locator('.cm-content').focus();
    await page.keyboard.press('Control+Home');
    await page.keyboard.type('nane: mine\n');
    await page.getByRole('list', { name: 'Problems of the scenario' }).getByText('line 1').waitFor();
    const start = page.getByRole('button', { name: 'Start the run' });
    expect(await start.isDisabled()).toBe(true);
    // More than was typed: what was there first stays.
    for (let presses = 0; presses < 10; presses++) await page.keyboard.press('Control+z');
    await expect.poll(() => start.isEnabled(), { timeout: PATIENCE_MS }).toBe(true);
    await page.locator('h1').click();
    await tabTo(page, 'Start the run');
    await page.keyboard.press('Enter');
    await page.getByRole('timer').waitFor();
    await page.getByText('of 12 planned').waitFor();
    await tabTo(page, 'node-2');
    await page.keyboard.press('Enter');
    await page.getByRole('list', { name: 'Log of node-2, newest first' }).getByRole('listitem').first().waitFor();
    await page.getByText('The run is over:').waitFor();
    await page.getByText('nothing more is asked for').waitFor();
    await page
      .getByRole('contentinfo')
      .getByText(/· swarm \w+ ·/)
      .waitFor();
    await page.getByText('The run is over:').click();
    await page.getByRole('heading', { name: 'Load delivered' }).waitFor();
    await page.getByRole('tab', { name: 'Runs' }).click();
    await page.getByRole('link', { name: 'mine' }).click();
    await showsEndedRun(page);
    await page.getByRole('tab', { name: 'Scoreboard' }).click();
    await page.reload();
    await page.getByText('The run is over:').waitFor();
    await chartsAreDrawn(page);
    await context.close();
    ran.child.kill('SIGINT');
    await ran.ended;
    // Somebody who was not there, with a console that was not there.
    const later = await console_();
    const { page: fresh, context: his } = await visitor(`${later.links[0]}`);
    await fresh.getByRole('tab', { name: 'Scoreboard' }).click();
    await showsEndedRun(fresh);
    await his.close();
    later.ran.child.kill('SIGINT');
    await later.ran.ended;
  });

  it('shows two people the death of a node, and comes back to a console that was restarted', { timeout: PATIENCE_MS * 2 }, async () => {
    kit.scenario('mine', { holdS: 90 });
    const evil = kit.scenario('evil', { holdS: 1 });
    writeFileSync(evil, readFileSync(evil, 'utf8').replace('name: evil', 'name: "<img src=x onerror=document.title=1>"'));
    const first = await console_();
    const port = new URL(first.links[0] ?? '').port;
    const { page } = await visitor(first.links[0]);
    const { page: other } = await visitor(first.links[1]);
    await page.getByText('<img src=x').first().waitFor();
    expect(await page.locator('#app img').count(), 'names are text').toBe(0);
    await page.getByRole('button', { name: /mine/ }).click();
    await page.getByRole('button', { name: 'Start the run' }).click();
    for (const watcher of [page, other]) await watcher.getByText('of 12 planned').waitFor();
    expect(await other.getByRole('button', { name: 'Pause' }).count(), 'who only reads cannot steer').toBe(0);
    process.kill(kit.pidOf(nodeFolder(kit.runFolder(), 1)), 'SIGKILL');
    for (const watcher of [page, other]) await watcher.locator('.nodes tr', { hasText: 'node-1' }).getByText('lost').waitFor();

    await page.evaluate('window.isSame = true');
    first.ran.child.kill('SIGINT');
    await first.ran.ended;
    await page.getByRole('alert').filter({ hasText: 'lost' }).waitFor();
    expect(await page.getByRole('timer').count(), 'what was known stays').toBe(1);
    const run = kit.runFolder();
    const second = kit.start('console', run, '--listen', port);
    await until('it listens again', () => second.out().includes('\n'), PATIENCE_MS);
    await page.getByRole('status').filter({ hasText: 'live' }).waitFor();
    expect(await page.evaluate('window.isSame'), 'without a reload').toBe(true);
    await page.getByRole('button', { name: 'Drain and stop…' }).click();
    await page.getByRole('button', { name: 'Drain and stop', exact: true }).click();
    for (const watcher of [page, other]) await watcher.getByText('The run is over').waitFor();
    second.child.kill('SIGINT');
    await second.ended;
  });
});
