// The drivers that put boards on a terminal or into a log: a live one that redraws in place, a plain one with a line every ten seconds, one with a
// JSON object a second, and one that says nothing. They own no timer: whoever has a view calls `show`. The live one never uses the alternate screen
// and never clears more than its own lines, so what was printed before stays, and other output goes above the board through `print`.

import type { BoardView } from '../../node/core/summary-types.ts';
import { type BoardSize, renderBoard, renderPlain } from './board.ts';
import { type BoardHistory, extendHistory } from './sparkline.ts';
import { createStyle } from './style.ts';
import { clean, displayWidth } from './text.ts';

export interface Scoreboard {
  /** Shows this view; called about once a second. */
  readonly show: (view: BoardView) => void;
  /** A line that stays, e.g. a warning: above the board where there is one. */
  readonly print: (line: string) => void;
  /** Takes the board away and gives the cursor back. Safe to call twice. */
  readonly close: () => void;
}

export interface ScoreboardInit {
  readonly mode: 'live' | 'plain' | 'json' | 'quiet';
  readonly color: boolean;
  /** Writes text as it is. */
  readonly write: (text: string) => void;
  readonly size: () => BoardSize;
  /** Calls back when the terminal changed its size; returns how to stop that. */
  readonly onResize?: (callback: () => void) => () => void;
}

const HIDE_CURSOR = '\u001b[?25l';
const SHOW_CURSOR = '\u001b[?25h';
const CLEAR_LINE_END = '\u001b[K';
const CLEAR_BELOW = '\u001b[J';
/** Terminals that know it show everything between as one frame; the others ignore it. */
const FRAME_BEGIN = '\u001b[?2026h';
const FRAME_END = '\u001b[?2026l';
const up = (lines: number): string => (lines > 0 ? `\u001b[${lines}A` : '');

/** Every n-th view is a line in plain mode. Counted by time in the run, since views may come late. */
const PLAIN_EVERY_MS = 10_000;

function liveScoreboard({ color, write, size, onResize }: ScoreboardInit): Scoreboard {
  const style = createStyle(color);
  /** Rendered lines that stand on the screen, the cursor below the last. */
  let standing: readonly string[] = [];
  let view: BoardView | null = null;
  let history: BoardHistory = new Map();
  let isClosed = false;

  /** A narrower window may have wrapped our lines: count what they take now. */
  const rowsStanding = (): number => {
    const { columns } = size();
    return standing.reduce((rows, line) => rows + Math.max(1, Math.ceil(displayWidth(line) / Math.max(1, columns))), 0);
  };
  /** Overwrites in place: no line is blank in between, which is what flickers. */
  const draw = (above: readonly string[]): void => {
    const { columns, rows } = size();
    const lines = view === null ? [] : renderBoard(view, { columns, rows: Math.max(2, rows - 1) }, style, history);
    const text = [...above, ...lines].map((line) => `${line}${CLEAR_LINE_END}\n`).join('');
    write(`${FRAME_BEGIN}${HIDE_CURSOR}${up(rowsStanding())}\r${text}${CLEAR_BELOW}${FRAME_END}`);
    standing = lines;
  };
  const stopResize = onResize?.(() => draw([])) ?? (() => {});
  return {
    show(next) {
      if (isClosed) return;
      view = next;
      history = extendHistory(history, next);
      draw([]);
    },
    print(line) {
      if (isClosed) write(`${line}\n`);
      else draw([line]);
    },
    close() {
      if (isClosed) return;
      isClosed = true;
      stopResize();
      // The last board gives way to the summary, which says the same and more.
      write(`${up(rowsStanding())}\r${CLEAR_BELOW}${SHOW_CURSOR}`);
      standing = [];
    },
  };
}

function plainScoreboard({ write }: ScoreboardInit): Scoreboard {
  let shown: { phase: string; slot: number } | null = null;
  return {
    show(view) {
      const slot = Math.floor(view.elapsedMs / PLAIN_EVERY_MS);
      if (shown !== null && shown.phase === view.phase && shown.slot === slot) return;
      shown = { phase: view.phase, slot };
      write(`${renderPlain(view)}\n`);
    },
    print: (line) => write(`${clean(line)}\n`),
    close: () => {},
  };
}

function jsonScoreboard({ write }: ScoreboardInit): Scoreboard {
  return {
    show: (view) => write(`${JSON.stringify({ type: 'board', ...view })}\n`),
    print: (text) => write(`${JSON.stringify({ type: 'note', text: clean(text) })}\n`),
    close: () => {},
  };
}

const quietScoreboard: Scoreboard = { show: () => {}, print: () => {}, close: () => {} };

export function createScoreboard(init: ScoreboardInit): Scoreboard {
  switch (init.mode) {
    case 'live':
      return liveScoreboard(init);
    case 'plain':
      return plainScoreboard(init);
    case 'json':
      return jsonScoreboard(init);
    case 'quiet':
      return quietScoreboard;
  }
}

/** Which driver the flags and the terminal ask for. --json wins over --quiet: a program reads it. */
export function scoreboardMode(flags: {
  readonly json: boolean;
  readonly quiet: boolean;
  readonly isTty: boolean;
}): ScoreboardInit['mode'] {
  if (flags.json) return 'json';
  if (flags.quiet) return 'quiet';
  return flags.isTty ? 'live' : 'plain';
}
