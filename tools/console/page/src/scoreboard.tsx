// The scoreboard: everything about the run that is watched, most important first. While there is no run it says so; after the end it stays readable, with a way to the report.

import { useState } from 'preact/hooks';
import type { NodeRow } from '../../protocol.ts';
import { Charts } from './charts.tsx';
import { Breakdown, Events } from './lists.tsx';
import { LogView } from './log-view.tsx';
import { useModel } from './model.ts';
import { NodeTable } from './node-table.tsx';
import { Groups, Overview, Troubles } from './overview.tsx';
import { Command } from './parts.tsx';
import { ReportView } from './report.tsx';
import { ShardMapCard } from './shard-map.tsx';
import { StartedCard } from './started-card.tsx';
import { Steer } from './steer.tsx';
import { shown } from './text.ts';
import { Thresholds } from './thresholds.tsx';

export function Scoreboard() {
  const { live, report, session, line, started } = useModel();
  const [logOf, setLogOf] = useState<NodeRow | null>(null);
  const hasWords = started !== null && (started.said.length > 0 || started.hasFailed || live === null);
  const canStop = session?.canStart === true && (live === null || report !== null);
  const startedCard = hasWords ? <StartedCard started={started} canStop={canStop} /> : null;
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
          {report !== null && <ReportView summary={report} />}
        </div>
      </>
    );
  }
  return (
    <>
      {startedCard}
      {report !== null && (
        <details class="card over">
          <summary>
            The run is over:{' '}
            <strong class={report.verdict.verdict === 'pass' ? 'good' : report.verdict.verdict === 'fail' ? 'bad' : 'warn'}>
              {report.verdict.verdict}
            </strong>
            . Its report
          </summary>
          <ReportView summary={report} />
          <p class="after">
            <Command command="quilt-swarm report" />
          </p>
        </details>
      )}
      <Overview live={live} isOver={report !== null} />
      <Troubles board={live.board} />
      {session?.canSteer === true && report === null && <Steer live={live} />}
      <div class="columns">
        <Groups board={live.board} />
        <Thresholds thresholds={live.thresholds} />
      </div>
      <Charts thresholds={live.thresholds} />
      <NodeTable nodes={live.nodes} onLog={setLogOf} />
      {logOf !== null && <LogView node={logOf} onClose={() => setLogOf(null)} />}
      <div class="columns three">
        <ShardMapCard live={live} />
        <Breakdown nodes={live.nodes} />
        <Events events={live.events} />
      </div>
    </>
  );
}
