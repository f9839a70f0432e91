// The tracker of the booting machines on a hand clock: the seed gives each block out once, nobody waits for a machine that died, lies or cannot be reached, and
// what is no report is none. And the block list: ranges cover the bundle exactly, and the bytes of the list decide its hash.

import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BLOCKS_MAX, blockBytesFor, blockRange, encodeBlockList } from '../../bootstrap/bundle-blocks.ts';
import { createTracker, type PeerReport, parseReport, type Tracker, type TrackerAnswer } from '../../bootstrap/bundle-tracker.ts';

const BLOCKS = 16;
const idOf = (machine: number): string => machine.toString(16).padStart(32, '0');
const bits = (...blocks: number[]): string => {
  const bytes = Buffer.alloc(BLOCKS / 8);
  for (const block of blocks) bytes[block >> 3] = (bytes[block >> 3] as number) | (1 << (block & 7));
  return bytes.toString('hex');
};
const ALL = Array.from({ length: BLOCKS }, (_, block) => block);
const blocksIn = (have: string): number[] => ALL.filter((block) => ((Buffer.from(have, 'hex')[block >> 3] as number) >> (block & 7)) & 1);

interface Lab {
  say(
    machine: number,
    nowMs: number,
    changes?: Partial<Omit<PeerReport, 'have' | 'taking'>> & { have?: readonly number[]; taking?: readonly number[] },
  ): TrackerAnswer;
}

function lab(expected = 4): Lab {
  const tracker: Tracker = createTracker({ blockCount: BLOCKS, expected, random: () => 0.5 });
  return {
    say(machine, nowMs, { have = [], taking = [], ...changes } = {}) {
      const report: PeerReport = {
        ...{ id: idOf(machine), port: 4001, host: null, have: bits(...have), taking: [...taking], avoid: [], ...changes },
      };
      const told = tracker.report(report, `::ffff:10.0.0.${machine}`, nowMs);
      if (told === null) throw new Error('refused');
      return told;
    },
  };
}

describe('the tracker', () => {
  it('gives a lone machine a few blocks at a time, and no block to two machines', () => {
    const { say } = lab();
    const one = say(1, 0).take;
    const two = say(2, 0).take;
    expect(one).toHaveLength(4);
    expect(two).toHaveLength(4);
    expect(new Set([...one, ...two]).size).toBe(8);
    // Eight are on their way; the line is not shared by more.
    expect(say(3, 0).take).toEqual([]);
    expect(say(1, 100, { have: one, taking: [] }).take).toHaveLength(2);
  });

  it('sends what nobody has from the seed once, while machines tell each other the rest', () => {
    const { say } = lab(8);
    const given: number[] = [];
    const have = new Map<number, number[]>();
    for (let round = 0; round < 20; round++)
      for (let machine = 1; machine <= 8; machine++) {
        const told = say(machine, round * 300, { have: have.get(machine) ?? [] });
        given.push(...told.take);
        const fromPeers = ALL.filter((block) => told.peers.some((peer) => blocksIn(peer.have).includes(block)));
        have.set(machine, [...new Set([...(have.get(machine) ?? []), ...told.take, ...fromPeers])]);
      }
    expect(given.toSorted((one, other) => one - other)).toEqual(ALL);
    expect([...have.values()].map((each) => each.length)).toEqual(Array(8).fill(BLOCKS));
  });

  it('gives a machine that gets nowhere one block that others have', () => {
    const { say } = lab();
    say(1, 0, { have: ALL });
    expect(say(2, 0).take).toEqual([]);
    say(1, 2_900, { have: ALL });
    expect(say(2, 2_900).take).toEqual([]);
    expect(say(2, 3_100).take).toHaveLength(1);
  });

  it('gives a block out again when its machine gave up on it, or has been silent', () => {
    const { say } = lab(1);
    const first = say(1, 0).take;
    expect(say(1, 300, { taking: first }).take).toEqual([]);
    expect(say(1, 600, { taking: [] }).take).toEqual(first);
    expect(say(2, 700).take).not.toEqual(first);
    expect(say(3, 20_000).take).toEqual(first);
  });

  it('lets nobody hold a block for ever', () => {
    const { say } = lab();
    const first = say(1, 0).take;
    for (let nowMs = 5_000; nowMs <= 30_000; nowMs += 5_000) expect(say(1, nowMs, { taking: first }).take).toEqual([]);
    // It may take them anew, as anybody may.
    expect(say(1, 30_100, { taking: first }).take).toEqual(first);
  });

  it('does not count on a machine that cannot be reached, or that the asker knows as bad', () => {
    const { say } = lab();
    say(1, 0, { have: ALL, port: null });
    expect(say(2, 0)).toMatchObject({ peers: [], take: [0, 1, 2, 3] });
    say(3, 0, { have: ALL });
    expect(say(4, 0).take).toEqual([]);
    expect(say(4, 0, { avoid: ['10.0.0.3:4001'] })).toMatchObject({ take: [4, 5], peers: [{ host: '10.0.0.2' }] });
    // Others still hear of it: one machine's word changes only its own answers.
    expect(say(5, 0).peers.map(({ host }) => host)).toContain('10.0.0.3');
  });

  it('names machines by the address that they are seen from or tell, those with something to give first, and not too many', () => {
    const { say } = lab(100);
    for (let machine = 2; machine < 40; machine++) say(machine, 0, machine === 39 ? { have: [7], host: 'other.example' } : {});
    const { peers } = say(1, 0);
    expect(peers).toHaveLength(16);
    expect(peers[0]).toEqual({ host: 'other.example', port: 4001, have: bits(7) });
    expect(peers.slice(1).every(({ host }) => /^10\.0\.0\.\d+$/.test(host))).toBe(true);
  });

  it('counts machines that have had everything, also when they have gone', () => {
    const { say } = lab(3);
    expect(say(1, 0, { have: ALL })).toMatchObject({ complete: 1, expected: 3 });
    expect(say(1, 300, { have: ALL })).toMatchObject({ complete: 1 });
    // Who has all needs nobody.
    expect(say(3, 300, { have: [0] }).peers).toHaveLength(1);
    expect(say(1, 300, { have: ALL }).peers).toEqual([]);
    expect(say(2, 60_000, { have: ALL })).toMatchObject({ complete: 2, peers: [] });
  });

  it('asks for fewer reports when machines are many', () => {
    const { say } = lab(4096);
    expect(say(0, 0).pauseS).toBe(0.3);
    for (let machine = 1; machine < 600; machine++) say(machine, 0);
    expect(say(0, 0).pauseS).toBe(2);
  });

  it('is full at some point', () => {
    const tracker = createTracker({ blockCount: BLOCKS, expected: 1, random: () => 0.5 });
    const report = (machine: number) =>
      tracker.report({ id: idOf(machine), port: null, host: null, have: bits(...ALL), taking: [], avoid: [] }, '10.0.0.1', 0);
    for (let machine = 0; machine < 4096; machine++) expect(report(machine)).not.toBeNull();
    expect(report(4096)).toBeNull();
    expect(report(7)).not.toBeNull();
  });
});

