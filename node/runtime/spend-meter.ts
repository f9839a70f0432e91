// What this node's machine has cost, for its windows: its price by the time since it was rented, and its traffic by what the kernel says was sent. Counting begins with the
// node; what the machine sent before (a few megabytes of booting) is not its traffic. The arithmetic is core/spending.ts.

import { type MachinePrice, spendingSeries } from '../core/spending.ts';
import type { Series } from '../core/stats-types.ts';

export interface SpendMeterInit {
  readonly price: MachinePrice;
  readonly wallNowMs: () => number;
  /** Of the machine; grows, and starts anew when it is restarted. */
  readonly sentBytes: () => number;
}

export function createSpendMeter({ price, wallNowMs, sentBytes }: SpendMeterInit): (durationMs: number) => readonly Series[] {
  let readBytes = sentBytes();
  let bytes = 0;
  return (spanMs) => {
    const nowBytes = sentBytes();
    const bytesLately = Math.max(0, nowBytes - readBytes);
    readBytes = nowBytes;
    bytes += bytesLately;
    return spendingSeries(price, wallNowMs(), { bytes, bytesLately, spanMs });
  };
}
