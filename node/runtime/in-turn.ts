// The end of a node as a list of parts that are closed one after the other: one that cannot be closed (a full disk) does not keep the others open.

import type { RuntimeLog } from './components.ts';

export async function inTurn(log: RuntimeLog, parts: readonly (() => Promise<void> | undefined | void)[]): Promise<void> {
  for (const part of parts) {
    try {
      await part();
    } catch (error) {
      log.error({ error: error instanceof Error ? error.stack : String(error) }, 'not closed cleanly');
    }
  }
}
