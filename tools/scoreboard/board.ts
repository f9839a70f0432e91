// The live board as lines (DESIGN 8): line 1 is phase, elapsed of total, endpoints active of planned, nodes live of expected, coordinator and term;
// then one bar a group; then a line only for what is wrong. Pure: the same view and size give the same lines, none longer than the terminal, never
// more than fit. Bars of all groups share one scale only within their own group: full = the group's planned peak.

import type { Spending } from '../../node/core/spending.ts';
import type { BoardGroup, BoardView } from '../../node/core/summary-types.ts';
import { formatClock, formatCount, formatMs, formatRate, formatUsd } from '../../node/core/units.ts';
import { type BoardHistory, SPARK_COLUMNS, sparkline } from './sparkline.ts';
import type { Style } from './style.ts';
import { clean, displayWidth, padLeft, padRight, spread, truncate } from './text.ts';

export interface BoardSize {
  readonly columns: number;
  readonly rows: number;
}

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const BAR_MIN = 8;
const BAR_MAX = 40;

const PHASE_MEANING = { forming: 'plain', claiming: 'plain', running: 'good', draining: 'warn', sealed: 'plain' } as const;

/** Active solid, planned beyond it shaded, the rest dotted. */
export function bar(active: number, planned: number, peak: number, width: number, style: Style): string {
  const scale = Math.max(peak, planned, active, 1);
  const eighths = Math.round((active / scale) * width * 8);
  const full = Math.floor(eighths / 8);
  const part = EIGHTHS[eighths % 8]!;
  const solid = '█'.repeat(full) + part;
  const filled = full + (part === '' ? 0 : 1);
  const shaded = Math.max(0, Math.round((planned / scale) * width) - filled);
  const isBehind = planned - active > Math.max(1, planned * 0.05);
  const paint = isBehind ? style.warn : style.good;
  return paint(solid) + style.dim('░'.repeat(shaded) + '·'.repeat(Math.max(0, width - filled - shaded)));
}

function headline(view: BoardView, columns: number, style: Style): string {
  const clock =
    view.totalMs === null || columns < 30 ? formatClock(view.elapsedMs) : `${formatClock(view.elapsedMs)}/${formatClock(view.totalMs)}`;
  const isShort = view.nodesLive < view.nodesExpected;
  const nodes = `nodes ${view.nodesLive}/${view.nodesExpected}`;
  const coordinator =
    view.coordinator === null ? 'no coordinator' : `coordinator ${truncate(clean(view.coordinator), 20)} term ${view.term}`;
  const parts = [
    { text: `EPs ${formatCount(view.endpointsActive)}/${formatCount(view.endpointsPlanned)}`, paint: style.bold },
    { text: nodes, paint: isShort ? style.warn : (text: string) => text },
    { text: coordinator, paint: view.coordinator === null ? style.warn : (text: string) => text },
  ];
  const phase = style.badge(view.phase.toUpperCase(), PHASE_MEANING[view.phase]);
  let line = `${phase} ${style.bold(clock)}`;
  for (const { text, paint } of parts) {
    const room = columns - displayWidth(line) - 3;
    if (room < 8) break;
    line += `   ${paint(truncate(text, room))}`;
  }
  return spread(line, `${style.dim(truncate(clean(view.scenario), 24))} `, columns);
}

interface Cells {
  readonly name: string;
  readonly type: string;
  readonly count: string;
  readonly rate: string;
  readonly latency: string;
  readonly errors: string;
}

const cellsOf = (group: BoardGroup): Cells => ({
  name: truncate(clean(group.group), 18),
  type: truncate(clean(group.type), 10),
  count: `${formatCount(group.active)}/${formatCount(group.planned)}`,
  rate: group.ratePerS === null ? '' : `${formatRate(group.ratePerS)}/s`,
  latency: group.p95Ms === null ? '' : `p95 ${formatMs(group.p95Ms)}`,
  errors: group.errorsPerS >= 0.05 ? `${formatRate(group.errorsPerS)} err/s` : '',
});

