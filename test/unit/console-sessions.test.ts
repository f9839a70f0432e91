import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { keptText } from '../../node/adapters/kept-text.ts';
import { createSessions } from '../../tools/console/server/sessions.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const folder = mkdtempSync(join(tmpdir(), 'quilt-sessions-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function lab(keeper?: ReturnType<typeof keptText>) {
  const now = { ms: 1_000_000 };
  return { now, sessions: createSessions({ wallNowMs: () => now.ms, ...(keeper === undefined ? {} : { keeper }) }) };
}

describe('links and sessions', () => {
  it("an operator's code is good once and for ten minutes", () => {
    const { now, sessions } = lab();
    const [used, old] = [sessions.code('operator'), sessions.code('operator')];
    expect(sessions.roleOf(sessions.login(used) ?? undefined)).toBe('operator');
    expect(sessions.login(used)).toBeNull();
    now.ms += 10 * MINUTE_MS;
    expect(sessions.login(old)).toBeNull();
  });

  it("a reader's code is good again and again, for a week", () => {
    const { now, sessions } = lab();
    const code = sessions.code('reader');
    now.ms += 6 * DAY_MS;
    expect(sessions.roleOf(sessions.login(code) ?? undefined)).toBe('reader');
    expect(sessions.roleOf(sessions.login(code) ?? undefined)).toBe('reader');
    now.ms += DAY_MS;
    expect(sessions.login(code)).toBeNull();
  });

  it('a session ends after twelve hours, at logout, and when too many are newer', () => {
    const { now, sessions } = lab();
    const code = sessions.code('reader');
    const tokens = Array.from({ length: 65 }, () => sessions.login(code) ?? '');
    expect(tokens.map((token) => sessions.roleOf(token)).filter((role) => role === null).length).toBe(1);
    expect(sessions.roleOf(tokens[0])).toBeNull();
    sessions.logout(tokens[1] ?? '');
    expect([sessions.roleOf(tokens[1]), sessions.roleOf(tokens[2])]).toEqual([null, 'reader']);
    now.ms += DAY_MS / 2;
    expect(sessions.roleOf(tokens[2])).toBeNull();
  });

  it('outlives its server as hashes, in a file of its owner', () => {
    const path = join(folder, 'new', 'sessions.json');
    const keeper = keptText(path, (message) => expect.fail(message));
    const { sessions } = lab(keeper);
    const share = sessions.code('reader');
    const [token, left] = [sessions.login(sessions.code('operator')) ?? '', sessions.login(share) ?? ''];
    sessions.logout(left);
    expect(keeper.load()).not.toMatch(new RegExp([token, left, share].join('|')));
    expect(statSync(path).mode & 0o777).toBe(0o600);
    const { sessions: later } = lab(keeper);
    expect([later.roleOf(token), later.roleOf(left), later.roleOf(later.login(share) ?? '')]).toEqual(['operator', null, 'reader']);
  });

  it.each([
    ['nonsense', '{'],
    ['another thing', '[1, null]'],
    ['rows of other shapes', '{"codes": 3, "sessions": [null, 1, ["x"], ["00", {"role": "operator", "untilMs": 9e15}], [0, {}]]}'],
    ['nothing', 'null'],
  ])('forgets what cannot be read: %s', (_name, text) => {
    const path = join(folder, 'bad.json');
    writeFileSync(path, text);
    const { sessions } = lab(keptText(path, (message) => expect.fail(message)));
    expect(sessions.roleOf('00')).toBeNull();
    expect(sessions.roleOf(sessions.login(sessions.code('operator')) ?? '')).toBe('operator');
  });

  it('goes on where nothing can be kept, and says so once', () => {
    const said: string[] = [];
    writeFileSync(join(folder, 'file'), '');
    const { sessions } = lab(keptText(join(folder, 'file', 'sessions.json'), (message) => said.push(message)));
    expect(sessions.roleOf(sessions.login(sessions.code('operator')) ?? '')).toBe('operator');
    expect(said).toEqual([expect.stringMatching(/EEXIST|ENOTDIR/)]);
  });
});
