// Tables for summaries: columns as wide as their content, numbers to the right, and a plan for narrow terminals: first the optional columns go
// (highest `optional` first), then the flexible column is cut with an ellipsis. Lines never exceed the width.

import { displayWidth, padLeft, padRight, truncate } from './text.ts';

export interface Column {
  readonly title: string;
  readonly align: 'left' | 'right';
  /** Dropped when the table is too wide; the highest number goes first. Missing = stays. */
  readonly optional?: number;
  /** Cut when nothing is left to drop. */
  readonly isFlexible?: boolean;
}

export interface Cell {
  readonly text: string;
  readonly paint?: (text: string) => string;
}

export interface TableInit {
  readonly columns: readonly Column[];
  readonly width: number;
  readonly indent: number;
  readonly paintTitle: (text: string) => string;
  readonly hasTitles: boolean;
  /** The flexible column is at least this wide where there is room: for tables that stand below one another. */
  readonly flexibleWidthMin?: number;
}
export type Row = readonly Cell[];

const GAP = 2;
const FLEXIBLE_MIN = 8;

/** Columns that stay, and how wide each is. */
type Plan = readonly { readonly index: number; readonly width: number }[];

function layout({ columns, width, indent, hasTitles, flexibleWidthMin = 0 }: TableInit, rows: readonly Row[]): Plan {
  const natural = columns.map(({ title, isFlexible = false }, index) =>
    rows.reduce(
      (widest, row) => Math.max(widest, displayWidth(row[index]?.text ?? '')),
      Math.max(hasTitles ? displayWidth(title) : 0, isFlexible ? flexibleWidthMin : 0),
    ),
  );
  // A column that is empty in every row says nothing.
  const isUsed = (index: number): boolean => columns[index]!.isFlexible === true || rows.some((row) => (row[index]?.text ?? '') !== '');
  let kept = columns.map((_, index) => index).filter(isUsed);
  const total = (): number => kept.reduce((sum, index) => sum + natural[index]! + GAP, indent - GAP);
  while (total() > width) {
    const droppable = kept.filter((index) => columns[index]!.optional !== undefined);
    if (droppable.length === 0) break;
    const last = droppable.reduce((worst, index) => (columns[index]!.optional! > columns[worst]!.optional! ? index : worst));
    kept = kept.filter((index) => index !== last);
  }
  const excess = Math.max(0, total() - width);
  return kept.map((index) => {
    const isCut = columns[index]!.isFlexible === true;
    return { index, width: isCut ? Math.max(FLEXIBLE_MIN, natural[index]! - excess) : natural[index]! };
  });
}

function renderRow(init: TableInit, plan: Plan, cellAt: (index: number) => Cell): string {
  const parts = plan.map(({ index, width }, position) => {
    const { text, paint = (same: string) => same } = cellAt(index);
    const cut = truncate(text, width);
    // Painted text is measured without its colour codes; the last column needs no padding.
    if (init.columns[index]!.align === 'right') return padLeft(paint(cut), width);
    return position === plan.length - 1 ? paint(cut) : padRight(paint(cut), width);
  });
  return (' '.repeat(init.indent) + parts.join(' '.repeat(GAP))).trimEnd();
}

/** Several tables with the same columns in the same places, so that the eye can run down over all of them. */
export function renderTables(init: TableInit, tables: readonly (readonly Row[])[]): string[][] {
  const plan = layout(init, tables.flat());
  const titles = init.hasTitles ? [renderRow(init, plan, (index) => ({ text: init.columns[index]!.title, paint: init.paintTitle }))] : [];
  return tables.map((rows) =>
    rows.length === 0 ? [] : [...titles, ...rows.map((row) => renderRow(init, plan, (index) => row[index] ?? { text: '' }))],
  );
}

export const renderTable = (init: TableInit, rows: readonly Row[]): string[] => renderTables(init, [rows])[0]!;
