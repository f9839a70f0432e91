// The console's page in a real browser, with a swarm that is made up: it renders without a word against its policy, can be used by keyboard and on a phone, shows hostile texts as texts, says
// at once when the line is lost and comes back by itself, and is light enough. Orders and starts reach the server as the contract has them.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { DemoServer, DemoServerInit } from '../../tools/console/page/demo-server.ts';
import { DESKTOP, overflow, type PageKit, usePageKit } from '../support/page-kit.ts';
import { needs } from '../support/parts.ts';

const need = needs('chromium');
const WEIGHT_BYTES_MAX = 300_000;
const HOSTILE = '<img src=x onerror=document.title=1>\u001b[31m\u202eevil';

let kit: PageKit;

async function open(
  init: DemoServerInit,
  hash: string,
  viewport: { width: number; height: number } = DESKTOP,
): Promise<{ demo: DemoServer; page: Page }> {
  const { demo, page } = await kit.open(init, { viewport });
  await page.goto(`${demo.url}/${hash}`);
  return { demo, page };
}

describe.skipIf(need.isMissing)(need.title("the console's page in Chromium"), () => {
  usePageKit((made) => (kit = made));

  it('shows the run: phase and clock, groups, charts, nodes, thresholds, shards, events', async () => {
    const { page } = await open({}, '#/live');
    await page.getByRole('timer').waitFor();
    expect(await page.locator('.overview .chip').first().textContent()).toBe('running');
    for (const title of ['Groups', 'Thresholds', 'Shards (36)', 'By place', 'Events', 'Nodes (12)'])
      expect(await page.getByRole('heading', { name: title, exact: true }).count(), title).toBe(1);
    await expect.poll(() => page.locator('.chart canvas').count()).toBeGreaterThanOrEqual(8);
    const summary = page.locator('.chart', { hasText: 'Endpoints' }).first().locator('summary');
    await summary.click();
    await expect.poll(() => page.locator('.chart table').first().locator('tbody tr').count()).toBeGreaterThan(5);
  });

  it('tells what lasted: bands with a legend and a table, and heat maps of one group or of all', async () => {
    const { page } = await open({ hours: 0.1 }, '#/live');
    await page.getByRole('list', { name: 'Marks over the charts' }).getByText('Loss').waitFor();
    const names = await page.getByRole('list', { name: 'Marks over the charts' }).getByRole('listitem').allTextContents();
    expect(names).toEqual(['Election', 'Loss', 'Move', 'Fault', 'Threshold', 'Order', 'Leave']);
    await page.getByText('Table of the marks').click();
    const loss = page.locator('.marks').getByRole('row', { name: /^Loss/ });
    await loss.waitFor();
    expect((await loss.getByRole('cell').allTextContents()).slice(0, 3).map((text) => text.replaceAll('\u2009', ' '))).toEqual([
      '2:51',
      '3:04',
      '12.1 s',
    ]);
    const group = page.locator('.charts .choice select').first();
    await group.selectOption('panels');
    await page.getByText('panels; stronger = more').waitFor();
    await group.selectOption('*');
    await page.getByText('all groups; stronger = more').waitFor();
    await page.getByText('moved in the last minute').waitFor();
  });

  it('is used by keyboard: tabs by arrows, charts by arrows, the table by its headers', async () => {
    const { page } = await open({}, '#/live');
    await page.getByRole('timer').waitFor();
    await page.getByRole('tab', { name: 'Scoreboard' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('heading', { name: 'Scenarios' }).waitFor();
    await page.keyboard.press('End');
    await page.getByRole('heading', { name: 'Runs', exact: true }).waitFor();
    expect(await page.evaluate('document.activeElement.id')).toBe('tab-runs');
    await page.keyboard.press('Home');
    await page.locator('.plot').first().waitFor();
    await page.locator('.plot').first().focus();
    await page.keyboard.press('+');
    await page.keyboard.press('ArrowLeft');
    await page.getByRole('button', { name: /^Follow \(/ }).waitFor();
    await page.keyboard.press('End');
    await page.getByRole('button', { name: 'Following' }).waitFor();
    await page.getByRole('button', { name: 'CPU' }).focus();
    await page.keyboard.press('Enter');
    expect(await page.locator('.nodes th[aria-sort=descending]').textContent()).toContain('CPU');
  });

  it.each([
    ['#/live', '.events li'],
    ['#/catapult', '.curve svg'],
    ['#/runs', 'tbody tr'],
    ['#/runs/2026-11-27T08-00-00-rush-hour', '#run-files'],
    ['#/runs/a/b', '.compared'],
  ])('fits a phone: %s', async (hash, last) => {
    const { page } = await open({ hostile: 'x'.repeat(300) }, hash, { width: 360, height: 740 });
    await page.locator(last).first().waitFor();
    expect(await overflow(page)).toBe(0);
  });

  it('shows hostile names and texts as texts', async () => {
    const { page } = await open({ hostile: HOSTILE }, '#/live');
    await page.getByRole('timer').waitFor();
    await page.locator('.events li').first().waitFor();
    for (const hash of ['#/runs', '#/runs/2026-11-27T08-00-00-rush-hour', '#/runs/a/b', '#/live']) {
      await page.evaluate(`location.hash = '${hash}'`);
      await page.getByText('onerror').first().waitFor();
      expect(await page.locator('#app img').count()).toBe(0);
      const text = await page.locator('#app').textContent();
      expect(text).toContain('<img src=x');
      expect(text).toContain('␛[31m⟨202e⟩evil');
    }
    expect(await page.title()).toContain('quilt-swarm');
  });

  it('says at once that the line is lost, comes back by itself, and keeps what it knew', async () => {
    const { page, demo } = await open({}, '#/live');
    await page.getByRole('timer').waitFor();
    await page.evaluate('window.isSame = true');
    demo.cut();
    await page.getByRole('alert').filter({ hasText: 'lost' }).waitFor();
    expect(await page.getByRole('timer').count()).toBe(1);
    demo.accept();
    await page.getByRole('status').filter({ hasText: 'live' }).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    const before = await page.getByRole('timer').textContent();
    await expect.poll(() => page.getByRole('timer').textContent(), { timeout: 10_000 }).not.toBe(before);
    expect(await page.evaluate('window.isSame')).toBe(true);
  });

  it('asks before it stops, gives the order, and shows its command and then the report', async () => {
    const { page, demo } = await open({}, '#/live');
    await page.getByRole('button', { name: '+10 %' }).click();
    await page.getByText("quilt-swarm scale '*' 1.1").waitFor();
    await page.getByRole('button', { name: 'Drain and stop…' }).click();
    await page.getByRole('dialog').getByText('quilt-swarm stop').waitFor();
    expect(demo.orders).toEqual([{ order: 'scale', group: '*', factor: 1.1 }]);
    await page.getByRole('button', { name: 'Drain and stop', exact: true }).click();
    await page.getByText('The run is over').waitFor();
    expect(demo.orders.at(-1)).toEqual({ order: 'stop', mode: 'drain' });
    demo.cut();
    await page.getByText('The run is over').click();
    await page.getByRole('heading', { name: 'Load delivered' }).waitFor();
  });

  it('asks for the list of runs again when one is over, and shows the charts of each', async () => {
    const { page, demo } = await open({}, '#/runs');
    await page
      .getByRole('link', { name: /rush-hour/ })
      .first()
      .waitFor();
    const [asked] = await Promise.all([page.waitForRequest(`${demo.url}/api/v1/runs`), demo.finish()]);
    expect(asked.method()).toBe('GET');
    await page
      .getByRole('link', { name: /rush-hour/ })
      .first()
      .click();
    await page.locator('.report .chart canvas').first().waitFor();
    const chart = page.locator('.chart', { hasText: 'Endpoints' }).first();
    await chart.locator('summary').click();
    // The watched run goes on for three minutes, this one went on for ten.
    await expect.poll(() => chart.locator('tbody').textContent()).toMatch(/9:\d\d/);
    await page.getByRole('tab', { name: 'Scoreboard' }).click();
    await chart.locator('summary').click();
    await expect.poll(() => chart.locator('tbody').textContent()).toMatch(/2:\d\d/);
    expect(await chart.locator('tbody').textContent()).not.toMatch(/9:\d\d/);
  });

  it('says of which moment it tells when the swarm is away, whether its run is over, and where the report is', async () => {
    const { page, demo } = await open({ mode: 'watch' }, '#/live');
    await page.getByRole('timer').waitFor();
    const heardWallMs = 1_700_000_000_000;
    const then = await page.evaluate<string>(`new Date(${heardWallMs}).toLocaleTimeString()`);
    const away = { type: 'away', message: 'nobody answers', heardWallMs } as const;
    demo.tell({ ...away, isOver: false });
    await page
      .getByRole('alert')
      .filter({ hasText: `does not answer since ${then}` })
      .getByText('nobody answers')
      .waitFor();
    expect(await page.getByRole('region', { name: 'Steer the run' }).count(), 'it may come back').toBe(1);
    demo.tell({ ...away, isOver: true });
    await page
      .getByRole('alert')
      .filter({ hasText: 'gone before their report could be had' })
      .getByText('quilt-swarm report FOLDER')
      .waitFor();
    expect(await page.getByRole('region', { name: 'Steer the run' }).count()).toBe(0);
    demo.finish();
    demo.tell({ ...away, isOver: true });
    await page.getByRole('region', { name: 'The end' }).getByText(`what was known at ${then}`).waitFor();
    expect(await page.getByRole('alert').count()).toBe(0);
    demo.cut();
    await page.getByRole('region', { name: 'The end' }).getByText('The node that served this page has left').waitFor();
    await page.getByRole('status').filter({ hasText: 'run over' }).waitFor();
    expect(await page.getByRole('alert').count(), 'nothing is wrong').toBe(0);
  });

  it('offers neither Catapult nor orders to who only watches', async () => {
    const { page } = await open({ mode: 'watch', canSteer: false }, '#/live');
    await page.getByText('reads only').waitFor();
    await page.getByRole('timer').waitFor();
    expect(await page.getByRole('tab').allTextContents()).toEqual(['Scoreboard']);
    expect(await page.getByRole('region', { name: 'Steer the run' }).count()).toBe(0);
    await page.getByText('This link only reads').waitFor();
  });

  it('starts what is written: saves first, then shows the run', async () => {
    const { page, demo } = await open({}, '#/catapult/spike.yaml');
    await page.getByRole('heading', { name: 'Plan' }).waitFor();
    await page.getByLabel('callers').fill('7');
    await page.getByLabel('Nodes').fill('3');
    await page.locator('.cm-content').click();
    await page.keyboard.type(' ');
    await page.getByText('changed').waitFor();
    const [save, start] = await Promise.all([
      page.waitForRequest((request) => request.method() === 'PUT'),
      page.waitForRequest((request) => request.method() === 'POST' && request.url() === `${demo.url}/api/v1/runs`),
      page.getByRole('button', { name: 'Start the run' }).click(),
    ]);
    expect(save.postDataJSON()).toMatchObject({ path: 'spike.yaml' });
    expect(start.postDataJSON()).toEqual({ path: 'spike.yaml', variables: { callers: '7' }, nodes: 3 });
    await page.getByRole('timer').waitFor();
  });

  it('plans what is written, shows problems at their line, and offers words of the schema', async () => {
    const { page } = await open({}, '#/catapult');
    await page.getByRole('heading', { name: 'Plan' }).waitFor();
    const content = page.locator('.cm-content');
    await content.click();
    await page.keyboard.press('Control+Home');
    await page.keyboard.type('broken: 1\n');
    await page.getByRole('list', { name: 'Problems of the scenario' }).getByText('line 1').waitFor();
    await page.locator('.cm-lintRange-error').waitFor();
    expect(await page.getByRole('button', { name: 'Start the run' }).isDisabled()).toBe(true);
    await page.keyboard.type('thre');
    await page.locator('.cm-tooltip-autocomplete').getByText('thresholds').waitFor();
  });

  it('is light: all of it, with the editor, and the editor apart', () => {
    const files = readdirSync(kit.folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
    const weights = new Map(files.map(({ name, parentPath }) => [name, gzipSync(readFileSync(join(parentPath, name))).length]));
    expect([...weights.values()].reduce((sum, bytes) => sum + bytes, 0)).toBeLessThan(WEIGHT_BYTES_MAX);
    expect([...weights.keys()].filter((name) => name.startsWith('editor-'))).toHaveLength(1);
    expect(readFileSync(join(kit.folder, 'index.html'), 'utf8')).not.toMatch(
      /<script(?![^>]*\bsrc=)|<style|\bstyle=|https?:\/\/(?!www\.w3\.org)/,
    );
  });
});
