import type { Page, Request } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import type { DemoServer, DemoServerInit } from '../../tools/console/page/demo-server.ts';
import { DESKTOP, overflow, type PageKit, usePageKit } from '../support/page-kit.ts';
import { needs } from '../support/parts.ts';

const need = needs('chromium');
const HOSTILE = '<img src=x onerror=document.title=1>\u001b[31m\u202eevil';
const LAUNCHED = '2026-11-27T08-00-00-rush-hour';

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

/** What the next POST to this place carries. */
const posted = async (page: Page, path: string, press: () => Promise<void>): Promise<unknown> => {
  const isIt = (request: Request): boolean => request.method() === 'POST' && request.url().endsWith(`/api/v1/${path}`);
  const [request] = await Promise.all([page.waitForRequest(isIt), press()]);
  return request.postDataJSON();
};

describe.skipIf(need.isMissing)(need.title('starting and steering on the page'), () => {
  usePageKit((made) => (kit = made));

  it('scales one group, to any factor, and resumes it after a reload to what it was', async () => {
    const { page, demo } = await open({}, '#/live');
    const group = page.getByLabel('Load of');
    const press = (name: string): Promise<void> => page.getByRole('button', { name, exact: true }).click();
    await group.selectOption('callers');
    await page.getByLabel('Factor of the planned load').fill('1.5');
    await page.keyboard.press('Enter');
    await page.getByRole('option', { name: 'callers (×1.5)' }).waitFor({ state: 'attached' });
    await page.getByText('quilt-swarm scale callers 1.5').waitFor();
    await press('−10 %');
    await page.getByRole('option', { name: 'callers (×1.35)' }).waitFor({ state: 'attached' });
    await press('Pause');
    await page.getByRole('option', { name: 'callers (paused)' }).waitFor({ state: 'attached' });
    await page.reload();
    await page.getByRole('option', { name: 'all groups (mixed)' }).waitFor({ state: 'attached' });
    await page.getByText('callers ×0').waitFor();
    await group.selectOption('callers');
    await press('Resume');
    await page.getByRole('option', { name: 'callers (×1.35)' }).waitFor({ state: 'attached' });
    expect(demo.orders.map((order) => (order.order === 'scale' ? [order.group, order.factor] : order.order))).toEqual([
      ['callers', 1.5],
      ['callers', 1.35],
      ['callers', 0],
      ['callers', 1.35],
    ]);
  });

  it('pauses all groups at once, and resumes each to its own', async () => {
    const { page, demo } = await open({}, '#/live');
    await page.getByLabel('Load of').selectOption('viewers');
    await page.getByRole('button', { name: '+10 %' }).click();
    await page.getByRole('option', { name: 'viewers (×1.1)' }).waitFor({ state: 'attached' });
    await page.getByLabel('Load of').selectOption('*');
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByText("quilt-swarm scale '*' 0", { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('option', { name: 'all groups (mixed)' }).waitFor({ state: 'attached' });
    for (const line of ['callers 1', 'viewers 1.1', 'speakers 1', 'panels 1'])
      await page.getByText(`quilt-swarm scale ${line}`, { exact: true }).waitFor();
    expect(demo.orders.slice(1).map((order) => (order.order === 'scale' ? order.group : ''))).toEqual([
      '*',
      'callers',
      'viewers',
      'speakers',
      'panels',
    ]);
  });

  it('asks before machines are rented, with what they cost by vendor, and sends what was seen', async () => {
    const { page } = await open({}, '#/catapult/spike.yaml');
    await page.getByRole('button', { name: 'Clouds' }).click();
    const rows = page.locator('.placement');
    await rows.first().getByLabel('Machine type').fill('c2');
    await page.getByRole('button', { name: 'More machines' }).click();
    await rows.nth(1).getByLabel('Cloud').selectOption('aws');
    await rows.nth(1).getByLabel('Machines').fill('4');
    await rows.nth(1).getByLabel('Market').selectOption('spot+');
    const launch = page.getByRole('button', { name: 'Launch…' });
    await page.getByRole('list', { name: 'Why it would be refused' }).getByText('under which address?').waitFor();
    expect(await launch.isDisabled(), 'refused').toBe(true);
    await page.getByLabel('This computer, as they reach it').fill('203.0.113.7');
    await page.getByLabel('Cost at most, USD').fill('2.5');
    await expect.poll(() => launch.isEnabled()).toBe(true);
    const cost = page.locator('#plan').getByRole('table', { name: 'Cost by vendor' });
    expect(await cost.getByRole('row').allTextContents()).toEqual([
      expect.stringMatching(/^Vendor/),
      expect.stringMatching(/^local1\$0/),
      expect.stringMatching(/^aws4\$0\.1/),
    ]);
    await launch.click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('quilt-swarm launch scenario.yaml --on local:here:c2=1 --on aws:eu-central-1:c7i.large=4@spot+ --yes').waitFor();
    await page.keyboard.press('Escape');
    expect(await dialog.count(), 'Escape says no').toBe(0);
    await launch.click();
    expect(await posted(page, 'runs', () => dialog.getByRole('button', { name: 'Launch', exact: true }).click())).toEqual({
      ...{ path: 'spike.yaml', variables: {}, nodes: 2, agreedUsd: expect.closeTo(0.1853, 3) },
      machines: {
        on: ['local:here:c2=1', 'aws:eu-central-1:c7i.large=4@spot+'],
        ...{ mix: [], spotSharePercent: 0, host: '203.0.113.7', maxCostUsd: 2.5 },
      },
    });
    await page.getByRole('timer').waitFor();
  });

  it('lets the cheapest machines of some places be chosen', async () => {
    const { page } = await open({}, '#/catapult/spike.yaml');
    await page.getByRole('button', { name: 'Cheapest mix' }).click();
    await page.getByLabel('Spot at most, % of the cores').fill('40');
    await page.getByLabel('This computer, as they reach it').fill('203.0.113.7');
    await page.getByText('--on aws:eu-central-1:c7i.large=4').waitFor();
    await page.getByRole('button', { name: 'Launch…' }).click();
    const launch = page.getByRole('dialog').getByRole('button', { name: 'Launch', exact: true });
    expect(await posted(page, 'runs', () => launch.click())).toMatchObject({
      machines: { on: [], mix: ['aws:eu-central-1'], spotSharePercent: 40 },
    });
  });

  it('runs a past run again, and opens it to be changed first', async () => {
    const { page } = await open({ hostile: HOSTILE }, '#/runs');
    const dialog = page.getByRole('dialog');
    const again = (id: string) => page.getByRole('button', { name: `Run ${id} again` });
    expect(await again('2026-11-23T08-00-00-rush-hour').count(), 'one that kept nothing').toBe(0);
    await again('2026-11-26T08-00-00-rush-hour').click();
    await dialog.getByText('spike.yaml is not what it was then').waitFor();
    await dialog.getByText('quilt-swarm run rush-hour.yaml -n 3 -e callers=900', { exact: true }).waitFor();
    expect(
      await posted(page, 'runs/2026-11-26T08-00-00-rush-hour/again', () => dialog.getByRole('button', { name: 'Start the run' }).click()),
    ).toEqual({});
    await page.getByRole('timer').waitFor();

    await page.getByRole('tab', { name: 'Runs' }).click();
    await again(LAUNCHED).click();
    await dialog.getByRole('table', { name: 'Cost by vendor' }).waitFor();
    const answer = await posted(page, `runs/${LAUNCHED}/again`, () => dialog.getByRole('button', { name: 'Launch', exact: true }).click());
    expect(answer).toEqual({ agreedUsd: expect.closeTo(0.442, 2) });

    await page.getByRole('tab', { name: 'Runs' }).click();
    await again(LAUNCHED).click();
    await dialog.getByRole('button', { name: 'Open in Catapult' }).click();
    await page.getByText('--tag').waitFor();
    expect(await page.locator('#app img').count(), 'its words are text').toBe(0);
    const rows = page.locator('.placement');
    await expect.poll(() => rows.count()).toBe(2);
    expect(await rows.nth(1).getByLabel('Machine type').inputValue()).toBe('e2-standard-4');
    expect(await page.getByLabel('This computer, as they reach it').inputValue()).toBe('203.0.113.7');
    await page.reload();
    await expect.poll(() => rows.count(), { timeout: 10_000 }).toBe(2);
  });

  it('makes a link that only reads for who may, with the command that does', async () => {
    const { page } = await open({}, '#/runs');
    const button = page.getByRole('button', { name: 'Share, read only' });
    await button.click();
    await page.getByRole('dialog').getByText('quilt-swarm console --share').waitFor();
    expect(await page.getByLabel('The link').inputValue()).toMatch(/^https:\/\/console\.example:7717\/login#/);
    await page.keyboard.press('Escape');
    expect(await page.evaluate('document.activeElement.getAttribute("aria-label")')).toBe('Share, read only');
    const { page: reader } = await open({ mode: 'watch', canSteer: false }, '#/live');
    await reader.getByText('reads only').waitFor();
    expect(await reader.getByRole('button', { name: 'Share, read only' }).count()).toBe(0);
  });

  it.each(['launching', 'failed'] as const)('tells in its own words what a launch does: %s', async (started) => {
    const { page } = await open({ started, hostile: HOSTILE }, '#/live');
    const card = page.getByRole('region', { name: 'Launch' });
    await card.getByText(started === 'failed' ? 'ended without a run, exit 113' : 'at work').waitFor();
    await card.getByText('quilt-swarm launch spike.yaml').first().waitFor();
    expect(await card.getByRole('listitem').last().textContent()).toContain(
      started === 'failed' ? 'QUILT_LAUNCH_SHORT' : '9 machines are starting',
    );
    expect(await card.textContent()).toContain('␛[31m⟨202e⟩evil');
    expect(await page.locator('#app img').count()).toBe(0);
  });

  it.each([
    ['#/runs', `Run ${LAUNCHED} again`],
    ['#/runs', 'Share, read only'],
    ['#/live', 'Drain and stop…'],
  ])('fits a phone, with what is asked there: %s, %s', async (hash, name) => {
    const { page } = await open({ hostile: 'x'.repeat(300), started: 'launching' }, hash, { width: 360, height: 740 });
    await page.getByRole('button', { name }).click();
    await page.getByRole('dialog').locator('.command').waitFor();
    expect(await overflow(page)).toBe(0);
    const box = await page.getByRole('dialog').boundingBox();
    expect([(box?.x ?? -1) >= 0, (box?.x ?? 0) + (box?.width ?? 1e9) <= 360]).toEqual([true, true]);
  });

  it('fits a phone, with machines of two clouds', async () => {
    const { page } = await open({ hostile: 'x'.repeat(300) }, `#/catapult/spike.yaml/again/${LAUNCHED}`, { width: 360, height: 740 });
    await page.locator('.placement').nth(1).waitFor();
    await page.locator('#plan').getByRole('table', { name: 'Cost by vendor' }).waitFor();
    expect(await overflow(page)).toBe(0);
  });
});
