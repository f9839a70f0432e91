// Which program this is, for peers to compare: the release, and behind the plus sign (SemVer build metadata) the hash of the built files that run on a node. Nodes of a run must
// be the same program, because each computes the same plan and the same placing by itself; a swarm admits nobody else.

import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import manifest from '../../package.json' with { type: 'json' };
import { entryPaths } from './entries.ts';

const BUILT_FILES = ['quilt-swarm.mjs', 'worker.mjs'];
const HASH_LENGTH = 12;
/** How the version of a program ends that was not built. */
export const SOURCES = '+sources';

/** Of a folder that `npm run build` wrote; left out: of this process. Sources have no hash: who runs them knows what they are. */
export function programVersion(distFolder = dirname(entryPaths().node)): string {
  const files = BUILT_FILES.map((name) => join(distFolder, name));
  if (!files.every((path) => existsSync(path))) return `${manifest.version}${SOURCES}`;
  const hash = createHash('sha256');
  for (const path of files) hash.update(readFileSync(path));
  return `${manifest.version}+${hash.digest('hex').slice(0, HASH_LENGTH)}`;
}
