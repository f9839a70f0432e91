// What the marks over the charts mean: a legend of the kinds that there are, and all of them as a table for who does not see the bands or wants their length.

import { useState } from 'preact/hooks';
import { kindNames, lengthOf, type Mark, markKinds } from './marks.ts';
import { chartWindow, currentMarks } from './model.ts';
import { Text } from './parts.tsx';
import { formatClock } from './text.ts';

const ROWS_FIRST = 100;

export function MarkLegend() {
  const [isOpen, setOpen] = useState(false);
  const marks = currentMarks();
  const kinds = markKinds.filter((kind) => marks.some((mark) => mark.kind === kind));
  if (kinds.length === 0) return null;
  return (
    <div class="marks">
      <ul class="mark-legend" aria-label="Marks over the charts">
        {kinds.map((kind) => (
          <li key={kind} class={`mark-${kind}`}>
            {kindNames[kind]}
          </li>
        ))}
      </ul>
      <details class="table-behind" onToggle={(event) => setOpen(event.currentTarget.open)}>
        <summary>Table of the marks</summary>
        {isOpen && <MarkTable marks={marks} />}
      </details>
    </div>
  );
}

function MarkTable({ marks }: { marks: readonly Mark[] }) {
  const [isAll, setAll] = useState(false);
  const newest = [...marks].reverse();
  const rows = isAll ? newest : newest.slice(0, ROWS_FIRST);
  return (
    <div class="scroll tall" tabIndex={0} role="region" aria-label="Marks over the charts, newest first">
      <table>
        <caption class="hidden">What lasted, and what was a moment, newest first</caption>
        <thead>
          <tr>
            <th scope="col">Kind</th>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col">Length</th>
            <th scope="col">What</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((mark, row) => (
            <tr key={newest.length - row}>
              <th scope="row">{kindNames[mark.kind]}</th>
              <td>{formatClock(mark.fromMs)}</td>
              <td>{mark.toMs === null ? 'now' : formatClock(mark.toMs)}</td>
              <td>{lengthOf(mark, chartWindow.lastMs)}</td>
              <td>
                <Text text={mark.text} max={160} />
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {newest.length > rows.length && (
        <button type="button" class="link" onClick={() => setAll(true)}>
          Show all {newest.length}
        </button>
      )}
    </div>
  );
}
