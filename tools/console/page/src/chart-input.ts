// Moving through time on a chart: dragging and horizontal scrolling pan, Ctrl and the wheel zoom, and the same with arrows, plus, minus, Home and End when the chart has the focus.

import { chartWindow } from './model.ts';

const PAN_SHARE = 0.1;
const ZOOM = 0.7;

const spanMs = (): number => chartWindow.stretch.toMs - chartWindow.stretch.fromMs;

/** True when the key was for the chart. */
export function chartKey(key: string): boolean {
  if (key === 'ArrowLeft') chartWindow.pan(-spanMs() * PAN_SHARE);
  else if (key === 'ArrowRight') chartWindow.pan(spanMs() * PAN_SHARE);
  else if (key === '+' || key === '=') chartWindow.zoom(ZOOM, 0.5);
  else if (key === '-') chartWindow.zoom(1 / ZOOM, 0.5);
  else if (key === 'Home') chartWindow.show(null);
  else if (key === 'End') chartWindow.follow();
  else return false;
  return true;
}

/** Pointer and wheel on the plotting area; returns how to stop. */
export function listenToPointer(area: HTMLElement): () => void {
  let lastX: number | null = null;
  const down = (event: PointerEvent): void => {
    if (event.button !== 0) return;
    lastX = event.clientX;
    chartWindow.isMoving = true;
    area.setPointerCapture(event.pointerId);
  };
  const move = (event: PointerEvent): void => {
    if (lastX === null) return;
    chartWindow.pan(((lastX - event.clientX) / Math.max(1, area.clientWidth)) * spanMs());
    lastX = event.clientX;
  };
  const up = (): void => {
    lastX = null;
    chartWindow.rest();
  };
  const wheel = (event: WheelEvent): void => {
    if (!event.ctrlKey && Math.abs(event.deltaX) <= Math.abs(event.deltaY)) return;
    event.preventDefault();
    if (event.ctrlKey) chartWindow.zoom(event.deltaY > 0 ? 1 / ZOOM : ZOOM, event.offsetX / Math.max(1, area.clientWidth));
    else chartWindow.pan((event.deltaX / Math.max(1, area.clientWidth)) * spanMs());
  };
  area.addEventListener('pointerdown', down);
  area.addEventListener('pointermove', move);
  area.addEventListener('pointerup', up);
  area.addEventListener('pointercancel', up);
  area.addEventListener('wheel', wheel, { passive: false });
  return () => {
    area.removeEventListener('pointerdown', down);
    area.removeEventListener('pointermove', move);
    area.removeEventListener('pointerup', up);
    area.removeEventListener('pointercancel', up);
    area.removeEventListener('wheel', wheel);
  };
}
