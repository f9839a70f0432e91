// Problems as a person reads them at two in the morning: one line each, where first, then what, then what to do. The same format for a
// terminal and for a log; with colour only the place and the hint are set apart. Sorted by line, so that the list can be worked off top down.

import type { Problem } from '../node/core/errors.ts';

const RED = '\u001b[31m';
const DIM = '\u001b[2m';
const RESET = '\u001b[0m';

/** `scenario.yaml:12:5  groups.viewers.load.shape[1].over  must be a duration  (10s, 1m30s)` */
export function renderProblem(problem: Problem, withColor = false): string {
  const paint = (code: string, text: string): string => (withColor && text !== '' ? `${code}${text}${RESET}` : text);
  const position = problem.line === undefined ? '' : `:${problem.line}:${problem.column ?? 1}`;
  const place = problem.file === undefined ? '' : `${problem.file}${position}`;
  const hint = problem.hint === undefined ? '' : paint(DIM, `(${problem.hint})`);
  return [paint(RED, place), problem.key ?? '', problem.message, hint].filter((part) => part !== '').join('  ');
}

/** All of them, in the order of the file, and a last line that counts. */
export function renderProblems(problems: readonly Problem[], withColor = false): string {
  const lines = sortProblems(problems).map((problem) => renderProblem(problem, withColor));
  const files = new Set(problems.map((problem) => problem.file).filter((file) => file !== undefined));
  const where = files.size === 1 ? ` in ${[...files][0]}` : '';
  return [...lines, `${problems.length} ${problems.length === 1 ? 'problem' : 'problems'}${where}`].join('\n');
}

/** By file and line; problems without a line (of the command line) come first. Stable. */
export function sortProblems(problems: readonly Problem[]): Problem[] {
  return [...problems].sort(
    (a, b) => (a.file ?? '').localeCompare(b.file ?? '') || (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0),
  );
}

/** `groups`, `viewers`, `shape`, 1 -> `groups.viewers.shape[1]`; keys that are no words are quoted. */
export function keyText(path: readonly PropertyKey[]): string {
  let text = '';
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`;
    else if (/^[\w-]+$/.test(String(step))) text += text === '' ? String(step) : `.${String(step)}`;
    else text += `['${String(step)}']`;
  }
  return text;
}
