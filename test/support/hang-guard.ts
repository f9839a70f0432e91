// Ends a test process whose event loop stands still: a loop without end cannot be timed out from inside, and vitest waits
// for it for ever. A thread watches a counter that the loop turns; when it stands for too long, the thread kills the process,
// which vitest reports as an error and goes on. Loaded before every test file (test/vitest.config.ts).

import { Worker } from 'node:worker_threads';

/** Longer than the longest test that honestly computes without a pause, a simulated cluster on a busy machine. */
const stillMsMax = 180_000;

const turns = new Int32Array(new SharedArrayBuffer(4));
const watchman = `
const { workerData } = require('node:worker_threads');
const { turns, stillMsMax } = workerData;
// Wakes when the counter moves away from what it was; 'timed-out' means that it never did.
while (Atomics.wait(turns, 0, Atomics.load(turns, 0), stillMsMax) !== 'timed-out') {}
require('node:fs').writeSync(2, 'hang guard: this test process stood still for ' + stillMsMax + ' ms and is killed\\n');
process.kill(process.pid, 'SIGKILL');
`;

// Real timers, taken before a test can replace them by fake ones.
const turn = setInterval(() => {
  Atomics.add(turns, 0, 1);
  Atomics.notify(turns, 0);
}, 1000);
turn.unref();
new Worker(watchman, { eval: true, workerData: { turns, stillMsMax } }).unref();
