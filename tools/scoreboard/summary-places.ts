// The run by vendor and by region, where its nodes differ in them: who carried what, what went wrong there, and the main figures side by side.

import type { MetricValues, PlaceSummary, Summary } from '../../node/core/summary-types.ts';
import { formatCount, formatPercent, formatValue } from '../../node/core/units.ts';
import { heading, type Page } from './page.ts';
import { type Cell, renderTable } from './table.ts';
import { clean, truncate } from './text.ts';

const PLACES_SHOWN = 16;

function figure(unit: PlaceSummary['metrics'][number]['unit'], values: MetricValues): string {
  if (values.kind === 'trend')
    return unit === 'mos' ? formatValue(values.avg, unit) : `${formatValue(values.p50, unit)} / ${formatValue(values.p95, unit)}`;
  return values.kind === 'rate' ? formatPercent(values.pass / Math.max(1, values.total)) : '';
}

function placeRow(place: PlaceSummary, metrics: readonly string[], { style }: Page): Cell[] {
  const byName = new Map(place.metrics.map((each) => [each.metric, each]));
  const failures = place.failed + place.errorsTarget;
  return [
    { text: place.label, paint: style.dim },
    { text: truncate(clean(place.value), 24), paint: style.name },
    {
      text: place.nodesLost === 0 ? formatCount(place.nodes) : `${place.nodes} (${place.nodesLost} lost)`,
      ...(place.nodesLost > 0 ? { paint: style.bad } : {}),
    },
    { text: formatCount(place.started) },
    { text: failures === 0 ? '' : formatCount(failures), paint: style.bad },
    ...metrics.map((metric): Cell => {
      const found = byName.get(metric);
      return { text: found === undefined ? '' : figure(found.unit, found.values) };
    }),
    { text: place.windowsTainted === 0 ? '' : `${formatCount(place.windowsTainted)} of ${formatCount(place.windows)}`, paint: style.warn },
  ];
}

export function placeLines({ places }: Summary, page: Page): string[] {
  // Runs of earlier versions have no such field.
  if (places === undefined || places.length === 0) return [];
  const metrics = [...new Set(places.flatMap((place) => place.metrics.map(({ metric }) => metric)))];
  return [
    heading('PLACES', 'trends as p50 / p95', page),
    ...renderTable(
      {
        columns: [
          { title: '', align: 'left' },
          { title: '', align: 'left', isFlexible: true },
          { title: 'nodes', align: 'right' },
          { title: 'started', align: 'right' },
          { title: 'failures', align: 'right' },
          ...metrics.map((title, index) => ({ title, align: 'right' as const, optional: metrics.length - index })),
          { title: 'tainted', align: 'right' },
        ],
        width: page.width - 2,
        indent: 4,
        paintTitle: page.style.dim,
        hasTitles: true,
      },
      places.slice(0, PLACES_SHOWN).map((place) => placeRow(place, metrics, page)),
    ),
    ...(places.length > PLACES_SHOWN ? [page.style.dim(`    … ${places.length - PLACES_SHOWN} more places in summary.json`)] : []),
  ];
}
