// The page's only home of the browser's clock, timers and animation frames; everything else is told the time or is called back. What is due in a frame is done once in it, however often
// it is asked for.

export const nowMs = (): number => performance.now();

/** Calls back once; the answer cancels it. */
export function after(ms: number, callback: () => void): () => void {
  const timer = setTimeout(callback, ms);
  return () => clearTimeout(timer);
}

/** Calls back again and again; the answer ends it. */
export function every(ms: number, callback: () => void): () => void {
  const timer = setInterval(callback, ms);
  return () => clearInterval(timer);
}

/** A function that asks for `draw` in the next frame, at most once a frame. */
export function inNextFrame(draw: () => void): { ask(): void; cancel(): void } {
  let frame = 0;
  return {
    ask() {
      if (frame !== 0) return;
      frame = requestAnimationFrame(() => {
        frame = 0;
        draw();
      });
    },
    cancel() {
      cancelAnimationFrame(frame);
      frame = 0;
    },
  };
}
