// Events drawn over a picture of time: a line for a moment, a band for what lasted, and a short flag at the top. The same for charts and the heat map, so that the eye can go down the page.

import type { MarkKind } from './marks.ts';
import { currentMarks } from './model.ts';
import { tone } from './theme.ts';

const toneOf: Readonly<Record<MarkKind, string>> = {
  election: 'mark-election',
  loss: 'bad',
  move: 'mark-move',
  fault: 'mark-fault',
  threshold: 'warn',
  order: 'mark-order',
};

/** Lines closer than this are one line: a storm of moves is no wall. */
const APART_PX = 3;

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** In device pixels, as the canvas has them. */
export function paintMarks(canvas: CanvasRenderingContext2D, box: Box, fromMs: number, toMs: number, ratio: number): void {
  const xOf = (ms: number): number => box.left + ((ms - fromMs) / (toMs - fromMs)) * box.width;
  const lastOf = new Map<MarkKind, number>();
  canvas.save();
  canvas.beginPath();
  canvas.rect(box.left, box.top, box.width, box.height);
  canvas.clip();
  for (const { kind, atMs, untilMs } of currentMarks()) {
    if (atMs > toMs || (untilMs ?? atMs) < fromMs) continue;
    const x = Math.round(xOf(atMs));
    if (x - (lastOf.get(kind) ?? Number.NEGATIVE_INFINITY) < APART_PX * ratio && untilMs === null) continue;
    lastOf.set(kind, x);
    canvas.fillStyle = tone(toneOf[kind]);
    if (untilMs !== null) {
      canvas.globalAlpha = 0.12;
      canvas.fillRect(x, box.top, Math.max(ratio, xOf(untilMs) - x), box.height);
    }
    canvas.globalAlpha = 0.65;
    canvas.fillRect(x, box.top, ratio, box.height);
    canvas.globalAlpha = 1;
    canvas.fillRect(x - 2 * ratio, box.top, 5 * ratio, 4 * ratio);
  }
  canvas.restore();
}
