// What stands above everything when nothing new comes, and why: the line to the console is lost, the swarm does not answer, or the run is over and its nodes are gone. What was known stays
// below, and the moment of which it is true is said.

import type { Line, Model } from './model.ts';
import { Text } from './parts.tsx';
import { retryNow } from './socket.ts';

const clockOf = (wallMs: number): string => new Date(wallMs).toLocaleTimeString();

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

/** The page was served by a node of the run, which left at its end. */
const Ended = () => (
  <div class="banner" role="status">
    <span>
      The run is over, and the node that served this page has left with it. The page keeps what it has;{' '}
      <code>quilt-swarm console FOLDER</code> where the run was coordinated shows it again.
    </span>
  </div>
);

function Away({ message, heardWallMs, isOver, hasReport }: Extract<Line, { is: 'away' }> & { hasReport: boolean }) {
  const then = heardWallMs === null ? null : clockOf(heardWallMs);
  if (isOver && hasReport) {
    if (then === null) return null;
    return (
      <div class="banner" role="status">
        <span>The run is over and its nodes are gone. The report is whole; everything beside it is what was known at {then}.</span>
      </div>
    );
  }
  if (isOver) {
    return (
      <div class="banner warn" role="alert">
        <span>
          The run is over: its nodes were gone before their report could be had. What is shown is what was known at {then}. The report is
          where the run was coordinated: <code>quilt-swarm report FOLDER</code>
        </span>
      </div>
    );
  }
  return (
    <div class="banner warn" role="alert">
      <span>
        The swarm does not answer{then !== null && ` since ${then}, and what is shown is what was known then`}; it is asked again:{' '}
        <Text text={message} max={160} />
      </span>
    </div>
  );
}

export function Banner({ line, live, report, session }: Model) {
  const isOver = report !== null || live?.board.phase === 'sealed';
  if (line.is === 'lost') return isOver && session?.mode === 'watch' ? <Ended /> : <Lost retryMs={line.retryMs} />;
  // In Catapult before the first run nobody is away: there is nobody yet.
  const hasRun = live !== null || session?.mode === 'watch';
  return line.is === 'away' && hasRun ? <Away {...line} hasReport={report !== null} /> : null;
}
