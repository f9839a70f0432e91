// A launch from the page, in a real browser and on real machines of the local cloud: chosen, agreed to, told as it is made, watched to its end, and made once more with one press from the list of runs.

import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { launchChromium } from '../support/chromium.ts';
import { needs } from '../support/parts.ts';
import { createSwarmKit, PATIENCE_MS, type SwarmKit } from '../support/swarm-kit.ts';
import { until } from '../support/until.ts';

const need = needs('chromium');
const buildPage = fileURLToPath(new URL('../../tools/build-page.ts', import.meta.url));

let kit: SwarmKit;
let browser: Browser;
const complaints: string[] = [];

async function visit(link: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 1200 }, reducedMotion: 'reduce' });
  page.on('console', (message) => {
    if (message.type() === 'error' && /policy|refused to/i.test(message.text())) complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.setDefaultTimeout(PATIENCE_MS);
  await page.goto(link);
  return page;
}

describe.skipIf(need.isMissing)(need.title('a launch from the page'), () => {
  beforeAll(async () => {
    kit = await createSwarmKit();
    kit.environment.QUILT_LOCAL_MACHINES = join(kit.folder, 'machines');
    execFileSync(process.execPath, [buildPage, join(kit.folder, 'dist', 'console')], { stdio: 'pipe' });
    browser = await launchChromium();
  }, PATIENCE_MS);
  afterAll(async () => {
    await browser?.close();
    await kit.close();
    expect(complaints).toEqual([]);
  });

  it('is agreed to, told, watched, over, and made again with one press, and stopped', { timeout: PATIENCE_MS * 2 }, async () => {
    kit.scenario('mine', { holdS: 2 });
    const console_ = kit.start('console', '--listen', '0');
    await until('there is a link', () => console_.out().includes('\n'), PATIENCE_MS);
    const page = await visit(console_.out().split('\n')[0] ?? '');
    await page.getByRole('button', { name: 'Clouds' }).click();
    const rows = page.locator('.placement');
    await rows.first().getByLabel('Region').fill('eu');
    await page.getByRole('button', { name: 'More machines' }).click();
    await rows.nth(1).getByLabel('Region').fill('us');
    await page.locator('#plan').getByText('local us 1').waitFor();
    await page.getByRole('button', { name: 'Launch…' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('Nobody is paid for these machines.').waitFor();
    await dialog.getByRole('button', { name: 'Launch', exact: true }).click();

    const card = page.getByRole('region', { name: 'Launch' });
    const command = 'quilt-swarm launch mine.yaml --on local:eu:c1=1 --on local:us:c1=1 --yes';
    await card.getByText(command, { exact: true }).waitFor();
    await card.getByText('launching 2 machines: local eu 1, local us 1').waitFor();
    await page.getByRole('timer').waitFor();
    await page.getByText('The run is over').waitFor();
    await card.getByText('all 2 machines have ended').waitFor();
    expect(await card.locator('.chip').textContent()).toBe('over');

    await page.getByRole('tab', { name: 'Runs' }).click();
    await page.getByRole('button', { name: /^Run .* again$/ }).click();
    await dialog.getByText(command, { exact: true }).waitFor();
    await dialog.getByRole('button', { name: 'Launch', exact: true }).click();
    await card.getByText('at work').waitFor();
    await card.getByText('launching 2 machines: local eu 1, local us 1').waitFor();
    // Either the card's own, or that of the run which is forming.
    await page
      .getByRole('button', { name: /^(Stop…|Drain and stop…)$/ })
      .first()
      .click();
    await dialog.getByRole('button', { name: /^(Stop|Drain and stop)$/ }).click();
    await card.getByText(/^(stopped|over)$/).waitFor();
    await until('nothing is left', () => readdirSync(join(kit.folder, '.quilt', 'launches')).length === 0);
    console_.child.kill('SIGINT');
    expect(await console_.ended).toBe(0);
  });
});
