// The clouds that this build has: whatever files lie in bootstrap/clouds (registry-scan.ts). A cloud is loaded only when somebody names it, because the
// vendors' libraries are large and a node of a swarm never needs one. A file may hold several clouds that differ in profile only (`cloudTypes`); a name
// that is no file is looked for in the others, one after the other. The bundle knows which file has which names and loads that one alone.

import type { CloudType } from '../../bootstrap/cloud.ts';
import { fail, ok, type Result } from '../core/errors.ts';
import { suggestion } from '../core/suggest.ts';
import { builtCloudFiles, filesOf, load, type ScannedModule, scan } from './registry-scan.ts';

const nameOfFile = (file: string): string => file.replace(/(\/index)?\.ts$/, '');

/** Which clouds each file has; throws when one has none, when it misses the one of its own name, or two have the same. Loads all. */
export async function cloudFiles(): Promise<Readonly<Record<string, string>>> {
  return builtCloudFiles ?? cloudFilesOf(await scan('clouds'));
}

/** File by the name of the cloud. */
export function cloudFilesOf(modules: readonly ScannedModule[]): Readonly<Record<string, string>> {
  const files: Record<string, string> = {};
  for (const scanned of modules) {
    for (const { name } of cloudTypesIn(scanned)) {
      if (files[name] !== undefined) throw new Error(`bootstrap/clouds/${scanned.file}: cloud '${name}' is already in ${files[name]}`);
      files[name] = scanned.file;
    }
  }
  return files;
}

function cloudTypesIn({ file, module }: ScannedModule): readonly CloudType[] {
  const { cloudType, cloudTypes } = module as { cloudType?: CloudType; cloudTypes?: readonly CloudType[] };
  const types = cloudTypes ?? (cloudType === undefined ? [] : [cloudType]);
  if (!types.some(({ name }) => name === nameOfFile(file)))
    throw new Error(`bootstrap/clouds/${file} exports no cloudType of the name '${nameOfFile(file)}'`);
  return types;
}

/** Problem: QUILT_CLOUD_UNKNOWN. A file that exports no cloud of its name is a programmer's error and throws. */
export async function loadCloudType(name: string): Promise<Result<CloudType>> {
  // Only a name that is no file costs the others' loading.
  const file = filesOf('clouds').find((each) => nameOfFile(each) === name) ?? (await cloudFiles())[name];
  if (file === undefined) {
    const hint = suggestion(name, Object.keys(await cloudFiles()).sort());
    return fail({ code: 'QUILT_CLOUD_UNKNOWN', message: `'${name}' is no cloud`, hint });
  }
  const type = cloudTypesIn({ file, module: await load('clouds', file) }).find((each) => each.name === name);
  if (type === undefined) throw new Error(`bootstrap/clouds/${file} has no cloud '${name}' any more`);
  return ok(type);
}
