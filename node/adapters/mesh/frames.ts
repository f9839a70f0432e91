// Framing of direct streams and requests: four bytes of length, big endian, then the message. The decoder holds at most one incomplete frame and
// never allocates by what a length claims, only by what arrived; a length beyond the bound is final (`malformed`), because nothing after it can
// be trusted. `heldBytes` lets the sweep tell a slow frame from one that stands still. Pure: no I/O, no clock.

const HEADER_BYTES = 4;

export interface FrameDecoder {
  /** Returns the frames completed by this chunk, in order. Frames may be views into the chunk. */
  push(chunk: Uint8Array): Uint8Array[];
  readonly malformed: boolean;
  /** Bytes of the incomplete frame held so far, header included. */
  readonly heldBytes: number;
}

/** One frame in one buffer: small messages then cost one encryption and one write. */
export function encodeFrame(message: Uint8Array): Uint8Array {
  const frame = new Uint8Array(HEADER_BYTES + message.byteLength);
  new DataView(frame.buffer).setUint32(0, message.byteLength);
  frame.set(message, HEADER_BYTES);
  return frame;
}

export function createFrameDecoder(messageBytesMax: number): FrameDecoder {
  let parts: Uint8Array[] = [];
  let heldBytes = 0;
  let malformed = false;

  /** All held bytes as one array; the usual case, a single part, costs nothing. */
  const joined = (): Uint8Array => {
    if (parts.length > 1) {
      const whole = new Uint8Array(heldBytes);
      let offset = 0;
      for (const part of parts) {
        whole.set(part, offset);
        offset += part.byteLength;
      }
      parts = [whole];
    }
    return parts[0] ?? new Uint8Array(0);
  };

  /** Bytes the frame at the head needs; joins parts only as far as the header requires. */
  let neededBytes = HEADER_BYTES;

  return {
    push(chunk) {
      const frames: Uint8Array[] = [];
      if (malformed || chunk.byteLength === 0) return frames;
      parts.push(chunk);
      heldBytes += chunk.byteLength;
      while (heldBytes >= neededBytes) {
        const data = joined();
        const messageBytes = new DataView(data.buffer, data.byteOffset, HEADER_BYTES).getUint32(0);
        if (messageBytes > messageBytesMax) {
          malformed = true;
          parts = [];
          heldBytes = 0;
          return frames;
        }
        const frameBytes = HEADER_BYTES + messageBytes;
        if (heldBytes < frameBytes) {
          neededBytes = frameBytes;
          break;
        }
        frames.push(data.subarray(HEADER_BYTES, frameBytes));
        parts = heldBytes > frameBytes ? [data.subarray(frameBytes)] : [];
        heldBytes -= frameBytes;
        neededBytes = HEADER_BYTES;
      }
      return frames;
    },
    get malformed() {
      return malformed;
    },
    get heldBytes() {
      return heldBytes;
    },
  };
}
