// Latency over time as a picture, in numbers: which points fall into which column of pixels, and how strong a cell is. Columns are normalised each by itself where asked, because a busy
// minute would hide a quiet one. Pure; drawing is heat-map.tsx.

export interface HeatPicture {
  /** Columns from left to right; each has a start and a width as shares of the picture, 0 to 1. */
  readonly columns: readonly { readonly left: number; readonly width: number }[];
  /** Column after column, band after band from the fastest up: 0 to 1. */
  readonly strength: Float32Array;
  /** Bands that are shown: from `bandFirst` on, up to the slowest that ever counts. */
  readonly bandFirst: number;
  readonly bandCount: number;
}

export interface HeatSource {
  readonly times: Float64Array;
  readonly stepMs: number;
  readonly counts: Float32Array;
  readonly bands: number;
}

/** At least this many bands are shown, so that an even target does not look like a wall. */
const BANDS_MIN = 6;
const FLOOR = 0.08;

export function heatPicture({ times, stepMs, counts, bands }: HeatSource, fromMs: number, toMs: number, columnsMax: number): HeatPicture {
  const spanMs = Math.max(1, toMs - fromMs);
  const stretchMs = stepMs * Math.max(1, Math.ceil(spanMs / stepMs / Math.max(1, columnsMax)));
  const firstStretch = Math.floor(fromMs / stretchMs);
  const columnCount = Math.max(1, Math.ceil(toMs / stretchMs) - firstStretch);
  const sums = new Float32Array(columnCount * bands);
  for (let index = lowerBound(times, fromMs - stretchMs); index < times.length; index++) {
    const column = Math.floor((times[index] as number) / stretchMs) - firstStretch;
    if (column >= columnCount) break;
    if (column < 0) continue;
    for (let band = 0; band < bands; band++) {
      sums[column * bands + band] = (sums[column * bands + band] as number) + (counts[index * bands + band] as number);
    }
  }
  const columns = Array.from({ length: columnCount }, (_, column) => ({
    left: ((firstStretch + column) * stretchMs - fromMs) / spanMs,
    width: stretchMs / spanMs,
  }));
  const [bandFirst, bandCount] = bandsUsed(sums, bands);
  return { columns, strength: strengthOf(sums, bands, bandFirst, bandCount), bandFirst, bandCount };
}

function bandsUsed(sums: Float32Array, bands: number): [first: number, count: number] {
  let [first, last] = [bands, -1];
  sums.forEach((sum, index) => {
    if (sum <= 0) return;
    first = Math.min(first, index % bands);
    last = Math.max(last, index % bands);
  });
  if (last < 0) return [0, Math.min(bands, BANDS_MIN)];
  const count = Math.max(BANDS_MIN, last - first + 3);
  const start = Math.max(0, Math.min(first - 1, bands - count));
  return [start, Math.min(bands - start, count)];
}

/** By the square root and never below a floor, so that one slow answer among thousands can be seen. */
function strengthOf(sums: Float32Array, bands: number, first: number, count: number): Float32Array {
  const most = sums.reduce((max, sum) => Math.max(max, sum), 0);
  const strength = new Float32Array((sums.length / bands) * count);
  for (let column = 0; column < sums.length / bands; column++) {
    for (let band = 0; band < count; band++) {
      const sum = sums[column * bands + first + band] as number;
      strength[column * count + band] = sum > 0 ? FLOOR + (1 - FLOOR) * Math.sqrt(sum / most) : 0;
    }
  }
  return strength;
}

function lowerBound(times: Float64Array, atMs: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((times[middle] as number) < atMs) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** What a band holds, for an axis or a table. `format` makes a bound readable. */
export function bandLabel(boundsMs: readonly number[], band: number, format: (ms: number) => string): string {
  const upper = boundsMs[band];
  return upper === undefined ? `over ${format(boundsMs.at(-1) ?? 0)}` : `to ${format(upper)}`;
}
