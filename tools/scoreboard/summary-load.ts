// Delivered against planned load: by group and in all, with a small picture of both curves. Planned, owned and active stand side by side, so that a
// shortfall is seen where it arose: not owned = no node took it, owned but not active = the node did not bring it up, or the target refused it.

import type { GroupSummary, Summary } from '../../node/core/summary-types.ts';
import { formatCount, formatPercent } from '../../node/core/units.ts';
import { heading, type Page } from './page.ts';
import type { Style } from './style.ts';
import { type Cell, renderTable } from './table.ts';
import { clean } from './text.ts';

const LEVELS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/** Values as one line of blocks, scaled to `max`; several values a block are shown by their highest. */
export function sparkline(values: readonly number[], max: number, width: number): string {
  if (values.length === 0 || max <= 0) return '';
  const columns = Math.min(width, values.length);
  return Array.from({ length: columns }, (_, column) => {
    const part = values.slice(Math.floor((column * values.length) / columns), Math.floor(((column + 1) * values.length) / columns));
    const value = Math.max(...part);
    // Something is never drawn as nothing.
    return LEVELS[value <= 0 ? 0 : Math.max(1, Math.round((Math.min(value, max) / max) * 8))];
  }).join('');
}

function groupRow(group: GroupSummary, name: Cell, style: Style): Cell[] {
  const isShort = group.livesDue - group.started > group.livesDue * 0.02;
  const isLow = group.activePeakPlanned - group.activePeak > Math.max(1, group.activePeakPlanned * 0.05);
  const share = group.livesDue === 0 ? '' : formatPercent(Math.min(1, group.started / group.livesDue));
  return [
    name,
    { text: clean(group.type), paint: style.dim },
    { text: formatCount(group.livesDue) },
    { text: formatCount(group.started), ...(isShort ? { paint: style.warn } : {}) },
    { text: share, paint: isShort ? style.warn : style.dim },
    { text: formatCount(group.failed), paint: group.failed > 0 ? style.bad : style.dim },
    { text: formatCount(group.activePeakPlanned) },
    { text: formatCount(group.ownedPeak) },
    { text: formatCount(group.activePeak), ...(isLow ? { paint: style.warn } : {}) },
  ];
}

function curveLines({ load }: Summary, { width, style }: Page): string[] {
  const { planned, active } = load.curve;
  const max = Math.max(0, ...planned, ...active);
  if (max === 0) return [];
  const room = Math.max(10, Math.min(60, width - 28));
  const activeLine = `    ${style.dim('active ')}  ${style.good(sparkline(active, max, room))}  ${style.dim(`peak ${formatCount(Math.max(0, ...active))}`)}`;
  // A report without facts knows no plan.
  return planned.some((level) => level > 0) ? [`    ${style.dim('planned')}  ${sparkline(planned, max, room)}`, activeLine] : [activeLine];
}

export function loadLines(summary: Summary, page: Page): string[] {
  const { load } = summary;
  if (load.groups.length === 0) return [];
  const { style } = page;
  const rows = load.groups.map((group) => groupRow(group, { text: clean(group.group), paint: style.name }, style));
  if (load.groups.length > 1) rows.push(groupRow(load.total, { text: 'all', paint: style.bold }, style));
  // Lives of a lost node start again elsewhere, so more may have started than were planned.
  const again = load.total.livesDue === 0 ? 0 : Math.max(0, load.total.started - load.total.livesDue);
  const notes = [
    again === 0 ? '' : `${formatCount(again)} started again after a loss`,
    load.meetingsPlanned === 0 ? '' : `${formatCount(load.meetingsProvisioned)} of ${formatCount(load.meetingsPlanned)} meetings`,
  ];
  return [
    heading('LOAD', notes.filter((note) => note !== '').join(' · '), page),
    ...renderTable(
      {
        columns: [
          { title: 'endpoints', align: 'left', isFlexible: true },
          { title: '', align: 'left', optional: 3 },
          { title: 'planned', align: 'right' },
          { title: 'started', align: 'right' },
          { title: '', align: 'right', optional: 4 },
          { title: 'failed', align: 'right' },
          { title: 'peak planned', align: 'right', optional: 1 },
          { title: 'owned', align: 'right', optional: 2 },
          { title: 'active', align: 'right' },
        ],
        width: page.width - 2,
        indent: 4,
        paintTitle: style.dim,
        hasTitles: true,
      },
      rows,
    ),
    ...curveLines(summary, page),
  ];
}
