// Errors with their causes, the nodes' own health, and what happened when. Long lists are cut to what matters most, and say how much was left out.

import type { EventSummary, NodeSummary, Summary } from '../../node/core/summary-types.ts';
import { formatCount, formatMs, formatPercent } from '../../node/core/units.ts';
import { heading, type Page } from './page.ts';
import { type Cell, renderTable } from './table.ts';
import { clean, truncate } from './text.ts';

const CAUSES_SHOWN = 12;
const NODES_SHOWN = 12;
const EVENTS_SHOWN = 16;

const more = (count: number, what: string, { style }: Page): string[] =>
  count <= 0 ? [] : [style.dim(`    … ${formatCount(count)} more ${what} in summary.json`)];

export function errorLines({ errors }: Summary, page: Page): string[] {
  if (errors.targetTotal + errors.generatorTotal === 0) return [];
  const { style } = page;
  const shown = errors.causes.slice(0, CAUSES_SHOWN);
  const rows = shown.map(({ side, group, cause, count, example }): Cell[] => [
    { text: formatCount(count), paint: style.bold },
    { text: clean(cause), paint: style.bad },
    { text: side === 'generator' ? 'generator' : '', paint: style.warn },
    { text: clean(group), paint: style.name },
    { text: clean(example), paint: style.dim },
  ]);
  const totals = [
    errors.targetTotal > 0 ? `${formatCount(errors.targetTotal)} by the target` : '',
    errors.generatorTotal > 0 ? `${formatCount(errors.generatorTotal)} by the generator` : '',
  ];
  return [
    heading('ERRORS', totals.filter((text) => text !== '').join(', '), page),
    ...renderTable(
      {
        columns: [
          { title: '', align: 'right' },
          { title: '', align: 'left' },
          { title: '', align: 'left' },
          { title: '', align: 'left' },
          { title: '', align: 'left', isFlexible: true },
        ],
        width: page.width - 2,
        indent: 4,
        paintTitle: style.dim,
        hasTitles: false,
      },
      rows,
    ),
    ...more(errors.causes.length - shown.length, 'causes', page),
  ];
}

function stateText({ state, role, isCoordinator }: NodeSummary): string {
  const words = [
    isCoordinator ? 'coordinator' : '',
    role === 'witness' && !isCoordinator ? 'witness' : '',
    state === 'finished' ? '' : state,
  ];
  return words.filter((word) => word !== '').join(', ');
}

function nodeRow(node: NodeSummary, { style }: Page): Cell[] {
  const loudWhen = (isLoud: boolean): Partial<Cell> => (isLoud ? { paint: style.warn } : {});
  return [
    { text: truncate(clean(node.name), 20), paint: node.state === 'lost' ? style.bad : style.name },
    { text: stateText(node), paint: node.state === 'lost' ? style.bad : style.dim },
    { text: node.started === null || node.role === 'witness' ? '' : formatCount(node.started) },
    { text: node.windows === 0 ? '' : `${node.cpuCoresMean.toFixed(2)}/${node.cpuCoresMax.toFixed(2)}` },
    { text: node.windows === 0 ? '' : `${formatCount(node.memoryMbMax)} MB`, paint: style.dim },
    { text: node.windows === 0 ? '' : formatMs(node.loopDelayMsMax) },
    { text: node.windows === 0 ? '' : formatMs(node.latenessMsP99Max) },
    { text: node.socketDrops === 0 ? '' : formatCount(node.socketDrops), paint: style.warn },
    { text: node.windowsTainted === 0 ? '' : `${formatCount(node.windowsTainted)} of ${formatCount(node.windows)}`, ...loudWhen(true) },
  ];
}

/** Lost and tainted nodes first, then the coordinator, then by how late they were. */
const noteworthy = (node: NodeSummary): number =>
  (node.state === 'lost' ? 1e9 : 0) + node.windowsTainted * 1e6 + (node.isCoordinator ? 1e5 : 0) + node.latenessMsP99Max;

/** Witnesses first; node-2 before node-10. */
const byRoleAndName = (left: NodeSummary, right: NodeSummary): number =>
  Number(left.role === 'load') - Number(right.role === 'load') || left.name.localeCompare(right.name, 'en', { numeric: true });

