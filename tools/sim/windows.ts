// Every node that knows the manifest closes one window a second of its own clock, numbered on from what its spool holds, until
// its `done` entry is written. The window is on disk before the node hears of it, as the runtime does it.

import { isUp, type SimNode, type World } from './world.ts';

const WINDOW_MS = 1000;
const PAYLOAD = new Uint8Array(0);

export function closeWindows(world: World, node: SimNode): void {
  const { life } = node;
  const stepMs = WINDOW_MS / node.clock.rate;
  const close = (): void => {
    if (node.life !== life || !isUp(node)) return;
    world.agenda.after(stepMs, close);
    if (node.status !== 'live' || node.ghost.manifestMs < 0 || node.ghost.doneMs >= 0) return;
    node.disk.windowLast += 1;
    node.ghost.windowMs[node.disk.windowLast] = world.agenda.nowMs;
    world.counts.windows += 1;
    world.deliver(node, { type: 'window-closed', nowMs: 0, window: { number: node.disk.windowLast, payload: PAYLOAD } });
  };
  world.agenda.after(stepMs * world.chance.nodes.between(0.1, 1), close);
}
