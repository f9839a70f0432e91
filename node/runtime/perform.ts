// Hands one step's effects to the parts of the node, in the order that the core relies on: what it promises is on disk before anybody hears of it
// (events.ts). When own entries cannot be stored, nothing that follows from them happens; the core is told and ends the node.
// Publishing and sending are handed over, not awaited: the mesh keeps the order per peer, and anti-entropy repairs what is lost.

import type { Effects, Report, Start, Stop } from '../core/events.ts';
import type { Entry, Gossip, Message, NodeId, WindowFrame } from '../core/messages.ts';
import type { MessageCodec } from '../wire/message-codec.ts';
import type { RuntimeMesh, RuntimeStore } from './components.ts';

export interface PerformInit {
  readonly mesh: Pick<RuntimeMesh, 'publish' | 'send' | 'learn' | 'dial'>;
  readonly store: Pick<RuntimeStore, 'appendOwn' | 'keep' | 'putWindows' | 'windows'>;
  readonly codec: MessageCodec;
  /** Entries that became part of the log, own and others', after they were handed to the store. */
  readonly onEntries: (entries: readonly Entry[]) => void;
  /** Stored windows that count (coordinator). */
  readonly onWindows: (node: NodeId, windows: readonly WindowFrame[]) => void;
  readonly onStart: (start: Start) => void;
  readonly onStop: (stop: Stop) => void;
  readonly onReport: (report: Report) => void;
  readonly onExit: (exit: NonNullable<Effects['exit']>) => void;
  readonly onStorageFailed: (message: string) => void;
  /** Something that is repaired elsewhere, counted by its name. */
  readonly count: (what: string) => void;
}

/** One pulse with its windows stays below the mesh's message bound; the coordinator's acknowledgement makes the rest follow. */
const WINDOW_BYTES_PER_MESSAGE_MAX = 3 * 1024 * 1024;
/** Below the mesh's bounds for direct messages (4 MiB) and gossip (128 KiB): what is larger goes in parts. */
const MESSAGE_BYTES_MAX = 3 * 1024 * 1024;
const GOSSIP_BYTES_MAX = 120 * 1024;

export function createPerformer(init: PerformInit): (effects: Effects) => Promise<void> {
  const { mesh, store, codec } = init;

  const send = (to: NodeId, message: Message): void => {
    const parts = message.type === 'entries' ? codec.encodeEntries(message.entries, MESSAGE_BYTES_MAX) : [codec.encodeMessage(message)];
    for (const bytes of parts) {
      mesh.send(to, bytes).then(
        (isSent) => isSent || init.count('send-dropped'),
        () => init.count('send-failed'),
      );
    }
  };

  const publish = (gossip: Gossip): void => {
    const isLog = gossip.type === 'entries';
    const parts = isLog ? codec.encodeEntries(gossip.entries, GOSSIP_BYTES_MAX) : [codec.encodeGossip(gossip)];
    for (const bytes of parts) {
      mesh.publish(isLog ? 'entries' : 'beats', bytes).then(
        (isPublished) => isPublished || init.count('publish-refused'),
        () => init.count('publish-failed'),
      );
    }
  };

  const dial = ({ peer, addresses, connect }: Effects['dial'][number]): void => {
    mesh.learn(peer, addresses);
    if (!connect) return;
    mesh.dial(peer, addresses).then(
      (result) => result.ok || init.count('dial-failed'),
      () => init.count('dial-failed'),
    );
  };

  /** False when own entries or windows are not safely on disk. */
  const persist = async (effects: Effects): Promise<boolean> => {
    try {
      if (effects.persist.length > 0) await store.appendOwn(effects.persist);
      for (const { node, windows } of effects.store) await store.putWindows(node, windows);
    } catch (error) {
      init.onStorageFailed((error as Error).message);
      return false;
    }
    // The order on disk does not matter for these, and a failure shows at the next own entry.
    if (effects.keep.length > 0) store.keep(effects.keep).catch(() => init.count('keep-failed'));
    return true;
  };

  const sendWindows = async ({ to, node, first, last, as }: Effects['sendWindows'][number]): Promise<void> => {
    const windows: WindowFrame[] = [];
    let sizeBytes = 0;
    for (const frame of await store.windows(node, first, last)) {
      sizeBytes += frame.payload.byteLength;
      if (sizeBytes > WINDOW_BYTES_PER_MESSAGE_MAX && windows.length > 0) break;
      windows.push(frame);
    }
    send(to, as === 'custody' ? { type: 'custody', node, windows } : { ...as.pulse, windows });
  };

  return async (effects) => {
    if (!(await persist(effects))) return;
    if (effects.persist.length > 0) init.onEntries(effects.persist);
    if (effects.keep.length > 0) init.onEntries(effects.keep);
    for (const { node, windows, merge } of effects.store) if (merge) init.onWindows(node, windows);
    for (const gossip of effects.publish) publish(gossip);
    for (const each of effects.dial) dial(each);
    for (const { to, message } of effects.send) send(to, message);
    for (const each of effects.sendWindows) await sendWindows(each);
    for (const start of effects.start) init.onStart(start);
    for (const stop of effects.stop) init.onStop(stop);
    for (const report of effects.report) init.onReport(report);
    if (effects.exit !== null) init.onExit(effects.exit);
  };
}
