// The node's disk: its log and its spool of windows, in one `level` (LevelDB) database per data folder.
// Traps: LevelDB locks the folder (a second process is told so); a write without `sync` survives the death of the process but not of the machine;
// after a failed write LevelDB refuses all further ones until reopened, so a full disk ends this node's part of the run, with a clear code;
// errors carry their reason only in the message of a nested cause; a damaged record in its own journal is skipped silently, so
// entries are verified again when they are read back.

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Level } from 'level';
import { assert } from '../core/assert.ts';
import { fail, ok, type Problem, type Result } from '../core/errors.ts';
import type { Restored } from '../core/events.ts';
import type { Entry, NodeId, WindowFrame } from '../core/messages.ts';
import type { EntryCodec } from '../wire/entry-codec.ts';

/**
 * Writes reject with a StoreFailure when what they were given is not on disk: QUILT_STORE_FULL, _READONLY, _CORRUPT or _FAILED.
 * Reads of a sound database do not fail.
 */
export interface Store {
  /** Own entries: synced when it resolves, so that no promise is published that a crash could take back. */
  appendOwn(entries: readonly Entry[]): Promise<void>;
  /** Entries of others: on disk when the system gets to it; anti-entropy repairs what a crash loses. */
  keep(entries: readonly Entry[]): Promise<void>;
  /** Idempotent by (node, number). Synced. */
  putWindows(node: NodeId, windows: readonly WindowFrame[]): Promise<void>;
  /** In order of number, those of [from, to] that are held. */
  windows(node: NodeId, from: number, to: number): Promise<WindowFrame[]>;
  /** Of whom any windows are here, this node included. */
  windowNodes(): Promise<NodeId[]>;
  /** What this folder knows, for node `self` that starts again. Entries that no longer decode or verify are left out: peers have them. */
  restore(self: NodeId): Promise<Restored>;
  close(): Promise<void>;
}

export class StoreFailure extends Error {
  override readonly name = 'StoreFailure';
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(`${problem.code}: ${problem.message}`);
    this.problem = problem;
  }
}

export interface StoreInit {
  readonly folder: string;
  readonly codec: EntryCodec;
  /** Whether an entry read back is still what its author signed; disks and unsynced writes lie. */
  readonly verifyEntry: (entry: Entry) => boolean;
}

type Database = Level<string, Uint8Array>;
type Operation = { type: 'put'; key: string; value: Uint8Array };

/** Opens or makes the database. Problems: QUILT_STORE_LOCKED, and those of every write. */
export async function openStore(init: StoreInit): Promise<Result<Store>> {
  const { folder } = init;
  const database: Database = new Level<string, Uint8Array>(join(folder, 'level'), {
    keyEncoding: 'utf8',
    valueEncoding: 'view',
    // The log is read once at start and windows soon after they were written: the default 8 MiB would only make an idle node bigger.
    cacheSize: 512 * 1024,
    writeBufferSize: 1024 * 1024,
  });
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    await database.open();
    // LevelDB opens a full or read-only folder now and then; the first write tells.
    await database.put('opened', new Uint8Array(0), { sync: true });
    return ok(assemble(database, init));
  } catch (error) {
    await database.close().catch(() => {});
    return fail(storeProblem(error, folder));
  }
}

function assemble(database: Database, { folder, codec, verifyEntry }: StoreInit): Store {
  const write = async (operations: Operation[], sync: boolean): Promise<void> => {
    if (operations.length === 0) return;
    try {
      await database.batch(operations, { sync });
    } catch (error) {
      throw new StoreFailure(storeProblem(error, folder));
    }
  };
  const entryPuts = (entries: readonly Entry[]): Operation[] =>
    entries.map((entry) => ({ type: 'put', key: keyOf('e', entry.author) + digits(entry.seq), value: codec.encode(entry) }));

  return {
    appendOwn: (entries) => write(entryPuts(entries), true),
    keep: (entries) => write(entryPuts(entries), false),
    putWindows: (node, windows) =>
      write(
        windows.map(({ number, payload }) => ({ type: 'put', key: keyOf('w', node) + digits(number), value: payload })),
        true,
      ),
    async windows(node, from, to) {
      const prefix = keyOf('w', node);
      const windows: WindowFrame[] = [];
      for await (const [key, payload] of database.iterator({ gte: prefix + digits(from), lte: prefix + digits(to) })) {
        windows.push({ number: Number(key.slice(prefix.length)), payload: plain(payload) });
      }
      return windows;
    },
    windowNodes: () => windowNodes(database),
    async restore(self) {
      const entries: Entry[] = [];
      for await (const bytes of database.values(range('e/'))) {
        const entry = codec.decode(plain(bytes));
        if (entry.ok && verifyEntry(entry.value)) entries.push(entry.value);
      }
      const held: Record<NodeId, number> = {};
      for (const node of await windowNodes(database)) {
        if (node !== self) held[node] = (await windowNumbers(database, node)).contiguous;
      }
      return { entries, windowLast: (await windowNumbers(database, self)).last, held };
    },
    close: () => database.close(),
  };
}

