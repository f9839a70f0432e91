// Puts a newer part of a run by the second onto what is known of it, so that the whole is still there when the swarm is not. Parts reach to the newest point; where they overlap the newer one
// counts, because windows come late. Columns are found by being lists, so a column that nodes learn to send needs nothing here. Pure but for changing `whole`, which is the caller's own.

import type { LiveTimeline } from '../../../node/runtime/collector.ts';

type Cell = number | null;
type Row = Readonly<Record<string, unknown>>;

/** What of a row is a column: everything that is a list. */
const columnsOf = (row: Row): [name: string, cells: Cell[]][] =>
  Object.entries(row).flatMap(([name, cells]): [string, Cell[]][] => (Array.isArray(cells) ? [[name, cells as Cell[]]] : []));

/** Rows of one table, joined by `nameOf`; where one was silent it has `empty`. */
function mergeRows<T extends object>(
  rows: T[],
  added: readonly T[],
  { keep, count, empty, nameOf }: { keep: number; count: number; empty: Cell; nameOf: (row: T) => string },
): void {
  const fill = (length: number): Cell[] => new Array<Cell>(length).fill(empty);
  const newer = new Map(added.map((row) => [nameOf(row), row]));
  for (const row of rows) {
    const news = newer.get(nameOf(row)) as Row | undefined;
    newer.delete(nameOf(row));
    for (const [name, cells] of columnsOf(row as Row)) {
      cells.length = keep;
      cells.push(...((news?.[name] as Cell[] | undefined) ?? fill(count)));
    }
    for (const [name, cells] of columnsOf(news ?? {})) if (!(name in row)) Object.assign(row, { [name]: [...fill(keep), ...cells] });
  }
  for (const row of newer.values())
    rows.push({ ...row, ...Object.fromEntries(columnsOf(row as Row).map(([name, cells]) => [name, [...fill(keep), ...cells]])) });
}

interface Tables {
  readonly atMs: number[];
  readonly groups: object[];
  readonly metrics: object[];
  readonly overall: object[];
  readonly causes: object[];
}

/** `part` must have the same step. Points of `whole` from its first point on are replaced. */
export function mergeTimeline(whole: LiveTimeline, part: LiveTimeline): void {
  const { atMs, groups, metrics, overall, causes } = { overall: [], causes: [], ...whole.timeline } as unknown as Tables;
  Object.assign(whole.timeline, { overall, causes });
  const news = part.timeline;
  const fromMs = news.atMs[0];
  if (fromMs === undefined) return;
  let keep = atMs.length;
  while (keep > 0 && (atMs[keep - 1] as number) >= fromMs) keep -= 1;
  const count = news.atMs.length;
  atMs.length = keep;
  atMs.push(...news.atMs);
  const groupOf = (row: object): string => (row as { group: string }).group;
  const causeOf = (row: object): string =>
    `${(row as { side: string }).side}\u001f${(row as { cause: string }).cause}\u001f${groupOf(row)}`;
  const seriesOf = (row: object): string => `${(row as { metric: string }).metric}\u001f${groupOf(row)}`;
  mergeRows(groups, news.groups, { keep, count, empty: 0, nameOf: groupOf });
  mergeRows(metrics, news.metrics, { keep, count, empty: null, nameOf: seriesOf });
  mergeRows(overall, news.overall ?? [], { keep, count, empty: null, nameOf: seriesOf });
  mergeRows(causes, news.causes ?? [], { keep, count, empty: 0, nameOf: causeOf });
  const heats = whole.heat as { metric: string; group: string; boundsMs: readonly number[]; rows: (readonly number[])[] }[];
  for (const { rows } of heats) rows.length = Math.min(rows.length, keep);
  for (const { metric, group, boundsMs, rows } of part.heat) {
    let own = heats.find((heat) => heat.metric === metric && heat.group === group);
    if (own === undefined) {
      own = { metric, group, boundsMs, rows: [] };
      heats.push(own);
    }
    while (own.rows.length < keep) own.rows.push([]);
    own.rows.push(...rows);
  }
  for (const { rows } of heats) while (rows.length < keep + count) rows.push([]);
}
