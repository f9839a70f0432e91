// The few parts of Protocol Buffers' wire format that remote write needs (https://protobuf.dev/programming-guides/encoding): varints, 64-bit floats, strings, and messages
// within messages. A buffer that grows, since a batch is made once a few seconds and its size is not known before.

export interface ProtobufWriter {
  /** int64; at most 2^53. */
  varint(field: number, value: number): void;
  double(field: number, value: number): void;
  /** Eight bytes as they are, for a NaN that means something. */
  fixed64(field: number, value: bigint): void;
  text(field: number, value: string): void;
  bytes(field: number, value: Uint8Array): void;
  finish(): Uint8Array;
}

const WIRE_VARINT = 0;
const WIRE_FIXED64 = 1;
const WIRE_BYTES = 2;
const VARINT_BYTES_MAX = 10;
const encoder = new TextEncoder();

/** LEB128, least significant group first. Arithmetic and not shifts: these end at 32 bits. */
export function varintBytes(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}

export function createProtobufWriter(): ProtobufWriter {
  let buffer = new Uint8Array(256);
  let at = 0;
  const reserve = (count: number): void => {
    if (at + count <= buffer.length) return;
    const grown = new Uint8Array(Math.max(buffer.length * 2, at + count));
    grown.set(buffer);
    buffer = grown;
  };
  const putVarint = (value: number): void => {
    reserve(VARINT_BYTES_MAX);
    for (const byte of varintBytes(value)) buffer[at++] = byte;
  };
  const putTag = (field: number, wire: number): void => putVarint(field * 8 + wire);
  const putView = (field: number): DataView => {
    putTag(field, WIRE_FIXED64);
    reserve(8);
    at += 8;
    return new DataView(buffer.buffer, at - 8, 8);
  };
  const bytes = (field: number, value: Uint8Array): void => {
    putTag(field, WIRE_BYTES);
    putVarint(value.length);
    reserve(value.length);
    buffer.set(value, at);
    at += value.length;
  };
  return {
    varint(field, value) {
      putTag(field, WIRE_VARINT);
      putVarint(value);
    },
    double: (field, value) => putView(field).setFloat64(0, value, true),
    fixed64: (field, value) => putView(field).setBigUint64(0, value, true),
    text: (field, value) => bytes(field, encoder.encode(value)),
    bytes,
    finish: () => buffer.slice(0, at),
  };
}