/** One step per node, not per window: from each node found, straight to the next. */
async function windowNodes(database: Database): Promise<NodeId[]> {
  const nodes: NodeId[] = [];
  let after = 'w/';
  for (;;) {
    const [key] = await database.keys({ gt: after, lt: 'w0', limit: 1 }).all();
    const node = key?.split('/')[1];
    if (node === undefined) return nodes;
    nodes.push(node);
    after = `w/${node}0`;
  }
}

/** `contiguous`: every number from 1 to here is held. `last`: the highest. 0 = none. */
async function windowNumbers(database: Database, node: NodeId): Promise<{ contiguous: number; last: number }> {
  const prefix = keyOf('w', node);
  let contiguous = 0;
  let last = 0;
  for await (const key of database.keys(range(prefix))) {
    last = Number(key.slice(prefix.length));
    if (last === contiguous + 1) contiguous = last;
  }
  return { contiguous, last };
}

/** LevelDB hands out Buffers, whose methods differ from those of the Uint8Array they claim to be. */
function plain(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Keys sort as text, so numbers have a fixed width: 16 digits hold every safe integer. */
function digits(number: number): string {
  assert(Number.isSafeInteger(number) && number >= 0, `not a number to file something under: ${number}`);
  return String(number).padStart(16, '0');
}

function keyOf(space: 'e' | 'w', node: NodeId): string {
  assert(node.length > 0 && !node.includes('/'), `not a name to file something under: ${node}`);
  return `${space}/${node}/`;
}

/** Everything whose key starts with the prefix ('0' is the character after '/'). */
function range(prefix: string): { gt: string; lt: string } {
  return { gt: prefix, lt: `${prefix.slice(0, -1)}0` };
}

function storeProblem(error: unknown, folder: string): Problem {
  const text = describe(error);
  if (/LEVEL_LOCKED|already held|lock .*temporarily unavailable/i.test(text)) {
    return {
      code: 'QUILT_STORE_LOCKED',
      message: `another process uses the data folder ${folder}`,
      hint: 'end the other node, or give this one a data folder of its own',
    };
  }
  if (/ENOSPC|No space left|EDQUOT|quota/i.test(text)) {
    return {
      code: 'QUILT_STORE_FULL',
      message: `the disk of the data folder ${folder} is full`,
      hint: 'make room or give a data folder on another disk; nothing that was written before is lost',
    };
  }
  // ENOENT is what Node's recursive mkdir makes of a read-only disk.
  if (/EROFS|EACCES|EPERM|ENOTDIR|EEXIST|ENOENT|Read-only file system|Permission denied|Not a directory|File exists/i.test(text)) {
    return {
      code: 'QUILT_STORE_READONLY',
      message: `cannot write to the data folder ${folder}: ${reasonOf(error)}`,
      hint: 'it must be a folder that this user may write to; check its owner and how its disk is mounted',
    };
  }
  if (/LEVEL_CORRUPTION|Corruption|No such file/i.test(text)) {
    return {
      code: 'QUILT_STORE_CORRUPT',
      message: `the database in the data folder ${folder} is damaged: ${reasonOf(error)}`,
      hint: 'move the folder away and join again: the node comes back as a new one and catches up from its peers',
    };
  }
  return {
    code: 'QUILT_STORE_FAILED',
    message: `the database in the data folder ${folder} failed: ${reasonOf(error)}`,
    hint: 'check the disk; if it is sound, this is a fault of quilt-swarm worth reporting',
  };
}

/** Codes and messages down the chain of causes, for sorting only. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return `${(error as NodeJS.ErrnoException).code ?? ''} ${error.message} ${error.cause === undefined ? '' : describe(error.cause)}`;
}

/** The innermost message: what the system said. */
function reasonOf(error: unknown): string {
  return error instanceof Error ? (error.cause === undefined ? error.message : reasonOf(error.cause)) : String(error);
}
