// A UDP proxy that loses, repeats and swaps datagrams by a seed: faults that are the same in every run, which no network offers. It stands before one
// server; every client gets a socket of its own towards it, so answers find their way back.

import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { createRng } from '../../../node/core/rng.ts';

export interface LossyProxy {
  readonly port: number;
  readonly counts: { readonly passed: number; readonly lost: number; readonly repeated: number; readonly swapped: number };
  readonly close: () => Promise<void>;
}

export interface Faults {
  readonly seed: number;
  /** Shares of all datagrams, both directions. */
  readonly loss?: number;
  readonly repeat?: number;
  /** Held back until the next one of its direction has passed, or 30 ms. */
  readonly swap?: number;
}

const HELD_MS_MAX = 30;

export async function startLossyProxy(serverPort: number, { seed, loss = 0, repeat = 0, swap = 0 }: Faults): Promise<LossyProxy> {
  const rng = createRng(seed);
  const counts = { passed: 0, lost: 0, repeated: 0, swapped: 0 };
  const front = createSocket('udp4');
  front.bind(0, '127.0.0.1');
  await once(front, 'listening');
  const backs = new Map<number, Socket>();
  const held = new Map<string, () => void>();
  const pass = (direction: string, send: () => void): void => {
    if (rng.float() < loss) {
      counts.lost++;
      return;
    }
    const waiting = held.get(direction);
    if (waiting === undefined && rng.float() < swap) {
      counts.swapped++;
      held.set(direction, send);
      setTimeout(() => {
        if (held.get(direction) === send) {
          held.delete(direction);
          send();
        }
      }, HELD_MS_MAX);
      return;
    }
    counts.passed++;
    send();
    if (rng.float() < repeat) {
      counts.repeated++;
      send();
    }
    held.delete(direction);
    waiting?.();
  };
  front.on('message', (bytes, from) => {
    let back = backs.get(from.port);
    if (back === undefined) {
      back = createSocket('udp4');
      back.bind(0, '127.0.0.1');
      back.on('message', (answer) => pass(`in ${from.port}`, () => front.send(answer, from.port, '127.0.0.1', () => {})));
      backs.set(from.port, back);
    }
    const to = back;
    pass(`out ${from.port}`, () => to.send(bytes, serverPort, '127.0.0.1', () => {}));
  });
  return {
    port: front.address().port,
    counts,
    async close() {
      for (const socket of [front, ...backs.values()]) await new Promise<void>((resolve) => socket.close(() => resolve()));
    },
  };
}
