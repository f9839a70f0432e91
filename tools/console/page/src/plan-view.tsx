// What would run: the curve, groups, nodes with their shards and capacity, thresholds and targets, and why some of the load has no place; or what is wrong with the scenario, line by line.

import { useState } from 'preact/hooks';
import type { MachinesPlan, PlanView, ProblemView } from '../../protocol.ts';
import { CostTable } from './cost-table.tsx';
import { Bar, Card, Command, Text } from './parts.tsx';
import { Grid } from './report.tsx';
import { SmallCurve } from './small-curve.tsx';
import { formatClock, formatCount, formatShare, shown } from './text.ts';

interface ProblemsInit {
  readonly problems: readonly ProblemView[];
  /** What says the same in a terminal. */
  readonly command: string;
  readonly onGoTo: (problem: ProblemView) => void;
}

export function Problems({ problems, command, onGoTo }: ProblemsInit) {
  return (
    <>
      <ul class="problems" aria-label="Problems of the scenario">
        {problems.map((problem) => {
          const { code, message, hint, line, column, key } = problem;
          return (
            <li key={`${code} ${line}:${column} ${key} ${message}`}>
              <button type="button" class="link" disabled={line === null} onClick={() => onGoTo(problem)}>
                {line === null ? 'file' : `line ${line}`}
              </button>{' '}
              <Text text={message} max={300} />
              {key !== null && (
                <>
                  {' '}
                  <code>{shown(key)}</code>
                </>
              )}
              {hint !== null && (
                <p class="dim">
                  <Text text={hint} max={300} />
                </p>
              )}
            </li>
          );
        })}
      </ul>
      <Command command={command} />
    </>
  );
}

type GoodPlan = Extract<PlanView, { ok: true }>;

export function Plan({ plan }: { plan: GoodPlan }) {
  const { durationMs, endpointCount, activeMax, meetingCount, shardCount, groups, curve, nodes, unplaceable, machines } = plan;
  const figures: ReadonlyArray<readonly [string, string]> = [
    ['Duration', formatClock(durationMs)],
    ['Endpoints', formatCount(endpointCount)],
    ['At once', formatCount(activeMax)],
    ['Meetings', formatCount(meetingCount)],
    ['Shards', formatCount(shardCount)],
  ];
  return (
    <Card title="Plan">
      {unplaceable.length > 0 && (
        <ul class="troubles" aria-label="What has no place">
          {unplaceable.map((reason) => (
            <li key={reason} class="bad">
              <Text text={reason} max={300} />
            </li>
          ))}
        </ul>
      )}
      <dl class="figures small">
        {figures.map(([name, value]) => (
          <div class="figure" key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      <SmallCurve label="Endpoints that are planned" stepMs={curve.stepMs} main={curve.total} mainName="planned" />
      <h3>Groups</h3>
      <Grid
        caption="Groups"
        head={['Group', 'Type', 'Peak', 'Cores']}
        texts={2}
        rows={groups.map(({ name, type, peak, cores }) => [name, type, formatCount(peak), cores.toFixed(2)])}
      />
      {machines !== null && <Rented machines={machines} />}
      {nodes.length > 0 && <Nodes nodes={nodes} />}
      <div class="columns plain">
        <Named title="Targets" texts={plan.targets} />
        <Named title="Thresholds" texts={plan.thresholds} />
      </div>
      <Command command={plan.command} />
    </Card>
  );
}

/** Machines of a launch: which, and what they cost. Why they would be refused is beside the button. */
function Rented({ machines: { on, cost } }: { machines: MachinesPlan }) {
  return (
    <>
      <h3>Cost</h3>
      {cost === null ? <p class="dim">Not known before the machines are.</p> : <CostTable cost={cost} />}
      {on.length > 0 && (
        <ul class="codes" aria-label="Machines">
          {on.map((word) => (
            <li key={word}>
              <code>--on {shown(word)}</code>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

const ROWS_FIRST = 24;

function Nodes({ nodes }: Pick<GoodPlan, 'nodes'>) {
  const [isAll, setAll] = useState(false);
  return (
    <>
      <h3>Nodes</h3>
      <div class="scroll">
        <table>
          <caption class="hidden">Nodes</caption>
          <thead>
            <tr>
              <th scope="col">Node</th>
              <th scope="col" class="number">
                Shards
              </th>
              <th scope="col" class="number">
                Peak
              </th>
              <th scope="col" class="wide">
                Capacity
              </th>
              <th scope="col" class="number">
                Used
              </th>
            </tr>
          </thead>
          <tbody>
            {(isAll ? nodes : nodes.slice(0, ROWS_FIRST)).map(({ name, shards, peak, cores, capacityCores }) => {
              const share = cores / Math.max(1e-9, capacityCores);
              return (
                <tr key={name}>
                  <th scope="row">
                    <Text text={name} max={32} />
                  </th>
                  <td class="number">{shards}</td>
                  <td class="number">{formatCount(peak)}</td>
                  <td class="wide">
                    <Bar
                      share={share}
                      tone={share > 1 ? 'bad' : share > 0.8 ? 'warn' : 'accent'}
                      label={`${cores.toFixed(2)} of ${capacityCores.toFixed(2)} cores`}
                    />
                  </td>
                  <td class="number">{formatShare(share)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      {!isAll && nodes.length > ROWS_FIRST && (
        <button type="button" class="link" onClick={() => setAll(true)}>
          Show all {nodes.length}
        </button>
      )}
    </>
  );
}

function Named({ title, texts }: { title: string; texts: readonly string[] }) {
  return (
    <div>
      <h3>{title}</h3>
      {texts.length === 0 ? (
        <p class="dim">none</p>
      ) : (
        <ul class="codes">
          {texts.map((text) => (
            <li key={text}>
              <code>
                <Text text={text} max={90} />
              </code>
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
