// A run that is over, from what is written of it: its charts, and its report. For the run that is watched when its nodes were gone before anybody looked, and for runs of the list.

import type { Summary } from '../../../../node/core/summary-types.ts';
import { type ChartedRun, chartRun } from './charted-run.ts';
import { Charts } from './charts.tsx';
import { ReportView } from './report.tsx';

export function EndedRun({ summary, run }: { summary: Summary; run: ChartedRun | null }) {
  if (run !== null) chartRun(run);
  return (
    <ReportView summary={summary}>
      {run !== null && run.history.length > 0 ? (
        <Charts thresholds={summary.thresholds} />
      ) : (
        <p class="dim">No charts: nothing by the second was kept of this run where this console can read it.</p>
      )}
    </ReportView>
  );
}
