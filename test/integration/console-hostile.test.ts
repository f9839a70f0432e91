// Hostile texts on the console's page, everywhere at once: markup, escape sequences, characters that turn writing around or write nothing, piles of accents, half characters, and a megabyte of
// it. Names of scenarios, groups and nodes, events, thresholds, log lines, problems and hints are shown as text, with every such character by its number, and no longer than fits.

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { answerLogs, DESKTOP, goToView, type PageKit, PHONE, usePageKit, views } from '../support/page-kit.ts';
import { needs } from '../support/parts.ts';

const need = needs('chromium');
const MEGABYTE = 1_000_000;
/** Of all text on the page; what a whole report of ordinary names has, many times. */
const TEXT_MAX = 60_000;
const HEIGHT_PX_MAX = 30_000;

const evil = `<img src=x onerror=document.title=1>"'&lt;\u001b[31m\u0000\u0085\u202e\u2066\u200b\u{e0041}\u3164\ud800 e${'\u0301\u0302\u0303'.repeat(30)}`;
const huge = evil + 'W'.repeat(MEGABYTE);
/** What must be in no text of the page and in no name that a screen reader says. */
const BAD =
  '[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u206f\\u3164\\u{e0000}-\\u{e0fff}]|[\\ud800-\\udbff](?![\\udc00-\\udfff])|\\p{M}{5}';

let kit: PageKit;

interface Looked {
  readonly bad: readonly string[];
  readonly made: number;
  readonly textLength: number;
  readonly overflow: number;
  readonly height: number;
}

/** The texts and told names of the page, and what became of markup in them. What is in a field or in the editor's own text stays as it is. */
const look = (page: Page): Promise<Looked> =>
  page.evaluate(`(() => {
    const bad = new RegExp(${JSON.stringify(BAD)}, 'u');
    const root = document.querySelector('#app');
    const told = [...root.querySelectorAll('*')].flatMap((element) =>
      ['aria-label', 'title', 'aria-description', 'alt'].flatMap((name) => element.getAttribute(name) ?? []));
    const texts = [];
    for (const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT); walker.nextNode(); ) texts.push(walker.currentNode.data);
    return {
      bad: [...told, ...texts, document.title].filter((text) => bad.test(text)).map((text) => text.slice(0, 80)),
      made: root.querySelectorAll('img, script, iframe, b').length,
      textLength: root.textContent.length + told.join('').length,
      overflow: document.documentElement.scrollWidth - document.documentElement.clientWidth,
      height: document.documentElement.scrollHeight,
    };
  })()`);

/** The server's answers about scenarios, as somebody's worst scenario would have them. */
async function answerCatapult(page: Page, text: string): Promise<void> {
  const problem = { code: text.slice(0, 200), message: text, hint: text, line: 1, column: 1, key: text };
  await page.route('**/api/v1/scenarios', (route) =>
    route.fulfill({ json: [{ path: 'spike.yaml', name: text, description: text, isValid: false }] }),
  );
  await page.route('**/api/v1/plan', (route) =>
    route.fulfill({ json: { ok: false, command: `quilt-swarm plan ${text}`, problems: [problem] } }),
  );
}

describe.skipIf(need.isMissing)(need.title("hostile texts on the console's page"), () => {
  usePageKit((made) => (kit = made));

  const shownViews = views.filter(({ hash }) => hash !== '#/catapult');
  it.each([
    ['on a phone', evil, PHONE],
    ['on a desk', evil, DESKTOP],
    ['a megabyte, on a phone', huge, PHONE],
  ] as const)('are text, bounded, and break nothing: %s', { timeout: 90_000 }, async (_name, hostile, viewport) => {
    const { demo, page } = await kit.open({ hostile }, { viewport });
    await answerLogs(
      page,
      hostile,
      JSON.stringify({ level: 'error', msg: hostile, rest: hostile }),
      JSON.stringify({ level: hostile, msg: 7 }),
    );
    for (const view of shownViews) {
      await goToView(page, demo, view);
      const found = await look(page);
      expect.soft(found, view.name).toMatchObject({ bad: [], made: 0, overflow: 0 });
      expect.soft(found.textLength, view.name).toBeLessThan(TEXT_MAX);
      expect.soft(found.height, view.name).toBeLessThan(HEIGHT_PX_MAX);
    }
    expect(await page.locator('#app').textContent()).toContain('<img src=x');
  });

  it('are text in what is wrong with a scenario', async () => {
    const { demo, page } = await kit.open({}, { viewport: PHONE });
    await answerCatapult(page, huge);
    await page.goto(`${demo.url}/#/catapult`);
    await page.locator('.problems li').waitFor();
    const found = await look(page);
    expect(found).toMatchObject({ bad: [], made: 0, overflow: 0 });
    expect(found.textLength).toBeLessThan(TEXT_MAX);
    await page.locator('.problems').getByRole('button', { name: 'more' }).first().click();
    expect((await look(page)).textLength, 'the whole is bounded too').toBeLessThan(TEXT_MAX);
  });

  it('are points in the editor, where they can be deleted', async () => {
    const { demo, page } = await kit.open();
    await page.route('**/api/v1/scenario?*', (route) =>
      route.fulfill({ contentType: 'text/plain; charset=utf-8', body: '# a\u202eb\u0000c' }),
    );
    await page.goto(`${demo.url}/#/catapult/spike.yaml`);
    await page.locator('.cm-content').waitFor();
    expect(await page.locator('.cm-specialChar').count()).toBe(2);
    expect(await page.locator('.cm-line').first().textContent()).not.toMatch(/[\u202e\u0000]/);
  });
});
