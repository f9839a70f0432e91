// Finds the files of a registry: "a new endpoint type is one new file" means that nobody lists them by hand. A file
// counts when it is a direct child `*.ts` of its folder, except the contract itself, or a folder with an index.ts.
// The scan is sorted, so every node builds the same registry in the same order. In the single-file bundle there is no
// folder to scan: tools/build.ts replaces this module by a generated one with the same exports and static imports, made
// from the same `registryFiles`.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const registryKinds = ['clouds', 'endpoints', 'faults', 'metrics'] as const;
export type RegistryKind = (typeof registryKinds)[number];

/** One registry file: its path below the registry's folder, with forward slashes, and what it exports. */
export interface ScannedModule {
  file: string;
  module: unknown;
}

/** The contracts live beside their implementations and are no implementations themselves. */
const contractFiles: ReadonlySet<string> = new Set(['endpoint.ts', 'fault.ts', 'metric.ts']);

/** In the bundle: the endpoint types that it was built with. Here nobody knows before they are loaded. */
export const builtTypeNames: readonly string[] | null = null;

/** In the bundle: the file of each cloud, by name. */
export const builtCloudFiles: Readonly<Record<string, string>> | null = null;

/** Names of one registry's files, sorted; empty when the folder does not exist (yet). */
export function registryFiles(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const files: string[] = [];
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    if (entry.isDirectory() && existsSync(join(folder, entry.name, 'index.ts'))) files.push(`${entry.name}/index.ts`);
    if (entry.isFile() && entry.name.endsWith('.ts') && !contractFiles.has(entry.name)) files.push(entry.name);
  }
  return files.sort();
}

/** From the folder of this module. */
export const registryFolder = (kind: RegistryKind): string => (kind === 'clouds' ? '../../bootstrap/clouds/' : `../${kind}/`);

export const filesOf = (kind: RegistryKind): string[] => registryFiles(fileURLToPath(new URL(registryFolder(kind), import.meta.url)));

/** One file, for registries whose parts are heavy and seldom needed. */
export const load = async (kind: RegistryKind, file: string): Promise<unknown> =>
  import(new URL(`${registryFolder(kind)}${file}`, import.meta.url).href);

/** Imports every file of one registry. A file that does not load rejects: a half-filled registry would look like a full one. */
export async function scan(kind: RegistryKind): Promise<ScannedModule[]> {
  const scanned: ScannedModule[] = [];
  for (const file of filesOf(kind)) scanned.push({ file, module: await load(kind, file) });
  return scanned;
}
