// Vitest for the whole repository. Tests are found by their name (`*.test.ts`) under test/, run in forked processes on
// the Node that started vitest (the pinned Node 24), and share one machine: two forks at most, so that integration
// tests, which start real nodes, are not starved by their neighbours. The reporter that prints the count line is
// added by tools/run-tests.ts.

import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  root: fileURLToPath(new URL('..', import.meta.url)),
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    setupFiles: ['test/support/hang-guard.ts'],
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    teardownTimeout: 10_000,
    allowOnly: false,
    passWithNoTests: false,
  },
});
