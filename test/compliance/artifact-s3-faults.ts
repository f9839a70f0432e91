// What an S3 store does when the network, the store or the operator does something wrong: each a problem that says what to do, and never an object that is not what was
// sent. The same faults over fauxqs, which checks nothing, and over real Swift, which is strict; a proxy between them and the client breaks chosen requests.

import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { S3StoreInit } from '../../node/adapters/s3-store.ts';
import { type Pacer, PIECE_BYTES } from '../../node/artifacts/pacer.ts';
import type { ArtifactStore, StoreProblem } from '../../node/artifacts/store.ts';
import { type FaultProxy, type SeenRequest, startFaultProxy } from '../support/fault-proxy.ts';
import { PART_BYTES, type S3Lab } from '../support/store-labs.ts';
import { causesOf, given, hashOf, never } from './artifact-store.ts';

const isPart = ({ method, url }: SeenRequest): boolean => method === 'PUT' && url.includes('partNumber=');
const partNumber = ({ url }: SeenRequest): number => Number(/partNumber=(\d+)/.exec(url)?.[1]);
const isPartList = ({ method, url }: SeenRequest): boolean => method === 'GET' && url.includes('uploadId=');
const isComplete = ({ method, url }: SeenRequest): boolean => method === 'POST' && url.includes('uploadId=');
const errorBody = (code: string): string => `<?xml version="1.0"?><Error><Code>${code}</Code><Message>as the test wants</Message></Error>`;

export function expectAdvice(problems: readonly StoreProblem[], cause: StoreProblem['cause'], hint: RegExp): void {
  expect(problems.map((problem) => problem.cause)).toEqual([cause]);
  expect(problems[0]?.code).toMatch(/^QUILT_STORE_/);
  expect(problems[0]?.hint).toMatch(hint);
}

