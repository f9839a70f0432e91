// The scoreboard: everything about the run that is watched, most important first. While there is no run it says so; after the end it stays readable, with a way to the report.

import { useState } from 'preact/hooks';
import type { NodeRow } from '../../protocol.ts';
import { Breakdown } from './breakdown.tsx';
import { chartRun, watchedRun } from './charted-run.ts';
import { Charts } from './charts.tsx';
import { EndNote, isRunOver } from './end-note.tsx';
import { EndedRun } from './ended-run.tsx';
import { Events } from './lists.tsx';
import { LogView } from './log-view.tsx';
import { useModel } from './model.ts';
import { NodeTable } from './node-table.tsx';
import { Groups, Overview, Troubles } from './overview.tsx';
import { ShardMapCard } from './shard-map.tsx';
import { StartedCard } from './started-card.tsx';
import { Steer } from './steer.tsx';
import { shown } from './text.ts';
import { Thresholds } from './thresholds.tsx';
import { WatchNote } from './watch-note.tsx';

export function Scoreboard() {
  const model = useModel();
  const { live, events, report, session, line, started } = model;
  const [logOf, setLogOf] = useState<NodeRow | null>(null);
  const hasWords = started !== null && (started.said.length > 0 || started.hasFailed || live === null);
  const canStop = session?.canStart === true && (live === null || report !== null);
  const startedCard = hasWords ? <StartedCard started={started} canStop={canStop} /> : null;
  chartRun(watchedRun);
  if (live === null && report !== null) {
    return (
      <>
        {startedCard}
        <EndedRun summary={report} run={watchedRun} />
      </>
    );
  }
  if (live === null) {
    return (
      <>
        {startedCard}
        <div class="empty">
          <h2>{line.is === 'open' || line.is === 'away' ? 'No run to watch yet' : 'Connecting'}</h2>
          <p class="dim">
            {line.is === 'away'
              ? shown(line.message)
              : session?.canStart
                ? 'Start a scenario in Catapult; it is shown here by the second.'
                : 'Waiting for the swarm.'}
          </p>
        </div>
      </>
    );
  }
  const isOver = isRunOver(model);
  return (
    <>
      {startedCard}
      {isOver && <EndNote {...model} />}
      <Overview live={live} isOver={isOver} />
      <Troubles board={live.board} />
      {session?.canSteer === true && !isOver && <Steer live={live} />}
      {session !== null && session.watchesBecause !== null && !isOver && <WatchNote because={session.watchesBecause} />}
      <div class="columns">
        <Groups board={live.board} />
        <Thresholds thresholds={live.thresholds} />
      </div>
      <Charts thresholds={live.thresholds} />
      <NodeTable nodes={live.nodes} onLog={setLogOf} />
      {logOf !== null && <LogView node={logOf} isOver={isOver} onClose={() => setLogOf(null)} />}
      <Breakdown live={live} />
      <div class="columns plain">
        <ShardMapCard live={live} />
        <Events events={events} />
      </div>
    </>
  );
}
