// The scoreboard: everything about the run that is watched, most important first. While there is no run it says so; after the end it stays readable, with a way to the report.

import { useState } from 'preact/hooks';
import type { NodeRow } from '../../protocol.ts';
import { Breakdown } from './breakdown.tsx';
import { Charts } from './charts.tsx';
import { Events } from './lists.tsx';
import { LogView } from './log-view.tsx';
import { useModel } from './model.ts';
import { NodeTable } from './node-table.tsx';
import { Groups, Overview, Troubles } from './overview.tsx';
import { ReportView } from './report.tsx';
import { ShardMapCard } from './shard-map.tsx';
import { Steer } from './steer.tsx';
import { shown } from './text.ts';
import { Thresholds } from './thresholds.tsx';

export function Scoreboard() {
  const { live, events, report, session, line } = useModel();
  const [logOf, setLogOf] = useState<NodeRow | null>(null);
  if (live === null) {
    return (
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
    );
  }
  return (
    <>
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
      <Breakdown live={live} />
      <div class="columns plain">
        <ShardMapCard live={live} />
        <Events events={events} />
      </div>
    </>
  );
}
