import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createLogger } from '../../node/adapters/logger.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'quilt-logger-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});
const linesOf = (path: string): Record<string, unknown>[] =>
  readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));

describe('the log', () => {
  it('is on the disk as soon as a line was logged, readable by its owner only', () => {
    const path = join(folder, 'node.log');
    const log = createLogger({ path, fields: { node: 'abc' } });
    log.info({ term: 3 }, 'became coordinator');
    log.debug({}, 'not at this level');
    const [line, ...more] = linesOf(path);
    expect(line).toMatchObject({ level: 'info', node: 'abc', term: 3, msg: 'became coordinator', pid: process.pid });
    expect(more).toEqual([]);
    expect(statSync(path).mode & 0o777).toBe(0o600);
    log.flush();
  });

  it('survives a process that ends at once', () => {
    const path = join(folder, 'node.log');
    const script = `import { createLogger } from ${JSON.stringify(new URL('../../node/adapters/logger.ts', import.meta.url).href)};
      createLogger({ path: ${JSON.stringify(path)} }).error({}, 'last words'); process.exit(1);`;
    expect(() => execFileSync(process.execPath, ['--input-type=module', '-e', script], { stdio: 'pipe' })).toThrow();
    expect(linesOf(path).map((line) => line.msg)).toEqual(['last words']);
  });

  it('never holds a secret, however deep or in whatever text it stands', () => {
    const path = join(folder, 'node.log');
    const ticket = `quilt2-${'Secret_Ticket-0123456789'.repeat(10)}`;
    const log = createLogger({ path, level: 'debug' });
    log.info({ ticket, init: { swarmKey: 'hexhexhex', seed: new Uint8Array(32).fill(77) } }, `joining with ${ticket}`);
    log.warn({ problems: [{ message: `bad ${ticket}` }], error: new Error(`no ${ticket}`), big: 10n, bytes: Buffer.from('MMMM') }, 'x');
    const text = readFileSync(path, 'utf8');
    expect(text).not.toMatch(/Secret_Ticket|hexhexhex|77,77|TU1N|MMMM/);
    expect(linesOf(path)[0]).toMatchObject({
      ticket: '[secret]',
      init: { swarmKey: '[secret]', seed: '[secret]' },
      msg: 'joining with [ticket]',
    });
    expect(linesOf(path)[1]).toMatchObject({ bytes: '<4 bytes>', big: '10' });
  });

  it('stops growing at its bound and counts what it lost', () => {
    const path = join(folder, 'node.log');
    const log = createLogger({ path, bytesMax: 1000 });
    for (let line = 0; line < 100; line++) log.info({ line }, 'again and again');
    expect(statSync(path).size).toBeLessThanOrEqual(1000);
    expect(log.lost()).toBe(100 - linesOf(path).length);
  });

  it('keeps its last lines at hand, cut where they are long, also those that the file had no room for', () => {
    const log = createLogger({ path: join(folder, 'node.log'), bytesMax: 1000 });
    for (let line = 0; line < 300; line++) log.info({ line, ticket: 'quilt1-AAAAAAAAAAAAAAAAAAAA', text: 'x'.repeat(5000) }, 'again');
    const tail = log.tail();
    expect(tail.length).toBe(200);
    expect(tail[0]).toContain('"line":100,');
    expect(tail.at(-1)).toContain('"line":299,');
    expect(Math.max(...tail.map(({ length }) => length))).toBe(4000);
    expect(tail.join('')).not.toContain('quilt1-');
  });

  it.runIf(existsSync('/dev/full'))('on a full disk loses lines and nothing else', () => {
    const log = createLogger({ path: '/dev/full' });
    for (let line = 0; line < 20; line++) log.info({ line }, 'x');
    log.flush();
    expect(log.lost()).toBe(20);
  });
});
