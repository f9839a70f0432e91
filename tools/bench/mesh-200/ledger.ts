// What one node holds of the log, written where all threads can read it: a row of numbers per node in shared memory. A row says how many entries
// the node holds and their digest (the XOR of core/log.ts, here kept apart so that the core need not be asked), and which of them are its own. The swarm
// holds one log when every row shows the union of all own entries. Rows are written by one thread and polled by another; a torn read shows as
// "not yet" and is read again.

import type { Entry } from '../../../node/core/messages.ts';

/** Columns of a row. Times are monotonic ms of this machine; 0 = not yet. */
const FIELDS = [
  'entries',
  'digest',
  'logBytes',
  'ownEntries',
  'ownDigest',
  'ownClaims',
  'claimsHeld',
  'helloMs',
  'leadMs',
  'rosterMs',
  'claimMs',
  'runningMs',
  'heldAllClaimsMs',
  'lastEntryMs',
] as const;
type Field = (typeof FIELDS)[number];
export type Row = Record<Field, number>;

export const createRows = (nodes: number): SharedArrayBuffer =>
  new SharedArrayBuffer(nodes * FIELDS.length * Float64Array.BYTES_PER_ELEMENT);

export function readRows(rows: SharedArrayBuffer): Row[] {
  const numbers = new Float64Array(rows);
  const count = numbers.length / FIELDS.length;
  return Array.from({ length: count }, (_, node) => {
    const row = {} as Row;
    FIELDS.forEach((field, column) => {
      row[field] = numbers[node * FIELDS.length + column] ?? 0;
    });
    return row;
  });
}

/** True when every node holds exactly the union of what all have written. */
export function isOneLog(rows: readonly Row[]): boolean {
  let entries = 0;
  let digest = 0;
  for (const row of rows) {
    entries += row.ownEntries;
    digest ^= row.ownDigest;
  }
  return rows.every((row) => row.entries === entries && row.digest === digest);
}

export interface Ledger {
  add(entries: readonly Entry[]): void;
  /** Hashes of everything held, sorted: the check that no digest can fool. */
  hashes(): string[];
  /** `${shard}.${epoch}` of every claim held, as often as it was claimed. */
  claims(): string[];
}

export interface LedgerInit {
  readonly rows: SharedArrayBuffer;
  readonly index: number;
  readonly self: string;
  readonly shards: number;
  readonly nowMs: () => number;
  readonly sizeOf: (entry: Entry) => number;
}

const TIME_OF_KIND: Partial<Record<Entry['kind'], Field>> = { hello: 'helloMs', lead: 'leadMs', roster: 'rosterMs', claim: 'claimMs' };

export function createLedger({ rows, index, self, shards, nowMs, sizeOf }: LedgerInit): Ledger {
  const numbers = new Float64Array(rows, index * FIELDS.length * Float64Array.BYTES_PER_ELEMENT, FIELDS.length);
  const column = new Map(FIELDS.map((field, at) => [field, at]));
  const read = (field: Field): number => numbers[column.get(field)!]!;
  const write = (field: Field, value: number): void => {
    numbers[column.get(field)!] = value;
  };
  const held: string[] = [];
  const claimed: string[] = [];

  const addOwn = (entry: Entry, digest: number): void => {
    write('ownEntries', read('ownEntries') + 1);
    write('ownDigest', read('ownDigest') ^ digest);
    const timeField = TIME_OF_KIND[entry.kind];
    if (timeField !== undefined) write(timeField, nowMs());
    if (entry.kind === 'phase' && entry.body.phase === 'running') write('runningMs', nowMs());
    if (entry.kind === 'claim') write('ownClaims', read('ownClaims') + entry.body.claims.length);
  };

  return {
    add(entries) {
      for (const entry of entries) {
        const digest = Number.parseInt(entry.hash.slice(0, 8), 16) | 0;
        held.push(entry.hash);
        if (entry.kind === 'claim') for (const claim of entry.body.claims) claimed.push(`${claim.shard}.${claim.epoch}`);
        write('entries', read('entries') + 1);
        write('digest', read('digest') ^ digest);
        write('logBytes', read('logBytes') + sizeOf(entry));
        if (entry.author === self) addOwn(entry, digest);
      }
      write('claimsHeld', claimed.length);
      if (claimed.length >= shards && read('heldAllClaimsMs') === 0) write('heldAllClaimsMs', nowMs());
      if (entries.length > 0) write('lastEntryMs', nowMs());
    },
    hashes: () => [...held].sort(),
    claims: () => [...claimed].sort(),
  };
}
