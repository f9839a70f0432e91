// The pacer on a clock of its own: due times that do not drift over hours, lateness as it is, what a stall makes good and what it leaves out, and the
// numbers of packets through mute, digits and skips.

import { describe, expect, it } from 'vitest';
import { createRng } from '../../node/core/rng.ts';
import { compileScript, Pacer, SKIP_MS } from '../../node/media/pacer.ts';
import type { PacketScript } from '../../node/media/packet-script.ts';
import { profileScript, videoScript } from '../../node/media/sources.ts';

const audio = profileScript('audio-80k');
const SLOT_MS = 0.25;

interface Sent {
  readonly stream: number;
  readonly packet: number;
  readonly sequence: number;
  readonly timestamp: number;
  readonly lateMs: number;
  readonly atMs: number;
}

function createLab(startMs: number) {
  const sent: Sent[] = [];
  const woken: number[] = [];
  let nowMs = startMs;
  let skipped = 0;
  const pacer = new Pacer<null>(startMs, {
    packet: (stream, _compiled, packet, sequence, timestamp, lateMs) =>
      void sent.push({ stream, packet, sequence, timestamp, lateMs, atMs: nowMs }),
    wake: (stream) => void woken.push(stream),
    skipped: (count) => {
      skipped += count;
    },
  });
  const advance = (toMs: number): number => {
    nowMs = toMs;
    return pacer.advance(toMs);
  };
  return {
    ...{ pacer, sent, woken, advance },
    skipped: () => skipped,
    /** Advances once a millisecond, as a worker does. */
    run(ms: number): void {
      const untilMs = nowMs + ms;
      while (nowMs < untilMs) advance(Math.min(untilMs, nowMs + 1));
    },
    open(script: PacketScript | null, changes: { stream?: number; group?: number; startMs?: number } = {}): void {
      const { stream = 0, ...rest } = changes;
      const compiled = script === null ? null : compileScript(script, null);
      pacer.open(stream, { compiled, group: 0, startMs, firstSequence: 65_530, firstTimestamp: -500, ...rest });
    },
  };
}

describe('due times', () => {
  it.each([
    ['audio of 20 ms', audio],
    ['video of 15 frames a second', profileScript('video-150k')],
    [
      'video whose frames are no whole milliseconds',
      videoScript({ codec: 'H264', bitsPerSecond: 60_000, framesPerSecond: 7, gop: 9, packetBytesMax: 900 }),
    ],
  ])('do not drift in four hours: %s', (_name, script) => {
    const startMs = 1_000_000.37;
    const hoursMs = 4 * 3_600_000;
    const rng = createRng(5);
    let count = 0;
    let nowMs = startMs;
    const pacer = new Pacer<null>(startMs, {
      packet(_stream, _compiled, packet, sequence, timestamp, lateMs) {
        const cycle = Math.floor(count / script.packets.length);
        const { dueMs, timestamp: ticks } = script.packets[packet]!;
        const isRight =
          packet === count % script.packets.length &&
          sequence === (65_530 + count) % 65_536 &&
          timestamp === ((-500 + cycle * script.cycleTicks + ticks) | 0) &&
          Math.abs(nowMs - lateMs - (startMs + cycle * script.cycleMs + dueMs)) < 1e-6 &&
          lateMs >= 0 &&
          lateMs <= 1.5 + SLOT_MS;
        if (!isRight) throw new Error(`packet ${count}: ${JSON.stringify({ packet, sequence, timestamp, lateMs, nowMs })}`);
        count += 1;
      },
      wake() {},
      skipped: (packets) => expect(packets).toBe(0),
    });
    pacer.open(0, { compiled: compileScript(script, null), group: 0, startMs, firstSequence: 65_530, firstTimestamp: -500 });
    // As a worker's turns come: when the pacer asked for, and up to a timer's tick and a half later.
    while (nowMs < startMs + hoursMs) nowMs = Math.max(nowMs, pacer.advance(nowMs)) + rng.float() * 1.5;
    const cycles = (nowMs - startMs) / script.cycleMs;
    expect(Math.abs(count - cycles * script.packets.length)).toBeLessThan(script.packets.length + 1);
  });

  it('are spread as the starts of the streams are, not in bursts', () => {
    const lab = createLab(0);
    for (let stream = 0; stream < 200; stream++) lab.open(audio, { stream, startMs: stream / 10 });
    lab.run(10_000);
    const byTurn = new Map<number, number>();
    for (const { atMs } of lab.sent) byTurn.set(atMs, (byTurn.get(atMs) ?? 0) + 1);
    expect(lab.sent.length).toBeGreaterThan(200 * 499);
    expect(Math.max(...byTurn.values())).toBeLessThanOrEqual(13);
  });

  it('of one turn are handed over group by group', () => {
    const lab = createLab(0);
    for (let stream = 0; stream < 12; stream++) lab.open(audio, { stream, group: stream % 3 });
    lab.run(1);
    const groups = lab.sent.map(({ stream }) => stream % 3);
    expect(groups).toHaveLength(12);
    expect(groups.filter((group, at) => group !== groups[at - 1])).toHaveLength(3);
  });

  it('are Infinity when nothing waits', () => {
    const lab = createLab(0);
    lab.open(null);
    expect(lab.advance(5)).toBe(Number.POSITIVE_INFINITY);
    lab.open(audio, { stream: 1, startMs: 10 });
    expect(lab.advance(6)).toBe(10);
    lab.pacer.close(1);
    expect(lab.advance(50)).toBe(Number.POSITIVE_INFINITY);
    expect(lab.sent).toEqual([]);
  });
});

