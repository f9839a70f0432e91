// Counts what vitest did, for the one line that `npm test` ends with, and collects the reason of every skip. A file that
// does not load and an error outside any test count as one failure each: neither has a test to carry it, and both would
// else be a green count beside a red exit code. So does a test that was never finished.

import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node';

export interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

export interface CountReporter extends Reporter {
  readonly counts: Counts;
  /** One line for each skipped test: its name, and why. */
  readonly skips: string[];
}

/** The reason stands in the note of `context.skip(note)`, or in a title made by test/support/parts.ts. */
function skipLine(name: string, note: string | undefined): string {
  if (note !== undefined) return `${name} (skipped: ${note})`;
  return name.includes('(skipped: ') ? name : `${name} (skipped: no reason given)`;
}

export function countReporter(): CountReporter {
  const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
  const skips: string[] = [];
  const countModule = (testModule: TestModule): void => {
    const outside = [...testModule.children.allSuites()].flatMap((suite) => suite.errors());
    counts.failed += Math.min(1, testModule.errors().length + outside.length);
    for (const test of testModule.children.allTests()) {
      const result = test.result();
      if (result.state === 'passed') counts.passed++;
      else if (result.state === 'skipped') {
        counts.skipped++;
        skips.push(skipLine(`${testModule.relativeModuleId} > ${test.fullName}`, result.note));
      } else counts.failed++;
    }
  };
  return {
    counts,
    skips,
    onTestRunEnd(testModules: readonly TestModule[], unhandledErrors: readonly unknown[], reason: TestRunEndReason) {
      for (const testModule of testModules) countModule(testModule);
      counts.failed += unhandledErrors.length;
      // An interrupted run, and whatever else vitest calls failed without saying which test, must not look green.
      if (reason !== 'passed' && counts.failed === 0) counts.failed++;
      if (testModules.length === 0 && counts.failed === 0) counts.failed++;
    },
  };
}

/** The last line of `npm test`, e.g. `120 passed, 0 failed, 2 skipped`. */
export function countLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
