// Who of the booting machines has which block of the bundle, and what each may take from the seed: the tracker of a small BitTorrent-like spread, as a pure
// object that gets reports and the time. A block that no other machine has or is taking is given out once, so the seed sends about one copy in all; a
// machine that gets nowhere is given blocks that others have too. Nobody is believed: what a machine says of others (`avoid`) changes only its
// own answers, and what it says of itself costs others at most the wait until they count as stuck. The other side is spread.py.

import { z } from 'zod';
import { BLOCKS_MAX } from './bundle-blocks.ts';

/** Machines of a run and those that strangers with the token pretend to be. */
const MACHINES_MAX = 4096;
/** In one answer. Each machine hears of others every time it reports. */
const PEERS_MAX = 16;
/** Blocks on their way from the seed at once. More make each slower, and the first arrive later where they could be passed on. */
const LEASES_MAX = 8;
/** While few machines are there one may fill the line alone. */
const LEASES_OF_ONE_MAX = 4;
const LEASE_MS_MAX = 30_000;
/** Without a new block for so long, a machine may take what others should have given it. */
const STUCK_MS = 3_000;
/** A machine that does not report is gone. Longer than a report takes over a full line. */
const SILENT_MS_MAX = 12_000;
const REPORTS_PER_S_MAX = 300;
const PAUSE_S_MIN = 0.3;

const reportSchema = z.strictObject({
  /** Known to the machine and the tracker alone. */
  id: z.string().regex(/^[0-9a-f]{32}$/),
  /** Null when the machine serves nothing. */
  port: z.int().min(1).max(65_535).nullable(),
  /** Where others reach it; null = the address that the report came from. */
  host: z
    .string()
    .regex(/^[0-9A-Za-z.:-]{1,253}$/)
    .nullable(),
  /** Block i is bit i % 8 of byte i / 8; hex. */
  have: z
    .string()
    .regex(/^([0-9a-f]{2})+$/)
    .max(BLOCKS_MAX / 4),
  /** Blocks that it was given to take from the seed and has not finished. */
  taking: z.array(z.int().min(0)).max(64),
  /** HOST:PORT of machines that do not give it what they say they have. */
  avoid: z.array(z.string().max(270)).max(64),
});

export type PeerReport = z.infer<typeof reportSchema>;

export interface PeerEntry {
  readonly host: string;
  readonly port: number;
  readonly have: string;
}

export interface TrackerAnswer {
  readonly peers: readonly PeerEntry[];
  /** Blocks to take from the seed now. */
  readonly take: readonly number[];
  /** Machines that have had all blocks, of how many. */
  readonly complete: number;
  readonly expected: number;
  /** Until the next report. */
  readonly pauseS: number;
}

export interface TrackerInit {
  readonly blockCount: number;
  /** Machines of the run. */
  readonly expected: number;
  /** 0 up to 1. */
  readonly random: () => number;
}

export interface Tracker {
  /** Null when there are too many machines already. */
  report(report: PeerReport, fromAddress: string, nowMs: number): TrackerAnswer | null;
}

interface Machine {
  readonly host: string;
  readonly port: number | null;
  readonly have: Buffer;
  readonly seenMs: number;
  /** When it last had a block more. */
  readonly changedMs: number;
  /** Block, and when it was given out. */
  readonly leases: ReadonlyMap<number, number>;
}

/** Null for whatever is no report about a bundle of so many blocks. */
export function parseReport(text: string, blockCount: number): PeerReport | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  const parsed = reportSchema.safeParse(value);
  if (!parsed.success || parsed.data.have.length !== 2 * Math.ceil(blockCount / 8)) return null;
  return parsed.data;
}

const has = (bits: Buffer, block: number): boolean => (((bits[block >> 3] as number) >> (block & 7)) & 1) === 1;
const nameOf = ({ host, port }: Machine): string => `${host}:${port}`;

export function createTracker({ blockCount, expected, random }: TrackerInit): Tracker {
  const machines = new Map<string, Machine>();
  const completed = new Set<string>();
  const blocks = Array.from({ length: blockCount }, (_, block) => block);
  const missingIn = (bits: Buffer): number[] => blocks.filter((block) => !has(bits, block));

  /** Blocks that a machine may take from the seed on top of those that it is taking. */
  function give(machine: Machine, missing: readonly number[], sources: readonly Machine[], nowMs: number): number[] {
    const { leases, changedMs } = machine;
    const all = [...machines.values()].reduce((sum, each) => sum + each.leases.size, 0);
    const share = Math.min(LEASES_OF_ONE_MAX, Math.max(1, Math.floor(LEASES_MAX / machines.size)));
    const count = Math.min(LEASES_MAX - all, share - leases.size);
    if (count <= 0) return [];
    const copies = missing
      .filter((block) => !leases.has(block))
      .map((block) => ({ block, copies: sources.filter((each) => has(each.have, block) || each.leases.has(block)).length }))
      .sort((one, other) => one.copies - other.copies);
    const fresh = copies.filter((each) => each.copies === 0).slice(0, count);
    const isStuck = nowMs - changedMs > STUCK_MS && leases.size === 0;
    return (fresh.length === 0 && isStuck ? copies.slice(0, 1) : fresh).map(({ block }) => block);
  }

  /** Those that have something for it first; the others will, and can be asked by it when the seed is gone. */
  function someOf(sources: readonly Machine[], missing: readonly number[]): PeerEntry[] {
    if (missing.length === 0) return [];
    const drawn = sources.map((each) => ({ ...each, order: random() + (missing.some((block) => has(each.have, block)) ? 0 : 1) }));
    drawn.sort((one, other) => one.order - other.order);
    return drawn.slice(0, PEERS_MAX).map(({ host, port, have }) => ({ host, port: port as number, have: have.toString('hex') }));
  }

  return {
    report({ id, port, host, have, taking, avoid }, fromAddress, nowMs) {
      for (const [each, { seenMs }] of machines) if (nowMs - seenMs > SILENT_MS_MAX) machines.delete(each);
      const before = machines.get(id);
      if (before === undefined && machines.size >= MACHINES_MAX) return null;
      const bits = Buffer.from(have, 'hex');
      const missing = missingIn(bits);
      const kept = [...(before?.leases ?? [])].filter(
        ([block, sinceMs]) => taking.includes(block) && !has(bits, block) && nowMs - sinceMs <= LEASE_MS_MAX,
      );
      const machine: Machine = {
        ...{ host: host ?? fromAddress.replace(/^::ffff:/, ''), port, have: bits, seenMs: nowMs, leases: new Map(kept) },
        changedMs: before?.have.equals(bits) ? before.changedMs : nowMs,
      };
      machines.set(id, machine);
      if (missing.length === 0 && completed.size < MACHINES_MAX) completed.add(id);
      const avoided = new Set(avoid);
      const sources = [...machines.values()].filter((each) => each !== machine && each.port !== null && !avoided.has(nameOf(each)));
      const take = give(machine, missing, sources, nowMs);
      machines.set(id, { ...machine, leases: new Map([...kept, ...take.map((block) => [block, nowMs] as const)]) });
      const pauseS = Math.max(PAUSE_S_MIN, machines.size / REPORTS_PER_S_MAX);
      return { peers: someOf(sources, missing), take, complete: completed.size, expected, pauseS };
    },
  };
}
