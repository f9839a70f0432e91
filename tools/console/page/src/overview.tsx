// The top of the scoreboard: phase and clock, the figures that decide whether all is well, and the groups with what was planned, is owned and is active.

import type { BoardView } from '../../../../node/core/summary-types.ts';
import type { LiveState } from '../../protocol.ts';
import { loadKey } from './history.ts';
import { history } from './model.ts';
import { Bar, Card, Chip, Text, type Tone } from './parts.tsx';
import { ALL, factorOf } from './scaling.ts';
import { formatClock, formatCount, formatMs, formatUsd, shown } from './text.ts';

const phaseTone: Readonly<Record<BoardView['phase'], Tone>> = {
  forming: 'calm',
  claiming: 'calm',
  running: 'accent',
  draining: 'warn',
  sealed: 'good',
};

function Figure({ name, value, of, tone }: { name: string; value: string; of?: string; tone?: Tone | undefined }) {
  return (
    <div class="figure">
      <dt>{name}</dt>
      <dd class={tone ?? ''}>
        {value}
        {of !== undefined && <small> {of}</small>}
      </dd>
    </div>
  );
}

export function Overview({ live, isOver }: { live: LiveState; isOver: boolean }) {
  const { board, term, coordinator, factors } = live;
  const errors = board.groups.reduce((sum, { errorsPerS }) => sum + errorsPerS, 0);
  const p95s = board.groups.flatMap(({ p95Ms }) => p95Ms ?? []);
  const isShort = board.phase === 'running' && board.endpointsActive < board.endpointsPlanned * 0.95;
  const share = board.totalMs === null || board.totalMs === 0 ? 0 : board.elapsedMs / board.totalMs;
  return (
    <section class="card overview" aria-labelledby="now-title">
      <h2 class="hidden" id="now-title">
        The run now
      </h2>
      <div class="clock">
        <div class="clock-head">
          <Chip tone={isOver ? 'good' : phaseTone[board.phase]}>{isOver ? 'over' : board.phase}</Chip>
          {scaled(factors).map((text) => (
            <Chip key={text} tone="warn">
              {text}
            </Chip>
          ))}
        </div>
        <p class="time" role="timer">
          {formatClock(live.sinceT0Ms ?? board.elapsedMs)}
          <small> / {formatClock(board.totalMs)}</small>
        </p>
        <Bar share={share} label={`${Math.round(share * 100)} % of the planned time`} />
        <p class="dim scenario">
          <Text text={board.scenario} max={60} />
          {live.runId !== null && (
            <>
              {' · run '}
              <Text text={live.runId} max={24} />
            </>
          )}
        </p>
      </div>
      <dl class="figures">
        <Figure
          name="Active"
          value={formatCount(board.endpointsActive)}
          of={`of ${formatCount(board.endpointsPlanned)} planned`}
          tone={isShort ? 'warn' : undefined}
        />
        <Figure
          name="Nodes"
          value={formatCount(board.nodesLive)}
          of={`of ${formatCount(board.nodesExpected)}`}
          tone={board.nodesLive < board.nodesExpected && !isOver ? 'warn' : undefined}
        />
        <Figure name="Errors" value={formatCount(errors)} of="per second" tone={errors > 0 ? 'bad' : undefined} />
        <Figure name="Worst p95" value={formatMs(p95s.length === 0 ? null : Math.max(...p95s))} />
        <Figure name="Coordinator" value={shown(coordinator ?? '–')} of={`term ${term}`} />
        <Figure name="Cost so far" value={formatUsd(board.spending?.usd)} {...costOf(board.spending)} />
      </dl>
    </section>
  );
}

const SCALED_SHOWN = 4;

/** Orders that are in force: one for all, or group by group. The board's note has the last one only. */
function scaled(factors: LiveState['factors']): string[] {
  const all = factorOf(factors, ALL);
  if (all !== null) return all === 1 ? [] : [`load ×${formatCount(all)}`];
  return factors
    .filter(({ factor }) => factor !== 1)
    .slice(0, SCALED_SHOWN)
    .map(({ group, factor }) => `${shown(group)} ×${formatCount(factor)}`);
}

function costOf(spending: BoardView['spending']): { of: string; tone?: Tone } {
  if (spending === null) return { of: 'no prices known' };
  const { usd, usdPerHour, limitUsd, usdAtEnd } = spending;
  // At the present pace, when the plan is carried out and the machines are off.
  const end = usdAtEnd === undefined ? [] : [`${formatUsd(usdAtEnd)} at the end`];
  const limit = limitUsd === null ? [] : [`limit ${formatUsd(limitUsd)}`];
  const of = [...end, `${formatUsd(usdPerHour)}/h`, ...limit].join(' · ');
  if (limitUsd === null || Math.max(usd, usdAtEnd ?? 0) <= limitUsd * 0.8) return { of };
  return { of, tone: usd >= limitUsd ? 'bad' : 'warn' };
}

export function Troubles({ board }: { board: BoardView }) {
  if (board.troubles.length === 0) return null;
  return (
    <ul class="troubles" aria-label="Troubles now">
      {board.troubles.map(({ level, text }) => (
        <li key={text} class={level === 'error' ? 'bad' : 'warn'}>
          <Text text={text} max={240} />
        </li>
      ))}
    </ul>
  );
}

const NEWEST = 5;

/** Of the newest seconds the most: the last may still lack the windows of some nodes. Null before there is one. */
function ownedNow(group: string): number | null {
  const column = history.column(loadKey(group, 'owned'));
  const newest = [...(column?.subarray(Math.max(0, history.length - NEWEST), history.length) ?? [])].filter(
    (count) => !Number.isNaN(count),
  );
  return newest.length === 0 ? null : Math.max(...newest);
}

export function Groups({ board }: { board: BoardView }) {
  return (
    <Card title="Groups" class="groups">
      <div class="scroll">
        <table aria-label="Groups">
          <thead>
            <tr>
              <th scope="col">Group</th>
              <th scope="col" class="wide">
                Active of peak
              </th>
              <th scope="col" class="number">
                Planned
              </th>
              <th scope="col" class="number">
                Owned
              </th>
              <th scope="col" class="number">
                Active
              </th>
              <th scope="col" class="number">
                Rate
              </th>
              <th scope="col" class="number">
                p95
              </th>
              <th scope="col" class="number">
                Errors
              </th>
            </tr>
          </thead>
          <tbody>
            {board.groups.map(({ group, type, active, planned, peak, ratePerS, p95Ms, errorsPerS }) => (
              <tr key={group}>
                <th scope="row">
                  <Text text={group} max={32} /> <span class="dim">{shown(type)}</span>
                </th>
                <td class="wide">
                  <Bar
                    share={active / Math.max(1, peak)}
                    mark={planned / Math.max(1, peak)}
                    tone={active < planned * 0.95 ? 'warn' : 'accent'}
                    label={`${active} active, ${planned} planned, peak ${peak}`}
                  />
                </td>
                <td class="number">{formatCount(planned)}</td>
                <td class="number">{formatCount(ownedNow(group))}</td>
                <td class="number">{formatCount(active)}</td>
                <td class="number">{ratePerS === null ? '–' : `${formatCount(ratePerS)}/s`}</td>
                <td class="number">{formatMs(p95Ms)}</td>
                <td class={`number ${errorsPerS > 0 ? 'bad' : ''}`}>{formatCount(errorsPerS)}/s</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}
