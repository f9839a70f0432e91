// A snapshot as a page to be scraped: Prometheus' text format 0.0.4 and, for who asks for it, OpenMetrics 1.0 (https://prometheus.io/docs/instrumenting/exposition_formats,
// https://prometheus.io/docs/specs/om/open_metrics_spec). They differ in whose name a counter's TYPE has, in UNIT lines, in what HELP escapes, and in the end mark.

import { type Family, NODE_INFO } from '../core/metric-families.ts';
import type { Label } from '../core/metric-names.ts';
import { type MetricSnapshot, numberText, samplesOf, sourceLabels } from '../core/metric-snapshot.ts';

export const TEXT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';
export const OPEN_METRICS_TYPE = 'application/openmetrics-text; version=1.0.0; charset=utf-8';

const escapeValue = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');

function escapeHelp(text: string, isOpen: boolean): string {
  return isOpen ? escapeValue(text) : text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n');
}

const labelText = (labels: readonly Label[]): string =>
  labels.length === 0 ? '' : `{${labels.map(([name, value]) => `${name}="${escapeValue(value)}"`).join(',')}}`;

function familyText(family: Family, base: readonly Label[], isOpen: boolean): string {
  const name = family.type === 'counter' && !isOpen ? `${family.name}_total` : family.name;
  const lines = [`# HELP ${name} ${escapeHelp(family.help, isOpen)}`, `# TYPE ${name} ${family.type}`];
  if (isOpen && family.unit !== '') lines.push(`# UNIT ${name} ${family.unit}`);
  for (const sample of samplesOf(family)) lines.push(`${sample.name}${labelText([...base, ...sample.labels])} ${numberText(sample.value)}`);
  return `${lines.join('\n')}\n`;
}

/** Always there, so that a page is never empty and a node that does nothing is seen to live. */
function infoText({ version }: MetricSnapshot, base: readonly Label[]): string {
  const labels = labelText([...base, ['version', version]]);
  return `# HELP ${NODE_INFO} this node\n# TYPE ${NODE_INFO} gauge\n${NODE_INFO}${labels} 1\n`;
}

/** What has the same name outside stands together once, which both formats ask for. */
export function prometheusText(snapshot: MetricSnapshot, isOpen: boolean): string {
  const base = sourceLabels(snapshot);
  const parts = [infoText(snapshot, base)];
  for (const family of snapshot.families) if (family.series.size > 0) parts.push(familyText(family, base, isOpen));
  return `${parts.join('')}${isOpen ? '# EOF\n' : ''}`;
}
