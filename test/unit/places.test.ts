// The run by vendor and region: the parts add up to the whole, losing claims count nowhere, memory is bounded, and a run in one place says nothing of places.

import { describe, expect, it } from 'vitest';
import { absorb, createAggregate } from '../../node/core/aggregate.ts';
import { type PlaceRules, placeMetrics } from '../../node/core/places.ts';
import type { Tags } from '../../node/core/stats-types.ts';
import { summarize } from '../../node/core/summary.ts';
import { renderSummary } from '../../tools/scoreboard/summary.ts';
import { sampleFacts } from '../support/sample-run.ts';
import { makeWindow } from '../support/windows.ts';

const METRIC = 'http_req_duration';
const types = [{ type: 'http', metrics: [{ name: METRIC, kind: 'trend', unit: 'ms', help: '' }] }] as const;
const load = (claim: string, started: number) => [{ owned: started, active: started, started, claims: [claim] }];

/** Windows of these nodes, one each: so many endpoints, one sample of so many ms. */
function fold(nodes: Readonly<Record<string, { labels: Tags; started: number; ms: number; claim?: string; tainted?: string[] }>>) {
  const places: PlaceRules = { labelsOf: (node) => nodes[node]?.labels ?? {}, isKept: (metric) => placeMetrics(types).includes(metric) };
  const aggregate = createAggregate({ isWinner: (claimId) => claimId !== 'lost', places });
  for (const [node, { started, ms, claim = '0.0', tainted = [] }] of Object.entries(nodes))
    absorb(aggregate, node, makeWindow({ number: 1, durations: { viewers: [ms] }, load: load(claim, started), tainted }));
  const facts = sampleFacts({
    types,
    nodes: Object.entries(nodes).map(([node, { labels }]) => ({
      ...{ node, name: node, role: 'load', state: 'finished', isCoordinator: false, labels, cores: 1, windowLast: 1 },
    })),
  });
  return summarize(aggregate, facts);
}

const aws = { vendor: 'aws', region: 'us-east-1' };
const gce = { vendor: 'gce', region: 'europe-west1' };

describe('places', () => {
  const summary = fold({
    a: { labels: aws, started: 3, ms: 10 },
    b: { labels: aws, started: 2, ms: 30, tainted: ['worker stalled'] },
    c: { labels: gce, started: 4, ms: 500 },
    d: { labels: { region: 'europe-west1' }, started: 1, ms: 20 },
    e: { labels: {}, started: 6, ms: 40 },
    lost: { labels: gce, started: 100, ms: 9000, claim: 'lost' },
  });
  const of = (label: string, value: string) => summary.places.find((place) => place.label === label && place.value === value);

  it('have what their nodes did, and nothing of claims that lost', () => {
    expect(of('vendor', 'aws')).toMatchObject({ nodes: 2, started: 5, windows: 2, windowsTainted: 1 });
    expect(of('vendor', 'gce')).toMatchObject({ nodes: 2, started: 4 });
    expect(of('vendor', 'none')).toMatchObject({ nodes: 2, started: 7 });
    expect(of('region', 'none')).toMatchObject({ nodes: 1, started: 6 });
    expect(of('region', 'europe-west1')).toMatchObject({ nodes: 3, started: 5 });
    const [slow] = of('vendor', 'gce')?.metrics ?? [];
    expect(slow).toMatchObject({ metric: METRIC, unit: 'ms', values: { kind: 'trend', count: 1 } });
  });

  it.each(['vendor', 'region'])('add up to the whole by %s', (label) => {
    const parts = summary.places.filter((place) => place.label === label);
    const sum = (of: (place: (typeof parts)[number]) => number): number => parts.reduce((total, place) => total + of(place), 0);
    expect(sum(({ started }) => started)).toBe(summary.load.total.started);
    expect(sum(({ windows }) => windows)).toBe(summary.integrity.windows);
    const whole = summary.categories.flatMap(({ metrics }) => metrics).find(({ metric }) => metric === METRIC)?.values;
    const counts = parts
      .map(({ metrics }) => metrics.find(({ metric }) => metric === METRIC)?.values)
      .filter((each) => each?.kind === 'trend');
    expect(counts.reduce((total, { count }) => total + count, 0)).toBe(whole?.kind === 'trend' ? whole.count : 0);
  });

  it('stand in the summary that people read', () => {
    const text = renderSummary(summary, { color: false, columns: 120 }).join('\n');
    expect(text).toMatch(/PLACES/);
    expect(text).toMatch(/vendor {2}aws +2 +5 .*30\.\d ms +1 of 2/);
  });

  it('say nothing of a run in one place, or of nodes without labels', () => {
    expect(fold({ a: { labels: aws, started: 1, ms: 1 }, b: { labels: aws, started: 1, ms: 1 } }).places).toEqual([]);
    expect(fold({ a: { labels: {}, started: 1, ms: 1 } }).places).toEqual([]);
  });

  it('are bounded: what comes after is counted together', () => {
    const many = Object.fromEntries(
      Array.from({ length: 400 }, (_, index) => [`n${index}`, { labels: { vendor: `v${index}`, region: `r${index}` }, started: 1, ms: 1 }]),
    );
    const { places } = fold(many);
    for (const label of ['vendor', 'region']) {
      const parts = places.filter((place) => place.label === label);
      expect(parts).toHaveLength(64);
      expect(parts.reduce((total, { started }) => total + started, 0)).toBe(400);
      expect(parts.reduce((total, { nodes }) => total + nodes, 0)).toBe(400);
    }
  });
});
