// What stands above everything when nothing new comes although the run may go on: the line to the console is lost, or the swarm does not answer. What was known stays below, and the moment of
// which it is true is said. A run that is over is no reason for a banner: end-note.tsx tells of that.

import { clockOf, isServedByNode } from './end-note.tsx';
import type { Model } from './model.ts';
import { Text } from './parts.tsx';
import { retryNow } from './socket.ts';

function Lost({ retryMs }: { retryMs: number }) {
  return (
    <div class="banner bad" role="alert">
      <span>
        The line to the console is lost. What is shown is the last that is known; it is tried again in{' '}
        {Math.max(1, Math.round(retryMs / 1000))} s.
      </span>
      <button type="button" onClick={retryNow}>
        Try now
      </button>
    </div>
  );
}

function Away({ message, heardWallMs }: { message: string; heardWallMs: number | null }) {
  const since = heardWallMs === null ? '' : ` since ${clockOf(heardWallMs)}, and what is shown is what was known then`;
  return (
    <div class="banner warn" role="alert">
      <span>
        The swarm does not answer{since}; it is asked again: <Text text={message} max={160} />
      </span>
    </div>
  );
}

export function Banner(model: Model) {
  const { line, live, session } = model;
  if (line.is === 'lost') return isServedByNode(model) ? null : <Lost retryMs={line.retryMs} />;
  // In Catapult before the first run nobody is away: there is nobody yet.
  const hasRun = live !== null || session?.mode === 'watch';
  return line.is === 'away' && !line.isOver && hasRun ? <Away {...line} /> : null;
}
