// Which hosts there are: a YAML file that QUILT_SSH_HOSTS names. It is a map of groups, and a group is what other clouds call a region; a file that is a
// plain list is one group, called like the file. A host is an address that the system's ssh can reach without asking anything; how many cores it has
// is written down, not measured, because an order is checked before any host is called. Labels are words to choose hosts by, where others have zones.

import { readFileSync } from 'node:fs';
import { basename, extname } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { fail, ok, type Problem, type Result } from '../../../node/core/errors.ts';

export interface Host {
  /** Unique in the file, and the first part of a machine's id. */
  readonly name: string;
  readonly host: string;
  /** Null = whom the system's ssh takes. */
  readonly user: string | null;
  readonly port: number;
  /** Null = not written down: then only the machine type `host` fits. */
  readonly cores: number | null;
  readonly labels: Readonly<Record<string, string>>;
  /** On the host, below the user's home unless it is absolute. */
  readonly folder: string;
}

/** By group. */
export type Inventory = ReadonlyMap<string, readonly Host[]>;

/** More than a swarm can have. */
const HOSTS_MAX = 4096;
const DEFAULT_FOLDER = '.quilt/machines';

const hostShape = z.strictObject({
  // No leading '-': ssh would take it for a flag.
  host: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._:-]{0,252}$/, 'is no host name or address'),
  user: z
    .string()
    .regex(/^[A-Za-z_][A-Za-z0-9_.-]{0,31}$/, 'is no user name')
    .optional(),
  port: z.int().min(1).max(65_535).default(22),
  cores: z.int().min(1).max(1024).optional(),
  labels: z.record(z.string(), z.string()).default({}),
  folder: z
    .string()
    .regex(/^[^\0\n]{1,200}$/)
    .default(DEFAULT_FOLDER),
});
const groupShape = z.array(hostShape).min(1);
const fileShape = z.record(z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/, 'is no name for a group'), groupShape);

const EXAMPLE = 'frankfurt: [{ host: 10.0.0.5, user: load, cores: 8, labels: { rack: r1 } }]';

/** Problems: QUILT_SSH_HOSTS, all that is wrong with the file. */
export function readInventory(path: string | undefined): Result<Inventory> {
  if (path === undefined) {
    const hint = `set QUILT_SSH_HOSTS to a YAML file such as\n${EXAMPLE}`;
    return fail({ code: 'QUILT_SSH_HOSTS', message: 'which hosts? QUILT_SSH_HOSTS names no file', hint });
  }
  try {
    return inventoryOf(parse(readFileSync(path, 'utf8')), path);
  } catch (error) {
    return fail({ code: 'QUILT_SSH_HOSTS', file: path, message: `cannot be read: ${(error as Error).message}`, hint: EXAMPLE });
  }
}

function inventoryOf(content: unknown, path: string): Result<Inventory> {
  const groups = Array.isArray(content) ? { [basename(path, extname(path))]: content } : content;
  const parsed = fileShape.safeParse(groups);
  const wrong = (message: string, key = ''): Problem => ({ code: 'QUILT_SSH_HOSTS', file: path, key, message, hint: EXAMPLE });
  if (!parsed.success) return fail(...parsed.error.issues.map(({ message, path: key }) => wrong(message, key.join('.'))));
  const inventory = new Map(Object.entries(parsed.data).map(([group, hosts]) => [group, hosts.map(hostOf)]));
  const names = [...inventory.values()].flat().map(({ name }) => name);
  const twice = names.filter((name, index) => names.indexOf(name) < index);
  if (twice.length > 0) return fail(...twice.map((name) => wrong(`${name} is there twice: it would be two machines`)));
  return names.length <= HOSTS_MAX ? ok(inventory) : fail(wrong(`${names.length} hosts; at most ${HOSTS_MAX}`));
}

const hostOf = ({ host, user, port, cores, labels, folder }: z.infer<typeof hostShape>): Host => ({
  ...{ name: port === 22 ? host : `${host}:${port}`, host, user: user ?? null, port, cores: cores ?? null, labels, folder },
});
