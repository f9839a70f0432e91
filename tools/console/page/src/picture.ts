// When a picture of the run is drawn: when there are new points, when the stretch shown or the look changes, and when its place on the page changes; in the next frame, and only while it
// can be seen. What is drawn is the picture's own matter.

import { inNextFrame } from './browser.ts';
import { chartWindow } from './model.ts';
import { onTheme } from './theme.ts';

export interface Drawer {
  /** Of the place, in CSS pixels. */
  draw(widthPx: number): void;
  /** Colours may be others now. */
  look?(): void;
}

export function keepDrawn(place: HTMLElement, drawer: Drawer): { ask(): void; stop(): void } {
  let isSeen = true;
  let width = place.clientWidth;
  const frame = inNextFrame(() => {
    if (width > 0) drawer.draw(width);
  });
  const ask = (): void => {
    if (isSeen) frame.ask();
  };
  const sizes = new ResizeObserver(() => {
    if (place.clientWidth === width) return;
    width = place.clientWidth;
    ask();
  });
  const sights = new IntersectionObserver((entries) => {
    isSeen = entries.at(-1)?.isIntersecting ?? true;
    ask();
  });
  sizes.observe(place);
  sights.observe(place);
  const stopWindow = chartWindow.listen(ask);
  const stopTheme = onTheme(() => {
    drawer.look?.();
    ask();
  });
  ask();
  return {
    ask,
    stop() {
      frame.cancel();
      sizes.disconnect();
      sights.disconnect();
      stopWindow();
      stopTheme();
    },
  };
}
