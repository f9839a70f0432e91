// From what was folded by vendor and region (places.ts) to the part of the summary that shows it.

import { NO_LABEL, OTHER, PLACE_LABELS, type Places } from './places.ts';
import type { NodeFacts, TypeMetrics } from './summary-facts.ts';
import { valuesOf } from './summary-metrics.ts';
import type { PlaceSummary } from './summary-types.ts';

/** Whose value is beyond the bound is among the others. */
const valueIn = (values: ReadonlySet<string>, value: string = NO_LABEL): string => (values.has(value) ? value : OTHER);

/** In the order of labels and values. Labels that all nodes share say nothing and are left out. */
export function placesSummary(
  places: Places,
  nodes: readonly NodeFacts[],
  types: readonly TypeMetrics[],
  durationMs: number,
): PlaceSummary[] {
  const units = new Map(types.flatMap(({ metrics }) => metrics.map(({ name, unit }) => [name, unit] as const)));
  const load = nodes.filter(({ role }) => role === 'load');
  return PLACE_LABELS.flatMap((label) => {
    const folds = [...places.values()].filter((fold) => fold.label === label).sort((a, b) => (a.value < b.value ? -1 : 1));
    if (folds.length < 2) return [];
    const values = new Set(folds.map(({ value }) => value));
    return folds.map(({ metrics, ...fold }): PlaceSummary => {
      const here = load.filter(({ labels }) => valueIn(values, labels[label]) === fold.value);
      return {
        ...fold,
        nodes: here.length,
        nodesLost: here.filter(({ state }) => state === 'lost').length,
        metrics: [...metrics].flatMap(([metric, data]) => {
          const values = valuesOf(data, durationMs);
          return values === null ? [] : [{ metric, unit: units.get(metric) ?? 'ms', values }];
        }),
      };
    });
  });
}
