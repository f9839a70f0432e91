// A program's samples into the worker's statistics. Only metrics that the scenario declares are taken, with the tags it declares. Gauges are
// levels of one process: what several processes report is added up, and a process that ends takes its share with it.

import type { MetricKind, Recorder } from '../../core/stats-types.ts';
import type { Sample } from './contract.ts';
import type { ExecOptions } from './options.ts';

export interface SampleSink {
  /** Null when recorded, else what is wrong with the sample. */
  readonly record: (sample: Sample) => string | null;
  /** The process is gone: its levels are too. */
  readonly close: () => void;
}

type Record_ = (value: number | boolean) => string | null;

/** Distinct series of one process; the worker's statistics have their own, larger bound. */
const SERIES_MAX = 500;

export function createSampleSink(metrics: ExecOptions['metrics'], recorder: Recorder): SampleSink {
  const known = new Map<string, Record_>();
  const levels: (() => void)[] = [];
  const resolve = ({ metric, tags = {} }: Sample): Record_ | string => {
    const declared = Object.hasOwn(metrics, metric) ? metrics[metric] : undefined;
    if (declared === undefined) return `metric ${metric} is not declared under behavior.metrics`;
    const unknown = Object.keys(tags).find((tag) => !declared.tags.includes(tag));
    if (unknown !== undefined) return `tag ${unknown} of metric ${metric} is not declared`;
    if (known.size >= SERIES_MAX) return `more than ${SERIES_MAX} different series`;
    return recordOf(declared.kind, metric, tags, recorder, levels);
  };
  return {
    record(sample) {
      const key = sample.tags === undefined ? sample.metric : `${sample.metric} ${JSON.stringify(sample.tags)}`;
      let record = known.get(key);
      if (record === undefined) {
        const resolved = resolve(sample);
        if (typeof resolved === 'string') return resolved;
        record = resolved;
        known.set(key, record);
      }
      return record(sample.value);
    },
    close() {
      for (const take of levels) take();
      levels.length = 0;
      known.clear();
    },
  };
}

function recordOf(
  kind: MetricKind,
  metric: string,
  tags: Readonly<Record<string, string>>,
  recorder: Recorder,
  levels: (() => void)[],
): Record_ {
  const numeric =
    (perform: (value: number) => void): Record_ =>
    (value) => {
      if (typeof value !== 'number' || !Number.isFinite(value)) return `${metric} needs a number, not ${value}`;
      perform(value);
      return null;
    };
  switch (kind) {
    case 'trend': {
      const trend = recorder.trend(metric, tags);
      return numeric((value) => trend.record(value));
    }
    case 'counter': {
      const counter = recorder.counter(metric, tags);
      return numeric((value) => counter.add(value));
    }
    case 'rate': {
      const rate = recorder.rate(metric, tags);
      return (value) => {
        rate.add(Boolean(value));
        return null;
      };
    }
    case 'gauge': {
      const gauge = recorder.gauge(metric, tags);
      let level = 0;
      levels.push(() => gauge.add(-level));
      return numeric((value) => {
        gauge.add(value - level);
        level = value;
      });
    }
  }
}
