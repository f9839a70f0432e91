// What `quilt-swarm plan` prints, as text from plain data: the groups with their sizes and times, the curve of active endpoints in block
// characters, what each node would get, and what will be judged. No I/O; the golden test holds it to the letter.

import { formatDuration } from '../core/duration.ts';
import type { Plan } from '../core/plan-types.ts';
import { curve } from '../core/planned.ts';
import type { ValidScenario } from '../core/scenario-types.ts';

export interface NodeShare {
  readonly node: string;
  readonly shards: number;
  readonly endpointsMax: number;
  readonly millicores: number;
  readonly capacityMillicores: number;
}

export interface PlanView {
  readonly scenario: ValidScenario;
  readonly plan: Plan;
  readonly nodes: readonly NodeShare[];
  /** Reasons why shards cannot be placed, each with how many. */
  readonly unplaceable: readonly { readonly reason: string; readonly shards: number }[];
  readonly targets: readonly string[];
  readonly columns: number;
}

const BLOCKS = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
const CHART_ROWS = 8;

export function renderPlan(view: PlanView): string[] {
  const { scenario, plan } = view;
  const counts = [
    `${plan.endpointCount} endpoint lives`,
    `at most ${plan.activeMax} at once`,
    ...(scenario.meetings === null ? [] : [`${scenario.meetings.count} meetings`]),
    `${plan.shards.length} shards`,
  ];
  return [
    [scenario.name, scenario.description].filter((part) => part !== '').join(': '),
    `${formatDuration(plan.durationMs)} planned, ${counts.join(', ')}`,
    `plan ${plan.hash}`,
    '',
    ...groupTable(view),
    '',
    ...chart(view),
    '',
    ...nodeTable(view),
    ...section('targets', view.targets),
    ...section('thresholds', scenario.thresholds.map(thresholdText)),
    ...section('policies', [
      `onNodeLoss ${scenario.policies.onNodeLoss.kind}${scenario.policies.onNodeLoss.kind === 'tolerate' ? ` ${scenario.policies.onNodeLoss.percent}%` : ''}`,
      `onCoordinatorLoss ${scenario.policies.onCoordinatorLoss}`,
      `deadline ${formatDuration(scenario.deadlineMs)}`,
    ]),
  ];
}

function thresholdText({ selectorText, expressionText, abortOnFail, delayAbortEvalMs }: ValidScenario['thresholds'][number]): string {
  const abort = abortOnFail ? `  aborts the run${delayAbortEvalMs > 0 ? ` from ${formatDuration(delayAbortEvalMs)} on` : ''}` : '';
  return `${selectorText}  ${expressionText}${abort}`;
}

const section = (title: string, lines: readonly string[]): string[] =>
  lines.map((line, index) => `${(index === 0 ? title : '').padEnd(12)}${line}`);

function groupTable({ scenario, plan }: PlanView): string[] {
  const rows = scenario.groups.map((group) => {
    const shards = plan.shards.filter((shard) => shard.groupIndex === group.index);
    const sum = (value: (shard: Plan['shards'][number]) => number): number => shards.reduce((total, shard) => total + value(shard), 0);
    return [
      group.name,
      group.type,
      String(sum(({ count }) => count)),
      String(sum(({ activeMax }) => activeMax)),
      formatDuration(Math.min(...shards.map(({ startMs }) => startMs))),
      formatDuration(Math.max(...shards.map(({ stopMs }) => stopMs))),
      cores(sum(({ costMillicores }) => costMillicores)),
    ];
  });
  return table(['group', 'type', 'lives', 'peak', 'from', 'to', 'cores'], rows);
}

function nodeTable({ nodes, plan, unplaceable }: PlanView): string[] {
  const neededMillicores = plan.shards.reduce((sum, shard) => sum + shard.costMillicores, 0);
  const capacityMillicores = nodes.reduce((sum, node) => sum + node.capacityMillicores, 0);
  const rows = nodes.map((node) => [
    node.node,
    String(node.shards),
    String(node.endpointsMax),
    `${cores(node.millicores)} of ${cores(node.capacityMillicores)}`,
  ]);
  const enough = unplaceable.length === 0 ? '' : ': NOT ENOUGH, the run would end with exit 113';
  return [
    ...table(['node', 'shards', 'peak', 'cores'], rows),
    '',
    ...section('capacity', [`${cores(neededMillicores)} cores needed at the peak, ${cores(capacityMillicores)} there${enough}`]),
    ...section(
      'unplaceable',
      unplaceable.map(({ reason, shards }) => `${shards} shards: ${reason}`),
    ),
  ];
}

const cores = (millicores: number): string => (millicores / 1000).toFixed(2);

/** First column left, words left, numbers right. */
function table(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = header.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const isWord = header.map((_, column) => rows.every((row) => !/^[\d.-]/.test(row[column] ?? '')));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (isWord[column] ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(header), ...rows.map(line)];
}

/** Active endpoints over time: each column is the most that is planned within its stretch of time, so that a spike is never lost. */
function chart({ scenario, plan, columns }: PlanView): string[] {
  const labelWidth = String(plan.activeMax).length;
  const width = Math.max(20, Math.min(columns, 100) - labelWidth - 3);
  const finer = 4;
  const { total } = curve(scenario, plan.durationMs, width * finer);
  const levels = Array.from({ length: width }, (_, column) => Math.max(...total.slice(column * finer, (column + 1) * finer)));
  const top = Math.max(1, plan.activeMax);
  const lines: string[] = [];
  for (let row = CHART_ROWS - 1; row >= 0; row--) {
    const label = row === CHART_ROWS - 1 ? String(top) : '';
    const cells = levels.map((level) => {
      const eighths = Math.round((level / top) * CHART_ROWS * 8) - row * 8;
      // Something above nothing is never drawn as nothing.
      const shown = row === 0 && level > 0 ? Math.max(1, eighths) : eighths;
      return BLOCKS[Math.min(8, Math.max(0, shown))];
    });
    lines.push(`${label.padStart(labelWidth)} ┤${cells.join('')}`.trimEnd());
  }
  const end = formatDuration(plan.durationMs);
  lines.push(`${'0'.padStart(labelWidth)} └${'─'.repeat(width)}`);
  lines.push(`${' '.repeat(labelWidth + 2)}0s${end.padStart(width - 2)}`);
  return lines;
}
