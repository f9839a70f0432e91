// Which stretch of the run the charts show: the last minutes, which move on, or a fixed stretch that a person went to. All charts share one. Pure but for telling its listeners.

export interface Stretch {
  readonly fromMs: number;
  readonly toMs: number;
}

const SPAN_MIN_MS = 10_000;

export class ChartWindow {
  /** Null = the whole run. */
  spanMs: number | null = null;
  isFollowing = true;
  /** While it is dragged or turned: pictures may be coarser then, and are drawn once more at rest. */
  isMoving = false;
  #toMs = 0;
  #firstMs = 0;
  #lastMs = 0;
  readonly #listeners = new Set<() => void>();

  get stretch(): Stretch {
    const toMs = this.isFollowing ? this.#lastMs : this.#toMs;
    const fromMs = this.spanMs === null ? this.#firstMs : Math.max(this.#firstMs, toMs - this.spanMs);
    return { fromMs, toMs: Math.max(toMs, fromMs + SPAN_MIN_MS) };
  }

  /** The newest point that there is. */
  get lastMs(): number {
    return this.#lastMs;
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** What is drawn over the pictures is another: they are drawn again. */
  changed(): void {
    for (const listener of this.#listeners) listener();
  }

  /** There are points from here to there now. */
  extend(firstMs: number, lastMs: number): void {
    this.#firstMs = firstMs;
    this.#lastMs = Math.max(firstMs, lastMs);
    this.changed();
  }

  rest(): void {
    this.isMoving = false;
    this.changed();
  }

  show(spanMs: number | null): void {
    this.spanMs = spanMs;
    this.isFollowing = true;
    this.changed();
  }

  follow(): void {
    this.isFollowing = true;
    this.changed();
  }

  pan(byMs: number): void {
    const { fromMs, toMs } = this.stretch;
    const spanMs = toMs - fromMs;
    this.spanMs = spanMs;
    this.#toMs = Math.min(this.#lastMs, Math.max(this.#firstMs + Math.min(spanMs, this.#lastMs - this.#firstMs), toMs + byMs));
    this.isFollowing = this.#toMs >= this.#lastMs;
    this.changed();
  }

  /** `factor` below 1 shows less; `atShare` of the width stays where it is. */
  zoom(factor: number, atShare = 1): void {
    const { fromMs, toMs } = this.stretch;
    const wholeMs = Math.max(SPAN_MIN_MS, this.#lastMs - this.#firstMs);
    const spanMs = Math.min(wholeMs, Math.max(SPAN_MIN_MS, (toMs - fromMs) * factor));
    const staysMs = fromMs + (toMs - fromMs) * atShare;
    this.spanMs = spanMs >= wholeMs ? null : spanMs;
    this.#toMs = Math.min(this.#lastMs, staysMs + spanMs * (1 - atShare));
    this.isFollowing = this.spanMs === null || this.#toMs >= this.#lastMs;
    this.changed();
  }
}
