// `--out csv=FILE`: columns metric_name, timestamp (Unix seconds), metric_value as k6's csv output has them, then what a second consists of (count, sum, min, max, pass, total), and the tags as
// one column, name=value joined by &, as k6 joins its extra tags. RFC 4180: quoted where needed, CRLF not, since no tool of today wants it.

import { ok } from '../core/errors.ts';
import type { OutputType } from './output.ts';
import { openRowFile } from './row-file.ts';
import { rowsOf } from './rows.ts';

const FIGURES = ['count', 'sum', 'min', 'max', 'pass', 'total'] as const;
const HEADER = ['metric_name', 'timestamp', 'metric_value', ...FIGURES, 'tags'].join(',');

/** What a spreadsheet would take for a formula is text: tags come from the target's answers. */
function field(text: string): string {
  const safe = /^[=+@\t]|^-(?![\d.])/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}

const tagText = (tags: Readonly<Record<string, string>>): string =>
  Object.entries(tags)
    .map(([name, value]) => `${encodeTag(name)}=${encodeTag(value)}`)
    .join('&');
/** Only what separates. */
const encodeTag = (text: string): string => text.replaceAll(/[%&=]/g, (found) => encodeURIComponent(found));

export const csv: OutputType = {
  scope: 'run',
  about: 'FILE for comma-separated values',
  check(argument) {
    const opened = openRowFile('csv', argument);
    if (!opened.ok) return opened;
    return ok((components) => {
      const file = opened.value(components);
      file.add(`${HEADER}\n`);
      return {
        window(merged) {
          const timestamp = Math.floor(merged.startWallMs / 1000);
          for (const { metric, value, figures, tags } of rowsOf(merged)) {
            const parts = FIGURES.map((name) => figures[name] ?? '');
            file.add(`${[field(metric), timestamp, value, ...parts, field(tagText(tags))].join(',')}\n`);
          }
        },
        finish: () => file.close(),
      };
    });
  },
};
