// The way out for all RTP: what the settings rtpLossRate, rtpDuplicateRate, rtpReorderRate and rtpDelayMs do to it. The fate of the n-th packet sent
// is a pure function of the seed, n and the rates, as with requests. Without any of them a packet goes straight to the socket.

import { drawAt, STREAMS } from '../chance.ts';
import type { Service } from '../service.ts';
import type { MediaStream } from './media-stream.ts';

export interface WayOut {
  /** Sends RTP to the stream's remote address, or does to it what the settings say. `bytes` is read at once. */
  send(stream: MediaStream, bytes: Uint8Array): void;
  close(): void;
}

interface Delayed {
  stream: MediaStream;
  bytes: Uint8Array;
  dueMs: number;
}

/** Packets on their way; more are dropped and counted as lost, as a full queue does. */
const DELAYED_MAX = 200_000;

export function createWayOut(service: Service): WayOut {
  const { clock, options } = service;
  const { rtp, injected } = service.counters.sip;
  const delayed: Delayed[] = [];
  let head = 0;
  let cancelTimer = (): void => {};
  let isTimerSet = false;
  let packets = 0;

  function transmit({ pair, remote }: MediaStream, bytes: Uint8Array): void {
    if (pair === null || remote === null) return;
    rtp.out += 1;
    pair.rtp.send(bytes, remote.rtp);
  }

  function release(): void {
    isTimerSet = false;
    const nowMs = clock.nowMs();
    // A millisecond early is nearer to due than the next turn of a timer.
    for (; head < delayed.length && delayed[head]!.dueMs <= nowMs + 1; head += 1) transmit(delayed[head]!.stream, delayed[head]!.bytes);
    if (head === delayed.length) delayed.length = head = 0;
    else if (head > 1000) {
      delayed.splice(0, head);
      head = 0;
    }
    if (delayed.length > 0) setTimer(nowMs);
  }

  function setTimer(nowMs: number): void {
    if (isTimerSet) return;
    isTimerSet = true;
    cancelTimer = clock.after(Math.max(1, delayed[head]!.dueMs - nowMs), release);
  }

  function pass(stream: MediaStream, bytes: Uint8Array, delayMs: number): void {
    if (delayMs === 0 && delayed.length === 0) return transmit(stream, bytes);
    if (delayed.length - head >= DELAYED_MAX) {
      injected.rtpLoss += 1;
      return;
    }
    const nowMs = clock.nowMs();
    delayed.push({ stream, bytes: Uint8Array.from(bytes), dueMs: nowMs + delayMs });
    setTimer(nowMs);
  }

  return {
    send(stream, bytes) {
      const { rtpLossRate, rtpDuplicateRate, rtpReorderRate, rtpDelayMs } = service.settings;
      const draw = drawAt(options.seed, STREAMS.rtpFate, packets++);
      const { held } = stream;
      stream.held = null;
      if (draw < rtpLossRate) {
        injected.rtpLoss += 1;
      } else if (draw < rtpLossRate + rtpDuplicateRate) {
        injected.rtpDuplicate += 1;
        pass(stream, bytes, rtpDelayMs);
        pass(stream, bytes, rtpDelayMs);
      } else if (held === null && draw < rtpLossRate + rtpDuplicateRate + rtpReorderRate) {
        injected.rtpReorder += 1;
        stream.held = Uint8Array.from(bytes);
      } else {
        pass(stream, bytes, rtpDelayMs);
      }
      if (held !== null) pass(stream, held, rtpDelayMs);
    },
    close() {
      cancelTimer();
      delayed.length = 0;
    },
  };
}
