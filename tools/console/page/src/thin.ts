// Fewer points than there are seconds, without losing what matters: each stretch of points becomes two, its lowest and its highest value, so a peak of one second is seen in a picture of
// three hours. Stretches lie at multiples of their length (a power of two), so that they do not shimmer while the picture moves. Pure.

export interface Thinned {
  readonly x: number[];
  /** For each column: null = nothing recorded. */
  readonly columns: (number | null)[][];
}

/** Points per stretch so that at most about `points` points are drawn. */
export function stretchOf(count: number, points: number): number {
  let stretch = 1;
  while (count / stretch > points / 2) stretch *= 2;
  return count <= points ? 1 : stretch;
}

const numberOrNull = (value: number | undefined): number | null => (value === undefined || Number.isNaN(value) ? null : value);

/** Points `from` to `to` (exclusive), and one stretch beyond at either end, so that lines reach the edges. */
export function thin(times: Float64Array, columns: readonly (Float32Array | null)[], from: number, to: number, points: number): Thinned {
  const stretch = stretchOf(to - from, points);
  const first = Math.max(0, (Math.floor(from / stretch) - 1) * stretch);
  const last = Math.min(times.length, (Math.ceil(to / stretch) + 1) * stretch);
  const x: number[] = [];
  const thinned: (number | null)[][] = columns.map(() => []);
  if (stretch === 1) {
    for (let index = first; index < last; index++) x.push(times[index] as number);
    columns.forEach((column, at) => {
      const out = thinned[at] as (number | null)[];
      for (let index = first; index < last; index++) out.push(column === null ? null : numberOrNull(column[index]));
    });
    return { x, columns: thinned };
  }
  for (let start = first; start < last; start += stretch) {
    const end = Math.min(last, start + stretch);
    x.push(times[start] as number, ((times[start] as number) + (times[end - 1] as number)) / 2);
  }
  columns.forEach((column, at) => {
    const out = thinned[at] as (number | null)[];
    for (let start = first; start < last; start += stretch) pushRange(out, column, start, Math.min(last, start + stretch));
  });
  return { x, columns: thinned };
}

/** The lowest and the highest, in the order in which they came. */
function pushRange(out: (number | null)[], column: Float32Array | null, start: number, end: number): void {
  let [low, high] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  let [lowAt, highAt] = [0, 0];
  for (let index = start; column !== null && index < end; index++) {
    const value = column[index] as number;
    if (value < low) [low, lowAt] = [value, index];
    if (value > high) [high, highAt] = [value, index];
  }
  if (low > high) out.push(null, null);
  else if (lowAt <= highAt) out.push(low, high);
  else out.push(high, low);
}

/** The sum of columns; NaN where none has a value. */
export function sumOf(columns: readonly (Float32Array | null)[], length: number): Float32Array {
  const sum = new Float32Array(length).fill(Number.NaN);
  for (const column of columns) {
    if (column === null) continue;
    for (let index = 0; index < length; index++) {
      const value = column[index] as number;
      if (Number.isNaN(value)) continue;
      const old = sum[index] as number;
      sum[index] = Number.isNaN(old) ? value : old + value;
    }
  }
  return sum;
}
