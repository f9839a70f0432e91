// The console's page as a screen reader and a keyboard have it. What is heard is written down here as an outline of landmarks, headings, tables and controls, figures as N: when it changes,
// read it, and ask whether somebody who sees nothing finds the state of the run, what fails and its limits within a few jumps. Nothing is said by itself once a second.

import type { Page } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { goToView, type PageKit, usePageKit, type View, views } from '../support/page-kit.ts';
import { needs } from '../support/parts.ts';

const need = needs('chromium');
/** Between the events of the demo's run, so that none comes meanwhile. */
const QUIET_HOURS = 0.12;
/** Three seconds before a fault begins in the demo's run. */
const BEFORE_FAULT_HOURS = 363 / 3600;

let kit: PageKit;

const view = (wanted: string): View => {
  const found = views.find(({ name }) => name === wanted);
  if (found === undefined) throw new Error(`no view is called ${wanted}`);
  return found;
};

const KEPT =
  /^ *- (banner|navigation|main|tabpanel|region|article|heading|status|alert|dialog|table|list|figure|group|button|combobox|searchbox|textbox|spinbutton|contentinfo|row)\b/;

/** Landmarks, headings, controls, and of each table its head. What differs from second to second is N. */
function outline(snapshot: string): string {
  let table = '';
  const lines = snapshot.split('\n').filter((line) => KEPT.test(line));
  const kept = lines.filter((line) => {
    const [, indent = '', role = ''] = /^( *)- '?(\w+)/.exec(line) ?? [];
    if (role === 'table') table = `${indent}    `;
    if (role !== 'row') return table === '' || !indent.startsWith(table) || role === 'heading';
    const isHead = table !== '';
    table = '';
    return isHead;
  });
  const figures = kept.map((line) =>
    line
      .replace(/^( *- )figure.*/, '$1figure')
      .replace(/(row|img|status)(.*?):$/, '$1$2')
      .replace(/(?<!level=)\d[\d.,:]*/g, 'N'),
  );
  return figures.filter((line, at) => line !== figures[at - 1]).join('\n');
}

/** Keeps what live regions say, from now on. */
const listen = (page: Page): Promise<void> =>
  page.evaluate(`window.heard = [];
    new MutationObserver((changes) => {
      for (const { target } of changes) {
        const region = (target instanceof Element ? target : target.parentElement)?.closest('[aria-live], [role=status], [role=alert], [role=log]');
        if (region && region.getAttribute('aria-live') !== 'off') window.heard.push(region.textContent);
      }
    }).observe(document.body, { childList: true, characterData: true, subtree: true })`);
const heard = (page: Page): Promise<string[]> => page.evaluate('window.heard');

