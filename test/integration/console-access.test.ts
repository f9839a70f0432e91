// Whether everybody can use the console's page, measured: axe-core over every view of it, light and dark, on a desk and on a phone; no view wider than a phone or a page at twice or four
// times its size; nothing too small for a finger; colours of the user's own; less motion. New views belong in test/support/page-kit.ts, and are measured here then.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import type { AxeResults } from 'axe-core';
import type { BrowserContextOptions, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { DESKTOP, goToView, openLogin, overflow, type PageKit, PHONE, usePageKit, views } from '../support/page-kit.ts';
import { needs } from '../support/parts.ts';

const need = needs('chromium');
const RULES = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
/** Two phones, and a desk's page at twice and at four times its size. */
const narrow = [PHONE, { width: 414, height: 896 }, { width: 640, height: 450 }, { width: 320, height: 256 }];
/** WCAG 2.2, 2.5.8 */
const TARGET_PX_MIN = 24;
const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

let kit: PageKit;

/** What axe finds wrong, a line each. It comes over the debugger's line, which the page's policy does not forbid. */
async function faults(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const options = JSON.stringify({ runOnly: RULES, resultTypes: ['violations'] });
  const { violations } = (await page.evaluate(`axe.run(document, ${options})`)) as AxeResults;
  return violations.flatMap(({ id, help, nodes }) => nodes.map(({ target }) => `${id}: ${help}: ${target.join(' ')}`));
}

/** What is too small to be hit with a finger. A link within a sentence may be. */
const tooSmall = (page: Page): Promise<string[]> =>
  page.evaluate(`[...document.querySelectorAll('button, a, summary, input, select, [tabindex="0"]')]
    .map((element) => ({ element, box: element.getBoundingClientRect() }))
    .filter(({ element, box }) => box.width > 0 && !element.matches('.skip') && Math.min(box.width, box.height) < ${TARGET_PX_MIN})
    .map(({ element, box }) => element.outerHTML.slice(0, 80) + ' ' + box.width + 'x' + box.height)`);

describe.skipIf(need.isMissing)(need.title("access to the console's page"), () => {
  usePageKit((made) => (kit = made));

  const looks: ReadonlyArray<readonly [string, BrowserContextOptions]> = [
    ['light, on a desk', { colorScheme: 'light', viewport: DESKTOP }],
    ['dark, on a phone', { colorScheme: 'dark', viewport: PHONE, hasTouch: true }],
  ];
  it.each(looks)('has no faults that axe-core knows: %s', { timeout: 60_000 }, async (_name, look) => {
    const { demo, page } = await kit.open({}, look);
    for (const view of views) {
      await goToView(page, demo, view);
      expect.soft(await faults(page), view.name).toEqual([]);
    }
    await openLogin(page, demo);
    expect(await faults(page), 'login').toEqual([]);
  });

  it.each([
    ['dark, on a desk', { colorScheme: 'dark', viewport: DESKTOP }],
    ['light, on a phone', { colorScheme: 'light', viewport: PHONE }],
  ] as const)('nor where colours or width are others: %s', async (_name, look) => {
    const { demo, page } = await kit.open({}, look);
    for (const view of views.filter(({ name }) => ['Scoreboard', 'Catapult, with problems', 'Report'].includes(name))) {
      await goToView(page, demo, view);
      expect.soft(await faults(page), view.name).toEqual([]);
    }
  });

  it('fits, and is hit with a finger, on phones and at twice and four times its size', { timeout: 60_000 }, async () => {
    const { demo, page } = await kit.open({}, { viewport: PHONE, hasTouch: true });
    const measure = async (name: string): Promise<void> => {
      for (const viewport of narrow) {
        await page.setViewportSize(viewport);
        expect.soft(await overflow(page), `${name} ${viewport.width}`).toBe(0);
        expect.soft(await tooSmall(page), `${name} ${viewport.width}`).toEqual([]);
      }
    };
    for (const view of views) {
      await goToView(page, demo, view);
      await measure(view.name);
    }
    await openLogin(page, demo);
    await measure('login');
  });

  it('is one stop for Tab where a table scrolls, and none where it fits', async () => {
    const { demo, page } = await kit.open({}, { viewport: PHONE });
    await page.goto(`${demo.url}/#/live`);
    const groups = page.getByRole('group', { name: 'Groups, scrolls' });
    await groups.focus();
    await page.keyboard.press('ArrowRight');
    await expect.poll(() => groups.evaluate((element) => element.scrollLeft)).toBeGreaterThan(0);
    await page.locator('h1').click();
    await page.setViewportSize(DESKTOP);
    await expect.poll(() => groups.count()).toBe(0);
  });

  it('keeps what colours say where the user has colours of their own, and moves nothing for who wants that', async () => {
    const { demo, page } = await kit.open({}, { forcedColors: 'active' });
    await page.goto(`${demo.url}/#/live`);
    await page.locator('.bar-fill').first().waitFor();
    const style = (selector: string, name: string): Promise<string> =>
      page.evaluate(`getComputedStyle(document.querySelector('${selector}')).${name}`);
    expect(await style('.bar.bad .bar-fill', 'backgroundColor')).not.toBe(await style('.bar', 'backgroundColor'));
    expect(await style('.chip', 'borderTopWidth')).not.toBe('0px');
    expect(await style('[role=tab][aria-selected=true]', 'outlineStyle')).toBe('solid');
    expect(await style('.bar-fill', 'transitionDuration'), 'less motion').toBe('0s');
  });

  it('prints a report: black on white, whole tables, nothing to press', async () => {
    const { demo, page } = await kit.open({ nodes: 20 }, { colorScheme: 'dark' });
    await page.goto(`${demo.url}/#/runs/2026-11-27T08-00-00-rush-hour`);
    await page.locator('#run-files').waitFor();
    await page.emulateMedia({ media: 'print' });
    await page.setViewportSize({ width: 720, height: 1000 });
    expect(await page.evaluate('getComputedStyle(document.body).backgroundColor')).toBe('rgb(255, 255, 255)');
    expect(await page.locator('.top').isVisible()).toBe(false);
    expect(await page.getByRole('button').filter({ visible: true }).count()).toBe(0);
    expect(await overflow(page)).toBe(0);
    expect(
      await page.evaluate(
        '[...document.querySelectorAll(".scroll")].filter((one) => getComputedStyle(one).overflowX !== "visible").length',
      ),
    ).toBe(0);
  });
});
