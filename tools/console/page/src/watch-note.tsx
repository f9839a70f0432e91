// For who may only watch: why, and how a run is steered. Said once, quietly, where the buttons would be.

import type { SessionView } from '../../protocol.ts';
import { Command } from './parts.tsx';

export function WatchNote({ because }: { because: NonNullable<SessionView['watchesBecause']> }) {
  if (because === 'link') return <p class="watch-note dim">This link only reads: who gave it to you has another one, which steers.</p>;
  return (
    <p class="watch-note dim">
      <span>This page only watches: the operator&#39;s key is not where it is served. Who has the key steers with</span>{' '}
      <Command command="quilt-swarm console TICKET --key operator.key" /> <span>or on the page of the node that made the swarm.</span>
    </p>
  );
}
