// Runs that were made here, newest first: their verdicts, the report of one, and two side by side. Which are shown is in the address, so that it can be kept and sent.

import { useEffect, useState } from 'preact/hooks';
import type { Summary } from '../../../../node/core/summary-types.ts';
import type { RunRow } from '../../protocol.ts';
import { ApiProblem, api } from './api.ts';
import { type ChartedRun, storedRun } from './charted-run.ts';
import { type ComparedRow, compare } from './comparison.ts';
import { EndedRun } from './ended-run.tsx';
import { useFreshness } from './freshness.ts';
import { Card, Chip, Text, Trouble } from './parts.tsx';
import { verdictTone } from './report.tsx';
import { goTo } from './route.ts';
import { formatClock, formatShare, shown } from './text.ts';

interface Loaded<T> {
  readonly value: T | null;
  readonly error: unknown;
}

/** What `ask` answers, asked anew when `key` is another, and once more when `fresh` is: then what is there stays until the answer comes. */
function useLoaded<T>(key: string, ask: () => Promise<T>, fresh = ''): Loaded<T> {
  const [loaded, setLoaded] = useState<Loaded<T>>({ value: null, error: null });
  // The key says what is asked for
  useEffect(() => {
    setLoaded({ value: null, error: null });
  }, [key]);
  useEffect(() => {
    let isWanted = true;
    ask().then(
      (value) => isWanted && setLoaded({ value, error: null }),
      (error: unknown) => isWanted && setLoaded(({ value }) => ({ value, error })),
    );
    return () => {
      isWanted = false;
    };
  }, [key, fresh]);
  return loaded;
}

export function Runs({ path }: { path: readonly string[] }) {
  const [first, second] = path;
  if (first !== undefined && second !== undefined) return <Comparison left={first} right={second} />;
  if (first !== undefined) return <OneRun id={first} />;
  return <RunList />;
}

function RunList() {
  const { value: runs, error } = useLoaded('runs', api.runs, useFreshness());
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const toggle = (id: string): void => setChosen(chosen.includes(id) ? chosen.filter((one) => one !== id) : [...chosen, id].slice(-2));
  const aside = (
    <button type="button" disabled={chosen.length !== 2} onClick={() => goTo('runs', ...chosen)}>
      {chosen.length === 2 ? 'Compare the two' : `Choose ${2 - chosen.length} to compare`}
    </button>
  );
  return (
    <Card title="Runs" aside={aside}>
      {error !== null && <Trouble error={error} />}
      {runs?.length === 0 && <p class="dim">None yet.</p>}
      {runs !== null && runs.length > 0 && (
        <div class="scroll">
          <table>
            <thead>
              <tr>
                <th scope="col">
                  <span class="hidden">Compare</span>
                </th>
                <th scope="col">Verdict</th>
                <th scope="col">Scenario</th>
                <th scope="col">Started</th>
                <th scope="col" class="number">
                  Duration
                </th>
                <th scope="col">Reason</th>
              </tr>
            </thead>
            <tbody>
              {runs.map((run) => (
                <Run key={run.id} run={run} isChosen={chosen.includes(run.id)} onToggle={() => toggle(run.id)} />
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  );
}

function Run({ run, isChosen, onToggle }: { run: RunRow; isChosen: boolean; onToggle: () => void }) {
  const { id, scenario, startedWallMs, durationMs, verdict, exitCode, reason } = run;
  const hasReport = verdict === 'pass' || verdict === 'fail' || verdict === 'tainted';
  return (
    <tr>
      <td>
        <input type="checkbox" checked={isChosen} disabled={!hasReport} aria-label={`Compare ${shown(id)}`} onChange={onToggle} />
      </td>
      <td>
        <Chip tone={verdictTone[verdict] ?? 'calm'}>{verdict}</Chip>
        {exitCode !== null && exitCode !== 0 && <span class="dim"> exit {exitCode}</span>}
      </td>
      <th scope="row">
        {hasReport ? (
          <a href={`#/runs/${encodeURIComponent(id)}`} title={shown(id)}>
            {shown(scenario)}
          </a>
        ) : (
          <Text text={scenario} max={48} />
        )}
      </th>
      <td class="nowrap">{startedWallMs === null ? '–' : new Date(startedWallMs).toLocaleString()}</td>
      <td class="number">{formatClock(durationMs)}</td>
      <td>
        <Text text={reason} max={100} />
      </td>
    </tr>
  );
}

const Back = () => (
  <p>
    <a href="#/runs">← All runs</a>
  </p>
);

/** Its charts need the run by the second, which not every run has: it began never, or was coordinated elsewhere. */
async function storedOf(id: string): Promise<{ summary: Summary; run: ChartedRun | null }> {
  const [summary, timeline] = await Promise.all([api.summary(id), api.runTimeline(id).catch(noTimeline)]);
  return { summary, run: timeline === null ? null : storedRun(timeline, summary.events) };
}

function noTimeline(error: unknown): null {
  if (error instanceof ApiProblem && error.code === 'QUILT_NO_TIMELINE') return null;
  throw error;
}

function OneRun({ id }: { id: string }) {
  const { value, error } = useLoaded(id, () => storedOf(id));
  return (
    <>
      <Back />
      {error !== null && <Trouble error={error} />}
      {value !== null && <EndedRun {...value} />}
    </>
  );
}

function Comparison({ left, right }: { left: string; right: string }) {
  const { value, error } = useLoaded(`${left}/${right}`, () => Promise.all([api.summary(left), api.summary(right)]));
  return (
    <>
      <Back />
      {error !== null && <Trouble error={error} />}
      {value !== null && <Compared ids={[left, right]} summaries={value} />}
    </>
  );
}

const changeTone = { better: 'good', worse: 'bad', same: 'dim' } as const;

function Change({ row: { change, verdict } }: { row: ComparedRow }) {
  if (change === null) return <td class="number dim">–</td>;
  const text = change === 0 ? 'same' : `${change > 0 ? '+' : '−'}${formatShare(Math.abs(change))}`;
  return (
    <td class={`number ${verdict === null ? '' : changeTone[verdict]}`}>
      {text}
      {(verdict === 'better' || verdict === 'worse') && <span class="hidden"> {verdict}</span>}
    </td>
  );
}

function Compared({ ids, summaries }: { ids: readonly [string, string]; summaries: readonly [Summary, Summary] }) {
  return (
    <>
      {compare(...summaries).map(({ title, rows }) => (
        <Card title={title} key={title} id={`compared-${title}`}>
          <div class="scroll">
            <table class="compared">
              <thead>
                <tr>
                  <th scope="col">{title}</th>
                  {ids.map((id) => (
                    <th scope="col" class="number" key={id}>
                      <a href={`#/runs/${encodeURIComponent(id)}`}>{shown(id)}</a>
                    </th>
                  ))}
                  <th scope="col" class="number">
                    Change
                  </th>
                </tr>
              </thead>
              <tbody>
                {rows.map((row) => (
                  <tr key={row.what}>
                    <th scope="row">
                      <Text text={row.what} max={60} />
                    </th>
                    <td class="number">{shown(row.left)}</td>
                    <td class="number">{shown(row.right)}</td>
                    <Change row={row} />
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </Card>
      ))}
    </>
  );
}
