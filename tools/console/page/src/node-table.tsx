// All nodes as a table that can be sorted and searched. Only the rows in sight are elements, whatever the number of nodes; the scroll bar and the row numbers for screen readers are of all.

import { useMemo, useRef, useState } from 'preact/hooks';
import type { NodeRow } from '../../protocol.ts';
import { cpuShare, findNodes, type NodeColumn, sortNodes } from './node-rows.ts';
import { Card, Chip, Text, type Tone } from './parts.tsx';
import { cut, formatBytes, formatCount, formatMs, formatShare, shown } from './text.ts';

const ROW_PX = 32;
const SEEN_PX = 420;
const BEYOND = 6;

const columns: ReadonlyArray<readonly [id: NodeColumn, name: string, isNumber: boolean]> = [
  ['name', 'Node', false],
  ['role', 'Role', false],
  ['state', 'State', false],
  ['cpu', 'CPU', true],
  ['memoryMb', 'Memory', true],
  ['latenessMs', 'Lateness', true],
  ['loopDelayMs', 'Loop delay', true],
  ['shards', 'Shards', true],
  ['active', 'Active', true],
  ['failed', 'Failed', true],
  ['errors', 'Errors', true],
  ['tainted', 'Tainted', true],
  ['ageMs', 'Window age', true],
];

const stateTone: Readonly<Record<NodeRow['state'], Tone>> = { live: 'good', candidate: 'calm', lost: 'bad', left: 'calm' };
/** Above these the node's own figures begin to spoil the measurement. */
const CPU_SHARE_HIGH = 0.8;
const LATENESS_HIGH_MS = 20;
const AGE_HIGH_MS = 5000;

const high = (value: number | null, limit: number): string => (value !== null && value > limit ? 'warn' : '');

function Row({ row, index, onLog }: { row: NodeRow; index: number; onLog: (row: NodeRow) => void }) {
  const cpu = cpuShare(row);
  return (
    <tr aria-rowindex={index + 2}>
      <th scope="row">
        <button type="button" class="link" title={`Log of ${shown(row.name)}`} onClick={() => onLog(row)}>
          {shown(cut(row.name, 28) ?? row.name)}
        </button>
      </th>
      <td>{row.isCoordinator ? 'coordinator' : row.role}</td>
      <td>
        <Chip tone={stateTone[row.state]}>{row.state}</Chip>
      </td>
      <td
        class={`number ${high(cpu, CPU_SHARE_HIGH)}`}
        title={row.cpuCores === null ? '' : `${row.cpuCores.toFixed(2)} of ${row.cores} cores`}
      >
        {formatShare(cpu)}
      </td>
      <td class="number">{formatBytes(row.memoryMb === null ? null : row.memoryMb * 1e6)}</td>
      <td class={`number ${high(row.latenessMs, LATENESS_HIGH_MS)}`}>{formatMs(row.latenessMs)}</td>
      <td class={`number ${high(row.loopDelayMs, LATENESS_HIGH_MS)}`}>{formatMs(row.loopDelayMs)}</td>
      <td class="number">{formatCount(row.shards)}</td>
      <td class="number">{formatCount(row.active)}</td>
      <td class={`number ${(row.failed ?? 0) > 0 ? 'bad' : ''}`}>{formatCount(row.failed)}</td>
      <td class={`number ${(row.errors ?? 0) > 0 ? 'bad' : ''}`}>{formatCount(row.errors)}</td>
      <td class={`number ${row.tainted.length > 0 ? 'warn' : ''}`}>
        {row.tainted.length === 0 ? '–' : <Text text={row.tainted.join(', ')} max={18} />}
      </td>
      <td class={`number ${row.state === 'live' ? high(row.ageMs, AGE_HIGH_MS) : ''}`}>{formatMs(row.ageMs)}</td>
    </tr>
  );
}

const Gap = ({ rows }: { rows: number }) =>
  rows <= 0 ? null : (
    <tr class="gap">
      <td colSpan={columns.length} style={{ height: `${rows * ROW_PX}px` }} />
    </tr>
  );

/** `onLog`: somebody wants to see what this node logged. */
export function NodeTable({ nodes, onLog }: { nodes: readonly NodeRow[]; onLog: (row: NodeRow) => void }) {
  const [sort, setSort] = useState<{ column: NodeColumn; isDescending: boolean }>({ column: 'state', isDescending: false });
  const [search, setSearch] = useState('');
  const [firstSeen, setFirstSeen] = useState(0);
  const place = useRef<HTMLDivElement>(null);
  const rows = useMemo(() => sortNodes(findNodes(nodes, search), sort.column, sort.isDescending), [nodes, search, sort]);
  const first = Math.max(0, Math.min(firstSeen, rows.length - 1) - BEYOND);
  const last = Math.min(rows.length, firstSeen + Math.ceil(SEEN_PX / ROW_PX) + BEYOND);
  const onScroll = (): void => {
    const at = Math.floor((place.current?.scrollTop ?? 0) / ROW_PX);
    // Whole stretches: otherwise each pixel is a new table.
    setFirstSeen(at - (at % 3));
  };
  const sortBy = (column: NodeColumn, isNumber: boolean): void =>
    setSort((old) => ({ column, isDescending: old.column === column ? !old.isDescending : isNumber }));
  const aside = (
    <label class="choice">
      <span>Find</span>
      <input type="search" value={search} placeholder="name, state, region" onInput={(event) => setSearch(event.currentTarget.value)} />
    </label>
  );
  return (
    <Card
      title={`Nodes (${rows.length === nodes.length ? '' : `${rows.length} of `}${nodes.length})`}
      id="nodes"
      class="nodes"
      aside={aside}
    >
      <div class="scroll tall" ref={place} onScroll={onScroll} tabIndex={0} role="region" aria-label="All nodes">
        <table aria-label="Nodes" aria-rowcount={rows.length + 1}>
          <thead>
            <tr aria-rowindex={1}>
              {columns.map(([id, name, isNumber]) => (
                <th
                  scope="col"
                  key={id}
                  class={isNumber ? 'number' : ''}
                  aria-sort={sort.column !== id ? 'none' : sort.isDescending ? 'descending' : 'ascending'}
                >
                  <button type="button" class="sort" onClick={() => sortBy(id, isNumber)}>
                    {name}
                    <span aria-hidden="true">{sort.column !== id ? '' : sort.isDescending ? ' ↓' : ' ↑'}</span>
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            <Gap rows={first} />
            {rows.slice(first, last).map((row, index) => (
              <Row key={row.node} row={row} index={first + index} onLog={onLog} />
            ))}
            <Gap rows={rows.length - last} />
          </tbody>
        </table>
      </div>
    </Card>
  );
}
