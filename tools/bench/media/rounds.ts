// Rounds that alternate between the things compared, so that a machine that is slow for a minute is slow for all of them, and the median of each.

import { out } from '../../../node/adapters/terminal.ts';
import { quantile } from '../../bench-kit.ts';

export interface Contender {
  readonly name: string;
  /** One measurement: what is compared, and a few words about how it came about. */
  readonly run: () => Promise<{ readonly figure: number; readonly words: string }>;
}

/** The median figure of each, in their order. Prints every round. */
export async function alternate(contenders: readonly Contender[], rounds: number, unit: string): Promise<number[]> {
  const width = Math.max(...contenders.map(({ name }) => name.length));
  const figures: number[][] = contenders.map(() => []);
  for (let round = 0; round < rounds; round++) {
    for (const [index, { name, run }] of contenders.entries()) {
      const { figure, words } = await run();
      figures[index]?.push(figure);
      out(`  ${name.padEnd(width)} ${Math.round(figure).toString().padStart(9)} ${unit}; ${words}`);
    }
  }
  const medians = figures.map((each) => quantile(each, 0.5));
  for (const [index, { name }] of contenders.entries()) {
    const ratio = (medians[index] as number) / (medians[0] as number);
    out(
      `  ${name.padEnd(width)} ${Math.round(medians[index] as number)
        .toString()
        .padStart(9)} ${unit}, median of ${rounds}; ${ratio.toFixed(2)} times the first`,
    );
  }
  return medians;
}
