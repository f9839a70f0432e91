// Adds to a finished summary what became of the artifacts. Apart from the judgement, because the verdict is what the swarm seals, and only after that do the last files
// reach the store: what is missing there is a note beside the verdict and never changes it.

import type { ArtifactsSummary, Reason, Summary } from './summary-types.ts';
import { formatCount } from './units.ts';

const CODE = 'artifacts-missing';

export function withArtifacts(summary: Summary, artifacts: ArtifactsSummary): Summary {
  const others = summary.verdict.reasons.filter(({ code }) => code !== CODE);
  const reason = missing(artifacts);
  return { ...summary, artifacts, verdict: { ...summary.verdict, reasons: reason === null ? others : [...others, reason] } };
}

function missing({ store, gaps, gapsLeftOut, problem }: ArtifactsSummary): Reason | null {
  if (problem !== null) return { code: CODE, level: 'note', message: `whether the artifacts are in ${store} is unknown: ${problem}` };
  const count = gaps.length + gapsLeftOut;
  if (count === 0) return null;
  const names = [...new Set(gaps.map(({ name }) => name))];
  const shown = `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more nodes` : ''}`;
  return {
    code: CODE,
    level: 'note',
    message: `artifacts are missing in ${store}: ${formatCount(count)} gap${count === 1 ? '' : 's'}, of ${shown}`,
  };
}
