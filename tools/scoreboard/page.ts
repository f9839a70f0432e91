// What every section of a summary is drawn with: the width, the colours, and the line above it.

import type { Style } from './style.ts';
import { spread } from './text.ts';

export interface Page {
  readonly width: number;
  readonly style: Style;
}

export const heading = (title: string, note: string, { width, style }: Page): string =>
  spread(`  ${style.bold(title)}`, `${style.dim(note)}  `, width).trimEnd();
