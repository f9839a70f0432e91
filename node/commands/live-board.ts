// The board while a run lasts: redrawn in place once a second where a person is watching, one plain line each ten seconds where a log is. Asks the
// node, which asks the coordinator, so it shows the same wherever it runs. How it is drawn is tools/scoreboard.

import { createScoreboard } from '../../tools/scoreboard/live.ts';
import { isColorForbidden } from '../adapters/environment.ts';
import { columns, err, isTty, onResize, rows, write } from '../adapters/terminal.ts';
import type { RuntimeClock } from '../runtime/components.ts';
import type { StatusView } from '../runtime/node-status.ts';

export interface LiveBoardInit {
  readonly clock: RuntimeClock;
  readonly status: () => Promise<StatusView | null>;
  readonly color: boolean;
  /** Standard output belongs to a machine (--json): plain lines go to standard error. */
  readonly plain: boolean;
}

export interface LiveBoard {
  /** A line that stays, above the board. */
  print(line: string): void;
  /** Takes the board off the screen. */
  stop(): void;
}

const REDRAW_MS = 1000;
/** Most ends are over by then. */
const PATIENT_LOOKS = 4;

export const wantsColor = (flag: boolean): boolean => flag && isTty() && !isColorForbidden();

/** Progress without a terminal goes to standard error: standard output is for results. */
const writeProgress = (text: string): void => err(text.replace(/\n$/, ''));

export function startLiveBoard({ clock, status, color, plain }: LiveBoardInit): LiveBoard {
  const isLive = isTty() && !plain;
  const board = createScoreboard({
    mode: isLive ? 'live' : 'plain',
    color,
    write: isLive ? write : writeProgress,
    size: () => ({ columns: columns(), rows: rows() }),
    onResize,
  });
  let cancel: () => void = () => {};
  let isStopped = false;
  let sealedLooks = 0;
  let told: string | null = null;

  /** An end that takes longer than a moment says why, and again when that changes. */
  const tellWait = (what: string | null): void => {
    sealedLooks += 1;
    if (what === null || what === told || sealedLooks < PATIENT_LOOKS) return;
    told = what;
    board.print(`artifacts: ${what}; Ctrl-C twice leaves the rest where it is`);
  };

  const tick = (): void => {
    status()
      .then((current) => {
        // Once sealed the nodes leave one by one, which would look like a loss; the summary is next.
        if (current === null || isStopped) return;
        if (current.phase !== 'sealed') board.show(current.board);
        else tellWait(current.waitingFor);
      })
      .catch(() => {})
      .finally(() => {
        if (!isStopped) cancel = clock.after(REDRAW_MS, tick);
      });
  };
  cancel = clock.after(0, tick);
  return {
    print: (line) => board.print(line),
    stop() {
      isStopped = true;
      cancel();
      board.close();
    },
  };
}
