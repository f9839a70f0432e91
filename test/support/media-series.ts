// A MediaSeries that keeps everything, for tests to look into.

import type { MediaSeries } from '../../node/media/engine-types.ts';

export interface KeptSeries extends MediaSeries {
  /** Values of each trend, in the order they came. */
  readonly values: Record<TrendName, number[]>;
  readonly sums: Record<CounterName, number>;
  readonly losses: { lost: number; kept: number };
  readonly rejections: Map<string, number>;
}

const trends = ['lossShare', 'jitterMs', 'roundTripMs', 'mos', 'bitrateShare', 'gapMs', 'firstPacketMs', 'sendLatenessMs'] as const;
const counters = ['packetsSent', 'packetsReceived', 'bytesSent', 'bytesReceived', 'reordered', 'duplicates'] as const;
type TrendName = (typeof trends)[number];
type CounterName = (typeof counters)[number];

export function keepSeries(): KeptSeries {
  const values = Object.fromEntries(trends.map((name) => [name, [] as number[]])) as Record<TrendName, number[]>;
  const sums = Object.fromEntries(counters.map((name) => [name, 0])) as Record<CounterName, number>;
  const trend = (name: TrendName) => ({ record: (value: number): void => void values[name].push(value) });
  const counter = (name: CounterName) => ({
    add: (count: number): void => {
      sums[name] += count;
    },
  });
  const losses = { lost: 0, kept: 0 };
  const rejections = new Map<string, number>();
  return {
    ...(Object.fromEntries(trends.map((name) => [name, trend(name)])) as Record<TrendName, { record: (value: number) => void }>),
    ...(Object.fromEntries(counters.map((name) => [name, counter(name)])) as Record<CounterName, { add: (count: number) => void }>),
    lost: {
      add(isLost, count = 1) {
        if (isLost) losses.lost += count;
        else losses.kept += count;
      },
    },
    rejected: (kind, count) => void rejections.set(kind, (rejections.get(kind) ?? 0) + count),
    values,
    sums,
    losses,
    rejections,
  };
}