describe('a stall', () => {
  it('is made good when it is short, each packet as late as it is', () => {
    const lab = createLab(0);
    lab.open(audio);
    lab.advance(0.25);
    lab.advance(150);
    expect(lab.sent.map(({ lateMs }) => lateMs)).toEqual([0.25, 130, 110, 90, 70, 50, 30, 10]);
    expect(lab.skipped()).toBe(0);
  });

  it('leaves out what is more than 200 ms late: numbers go on, media time has passed, and it is counted', () => {
    const lab = createLab(0);
    lab.open(audio);
    lab.advance(1);
    lab.advance(10_010);
    expect(lab.sent.map(({ lateMs }) => lateMs)).toEqual([1, 190, 170, 150, 130, 110, 90, 70, 50, 30, 10]);
    expect(lab.sent.map(({ sequence }) => sequence)).toEqual([65_530, 65_531, 65_532, 65_533, 65_534, 65_535, 0, 1, 2, 3, 4]);
    expect(lab.sent[1]?.timestamp).toBe(-500 + (10_010 - 190) * 8);
    expect(lab.skipped()).toBe(500 - 10);
    expect(lab.sent.every(({ lateMs }) => lateMs <= SKIP_MS)).toBe(true);
    lab.run(100);
    expect(lab.skipped()).toBe(490);
    expect(lab.sent).toHaveLength(11 + 5);
  });
});

describe('what is not sent', () => {
  it('takes no numbers but its time: mute, and digits in place of audio', () => {
    const lab = createLab(0);
    lab.open(audio);
    lab.run(50);
    lab.pacer.setSending(0, false, 50);
    lab.run(200);
    expect(lab.sent).toHaveLength(3);
    lab.pacer.setSending(0, true, 250);
    lab.run(15);
    expect(lab.sent.at(-1)).toMatchObject({ sequence: 65_533, timestamp: -500 + 260 * 8 });
    lab.pacer.setQuiet(0, 320);
    expect(lab.pacer.takeSequence(0)).toBe(65_534);
    lab.run(60);
    expect(lab.sent.at(-1)).toMatchObject({ sequence: 65_535, timestamp: -500 + 320 * 8 });
  });

  it('wakes once for what else a stream waits for', () => {
    const lab = createLab(0);
    lab.open(null);
    lab.pacer.wakeAt(0, Number.POSITIVE_INFINITY);
    lab.pacer.wakeAt(0, 30);
    lab.run(29);
    expect(lab.woken).toEqual([]);
    lab.run(100);
    expect(lab.woken).toEqual([0]);
  });

  it('may be closed by the packet before it', () => {
    const sent: number[] = [];
    const pacer = new Pacer<null>(0, {
      packet(stream) {
        sent.push(stream);
        pacer.close(1 - stream);
      },
      wake() {},
      skipped() {},
    });
    for (const stream of [0, 1])
      pacer.open(stream, { compiled: compileScript(audio, null), group: 0, startMs: 0, firstSequence: 0, firstTimestamp: 0 });
    pacer.advance(1);
    pacer.advance(21);
    expect(new Set(sent).size).toBe(1);
    expect(sent).toHaveLength(2);
  });

  it.each([
    ['nothing to send', { packets: [] }],
    ['a cycle without length', { cycleMs: 0 }],
    ['due times that go backwards', { packets: [30, 10].map((dueMs) => ({ ...audio.packets[0]!, dueMs })), cycleMs: 40 }],
    ['due times beyond the cycle', { packets: [{ ...audio.packets[0]!, dueMs: 21 }] }],
  ])('is a script with %s', (_name, changes) => {
    expect(() => compileScript({ ...audio, ...changes }, null)).toThrow(RangeError);
  });
});
