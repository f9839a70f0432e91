// The run by vendor and by region: what the nodes with the same label carry, what failed there, how busy they are, and the latencies that were measured from there.

import type { LiveState } from '../../protocol.ts';
import { type LabelSum, sumsByLabel } from './node-rows.ts';
import { Card, Text } from './parts.tsx';
import { formatCount, formatMs, formatShare, shown } from './text.ts';

const labels = [
  ['vendor', 'Vendor'],
  ['region', 'Region'],
] as const;
/** More do not fit beside one another; the report has all. */
const LATENCIES_MAX = 2;
/** What nodes without the label are called in latencies (node/core/places.ts). */
const NO_LABEL = 'none';

const counts: ReadonlyArray<readonly [name: string, of: (sum: LabelSum) => string, tone: (sum: LabelSum) => string]> = [
  ['Nodes', ({ nodes }) => formatCount(nodes), () => ''],
  ['Lost', ({ lost }) => formatCount(lost), ({ lost }) => (lost > 0 ? 'bad' : '')],
  ['Active', ({ active }) => formatCount(active), () => ''],
  ['Started', ({ started }) => formatCount(started), () => ''],
  ['Failed', ({ failed }) => formatCount(failed), ({ failed }) => (failed > 0 ? 'bad' : '')],
  ['Errors', ({ errors }) => formatCount(errors), ({ errors }) => (errors > 0 ? 'bad' : '')],
  ['CPU', ({ cores, cpuCores }) => formatShare(cores === 0 ? null : cpuCores / cores), () => ''],
  ['Tainted', ({ tainted }) => formatCount(tainted), ({ tainted }) => (tainted > 0 ? 'warn' : '')],
];

export function Breakdown({ live: { nodes, latencyByPlace } }: { live: LiveState }) {
  const tables = labels.map(([label, name]) => ({ label, name, sums: sumsByLabel(nodes, label) })).filter(({ sums }) => sums.length > 0);
  if (tables.length === 0) return null;
  return (
    <Card title="By place">
      <div class="places">
        {tables.map(({ label, name, sums }) => (
          <PlaceTable key={label} name={name} sums={sums} latencies={latencyByPlace.filter((latency) => latency.label === label)} />
        ))}
      </div>
    </Card>
  );
}

function PlaceTable(props: { name: string; sums: readonly LabelSum[]; latencies: LiveState['latencyByPlace'] }) {
  const { name, sums, latencies } = props;
  const metrics = [...new Set(latencies.map(({ metric }) => metric))].slice(0, LATENCIES_MAX);
  const p95 = (value: string, metric: string): number | null =>
    latencies.find((latency) => latency.metric === metric && latency.value === (value === '' ? NO_LABEL : value))?.p95Ms ?? null;
  return (
    <div class="scroll">
      <table aria-label={`Nodes by ${name.toLowerCase()}`}>
        <thead>
          <tr>
            <th scope="col">{name}</th>
            {counts.map(([count]) => (
              <th scope="col" class="number" key={count}>
                {count}
              </th>
            ))}
            {metrics.map((metric) => (
              <th scope="col" class="number" key={metric}>
                {shown(metric)} p95
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {sums.map((sum) => (
            <tr key={sum.value}>
              <th scope="row">{sum.value === '' ? <span class="dim">without</span> : <Text text={sum.value} max={28} />}</th>
              {counts.map(([count, of, tone]) => (
                <td class={`number ${tone(sum)}`} key={count}>
                  {of(sum)}
                </td>
              ))}
              {metrics.map((metric) => (
                <td class="number" key={metric}>
                  {formatMs(p95(sum.value, metric))}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
