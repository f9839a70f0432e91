// Orders and sums of the node table: sorting by any column with what is unknown always last, searching, and the breakdown by a label. Pure.

import type { NodeRow } from '../../protocol.ts';

export type NodeColumn =
  | 'name'
  | 'role'
  | 'state'
  | 'cpu'
  | 'memoryMb'
  | 'latenessMs'
  | 'loopDelayMs'
  | 'shards'
  | 'active'
  | 'failed'
  | 'errors'
  | 'tainted'
  | 'ageMs';

const stateOrder: Readonly<Record<NodeRow['state'], number>> = { lost: 0, left: 1, candidate: 2, live: 3 };

export function cellOf(row: NodeRow, column: NodeColumn): string | number | null {
  if (column === 'state') return stateOrder[row.state];
  if (column === 'role') return row.isCoordinator ? ' coordinator' : row.role;
  if (column === 'cpu') return cpuShare(row);
  if (column === 'tainted') return row.tainted.length;
  return row[column];
}

/** Of its cores, 0 to 1 and more; null = not known. */
export const cpuShare = ({ cpuCores, cores }: NodeRow): number | null => (cpuCores === null || cores <= 0 ? null : cpuCores / cores);

const collator = new Intl.Collator('en', { numeric: true });

export function sortNodes(rows: readonly NodeRow[], column: NodeColumn, isDescending: boolean): NodeRow[] {
  const sign = isDescending ? -1 : 1;
  return [...rows].sort((left, right) => {
    const [one, other] = [cellOf(left, column), cellOf(right, column)];
    if (one === null || other === null) return one === other ? collator.compare(left.name, right.name) : one === null ? 1 : -1;
    const order = typeof one === 'number' && typeof other === 'number' ? one - other : collator.compare(String(one), String(other));
    return order === 0 ? collator.compare(left.name, right.name) : order * sign;
  });
}

/** All words somewhere in name, id, role, state or labels. */
export function findNodes(rows: readonly NodeRow[], search: string): readonly NodeRow[] {
  const wanted = search.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length === 0) return rows;
  return rows.filter(({ name, node, role, state, labels, tainted, isCoordinator }) => {
    const all = [
      name,
      node,
      role,
      state,
      isCoordinator ? 'coordinator' : '',
      tainted.length > 0 ? 'tainted' : '',
      ...Object.values(labels),
    ];
    const text = all.join('\n').toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

export interface LabelSum {
  readonly value: string;
  readonly nodes: number;
  readonly lost: number;
  readonly active: number;
  readonly started: number;
  readonly failed: number;
  readonly errors: number;
  readonly cores: number;
  readonly cpuCores: number;
  readonly tainted: number;
}

/** Load nodes by the value of a label, most endpoints first; empty when none has it. */
export function sumsByLabel(rows: readonly NodeRow[], label: string): LabelSum[] {
  const sums = new Map<string, LabelSum>();
  for (const row of rows) {
    if (row.role !== 'load') continue;
    const value = row.labels[label] ?? '';
    const old = sums.get(value) ?? {
      value,
      nodes: 0,
      lost: 0,
      active: 0,
      started: 0,
      failed: 0,
      errors: 0,
      cores: 0,
      cpuCores: 0,
      tainted: 0,
    };
    sums.set(value, {
      value,
      nodes: old.nodes + 1,
      lost: old.lost + (row.state === 'lost' ? 1 : 0),
      active: old.active + (row.active ?? 0),
      started: old.started + (row.started ?? 0),
      failed: old.failed + (row.failed ?? 0),
      errors: old.errors + (row.errors ?? 0),
      cores: old.cores + row.cores,
      cpuCores: old.cpuCores + (row.cpuCores ?? 0),
      tainted: old.tainted + (row.tainted.length > 0 ? 1 : 0),
    });
  }
  if (sums.size === 1 && sums.has('')) return [];
  return [...sums.values()].sort((left, right) => right.active - left.active || collator.compare(left.value, right.value));
}
