// The board while a run lasts: redrawn in place once a second where a person is watching, one plain line each ten seconds where a log is. Asks the
// node, which asks the coordinator, so it shows the same wherever it runs. Events appear once, above the board.

import { isColorForbidden } from '../adapters/environment.ts';
import { columns, err, isTty, write } from '../adapters/terminal.ts';
import type { RuntimeClock } from '../runtime/components.ts';
import type { StatusView } from '../runtime/node-status.ts';
import { renderBoard, renderPlain } from '../../tools/scoreboard/board.ts';
import { createStyle } from '../../tools/scoreboard/style.ts';

export interface LiveBoardInit {
  readonly clock: RuntimeClock;
  readonly status: () => Promise<StatusView | null>;
  readonly color: boolean;
  /** Standard output belongs to a machine (--json): plain lines go to standard error. */
  readonly plain: boolean;
}

export interface LiveBoard {
  /** Takes the board off the screen. */
  stop(): void;
}

const REDRAW_MS = 1000;
const PLAIN_MS = 10_000;
const ROWS_MAX = 24;

export const wantsColor = (flag: boolean): boolean => flag && isTty() && !isColorForbidden();

export function startLiveBoard(init: LiveBoardInit): LiveBoard {
  const { clock } = init;
  const style = createStyle(init.color);
  const isLive = isTty() && !init.plain;
  let cancel: () => void = () => {};
  let drawnLines = 0;
  let plainAtMs = 0;
  let phase = '';
  let isStopped = false;

  const erase = (): void => {
    if (drawnLines > 0) write(`\u001b[${drawnLines}A\u001b[0J`);
    drawnLines = 0;
  };

  const draw = ({ board }: StatusView): void => {
    if (isLive) {
      const lines = renderBoard(board, { columns: columns(), rows: ROWS_MAX }, style);
      erase();
      write(`${lines.join('\n')}\n`);
      drawnLines = lines.length;
      return;
    }
    const nowMs = clock.nowMs();
    if (nowMs < plainAtMs && board.phase === phase) return;
    phase = board.phase;
    plainAtMs = nowMs + PLAIN_MS;
    err(renderPlain(board));
  };

  const tick = (): void => {
    init
      .status()
      .then((status) => {
        if (status !== null && !isStopped) draw(status);
      })
      .catch(() => {})
      .finally(() => {
        if (!isStopped) cancel = clock.after(REDRAW_MS, tick);
      });
  };
  cancel = clock.after(0, tick);
  return {
    stop() {
      isStopped = true;
      cancel();
      erase();
    },
  };
}
