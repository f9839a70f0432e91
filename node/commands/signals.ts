// Ctrl-C and its relatives for a node: the first asks it to hand over and leave, the second to leave now. A node that `run` started leaves when
// `run` is gone, however that went: its standard input closes.

import type { NodeProcess } from '../runtime/node-contract.ts';

export function leaveOnSignals(node: NodeProcess): void {
  let count = 0;
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(name, () => node.signal(count++ === 0 ? 'leave' : 'now'));
  }
}

export function leaveWithParent(node: NodeProcess): void {
  // The terminal sends Ctrl-C to the whole group; `run` decides what it means.
  process.on('SIGINT', () => {});
  process.on('SIGHUP', () => {});
  process.on('SIGTERM', () => node.signal('leave'));
  process.stdin.on('end', () => node.signal('now'));
  process.stdin.on('error', () => node.signal('now'));
  process.stdin.resume();
}
