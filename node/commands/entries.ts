// Where the programs that a node starts are: child nodes and workers run what this process runs. From the sources that is
// node/quilt-swarm.mjs and node/runtime/worker.ts; from the bundle it is the bundle itself and the worker beside it
// (tools/build.ts writes both into dist/). This module is inside the bundle, so its own address tells which it is.

import { fileURLToPath } from 'node:url';

export interface EntryPaths {
  /** Start with process.execPath and a verb. */
  node: string;
  /** Fork it. */
  worker: string;
}

export function entryPaths(moduleUrl: string = import.meta.url): EntryPaths {
  const isSource = moduleUrl.endsWith('.ts');
  return {
    node: fileURLToPath(isSource ? new URL('../quilt-swarm.mjs', moduleUrl) : moduleUrl),
    worker: fileURLToPath(new URL(isSource ? '../runtime/worker.ts' : './worker.mjs', moduleUrl)),
  };
}
