// What happened, two ways: a hash over every step, always kept, which shows that the same seed gives the same run; and, when
// asked for, one readable line per step ("time node event -> effects"). A failing seed is run again to get the lines, so that
// clean runs never pay for them.

import type { Effects, NodeEvent } from '../../node/core/events.ts';
import { hashString, mix32 } from '../../node/core/rng.ts';
import { describeEffects, describeEvent } from './describe.ts';
import type { SimNode } from './world.ts';

export interface Trace {
  hash: number;
  readonly isOn: boolean;
  readonly lines: string[];
  step(trueMs: number, node: SimNode, event: NodeEvent, effects: Effects): void;
  /** Something outside the nodes: a fault, a heal, load that begins or ends. */
  note(trueMs: number, text: string): void;
}

const typeHashes = new Map<string, number>();
function typeHash(type: string): number {
  const known = typeHashes.get(type);
  if (known !== undefined) return known;
  const hash = hashString(type);
  typeHashes.set(type, hash);
  return hash;
}

const stamp = (trueMs: number): string => (trueMs / 1000).toFixed(3).padStart(9);

function effectsHash(effects: Effects): number {
  let hash = effects.persist.length;
  hash = hash * 31 + effects.keep.length;
  hash = hash * 31 + effects.send.length;
  hash = hash * 31 + effects.publish.length;
  hash = hash * 31 + effects.start.length;
  hash = hash * 31 + effects.stop.length;
  return hash * 31 + effects.report.length;
}

/** `write` gets every line as it is made (--trace); `keep` keeps the last so many. */
export function createTrace(options: { readonly keep: number; readonly write?: (line: string) => void }): Trace {
  const lines: string[] = [];
  const isOn = options.keep > 0 || options.write !== undefined;
  const add = (line: string): void => {
    options.write?.(line);
    lines.push(line);
    if (lines.length > options.keep * 2) lines.splice(0, lines.length - options.keep);
  };
  return {
    hash: 0,
    isOn,
    lines,
    step(trueMs, node, event, effects) {
      this.hash = mix32(this.hash ^ Math.imul(Math.round(trueMs * 1000), 31) ^ (node.index << 20) ^ typeHash(event.type));
      this.hash = mix32(this.hash ^ effectsHash(effects));
      if (!isOn) return;
      const done = describeEffects(effects);
      if (event.type === 'tick' && done === '') return;
      add(`${stamp(trueMs)} ${node.id} ${describeEvent(event)}${done === '' ? '' : ` -> ${done}`}`);
    },
    note(trueMs, text) {
      if (isOn) add(`${stamp(trueMs)} ** ${text}`);
    },
  };
}
