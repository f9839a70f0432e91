// What every endpoint type must do, as one function over a type: called for each type in the registry by endpoint.test.ts, and callable by whoever
// writes a type elsewhere. The target is a nasty server; nothing that it does may be an exception, and nothing may be left behind.

import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { EndpointType } from '../../node/endpoints/endpoint.ts';
import { needs } from '../support/parts.ts';
import { createHarness, type Harness } from './endpoint-harness.ts';
import type { Sample } from './endpoint-samples.ts';
import { moods, type NastyServer, startNastyServer } from './nasty-server.ts';

const GRACE_MS = 1000;
/** A busy machine may notice the end of a grace a little late; an endpoint that ignores it takes the test's whole timeout. */
const SLACK_MS = 700;
const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

const resources = (kind: RegExp): number => process.getActiveResourcesInfo().filter((name) => kind.test(name)).length;

export function endpointCompliance(type: EndpointType<unknown>, sample: Sample): void {
  const need = needs(...(sample.needs ?? []));
  describe.skipIf(need.isMissing)(need.title(`endpoint type ${type.type}`), () => {
    let server: NastyServer;
    let harness: Harness;
    const optionsOf = (port = server.port): unknown => type.options.parse(sample.behavior(port));
    const start = async (targets = [`127.0.0.1:${server.port}`], port?: number): Promise<Harness> => {
      harness = await createHarness(type, optionsOf(port), targets);
      return harness;
    };

    beforeEach(async () => {
      server = await startNastyServer();
    });
    afterEach(async () => {
      await harness?.close();
      await server.close();
    });

    it('describes itself: strict options, targets, a cost, documented metrics', () => {
      const written = sample.behavior(server.port);
      expect(type.options.safeParse({ ...written, quiltUnknownKey: 1 }).success).toBe(false);
      expect(type.options.safeParse({}).success).toBe(false);
      expect(type.targets(optionsOf()).join(' ')).toContain(`127.0.0.1:${server.port}`);
      expect(type.costMillicores(optionsOf())).toBeGreaterThan(0);
      expect(type.summary.length).toBeGreaterThan(10);
      for (const metric of type.metrics) expect(metric.help.length, metric.name).toBeGreaterThan(5);
    });

    it('does its work, and records only what it declares', async () => {
      await start();
      const running = Array.from({ length: 3 }, () => harness.run(GRACE_MS));
      await expect.poll(() => harness.recorded.has(sample.sign) && harness.joined() === 3, { timeout: 10_000, interval: 20 }).toBe(true);
      for (const each of running) each.abort('leave');
      await Promise.all(running.map(({ ended }) => ended));
      expect(harness.complaints).toEqual([]);
      expect(harness.broken).toEqual([]);
      expect(harness.failures).toEqual([]);
    });

    it('sends nothing to a target that is not listed', async () => {
      const outcome = await createHarness(type, optionsOf(), ['127.0.0.1:1']).then(
        async (made) => {
          harness = made;
          const running = made.run(GRACE_MS);
          await sleep(200);
          running.abort('now');
          await running.ended;
          return made.broken.join();
        },
        (error: Error) => error.message,
      );
      expect(outcome).toMatch(/not among the run's targets|target-refused/);
      expect(server.accepted()).toBe(0);
    });

    it.each(moods.flatMap((mood) => (['leave', 'drain', 'now'] as const).map((reason) => [mood, reason] as const)))(
      'with a target that is %s, leaves in time when told to %s at any stage',
      async (mood, reason) => {
        server.mood = mood;
        await start();
        const stages = [0, 15, 60, 250].map(async (afterMs) => {
          const running = harness.run(GRACE_MS);
          await sleep(afterMs);
          running.abort(reason);
          return running.ended;
        });
        const limitMs = (reason === 'now' ? 100 : GRACE_MS) + SLACK_MS;
        for (const tookMs of await Promise.all(stages)) expect(tookMs ?? 0).toBeLessThan(limitMs);
        expect(harness.broken).toEqual([]);
        expect(harness.complaints).toEqual([]);
      },
    );

    it.each(['resetting', 'garbage', 'half'] as const)("counts what a target that is %s does as the target's", async (mood) => {
      server.mood = mood;
      // A plain echo client may take garbage for its echo.
      const isTextBlind = sample.isConnectOnly || (type.type === 'exec' && mood !== 'resetting');
      await start();
      const running = harness.run(GRACE_MS);
      if (!isTextBlind) await expect.poll(() => harness.failures.length, { timeout: 10_000, interval: 20 }).toBeGreaterThan(0);
      running.abort('leave');
      await running.ended;
      expect(harness.broken).toEqual([]);
    });

    it("counts a target that is not there as the target's", async () => {
      const { port } = server;
      await server.close();
      await start([`127.0.0.1:${port}`], port);
      const running = harness.run(GRACE_MS);
      await expect
        .poll(() => harness.failures.join(), { timeout: 10_000, interval: 20 })
        .toMatch(sample.isDatagram ? /^media-silent/ : /^connect-refused/);
      running.abort('leave');
      await running.ended;
      expect(harness.broken).toEqual([]);
      server = await startNastyServer();
    });

    it('leaves no connection and no process behind when closed in the middle of its work', async () => {
      const held = () => resources(/TCPSocketWrap|UDPWrap|TLSWrap|ProcessWrap/);
      const before = held();
      await start();
      const running = Array.from({ length: 3 }, () => harness.run(GRACE_MS));
      const arrived = () => (sample.isDatagram ? server.accepted() : server.open());
      await expect.poll(arrived, { timeout: 10_000, interval: 10 }).toBeGreaterThan(0);
      for (const each of running) each.abort('now');
      await Promise.all(running.map(({ ended }) => ended));
      await harness.close();
      await expect.poll(() => server.open(), { timeout: 5000, interval: 10 }).toBe(0);
      await expect.poll(held, { timeout: 5000, interval: 10 }).toBeLessThanOrEqual(before);
    });
  });
}
