// The console's page without a mouse: Tab comes to everything that can be pressed, in the order in which it stands, shows where it is, and is kept nowhere, also not by the editor; Escape closes
// what was opened and gives the focus back; and a scenario with problems says beside the button that is off why it is, and leads to the line.

import type { Locator, Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { goToView, openLogin, type PageKit, usePageKit, type View, views } from '../support/page-kit.ts';
import { needs } from '../support/parts.ts';

const need = needs('chromium');
const STOPS_MAX = 250;

let kit: PageKit;

const view = (wanted: string): View => {
  const found = views.find(({ name }) => name === wanted);
  if (found === undefined) throw new Error(`no view is called ${wanted}`);
  return found;
};

/** Numbers everything that Tab should come to, in the order of the page, and tells of each what it is. Of tabs, one. */
const number = (page: Page): Promise<string[]> =>
  page.evaluate(`(() => {
    const found = [];
    const walk = (root) => {
      for (const element of root.querySelectorAll('*')) {
        if (element.shadowRoot) walk(element.shadowRoot);
        const isStop = element.matches('button, a[href], summary, input, select, [tabindex="0"]') && !element.disabled && element.tabIndex >= 0;
        if (!isStop || !element.checkVisibility()) continue;
        element.stopNumber = found.length;
        found.push(element.outerHTML.slice(0, 90));
      }
    };
    walk(document);
    return found;
  })()`);

/** Where the focus is: its number, and what is wrong with how it is shown. */
const focused = (page: Page): Promise<{ at: number | null; fault: string }> =>
  page.evaluate(`(() => {
    let element = document.activeElement;
    while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
    if (!element || element === document.body) return { at: null, fault: '' };
    const ring = getComputedStyle(element.getRootNode().host ?? element);
    const box = element.getBoundingClientRect();
    const top = element.closest('.top, .skip') ? 0 : document.querySelector('.top').getBoundingClientRect().bottom;
    const fault = ring.outlineStyle === 'none' || parseFloat(ring.outlineWidth) < 2 ? 'no ring'
      : box.bottom <= top || box.top >= innerHeight ? 'out of sight' : '';
    return { at: element.stopNumber ?? -1, fault: fault && fault + ': ' + element.outerHTML.slice(0, 90) };
  })()`);

const hasFocus = (place: Locator): Promise<boolean> => place.evaluate((element) => element.matches(':focus'));

describe.skipIf(need.isMissing)(need.title("the console's page by keyboard"), () => {
  usePageKit((made) => (kit = made));

  it.each(['Scoreboard', 'Scoreboard, log of a node', 'Catapult, with problems', 'Runs', 'Report'])(
    'comes to everything, in order, in sight, and out again: %s',
    async (name) => {
      // Few nodes, and none lost: rows that change places would change the order
      const { demo, page } = await kit.open({ nodes: 4, hours: 0.12 });
      await goToView(page, demo, view(name));
      const stops = await number(page);
      await page.evaluate(
        'document.activeElement.blur(); getSelection().removeAllRanges(); document.body.tabIndex = -1; document.body.focus()',
      );
      expect(stops.length).toBeGreaterThan(3);
      const visited: number[] = [];
      const faults: string[] = [];
      for (let presses = 0; presses < STOPS_MAX; presses++) {
        await page.keyboard.press('Tab');
        const { at, fault } = await focused(page);
        if (at === null || at === visited[0]) break;
        visited.push(at);
        if (fault !== '') faults.push(fault);
      }
      expect(faults).toEqual([]);
      expect(visited.map((at) => stops[at] ?? 'a stop that is none')).toEqual(stops);
    },
  );

  it('skips to the content', async () => {
    const { demo, page } = await kit.open();
    await goToView(page, demo, view('Runs'));
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.textContent')).toBe('Skip to the content');
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await page.evaluate('document.activeElement.closest("#page") !== null')).toBe(true);
  });

  it('opens the log of a node and reads it, and Escape gives the focus back', async () => {
    const { demo, page } = await kit.open();
    await goToView(page, demo, view('Scoreboard'));
    const opener = page.getByRole('button', { name: 'node-2', exact: true });
    await opener.focus();
    await page.keyboard.press('Enter');
    const log = page.getByRole('region', { name: 'Log of node-2' });
    await log.waitFor();
    await expect.poll(() => hasFocus(log)).toBe(true);
    await page.keyboard.press('Escape');
    await log.waitFor({ state: 'detached' });
    expect(await hasFocus(opener)).toBe(true);
  });

  it('asks before a stop, and Escape goes on as before', async () => {
    const { demo, page } = await kit.open();
    await goToView(page, demo, view('Scoreboard, log of a node'));
    const opener = page.getByRole('button', { name: 'Stop now…' });
    await opener.focus();
    await page.keyboard.press('Enter');
    await page.getByRole('dialog').waitFor();
    expect(await page.evaluate('document.activeElement.closest("dialog") !== null')).toBe(true);
    await page.keyboard.press('Escape');
    await page.getByRole('dialog').waitFor({ state: 'hidden' });
    expect(await hasFocus(opener)).toBe(true);
    expect(await page.getByRole('region', { name: 'Log of node-2' }).count(), 'the dialog alone was closed').toBe(1);
    expect(demo.orders).toEqual([]);
  });

  it('leaves the editor with Tab, also while it offers words', async () => {
    const { demo, page } = await kit.open();
    await goToView(page, demo, view('Catapult'));
    const text = page.getByRole('textbox', { name: 'Scenario, YAML' });
    await text.click();
    await page.keyboard.press('Control+Home');
    await page.keyboard.type('thre');
    await page.locator('.cm-tooltip-autocomplete').waitFor();
    await page.keyboard.press('Tab');
    await page.locator('.cm-tooltip-autocomplete').waitFor({ state: 'detached' });
    expect(
      await page.evaluate('document.activeElement.closest(".editor") === null && document.activeElement.closest("#page") !== null'),
    ).toBe(true);
    await page.keyboard.press('Shift+Tab');
    expect(await hasFocus(text)).toBe(true);
    await page.getByText('Tab leaves the editor').waitFor();
  });

  it('says why a run cannot be started, and leads to the line', async () => {
    const { demo, page } = await kit.open();
    await goToView(page, demo, view('Catapult, with problems'));
    expect(await page.getByRole('button', { name: 'Start the run' }).isDisabled()).toBe(true);
    await page.getByText('Cannot start: the scenario has a problem, in line 1.').waitFor();
    await page.keyboard.press('Control+End');
    await page.getByRole('button', { name: 'line 1' }).focus();
    await page.keyboard.press('Enter');
    await page.keyboard.type('# ');
    await expect.poll(() => page.locator('.cm-line').first().textContent()).toBe('# broken: 1');
  });

  it('logs in', async () => {
    const { demo, page } = await kit.open();
    await openLogin(page, demo);
    expect(await page.evaluate('document.activeElement.id')).toBe('code');
    await page.route('**/api/v1/login', (route) => route.fulfill({ status: 401, json: { message: 'this link was used already' } }));
    await page.keyboard.type('wrong');
    await page.keyboard.press('Enter');
    await page.getByRole('status').filter({ hasText: 'this link was used already' }).waitFor();
    // The browser tells of each answer that is not good
    expect(kit.complaints()).toEqual([expect.stringContaining('401')]);
  });
});
