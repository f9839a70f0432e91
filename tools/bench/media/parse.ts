// Reading what the programs of a benchmark print, and the little arithmetic on it: the C baselines' JSON lines, the kernel's processor lists, straight lines
// through measured points. Pure, so that a wrong figure can be told from a wrong reading.

/** Processors of a kernel list such as `0-2,5`. */
export function cpuListOf(text: string): number[] {
  return text
    .split(',')
    .filter((part) => /^\d+(-\d+)?$/.test(part))
    .flatMap((part) => {
      const [first = 0, last = first] = part.split('-').map(Number);
      return Array.from({ length: last - first + 1 }, (_, index) => first + index);
    });
}

/** A line of numbers by name, as send.c, receive.c and echo.c print them. Throws when a wanted one is missing. */
export function figuresOf<const Name extends string>(line: string, names: readonly Name[]): Record<Name, number> {
  const parsed = JSON.parse(line) as Record<string, unknown>;
  const wrong = names.filter((name) => typeof parsed[name] !== 'number');
  if (wrong.length > 0) throw new Error(`no ${wrong.join(', ')} in ${line}`);
  return parsed as Record<Name, number>;
}

/** Seconds in a line of the shell's `times`: user and system, such as `0m1.230s 0m0.045s`. */
export function shellTimesOf(line: string): number {
  const times = [...line.matchAll(/(\d+)m([\d.]+)s/g)];
  if (times.length !== 2) throw new Error(`no two times in ${line}`);
  return times.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}

export interface Line {
  readonly slope: number;
  readonly intercept: number;
  /** Share of the variance that the line explains, 0 to 1 (coefficient of determination). */
  readonly rSquared: number;
}

/** Least squares through at least two points of different x. */
export function fitLine(points: readonly (readonly [x: number, y: number])[]): Line {
  const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanX, meanY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))];
  const sum = (of: (x: number, y: number) => number): number => points.reduce((total, [x, y]) => total + of(x - meanX, y - meanY), 0);
  const [xx, xy, yy] = [sum((x) => x * x), sum((x, y) => x * y), sum((_, y) => y * y)];
  if (points.length < 2 || xx === 0) throw new Error('a line needs two points of different x');
  const slope = xy / xx;
  return { slope, intercept: meanY - slope * meanX, rSquared: yy === 0 ? 1 : xy ** 2 / (xx * yy) };
}
