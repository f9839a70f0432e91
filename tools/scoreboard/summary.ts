// The end of a run, for a person: verdict and why, thresholds, delivered against planned load, results by category, errors, nodes, events, files.
// Sections that have nothing to say are left out. Pure: a summary, a width and a style give lines; the figures themselves are core/summary.ts.

import type { Reason, Summary, ThresholdResult } from '../../node/core/summary-types.ts';
import { formatCount, formatDuration, formatNumber, formatUsd, formatValue } from '../../node/core/units.ts';
import { heading, type Page } from './page.ts';
import { createStyle } from './style.ts';
import { artifactLines } from './summary-artifacts.ts';
import { errorLines, eventLines, nodeLines } from './summary-health.ts';
import { loadLines } from './summary-load.ts';
import { placeLines } from './summary-places.ts';
import { categoryLines } from './summary-results.ts';
import { renderTable } from './table.ts';
import { clean, spread, truncate, wrap } from './text.ts';

export interface SummaryFormat {
  readonly color: boolean;
  readonly columns: number;
}

/** Readable text has lines no longer than this, however wide the terminal is. */
const COLUMNS_MAX = 140;
/** Narrower pages would cut figures; the terminal may wrap them instead. */
const COLUMNS_MIN = 64;

const VERDICT_WORD = { pass: ['PASS', 'good'], fail: ['FAIL', 'bad'], tainted: ['TAINTED', 'warn'] } as const;

function verdictLines({ verdict, run }: Summary, page: Page): string[] {
  const { style, width } = page;
  const [word, meaning] = verdict.exit === 'stoppedByOperator' ? (['STOPPED', 'warn'] as const) : VERDICT_WORD[verdict.verdict];
  const ran = ranText(run);
  const facts = style.dim(`${ran} · run ${clean(run.runId)} · exit ${verdict.exitCode}`);
  const paint = { fail: style.bad, taint: style.warn, note: style.dim };
  const bullet = ({ level, message }: Reason): string[] =>
    wrap(clean(message), width - 6).map(
      (line, index) => `  ${paint[level](index === 0 ? '•' : ' ')} ${level === 'note' ? style.dim(line) : line}`,
    );
  return [
    spread(` ${style.badge(word, meaning)} ${style.bold(truncate(clean(run.scenario), 40))}`, `${facts}  `, width),
    ...verdict.reasons.flatMap(bullet),
  ];
}

function ranText({ startedWallMs, durationMs, plannedDurationMs, end }: Summary['run']): string {
  if (startedWallMs === null) return 'never started';
  return end === 'completed' || plannedDurationMs === 0
    ? formatDuration(durationMs)
    : `${formatDuration(durationMs)} of ${formatDuration(plannedDurationMs)}`;
}

const SIGNS = { pass: '✓', fail: '✗', 'no-samples': '?' } as const;

function thresholdLines({ thresholds }: Summary, page: Page): string[] {
  if (thresholds.length === 0) return [];
  const { style, width } = page;
  const paint = (result: ThresholdResult) => (result.state === 'pass' ? style.good : style.bad);
  const rows = thresholds.map((result) => [
    { text: SIGNS[result.state], paint: paint(result) },
    { text: clean(result.selector) },
    { text: clean(result.expression), paint: style.dim },
    { text: observedText(result), paint: (text: string) => style.bold(paint(result)(text)) },
  ]);
  const met = thresholds.filter(({ state }) => state === 'pass').length;
  return [
    heading('THRESHOLDS', `${met} of ${thresholds.length} met`, page),
    ...renderTable(
      {
        columns: [
          { title: '', align: 'left' },
          { title: '', align: 'left', isFlexible: true },
          { title: '', align: 'left' },
          { title: '', align: 'right' },
        ],
        width: width - 2,
        indent: 4,
        paintTitle: style.dim,
        hasTitles: false,
      },
      rows,
    ),
  ];
}

function observedText({ observed, unit }: ThresholdResult): string {
  if (observed === null) return 'no samples';
  return unit === 'count' ? formatNumber(observed) : formatValue(observed, unit);
}

function spendingLines({ spending }: Summary, page: Page): string[] {
  // Runs of earlier versions have no such field.
  if (spending === null || spending === undefined) return [];
  const limit = spending.limitUsd === null ? '' : ` of at most ${formatUsd(spending.limitUsd)}`;
  const machines = `${formatCount(spending.machines)} priced machine${spending.machines === 1 ? '' : 's'}`;
  return [heading('COST', `${formatUsd(spending.usd)}${limit} · ${machines} · by price tables, not by the vendors' bills`, page)];
}

function fileLines({ files }: Summary, page: Page): string[] {
  if (files.length === 0) return [];
  const rows = files.map(({ what, path }) => [{ text: clean(what), paint: page.style.dim }, { text: clean(path) }]);
  const columns = [
    { title: '', align: 'left' as const },
    { title: '', align: 'left' as const },
  ];
  // A path that is cut cannot be pasted: here lines may be longer than the page.
  return [
    heading('FILES', '', page),
    ...renderTable({ columns, width: Number.POSITIVE_INFINITY, indent: 4, paintTitle: page.style.dim, hasTitles: false }, rows),
  ];
}

/** The whole end-of-run report as lines, without a line end. */
export function renderSummary(summary: Summary, format: SummaryFormat): string[] {
  const page: Page = { width: Math.max(COLUMNS_MIN, Math.min(format.columns, COLUMNS_MAX)), style: createStyle(format.color) };
  const sections = [
    verdictLines(summary, page),
    thresholdLines(summary, page),
    loadLines(summary, page),
    ...categoryLines(summary, page),
    placeLines(summary, page),
    errorLines(summary, page),
    nodeLines(summary, page),
    spendingLines(summary, page),
    eventLines(summary, page),
    artifactLines(summary, page),
    fileLines(summary, page),
  ];
  return ['', ...sections.filter((lines) => lines.length > 0).flatMap((lines) => [...lines, ''])];
}
