// The clouds that this build has: whatever files lie in bootstrap/clouds (registry-scan.ts). A cloud is loaded only when somebody names it, because the
// vendors' libraries are large and a node of a swarm never needs one.

import type { CloudType } from '../../bootstrap/cloud.ts';
import { fail, ok, type Result } from '../core/errors.ts';
import { suggestion } from '../core/suggest.ts';
import { filesOf, load } from './registry-scan.ts';

/** Sorted. A cloud's name is the name of its file or folder. */
export const cloudNames = (): string[] => filesOf('clouds').map((file) => file.replace(/(\/index)?\.ts$/, ''));

/** Problem: QUILT_CLOUD_UNKNOWN. A file that exports no cloud of its name is a programmer's error and throws. */
export async function loadCloudType(name: string): Promise<Result<CloudType>> {
  const names = cloudNames();
  const at = names.indexOf(name);
  if (at < 0) {
    return fail({ code: 'QUILT_CLOUD_UNKNOWN', message: `'${name}' is no cloud`, hint: suggestion(name, names) });
  }
  const module = (await load('clouds', filesOf('clouds')[at] as string)) as { cloudType?: CloudType };
  if (module.cloudType?.name !== name) throw new Error(`bootstrap/clouds/${name} exports no cloudType of that name`);
  return ok(module.cloudType);
}
