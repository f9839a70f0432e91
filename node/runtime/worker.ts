// Entry of a worker process, forked by its node with an IPC channel. It puts the parts together and owns the process: it lives as long as the
// channel does. A worker whose node is gone has nobody to report to and nobody to stop it, so it exits at once and lets the kernel close its
// sockets; endpoints' own processes die with it by their parent-death signal.

import { monotonicNowMs } from '../adapters/clock.ts';
import { loadEndpointTypes } from './registry.ts';
import { createWorkerHost } from './worker-host.ts';
import type { FromWorker, ToWorker } from './worker-protocol.ts';

const host = createWorkerHost({
  nowMs: monotonicNowMs,
  send(message: FromWorker) {
    // A closed channel ends the process by 'disconnect'; until then a failed send has nobody to be told to.
    if (process.connected) process.send?.(message, undefined, undefined, () => {});
  },
  loadTypes: loadEndpointTypes,
  onExit: () => process.exit(0),
});

process.on('message', (message) => host.handle(message as ToWorker));
process.on('disconnect', () => process.exit(0));
// The terminal's Ctrl-C reaches the whole process group; when load ends is the node's decision, and its end ends this process.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => {});
process.on('uncaughtException', (error) => host.fault(error));
process.on('unhandledRejection', (reason) => host.fault(reason));