describe.skipIf(need.isMissing)(need.title("the console's page as it is heard"), () => {
  usePageKit((made) => (kit = made));

  it('Scoreboard: the state first, then troubles, orders, groups, thresholds', async () => {
    const { demo, page } = await kit.open({ hours: QUIET_HOURS });
    await goToView(page, demo, view('Scoreboard'));
    expect(outline(await page.locator('body').ariaSnapshot())).toMatchInlineSnapshot(`
      "- button "Skip to the content"
      - banner:
        - heading "quilt-swarm" [level=1]
        - navigation "Parts of the console":
        - status: live
        - button "Share, read only": Share
        - combobox "Look":
      - main:
        - tabpanel "Scoreboard":
          - region "The run now":
            - heading "The run now" [level=2]
          - list "Troubles now":
          - region "Steer the run":
            - combobox "Load of":
            - button "−N %"
            - button "+N %"
            - button "Pause"
            - spinbutton "Factor of the planned load"
            - button "Set" [disabled]
            - button "Drain and stop…"
            - button "Stop now…"
          - region "Groups":
            - heading "Groups" [level=2]
            - table "Groups":
                - row "Group Active of peak Planned Owned Active Rate pN Errors"
          - region "Thresholds":
            - heading "Thresholds" [level=2]
            - list:
          - region "Charts over time":
            - heading "Charts over time" [level=2]
            - group "How much of the run":
              - button "N min"
              - button "N h"
              - button "All" [pressed]
            - button "Following" [disabled]
            - combobox "Group":
            - combobox "Latency":
            - list "Marks over the charts":
            - group: Table of the marks
            - figure
              - heading "Endpoints" [level=3]
              - group "Endpoints; arrows move, plus and minus zoom, End follows"
              - group: Table of Endpoints
            - figure
              - heading "Arrivals and joins per second" [level=3]
              - group "Arrivals and joins per second; arrows move, plus and minus zoom, End follows"
              - group: Table of Arrivals and joins per second
            - figure
              - heading "Failures per second" [level=3]
              - group "Failures per second; arrows move, plus and minus zoom, End follows"
              - group: Table of Failures per second
            - figure
              - heading "Errors per second by cause" [level=3]
              - group "Errors per second by cause; arrows move, plus and minus zoom, End follows"
              - group: Table of Errors per second by cause
            - figure
              - heading "http_req_duration" [level=3]
              - group "http_req_duration; arrows move, plus and minus zoom, End follows"
              - group: Table of http_req_duration
            - figure
              - heading "http_req_duration, heat map" [level=3]
              - group "http_req_duration, heat map; arrows move, plus and minus zoom, End follows"
              - group: Table of http_req_duration, heat map
            - figure
              - heading "sip_rtp_lost" [level=3]
              - group "sip_rtp_lost; arrows move, plus and minus zoom, End follows"
              - group: Table of sip_rtp_lost
            - figure
              - heading "sip_rtp_jitter" [level=3]
              - group "sip_rtp_jitter; arrows move, plus and minus zoom, End follows"
              - group: Table of sip_rtp_jitter
            - figure
              - heading "sip_mos, median" [level=3]
              - group "sip_mos, median; arrows move, plus and minus zoom, End follows"
              - group: Table of sip_mos, median
          - region "Nodes (N)":
            - heading "Nodes (N)" [level=2]
            - searchbox "Find"
            - region "All nodes":
              - table "Nodes":
                  - row "Node Role State CPU Memory Lateness Loop delay Shards Active Failed Errors Tainted Window age"
                      - button "Node"
                      - button "Role"
                      - button "State"
                      - button "CPU"
                      - button "Memory"
                      - button "Lateness"
                      - button "Loop delay"
                      - button "Shards"
                      - button "Active"
                      - button "Failed"
                      - button "Errors"
                      - button "Tainted"
                      - button "Window age"
                      - button "node-N"
          - region "By place":
            - heading "By place" [level=2]
            - table "Nodes by vendor":
                - row "Vendor Nodes Lost Active Started Failed Errors CPU Tainted http_req_duration pN"
            - table "Nodes by region":
                - row "Region Nodes Lost Active Started Failed Errors CPU Tainted http_req_duration pN"
          - region "Shards (N)":
            - heading "Shards (N)" [level=2]
            - group "Shards by owner; arrows go from shard to shard"
          - region "Events":
            - heading "Events" [level=2]
            - list "Events, newest first":
      - contentinfo: version N · swarm bNcNe · may steer
      - status "News of the run""
    `);
  });

  it('Catapult: scenarios, the editor, what is wrong, the form', async () => {
    const { demo, page } = await kit.open();
    await goToView(page, demo, view('Catapult, with problems'));
    expect(outline(await page.locator('main').ariaSnapshot())).toMatchInlineSnapshot(`
      "- main:
        - tabpanel "Catapult":
          - region "Scenarios":
            - heading "Scenarios" [level=2]
            - list:
                - button "bridge Phones that call a bridge, key in a PIN and stay for a while"
                - button "spike A calm base load and two attack-like bursts"
                - button "rush-hour problems Everybody joins within a quarter of an hour"
          - region "bridge.yaml":
            - heading "bridge.yaml" [level=2]
            - textbox "Scenario, YAML"
            - list "Problems of the scenario":
                - button "line N"
            - button "Copy the command quilt-swarm plan scenario.yaml -n N": Copy
            - textbox "bridge · Address of the bridge": N
            - textbox "port": "N"
            - textbox "callers · Phones at once": "N"
            - group "Where it runs":
              - button "This computer" [pressed]
              - button "Clouds"
              - button "Cheapest mix"
              - spinbutton "Nodes": "N"
            - button "Save"
            - button "Start the run" [disabled]"
    `);
  });

  it('says of thresholds whether they are met, and of a table behind a picture whose it is', async () => {
    const { demo, page } = await kit.open({ hours: QUIET_HOURS });
    await goToView(page, demo, view('Scoreboard, tables behind the charts open'));
    const failing = page.getByRole('region', { name: 'Thresholds' }).getByRole('listitem').filter({ hasText: 'sip_call_failed' });
    expect(await failing.ariaSnapshot()).toMatch(/not met[\s\S]*measured 0\.81\s%, limit 0\.5\s%/);
    const names = await page.evaluate(
      '[...document.querySelectorAll("table")].map((table) => table.getAttribute("aria-label") ?? table.caption?.textContent ?? "")',
    );
    expect(names).not.toContain('');
    expect(new Set(names as string[]).size, 'no two tables have one name').toBe((names as string[]).length);
  });

  it('says nothing by itself while the run goes on', async () => {
    const { demo, page } = await kit.open({ hours: QUIET_HOURS });
    await goToView(page, demo, view('Scoreboard, log of a node'));
    await page.getByRole('status').filter({ hasText: 'live' }).waitFor();
    await listen(page);
    for (let seconds = 0; seconds < 4; seconds++) {
      const before = await page.getByRole('timer').textContent();
      await expect.poll(() => page.getByRole('timer').textContent(), { timeout: 5000 }).not.toBe(before);
    }
    expect(await heard(page)).toEqual([]);
  });

  it('says a new fault, and the end with its verdict', async () => {
    const { demo, page } = await kit.open({ hours: BEFORE_FAULT_HOURS });
    await goToView(page, demo, view('Scoreboard'));
    const news = page.getByRole('status', { name: 'News of the run' });
    expect(await news.textContent()).toBe('');
    await news.filter({ hasText: 'fault loss begins: 2 % of packets' }).waitFor();
    demo.finish();
    await news.filter({ hasText: 'The run has ended, verdict fail' }).waitFor();
  });

  it('says a lost line once, not with each try', async () => {
    const { demo, page } = await kit.open();
    await goToView(page, demo, view('Scoreboard'));
    await listen(page);
    demo.cut();
    await page.getByRole('alert').filter({ hasText: 'lost' }).waitFor();
    const tries = page.getByText(/again in [2-9] s/);
    await tries.waitFor({ timeout: 15_000 });
    expect((await heard(page)).filter((text) => text.includes('lost'))).toHaveLength(0);
  });
});