describe('a report', () => {
  const sound = { id: idOf(1), port: 4001, host: null, have: bits(3), taking: [2], avoid: ['10.0.0.2:4001'] };

  it('is read', () => {
    expect(parseReport(JSON.stringify(sound), BLOCKS)).toEqual(sound);
  });

  it.each([
    ['no JSON', '{'],
    ['no object', '[]'],
    ['another id', JSON.stringify({ ...sound, id: '../x' })],
    ['a port that is none', JSON.stringify({ ...sound, port: 0 })],
    ['a host with a path', JSON.stringify({ ...sound, host: 'a/b' })],
    ['a host with a line break', JSON.stringify({ ...sound, host: 'a\r\nb' })],
    ['too few bits', JSON.stringify({ ...sound, have: '00' })],
    ['too many bits', JSON.stringify({ ...sound, have: '00'.repeat(10_000) })],
    ['too much that it avoids', JSON.stringify({ ...sound, avoid: Array(65).fill('x') })],
    ['a word more', JSON.stringify({ ...sound, admin: true })],
  ])('is refused: %s', (_what, text) => {
    expect(parseReport(text, BLOCKS)).toBeNull();
  });
});

describe('blocks', () => {
  it('cover a bundle of any size exactly, and are never too many', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 4 * 1024 ** 3 }), (sizeBytes) => {
        const blockBytes = blockBytesFor(sizeBytes);
        let nextByte = 0;
        let count = 0;
        for (let range = blockRange({ sizeBytes, blockBytes }, 0); range !== null; range = blockRange({ sizeBytes, blockBytes }, count)) {
          expect(range.start).toBe(nextByte);
          nextByte = range.end + 1;
          count += 1;
        }
        expect(nextByte).toBe(sizeBytes);
        expect(count).toBeLessThanOrEqual(BLOCKS_MAX);
      }),
      { numRuns: 50 },
    );
    for (const index of [-1, 0.5, Number.NaN, 2 ** 60]) expect(blockRange({ sizeBytes: 10, blockBytes: 4 }, index)).toBeNull();
  });

  it('are listed in bytes of which the hash is told', () => {
    const { text, sha256 } = encodeBlockList({ sizeBytes: 5, blockBytes: 4, sha256: ['aa', 'bb'] });
    expect(JSON.parse(text)).toEqual({ sizeBytes: 5, blockBytes: 4, sha256: ['aa', 'bb'] });
    expect(sha256).toBe(createHash('sha256').update(text).digest('hex'));
  });
});
