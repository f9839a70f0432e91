// What comes in on direct streams and requests. Each stream has one frame decoder and one listener; there is no timer per stream. The sweep counts
// how often it found a stream with an unfinished frame that had not grown: two such finds in a row cut it (slowloris), and a request that has not
// been asked in full by then is cut as well, grown or not, so that dripping a byte a second does not help.

import type { Connection, Stream } from '@libp2p/interface';
import type { NodeId } from '../../core/messages.ts';
import { createFrameDecoder, encodeFrame, type FrameDecoder } from './frames.ts';
import type { MeshCounters, MeshHandlers, MeshLimits, RequestProtocol } from './types.ts';

/** Sweeps that a request may take to arrive. With the default sweep of 5 s and 1 MiB this refuses links below 35 KB/s. */
const REQUEST_SWEEPS_MAX = 6;
const STALLED_SWEEPS_MAX = 2;

interface Inbound {
  readonly stream: Stream;
  readonly decoder: FrameDecoder;
  /** Requests must be complete within a number of sweeps; a direct stream may be idle between frames for ever. */
  readonly request: boolean;
  heldBytes: number;
  stalledSweeps: number;
  sweeps: number;
}

export interface InboundStreams {
  onDirect(stream: Stream, connection: Connection): void;
  onRequest(protocol: RequestProtocol, stream: Stream, connection: Connection): void;
  sweep(): void;
}

export function createInboundStreams(limits: MeshLimits, counters: MeshCounters, handlers: MeshHandlers): InboundStreams {
  const open = new Set<Inbound>();
  const busy = new Map<NodeId, number>();

  const refuse = (inbound: Inbound, why: string): void => {
    counters.malformed += 1;
    open.delete(inbound);
    inbound.stream.abort(new Error(why));
  };

  const track = (stream: Stream, bytesMax: number, request: boolean, onFrame: (frame: Uint8Array) => void): Inbound => {
    const inbound: Inbound = { stream, decoder: createFrameDecoder(bytesMax), request, heldBytes: 0, stalledSweeps: 0, sweeps: 0 };
    open.add(inbound);
    stream.addEventListener('message', (event) => {
      if (!open.has(inbound)) return;
      for (const frame of inbound.decoder.push(event.data.subarray())) onFrame(frame);
      if (inbound.decoder.malformed) refuse(inbound, 'frame too large');
    });
    const ended = (): void => {
      // A sender that ends within a frame lied about its length, or died.
      if (open.delete(inbound) && inbound.decoder.heldBytes > 0) counters.malformed += 1;
    };
    stream.addEventListener('close', ended);
    // The other side will say no more; close ours, or the stream would stay half open for ever.
    stream.addEventListener('remoteCloseWrite', () => {
      ended();
      if (!request) void stream.close().catch((error: Error) => stream.abort(error));
    });
    return inbound;
  };

  const answer = async (from: NodeId, protocol: RequestProtocol, stream: Stream, bytes: Uint8Array): Promise<void> => {
    busy.set(from, (busy.get(from) ?? 0) + 1);
    try {
      const response = await handlers.request(from, protocol, bytes);
      if (response.byteLength > limits.responseBytesMax) throw new Error('the answer is too large');
      stream.send(encodeFrame(response));
      await stream.close({ signal: AbortSignal.timeout(limits.requestMsMax) });
    } catch (error) {
      counters.refusedRequests += 1;
      stream.abort(error instanceof Error ? error : new Error(String(error)));
    } finally {
      const left = (busy.get(from) ?? 1) - 1;
      if (left > 0) busy.set(from, left);
      else busy.delete(from);
    }
  };

  return {
    onDirect(stream, connection) {
      const from = connection.remotePeer.toString();
      track(stream, limits.messageBytesMax, false, (frame) => {
        counters.directInMessages += 1;
        counters.directInBytes += frame.byteLength;
        handlers.message(from, frame);
      });
    },
    onRequest(protocol, stream, connection) {
      const from = connection.remotePeer.toString();
      counters.requestsIn += 1;
      if ((busy.get(from) ?? 0) >= limits.requestsPerPeerMax) {
        counters.refusedRequests += 1;
        stream.abort(new Error('too many requests at once'));
        return;
      }
      let asked = false;
      const inbound = track(stream, limits.requestBytesMax, true, (frame) => {
        if (asked) return;
        asked = true;
        open.delete(inbound);
        void answer(from, protocol, stream, frame);
      });
    },
    sweep() {
      for (const inbound of open) {
        const held = inbound.decoder.heldBytes;
        inbound.sweeps += 1;
        inbound.stalledSweeps = held > 0 && held === inbound.heldBytes ? inbound.stalledSweeps + 1 : 0;
        inbound.heldBytes = held;
        if (inbound.stalledSweeps >= STALLED_SWEEPS_MAX) refuse(inbound, 'the frame does not progress');
        else if (inbound.request && inbound.sweeps > REQUEST_SWEEPS_MAX) refuse(inbound, 'the request does not arrive');
      }
    },
  };
}
