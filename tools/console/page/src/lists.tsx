// Two quiet lists of the scoreboard: nodes by vendor and region, and the log of events, newest first.

import { useState } from 'preact/hooks';
import type { EventRow, NodeRow } from '../../protocol.ts';
import { kindOf, markNames } from './marks.ts';
import { sumsByLabel } from './node-rows.ts';
import { Card, Text } from './parts.tsx';
import { formatClock, formatCount, formatShare } from './text.ts';

export function Breakdown({ nodes }: { nodes: readonly NodeRow[] }) {
  const tables = ['vendor', 'region'].map((label) => ({ label, sums: sumsByLabel(nodes, label) })).filter(({ sums }) => sums.length > 0);
  if (tables.length === 0) return null;
  return (
    <Card title="By place">
      {tables.map(({ label, sums }) => (
        <div class="scroll" key={label}>
          <table aria-label={`Nodes by ${label}`}>
            <thead>
              <tr>
                <th scope="col">{label === 'vendor' ? 'Vendor' : 'Region'}</th>
                <th scope="col" class="number">
                  Nodes
                </th>
                <th scope="col" class="number">
                  Lost
                </th>
                <th scope="col" class="number">
                  Active
                </th>
                <th scope="col" class="number">
                  CPU
                </th>
                <th scope="col" class="number">
                  Tainted
                </th>
              </tr>
            </thead>
            <tbody>
              {sums.map(({ value, nodes: count, lost, active, cores, cpuCores, tainted }) => (
                <tr key={value}>
                  <th scope="row">{value === '' ? <span class="dim">without</span> : <Text text={value} max={28} />}</th>
                  <td class="number">{count}</td>
                  <td class={`number ${lost > 0 ? 'bad' : ''}`}>{lost}</td>
                  <td class="number">{formatCount(active)}</td>
                  <td class="number">{formatShare(cores === 0 ? null : cpuCores / cores)}</td>
                  <td class={`number ${tainted > 0 ? 'warn' : ''}`}>{tainted}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      ))}
    </Card>
  );
}

const SHOWN_FIRST = 100;

export function Events({ events }: { events: readonly EventRow[] }) {
  const [isAll, setAll] = useState(false);
  const newest = [...events].reverse();
  const rows = isAll ? newest : newest.slice(0, SHOWN_FIRST);
  return (
    <Card title="Events">
      {events.length === 0 && <p class="dim">Nothing yet.</p>}
      <ol class="events scroll tall" tabIndex={0} aria-label="Events, newest first">
        {rows.map(({ atMs, level, text }, index) => {
          const kind = kindOf(text);
          return (
            <li key={newest.length - index} class={level}>
              <time>{formatClock(atMs)}</time>
              <span class={`event-kind ${kind === null ? '' : `mark-${kind}`}`}>{kind === null ? level : markNames[kind]}</span>
              <Text text={text} max={240} />
            </li>
          );
        })}
      </ol>
      {newest.length > rows.length && (
        <button type="button" class="link" onClick={() => setAll(true)}>
          Show all {newest.length}
        </button>
      )}
    </Card>
  );
}
