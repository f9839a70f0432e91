// The list of what happened, newest first: every note by its kind, also those that are no marks over the charts.

import { useState } from 'preact/hooks';
import type { EventRow } from '../../protocol.ts';
import { kindNames } from './marks.ts';
import { Card, Text } from './parts.tsx';
import { formatClock } from './text.ts';

const SHOWN_FIRST = 100;

export function Events({ events }: { events: readonly EventRow[] }) {
  const [isAll, setAll] = useState(false);
  const newest = [...events].reverse();
  const rows = isAll ? newest : newest.slice(0, SHOWN_FIRST);
  return (
    <Card title="Events">
      {events.length === 0 && <p class="dim">Nothing yet.</p>}
      <ol class="events scroll tall" tabIndex={0} aria-label="Events, newest first">
        {rows.map(({ atMs, level, text, kind }, index) => (
          <li key={newest.length - index} class={level}>
            <time>{formatClock(atMs)}</time>
            <span class={`event-kind ${kind === undefined ? '' : `mark-${kind}`}`}>{kind === undefined ? level : kindNames[kind]}</span>
            <Text text={text} max={240} />
          </li>
        ))}
      </ol>
      {newest.length > rows.length && (
        <button type="button" class="link" onClick={() => setAll(true)}>
          Show all {newest.length}
        </button>
      )}
    </Card>
  );
}
