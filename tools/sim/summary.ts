// What `npm run sim` prints: a failure so that it can be understood and replayed, and at the end how much was exercised.

import { COUNTED } from './counts.ts';
import type { ManyResult } from './many.ts';
import type { Failure } from './run-seed.ts';

export function describeFailure(failure: Failure, withLines: boolean): string {
  const lines = withLines ? failure.lines.map((line) => `    ${line.slice(0, 400)}\n`).join('') : '';
  return (
    `FAILED seed ${failure.seed} at ${(failure.atMs / 1000).toFixed(3)} s: ${failure.promise === 'crash' ? 'crash: ' : ''}${failure.message}\n${lines}` +
    `  replay: npm run sim -- --seed ${failure.seed} --trace`
  );
}

const tableText = (table: Readonly<Record<string, number>>): string =>
  Object.entries(table)
    .sort((a, b) => b[1] - a[1])
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');

export function describeSummary(result: ManyResult): string {
  const { counts, seeds, elapsedMs, failures, jobs } = result;
  const perS = (seeds * 1000) / elapsedMs;
  const lines = [
    `${seeds} seeds in ${(elapsedMs / 1000).toFixed(1)} s on ${jobs} cores: ${perS.toFixed(1)} seeds/s, ${(perS / jobs).toFixed(1)} per core`,
    `exercised: ${COUNTED.map((name) => `${name} ${counts[name]}`).join(', ')}`,
    `runs ended: ${tableText(counts.endings)}`,
    `nodes left: ${tableText(counts.exits)}`,
    failures.length === 0
      ? 'clean'
      : `${failures.length} FAILED: ${failures.map((failure) => `${failure.seed} (${failure.promise})`).join(', ')}`,
  ];
  return lines.join('\n');
}
