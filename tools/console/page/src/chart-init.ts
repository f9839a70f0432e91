// What a chart is made of: its title and lines, each of which reads its column when it is drawn.

export interface Line {
  readonly label: string;
  /** CSS variable without its dashes. */
  readonly tone: string;
  readonly read: () => Float32Array | null;
  readonly isDashed?: boolean;
  readonly isFilled?: boolean;
}

export interface ChartInit {
  readonly title: string;
  readonly lines: readonly Line[];
  readonly format: (value: number) => string;
  readonly range?: readonly [number, number];
  /** A line that shall not be crossed. */
  readonly limit?: number;
}
