// VP8 for receivers that forward, count or dissect but never watch: frames of a wanted size with a real frame header (RFC 6386, 9.1; 640x480) and a
// pattern behind it, and their packets with the payload descriptor of RFC 7741. The last packet of a frame carries the marker.

const KEYFRAME_HEADER_BYTES = 10;
const FRAME_BYTES_MIN = KEYFRAME_HEADER_BYTES + 1;
/** Of the frame tag: version 0, shown. Bit 0 says "no keyframe"; the size of the first partition stands above bit 5. */
const SHOWN = 0x10;
const WIDTH = 640;
const HEIGHT = 480;
/** 19 bits. */
const FIRST_PARTITION_BYTES_MAX = 0x7ffff;

/** A frame, `bytes` long (at least 11). */
export function vp8Frame({ isKeyframe, bytes }: { isKeyframe: boolean; bytes: number }): Uint8Array {
  const frame = new Uint8Array(Math.max(bytes, FRAME_BYTES_MIN));
  const headerBytes = isKeyframe ? KEYFRAME_HEADER_BYTES : 3;
  const partitionBytes = Math.min(frame.length - headerBytes, FIRST_PARTITION_BYTES_MAX);
  const tag = (partitionBytes << 5) | SHOWN | (isKeyframe ? 0 : 1);
  const header = [tag & 0xff, (tag >> 8) & 0xff, tag >> 16, 0x9d, 0x01, 0x2a, WIDTH & 0xff, WIDTH >> 8, HEIGHT & 0xff, HEIGHT >> 8];
  for (let index = 0; index < frame.length; index++) {
    frame[index] = index < headerBytes ? (header[index] as number) : 1 + ((index * 73) % 255);
  }
  return frame;
}

/**
 * RTP payloads of a frame in nearly equal parts, none longer than `payloadBytesMax` (at least 64). `pictureId`: 7 bits, one more (modulo 128) for
 * each frame; null leaves it out.
 */
export function vp8Payloads(frame: Uint8Array, payloadBytesMax: number, pictureId: number | null): Uint8Array[] {
  const descriptorBytes = pictureId === null ? 1 : 3;
  const count = Math.ceil(frame.length / (payloadBytesMax - descriptorBytes));
  return Array.from({ length: count }, (_, index) => {
    const from = Math.floor((frame.length * index) / count);
    const until = Math.floor((frame.length * (index + 1)) / count);
    const payload = new Uint8Array(descriptorBytes + until - from);
    // S on the beginning of the one partition; X and I when a picture id follows (RFC 7741, 4.2).
    payload[0] = (index === 0 ? 0x10 : 0) | (pictureId === null ? 0 : 0x80);
    if (pictureId !== null) {
      payload[1] = 0x80;
      payload[2] = pictureId & 0x7f;
    }
    payload.set(frame.subarray(from, until), descriptorBytes);
    return payload;
  });
}
