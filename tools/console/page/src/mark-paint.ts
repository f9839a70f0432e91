// Events drawn over a picture of time: a line for a moment, a band for what lasted, and at the top a lane for each kind, so that bands over one another can be told apart. The same for
// charts and the heat map, so that the eye can go down the page.

import { isMoment, type MarkKind, markKinds } from './marks.ts';
import { chartWindow, currentMarks } from './model.ts';
import { tone } from './theme.ts';

const toneOf: Readonly<Record<MarkKind, string>> = {
  election: 'mark-election',
  loss: 'bad',
  move: 'mark-move',
  fault: 'mark-fault',
  threshold: 'warn',
  scale: 'mark-order',
  leave: 'mark-leave',
};

/** Lines closer than this are one line: a storm of moves is no wall. */
const APART_PX = 3;
const LANE_PX = 4;

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
  const marks = currentMarks().filter((mark) => mark.fromMs <= toMs && (mark.toMs ?? chartWindow.lastMs) >= fromMs);
  const lanes = markKinds.filter((kind) => marks.some((mark) => mark.kind === kind));
  canvas.save();
  canvas.beginPath();
  canvas.rect(box.left, box.top, box.width, box.height);
  canvas.clip();
  for (const mark of marks) {
    const { kind } = mark;
    const x = Math.round(xOf(mark.fromMs));
    const width = isMoment(mark) ? 0 : xOf(mark.toMs ?? chartWindow.lastMs) - x;
    const isThin = width < APART_PX * ratio;
    if (isThin && x - (lastOf.get(kind) ?? Number.NEGATIVE_INFINITY) < APART_PX * ratio) continue;
    lastOf.set(kind, x);
    canvas.fillStyle = tone(toneOf[kind]);
    if (!isThin) {
      canvas.globalAlpha = 0.1;
      canvas.fillRect(x, box.top, width, box.height);
    }
    canvas.globalAlpha = 0.6;
    canvas.fillRect(x, box.top, ratio, box.height);
    canvas.globalAlpha = 1;
    const laneTop = box.top + lanes.indexOf(kind) * LANE_PX * ratio;
    if (isThin) canvas.fillRect(x - 2 * ratio, laneTop, 5 * ratio, (LANE_PX - 1) * ratio);
    else canvas.fillRect(x, laneTop, width, (LANE_PX - 1) * ratio);
  }
  canvas.restore();
}
