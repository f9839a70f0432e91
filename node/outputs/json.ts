// `--out json=FILE`: lines of JSON in the form of k6's json output: a Metric line before the first use of each metric, and Points with time, value and tags, one for each node, second and
// series. Beside k6's one value a point has what a second of a trend, rate or gauge consists of.

import { ok } from '../core/errors.ts';
import type { OutputType } from './output.ts';
import { openRowFile } from './row-file.ts';
import { rowsOf } from './rows.ts';

export const json: OutputType = {
  scope: 'run',
  about: 'FILE for lines of JSON',
  check(argument) {
    const opened = openRowFile('json', argument);
    if (!opened.ok) return opened;
    return ok((components) => {
      const file = opened.value(components);
      const told = new Set<string>();
      const line = (value: object): void => file.add(`${JSON.stringify(value)}\n`);
      return {
        window(merged) {
          const time = new Date(merged.startWallMs).toISOString();
          for (const { metric, kind, tags, figures } of rowsOf(merged)) {
            const declared = merged.declarations.get(metric);
            if (!told.has(metric))
              line({ type: 'Metric', metric, data: { name: metric, type: kind, contains: declared?.unit ?? 'count' } });
            told.add(metric);
            line({ type: 'Point', metric, data: { time, ...figures, tags } });
          }
        },
        finish: () => file.close(),
      };
    });
  },
};