function integrityNotes({ integrity }: Summary, { style, width }: Page): string[] {
  const notes: string[] = [];
  const where = integrity.gaps.slice(0, 4).map(({ name, from, to, seconds }) => {
    const length = seconds === null ? 'unknown length' : `${to === null ? 'at most ' : ''}${formatCount(seconds)} s`;
    return `${name} ${to === null ? `from ${from} on` : from === to ? from : `${from} to ${to}`} (${length})`;
  });
  if (where.length > 0)
    notes.push(`windows missing: ${where.join(', ')}${integrity.gaps.length > 4 ? `, ${integrity.gaps.length - 4} more gaps` : ''}`);
  const reasons = Object.entries(integrity.taintedReasons);
  if (reasons.length > 0)
    notes.push(
      `tainted ${formatPercent(integrity.taintedShare)} of windows with load: ${reasons.map(([reason, count]) => `${reason} ${count} s`).join(', ')}`,
    );
  if (integrity.discardedWindows > 0) notes.push(`not counted, under claims that lost: ${formatCount(integrity.discardedWindows)} windows`);
  const { series, errors, outOfRange } = integrity.overflow;
  if (series > 0) notes.push(`${formatCount(series)} samples went to {overflow:true}: too many distinct tags`);
  if (errors > 0) notes.push(`${formatCount(errors)} errors are counted under "other": too many causes`);
  if (outOfRange > 0) notes.push(`${formatCount(outOfRange)} values were below 0 or above 1 h`);
  return notes.map((note) => `    ${style.warn('!')} ${truncate(clean(note), width - 8)}`);
}

export function nodeLines(summary: Summary, page: Page): string[] {
  const { nodes, integrity } = summary;
  if (nodes.length === 0) return [];
  const chosen =
    nodes.length <= NODES_SHOWN ? nodes : [...nodes].sort((left, right) => noteworthy(right) - noteworthy(left)).slice(0, NODES_SHOWN);
  const shown = [...chosen].sort(byRoleAndName);
  const skew = integrity.startSkewMsP99 === null ? '' : ` · start skew p99 ${formatMs(integrity.startSkewMsP99)}`;
  return [
    heading('NODES', `${formatCount(integrity.windows)} windows${skew}`, page),
    ...renderTable(
      {
        columns: [
          { title: '', align: 'left', isFlexible: true },
          { title: '', align: 'left' },
          { title: 'started', align: 'right' },
          { title: 'cores avg/max', align: 'right', optional: 1 },
          { title: 'memory', align: 'right', optional: 3 },
          { title: 'loop delay', align: 'right', optional: 2 },
          { title: 'late p99', align: 'right' },
          { title: 'drops', align: 'right' },
          { title: 'tainted', align: 'right' },
        ],
        width: page.width - 2,
        indent: 4,
        paintTitle: page.style.dim,
        hasTitles: true,
      },
      shown.map((node) => nodeRow(node, page)),
    ),
    ...more(nodes.length - shown.length, 'nodes', page),
    ...integrityNotes(summary, page),
  ];
}

/** All that is not plain information, then the newest of the rest, in time order. */
function chooseEvents(events: readonly EventSummary[]): EventSummary[] {
  const loud = events.filter(({ level }) => level !== 'info').slice(-EVENTS_SHOWN);
  const quiet = events.filter(({ level }) => level === 'info').slice(-(EVENTS_SHOWN - loud.length) || events.length);
  const chosen = new Set(loud.length >= EVENTS_SHOWN ? loud : [...loud, ...quiet]);
  return events.filter((event) => chosen.has(event));
}

export function eventLines({ events }: Summary, page: Page): string[] {
  if (events.length === 0) return [];
  const { style, width } = page;
  const shown = chooseEvents(events);
  const stamps = shown.map(({ atMs }) => `${atMs < 0 ? '-' : '+'}${(Math.abs(atMs) / 1000).toFixed(1)} s`);
  const stampWidth = Math.max(...stamps.map(({ length }) => length));
  const paint = { info: (text: string) => text, warning: style.warn, error: style.bad };
  return [
    heading('EVENTS', '', page),
    ...shown.map(
      ({ level, text }, index) =>
        `    ${style.dim(stamps[index]!.padStart(stampWidth))}  ${paint[level](truncate(clean(text), width - stampWidth - 8))}`,
    ),
    ...more(events.length - shown.length, 'events', page),
  ];
}