export function s3FaultSuite(title: string, openLab: () => Promise<S3Lab>): void {
  describe(title, { timeout: 60_000 }, () => {
    let lab: S3Lab;
    let proxy: FaultProxy;
    let count = 0;
    beforeAll(async () => {
      lab = await openLab();
    }, 120_000);
    afterAll(() => lab?.close());
    beforeEach(async () => {
      proxy = await startFaultProxy(lab.url);
    });
    afterEach(() => proxy.close());

    /** Through the proxy, one part after the other, so that a test knows which were sent. */
    const open = (changes: Partial<S3StoreInit> = {}): ArtifactStore =>
      lab.openWith({ AWS_ENDPOINT_URL_S3: proxy.url }, { partsAtOnce: 1, ...changes });
    const fileOf = (bytes: Uint8Array): string => {
      count += 1;
      const path = join(lab.folder, `faulty-${count}`);
      writeFileSync(path, bytes);
      return path;
    };
    const expectThere = async (store: ArtifactStore, key: string, bytes: Buffer): Promise<void> => {
      const path = join(lab.folder, 'back');
      expect(given(await store.getFile(key, path, never)).sha256).toBe(hashOf(bytes));
      expect(readFileSync(path).equals(bytes)).toBe(true);
    };

    it('tells a bucket that is not there', async () => {
      expectAdvice(await lab.openWith({}, { bucket: 'no-such-bucket' }).check(never), 'bucket-missing', /make the bucket no-such-bucket/);
    });

    it('tells an endpoint where nobody listens, and one where somebody else does', async () => {
      expectAdvice(
        await lab.openWith({ AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9' }).check(never),
        'unreachable',
        /AWS_ENDPOINT_URL_S3=http:/,
      );
      for (const [status, body] of [
        [200, '<html>welcome</html>'],
        [200, '{"hello":1}'],
        [404, '<html>nothing</html>'],
        [302, ''],
      ] as const) {
        const server = createServer((request, response) => {
          request.resume();
          response.writeHead(status).end(body);
        });
        await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
        const address = server.address() as { port: number };
        const problems = await lab.openWith({ AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${address.port}` }).check(never);
        server.closeAllConnections();
        server.close();
        expectAdvice(problems, 'wrong-endpoint', /endpoint|AWS_ENDPOINT_URL_S3/);
      }
    });

    it('tells a store that denies, by the permissions that it wants', async () => {
      proxy.choose = ({ method }) => (method === 'PUT' ? { kind: 'answer', status: 403, body: errorBody('AccessDenied') } : null);
      expectAdvice(await open().check(never), 'denied', /s3:PutObject/);
    });

    it('tells a store that does not answer in time', async () => {
      proxy.choose = ({ method }) => (method === 'PUT' ? { kind: 'silence' } : null);
      expectAdvice(await open({ checkMsMax: 700 }).check(never), 'slow', /network/);
      const put = await open({ idleMsMax: 300 }).putFile('silent', fileOf(Buffer.from('x')), { signal: never });
      expect(causesOf(put)).toEqual(['slow']);
    });

    it.each([
      ['SlowDown', 503, 'throttled'],
      ['InternalError', 500, 'store-fault'],
      ['QuotaExceeded', 403, 'full'],
      ['ExpiredToken', 400, 'credentials'],
      ['RequestTimeTooSkewed', 403, 'clock-skew'],
    ] as const)('tells %s', async (code, status, cause) => {
      proxy.choose = ({ method }) => (method === 'PUT' ? { kind: 'answer', status, body: errorBody(code) } : null);
      expect(causesOf(await open().putFile('told', fileOf(Buffer.from('x')), { signal: never }))).toEqual([cause]);
      expect(given(await lab.open().head('told', never))).toBeNull();
    });

    it('tries again by itself, as often as it may', async () => {
      proxy.choose = ({ method, count: tries }) =>
        method === 'PUT' && tries < 3 ? { kind: 'answer', status: 503, body: errorBody('SlowDown') } : null;
      given(await open({ attemptsMax: 3 }).putFile('again', fileOf(Buffer.from('x')), { signal: never }));
      expect(proxy.seen.filter(({ method }) => method === 'PUT')).toHaveLength(3);
    });

    it('does not confirm a body that was altered on the way', async () => {
      proxy.choose = ({ method }) => (method === 'PUT' ? { kind: 'alter' } : null);
      const path = fileOf(randomBytes(100_000));
      expect(causesOf(await open().putFile('altered', path, { signal: never }))).toEqual(['corrupt']);
      const long = fileOf(randomBytes(PART_BYTES * 2));
      expect(causesOf(await open().putFile('altered-long', long, { signal: never }))).toEqual(['corrupt']);
      expect(given(await lab.open().head('altered-long', never))).toBeNull();
    });

    it('goes on after a part that was cut in the middle, with the parts that the store has', async () => {
      const bytes = randomBytes(PART_BYTES * 3 + 1000);
      const path = fileOf(bytes);
      proxy.choose = (seen) => (isPart(seen) && partNumber(seen) === 3 ? { kind: 'cut', afterBytes: 1_000_000 } : null);
      const notes: string[] = [];
      expect(causesOf(await open().putFile('cut', path, { signal: never }))).toEqual(['unreachable']);
      expect(existsSync(`${path}.upload`)).toBe(true);
      proxy.choose = () => null;
      proxy.seen.length = 0;
      const put = given(await open().putFile('cut', path, { signal: never, onNote: (note) => notes.push(note) }));
      expect(put.resumedBytes).toBe(lab.canListParts ? PART_BYTES * 2 : 0);
      expect(proxy.seen.filter(isPart).map(partNumber)).toEqual(lab.canListParts ? [3, 4] : [1, 2, 3, 4]);
      expect(notes).toHaveLength(1);
      expect(notes[0]).toContain(lab.canListParts ? 'goes on' : 'begins again');
      expect(existsSync(`${path}.upload`)).toBe(false);
      await expectThere(lab.open(), 'cut', bytes);
    });

    it('does not send again a part whose answer was lost', async () => {
      const bytes = randomBytes(PART_BYTES * 2 + 1000);
      const path = fileOf(bytes);
      proxy.choose = (seen) => (isPart(seen) && partNumber(seen) === 2 ? { kind: 'lose-answer' } : null);
      expect(causesOf(await open().putFile('lost-answer', path, { signal: never }))).toEqual(['unreachable']);
      proxy.choose = () => null;
      expect(given(await open().putFile('lost-answer', path, { signal: never })).resumedBytes).toBe(lab.canListParts ? PART_BYTES * 2 : 0);
      await expectThere(lab.open(), 'lost-answer', bytes);
    });

    it('finds the object when only the last answer was lost', async () => {
      const bytes = randomBytes(PART_BYTES + 1000);
      const path = fileOf(bytes);
      proxy.choose = (seen) => (isComplete(seen) ? { kind: 'lose-answer' } : null);
      expect(causesOf(await open().putFile('lost-end', path, { signal: never }))).toEqual(['unreachable']);
      proxy.choose = () => null;
      proxy.seen.length = 0;
      expect(given(await open().putFile('lost-end', path, { signal: never })).resumedBytes).toBe(bytes.length);
      expect(proxy.seen.map(({ method }) => method)).toEqual(['HEAD']);
      await expectThere(lab.open(), 'lost-end', bytes);
    });

    it('begins again, and says so, where the store cannot list parts', async () => {
      const bytes = randomBytes(PART_BYTES * 2 + 1000);
      const path = fileOf(bytes);
      proxy.choose = (seen) => (isPart(seen) && partNumber(seen) === 2 ? { kind: 'cut', afterBytes: 10 } : null);
      given(await open().putFile('unrelated', fileOf(Buffer.from('x')), { signal: never }));
      expect(causesOf(await open().putFile('unlisted', path, { signal: never }))).toEqual(['unreachable']);
      proxy.choose = (seen) => (isPartList(seen) ? { kind: 'answer', status: 501, body: errorBody('NotImplemented') } : null);
      const notes: string[] = [];
      const put = given(await open().putFile('unlisted', path, { signal: never, onNote: (note) => notes.push(note) }));
      expect(put.resumedBytes).toBe(0);
      expect(notes.join()).toMatch(/begins again: the store does not list the parts/);
      await expectThere(lab.open(), 'unlisted', bytes);
    });

    it('begins again when the file has changed since, or the state file is broken', async () => {
      for (const spoil of ['file', 'state']) {
        const path = fileOf(randomBytes(PART_BYTES * 2 + 1000));
        proxy.choose = (seen) => (isPart(seen) && partNumber(seen) === 2 ? { kind: 'cut', afterBytes: 10 } : null);
        expect(causesOf(await open().putFile('changed', path, { signal: never }))).toEqual(['unreachable']);
        const bytes = spoil === 'file' ? randomBytes(PART_BYTES * 2) : readFileSync(path);
        if (spoil === 'file') writeFileSync(path, bytes);
        else writeFileSync(`${path}.upload`, readFileSync(`${path}.upload`, 'utf8').slice(0, -20));
        proxy.choose = () => null;
        expect(given(await open().putFile('changed', path, { signal: never })).resumedBytes).toBe(0);
        await expectThere(lab.open(), 'changed', bytes);
      }
    });

    it('asks its pace for every piece before it is sent, and the bytes stay as they were signed', async () => {
      const bytes = randomBytes(PART_BYTES + 200_000);
      const taken: number[] = [];
      const pacer: Pacer = {
        take(pieceBytes) {
          taken.push(pieceBytes);
          return Promise.resolve();
        },
      };
      given(await open({ pacer }).putFile('paced', fileOf(bytes), { signal: never }));
      expect(Math.max(...taken)).toBeLessThanOrEqual(PIECE_BYTES);
      // The list of parts that ends an upload is a body too.
      const sum = taken.reduce((total, each) => total + each, 0);
      expect(sum).toBeGreaterThanOrEqual(bytes.length);
      expect(sum).toBeLessThan(bytes.length + 2000);
      await expectThere(lab.open(), 'paced', bytes);
    });

    it('gives no file for an answer that was cut', async () => {
      const bytes = randomBytes(3_000_000);
      given(await lab.open().putFile('cut-get', fileOf(bytes), { signal: never }));
      const path = join(lab.folder, 'cut-back');
      const server = createServer((request, response) => {
        request.resume();
        response.writeHead(200, { 'content-length': bytes.length, 'x-amz-meta-quilt-sha256': hashOf(bytes) });
        response.write(bytes.subarray(0, 1_000_000), () => response.destroy());
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as { port: number };
      const got = await lab.openWith({ AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}` }).getFile('cut-get', path, never);
      server.close();
      expect(causesOf(got)).toEqual(['unreachable']);
      expect(existsSync(path)).toBe(false);
    });
  });
}
