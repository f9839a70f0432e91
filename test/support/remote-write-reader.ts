// Readers of snappy blocks and of remote write's protobuf for tests, written from the format descriptions and knowing nothing of node/wire: what they read back is what a receiver would.

/** Throws when the bytes are not a whole snappy block. */
export function readSnappy(bytes: Uint8Array): Uint8Array {
  let at = 0;
  const next = (): number => {
    if (at >= bytes.length) throw new Error('snappy: cut off');
    return bytes[at++]!;
  };
  const little = (count: number): number =>
    Array.from({ length: count }, (_, index) => next() * 256 ** index).reduce((sum, part) => sum + part, 0);
  let length = 0;
  for (let shift = 0; ; shift += 7) {
    const byte = next();
    length += (byte & 0x7f) * 2 ** shift;
    if (byte < 0x80) break;
  }
  const out = new Uint8Array(length);
  let filled = 0;
  while (at < bytes.length) {
    const tag = next();
    if ((tag & 3) === 0) {
      const short = tag >> 2;
      const count = 1 + (short < 60 ? short : little(short - 59));
      if (at + count > bytes.length || filled + count > length) throw new Error('snappy: literal too long');
      out.set(bytes.subarray(at, at + count), filled);
      at += count;
      filled += count;
      continue;
    }
    const kind = tag & 3;
    const count = kind === 1 ? 4 + ((tag >> 2) & 7) : 1 + (tag >> 2);
    const offset = kind === 1 ? ((tag >> 5) << 8) + next() : little(kind === 2 ? 2 : 4);
    if (offset === 0 || offset > filled || filled + count > length) throw new Error('snappy: copy out of range');
    for (let index = 0; index < count; index++, filled++) out[filled] = out[filled - offset]!;
  }
  if (filled !== length) throw new Error(`snappy: ${filled} of ${length} bytes`);
  return out;
}

interface Field {
  readonly number: number;
  readonly value: bigint | Uint8Array;
}

export function readFields(bytes: Uint8Array): Field[] {
  const fields: Field[] = [];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('protobuf: cut off');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = tag >> 3;
    if ((tag & 7) === 0) fields.push({ number, value: varint() });
    else if ((tag & 7) === 1) {
      fields.push({ number, value: view.getBigUint64(at, true) });
      at += 8;
    } else if ((tag & 7) === 2) {
      const length = Number(varint());
      if (at + length > bytes.length) throw new Error('protobuf: cut off');
      fields.push({ number, value: bytes.subarray(at, at + length) });
      at += length;
    } else throw new Error(`protobuf: wire type ${tag & 7}`);
  }
  return fields;
}

export interface ReadSeries {
  /** In the order in which they were written. */
  readonly names: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly samples: readonly { readonly value: number; readonly bits: bigint; readonly wallMs: number }[];
}

const text = (value: Field['value'] | undefined): string => new TextDecoder('utf-8', { fatal: true }).decode(value as Uint8Array);
const toNumber = (bits: bigint): number => {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
};

export function readWriteRequest(body: Uint8Array): ReadSeries[] {
  return readFields(readSnappy(body)).map(({ number, value }) => {
    if (number !== 1) throw new Error(`WriteRequest: field ${number}`);
    const parts = readFields(value as Uint8Array);
    const pairs = parts
      .filter((part) => part.number === 1)
      .map((part) => {
        const label = new Map(readFields(part.value as Uint8Array).map((each) => [each.number, each.value]));
        return [text(label.get(1)), text(label.get(2))] as const;
      });
    const samples = parts
      .filter((part) => part.number === 2)
      .map((part) => {
        const sample = new Map(readFields(part.value as Uint8Array).map((each) => [each.number, each.value as bigint]));
        const bits = sample.get(1) ?? 0n;
        return { value: toNumber(bits), bits, wallMs: Number(sample.get(2) ?? 0n) };
      });
    return { names: pairs.map(([name]) => name), labels: Object.fromEntries(pairs), samples };
  });
}
