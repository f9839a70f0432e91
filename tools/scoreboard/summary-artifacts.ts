// The artifact store in a summary: one line when everything is there, and what is missing, node by node, when it is not.

import type { Summary } from '../../node/core/summary-types.ts';
import { formatBytes, formatCount } from '../../node/core/units.ts';
import { heading, type Page } from './page.ts';
import { clean, truncate } from './text.ts';

const GAPS_SHOWN = 6;

export function artifactLines({ artifacts }: Summary, page: Page): string[] {
  if (artifacts === undefined) return [];
  const { style, width } = page;
  const { store, files, bytes, gaps, gapsLeftOut, problem } = artifacts;
  const count = gaps.length + gapsLeftOut;
  const state = count === 0 ? 'nothing is missing' : `${formatCount(count)} missing`;
  const warn = (text: string): string => `    ${style.warn('!')} ${truncate(clean(text), width - 8)}`;
  const shown = gaps.slice(0, GAPS_SHOWN);
  const more = count - shown.length;
  return [
    heading('ARTIFACTS', problem === null ? `${formatCount(files)} files, ${formatBytes(bytes)} · ${state}` : 'unknown', page),
    // A path that is cut cannot be pasted.
    `    ${clean(store)}`,
    ...(problem === null ? [] : [warn(problem)]),
    ...shown.map(({ node, name, what, detail }) => warn(`${name}: ${what === node ? '' : `${what}: `}${detail}`)),
    ...(more > 0 ? [style.dim(`    … ${formatCount(more)} more in artifacts.json there`)] : []),
  ];
}
