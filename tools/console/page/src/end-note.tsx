// The run is over: what it came to, with its report to open, and of which moment the rest of the page is true. Where the report could not be had in time that is said, and where it is.

import type { Model } from './model.ts';
import { ReportView, verdictTone } from './report.tsx';

export const clockOf = (wallMs: number): string => new Date(wallMs).toLocaleTimeString();

/** The line is lost because the run is over: the node that served the page left at the end. */
export const isServedByNode = ({ line, report, session }: Model): boolean =>
  line.is === 'lost' && report !== null && session?.mode === 'watch';

export const isRunOver = ({ line, report }: Pick<Model, 'line' | 'report'>): boolean =>
  report !== null || (line.is === 'away' && line.isOver);

function Why(model: Model) {
  const { line, live } = model;
  if (isServedByNode(model))
    return (
      <p class="dim">
        The node that served this page has left. The page keeps what it has; <code>quilt-swarm console FOLDER</code> where the run was
        coordinated shows it again.
      </p>
    );
  const heardWallMs = line.is === 'away' ? line.heardWallMs : null;
  if (heardWallMs === null || live === null) return null;
  return <p class="dim">Its nodes are gone. Beside the report, what is shown is what was known at {clockOf(heardWallMs)}.</p>;
}

export function EndNote(model: Model) {
  const { report, live } = model;
  if (report === null) {
    return (
      <p class="notice warn" role="alert">
        The run is over, and its nodes were gone before their report could be had. What is shown is what was known
        {live === null ? '' : ` at ${clockOf(live.atWallMs)}`}. The report is where the run was coordinated:{' '}
        <code>quilt-swarm report FOLDER</code>
      </p>
    );
  }
  return (
    <section class="card over" aria-label="The end">
      <details>
        <summary>
          The run is over: <strong class={verdictTone[report.verdict.verdict] ?? 'calm'}>{report.verdict.verdict}</strong>. Its report
        </summary>
        <ReportView summary={report} />
      </details>
      <Why {...model} />
    </section>
  );
}