function groupLines(view: BoardView, groups: readonly BoardGroup[], columns: number, style: Style, history: BoardHistory): string[] {
  const cells = groups.map(cellsOf);
  const widest = (read: (cell: Cells) => string): number => cells.reduce((width, cell) => Math.max(width, displayWidth(read(cell))), 0);
  const widths = { name: widest(({ name }) => name), type: widest(({ type }) => type), count: widest(({ count }) => count) };
  // Minimum widths keep columns from dancing while the figures grow.
  const rateWidth = Math.max(
    9,
    widest(({ rate }) => rate),
  );
  const latencyWidth = Math.max(
    11,
    widest(({ latency }) => latency),
  );
  const errorWidth = widest(({ errors }) => errors);
  const fixed = (withType: boolean, withErrors: boolean): number =>
    1 +
    widths.name +
    (withType ? 2 + widths.type : 0) +
    2 +
    2 +
    widths.count +
    2 +
    rateWidth +
    2 +
    latencyWidth +
    (withErrors ? 2 + errorWidth : 0) +
    1;
  const hasErrors = errorWidth > 0 && columns - fixed(false, true) >= BAR_MIN;
  const hasType = columns - fixed(true, hasErrors) >= BAR_MIN + 4;
  const spare = columns - fixed(hasType, hasErrors) - (SPARK_COLUMNS + 2);
  const hasSparks = history.size > 0 && spare >= BAR_MIN * 2;
  const barWidth = Math.max(0, Math.min(BAR_MAX, hasSparks ? spare : columns - fixed(hasType, hasErrors)));
  return groups.map((group, index) => {
    const cell = cells[index]!;
    const parts = [padRight(style.name(cell.name), widths.name)];
    if (hasType) parts.push(padRight(style.dim(cell.type), widths.type));
    if (barWidth >= BAR_MIN) parts.push(bar(group.active, group.planned, group.peak, barWidth, style));
    parts.push(
      padLeft(cell.count, widths.count),
      padLeft(cell.rate, rateWidth),
      padRight(padLeft(cell.latency, latencyWidth), latencyWidth),
    );
    if (hasSparks) parts.push(style.dim(padRight(sparkline(history.get(group.group) ?? []), SPARK_COLUMNS)));
    if (hasErrors) parts.push(style.bad(padLeft(cell.errors, errorWidth)));
    const line = ` ${parts.join('  ')}`.trimEnd();
    return displayWidth(line) <= columns ? line : ` ${truncate(`${cell.name} ${cell.count} ${cell.rate} ${cell.latency}`, columns - 1)}`;
  });
}

function hiddenGroupsLine(hidden: readonly BoardGroup[], columns: number, style: Style): string {
  const active = hidden.reduce((sum, group) => sum + group.active, 0);
  const planned = hidden.reduce((sum, group) => sum + group.planned, 0);
  return style.dim(truncate(` … ${hidden.length} more groups, ${formatCount(active)}/${formatCount(planned)}`, columns));
}

/** Money is not a trouble, and still always worth a line: it is the one thing that nobody can undo. */
export function spendingText({ usd, usdPerHour, limitUsd, usdAtEnd }: Spending): string {
  const limit = limitUsd === null ? '' : ` of ${formatUsd(limitUsd)}`;
  const end = usdAtEnd === undefined ? '' : `, ${formatUsd(usdAtEnd)} at the end`;
  return `spent ${formatUsd(usd)}${limit}, ${formatUsd(usdPerHour)} an hour${end}`;
}

/** Lines of the board, at most `rows` of at most `columns`. Troubles are never crowded out by groups. */
export function renderBoard(view: BoardView, size: BoardSize, style: Style, history: BoardHistory = new Map()): string[] {
  const columns = Math.max(20, size.columns);
  const troubles = view.troubles.map(({ level, text }) => {
    const paint = level === 'error' ? style.bad : style.warn;
    return ` ${paint('!')} ${paint(truncate(clean(text), columns - 3))}`;
  });
  if (view.note !== null) troubles.unshift(` ${style.warn(`» ${truncate(clean(view.note), columns - 3)}`)}`);
  const room = Math.max(1, size.rows - 1 - Math.min(troubles.length, Math.max(1, Math.floor(size.rows / 2))));
  const isCut = view.groups.length > room;
  const shown = isCut ? view.groups.slice(0, Math.max(0, room - 1)) : view.groups;
  const lines = [headline(view, columns, style), ...groupLines(view, shown, columns, style, history)];
  if (isCut) lines.push(hiddenGroupsLine(view.groups.slice(shown.length), columns, style));
  const money = view.spending === null ? [] : [style.dim(truncate(` ${spendingText(view.spending)}`, columns))];
  return [...lines, ...troubles, ...money].slice(0, Math.max(1, size.rows));
}

/** The same as one line, for logs: every ten seconds when nobody watches. */
export function renderPlain(view: BoardView): string {
  const clock = view.totalMs === null ? formatClock(view.elapsedMs) : `${formatClock(view.elapsedMs)}/${formatClock(view.totalMs)}`;
  const parts = [
    `${view.phase} ${clock}`,
    `EPs ${formatCount(view.endpointsActive)}/${formatCount(view.endpointsPlanned)}`,
    `nodes ${view.nodesLive}/${view.nodesExpected}`,
    view.coordinator === null ? 'no coordinator' : `coordinator ${clean(view.coordinator)} term ${view.term}`,
    ...view.groups.slice(0, 8).map((group) => {
      const { count, rate, latency } = cellsOf(group);
      return [`${clean(group.group)} ${count}`, rate, latency].filter((part) => part !== '').join(' ');
    }),
    ...(view.note === null ? [] : [clean(view.note)]),
    ...(view.spending === null ? [] : [spendingText(view.spending)]),
    ...view.troubles.map(({ text }) => `! ${clean(text)}`),
  ];
  return parts.join(' | ');
}
