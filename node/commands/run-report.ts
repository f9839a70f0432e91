// The end of a run on the terminal: the summary, always, also after an abort; as JSON when a machine reads. Without a coordinator's report (it was lost
// before it could judge) the reason stands alone.

import { renderSummary } from '../../tools/scoreboard/summary.ts';
import { columns, err, out, write } from '../adapters/terminal.ts';
import type { Summary } from '../core/summary-types.ts';

/** Width of the copy that is kept as a file. */
const FILE_COLUMNS = 110;

export const summaryText = (summary: Summary): string => `${renderSummary(summary, { color: false, columns: FILE_COLUMNS }).join('\n')}\n`;

export function showSummary(summary: Summary | null, message: string, { json, color }: { json: boolean; color: boolean }): void {
  if (json) {
    out(JSON.stringify(summary ?? { verdict: null, message }));
    return;
  }
  if (summary === null) err(`no report: ${message}`);
  else write(`${renderSummary(summary, { color, columns: columns() }).join('\n')}\n`);
}
