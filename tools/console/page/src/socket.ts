// The line to the console: opens the live socket, hands its messages on, says at once when it is lost, and tries again with growing waits until it is back. The server sends everything
// anew to who comes back, so nothing is asked for. A line on which nothing comes although the
// swarm answers counts as lost.

import type { LiveMessage } from '../../protocol.ts';
import { waitBefore } from './backoff.ts';
import { after, every, nowMs } from './browser.ts';
import { change, currentModel, take } from './model.ts';

const SILENT_MS = 6000;

let attempt = 0;
let lastHeardMs = 0;
let socket: WebSocket | null = null;
let cancelRetry: () => void = () => {};

const spread = crypto.getRandomValues(new Uint8Array(1))[0] as number;

export function connect(): void {
  open();
  every(1000, () => {
    const { live, line, report } = currentModel();
    const isExpected = live !== null && live.board.phase !== 'sealed' && report === null && line.is === 'open';
    if (isExpected && nowMs() - lastHeardMs > SILENT_MS) drop();
  });
  // The network came back, or the laptop was opened: there is no reason to wait.
  addEventListener('online', retryNow);
  addEventListener('offline', drop);
  document.addEventListener('visibilitychange', () => {
    if (document.visibilityState === 'visible' && currentModel().line.is === 'lost') retryNow();
  });
}

export function retryNow(): void {
  if (currentModel().line.is !== 'lost') return;
  cancelRetry();
  open();
}

function open(): void {
  const own = new WebSocket(new URL('/api/v1/live', location.href.replace(/^http/, 'ws')));
  socket = own;
  own.addEventListener('open', () => {
    if (socket !== own) return;
    attempt = 0;
    lastHeardMs = nowMs();
    change({ line: { is: 'open' } });
  });
  own.addEventListener('message', ({ data }) => {
    if (socket !== own) return;
    lastHeardMs = nowMs();
    take(JSON.parse(String(data)) as LiveMessage);
  });
  own.addEventListener('close', () => {
    if (socket === own) drop();
  });
}

function drop(): void {
  const old = socket;
  socket = null;
  old?.close();
  const retryMs = waitBefore(attempt, spread / 255);
  attempt += 1;
  change({ line: { is: 'lost', retryMs } });
  cancelRetry();
  cancelRetry = after(retryMs, open);
}
