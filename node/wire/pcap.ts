// Capture files: the packets of classic pcap (either byte order, micro- or nanoseconds) and of pcapng (its enhanced packet blocks), each with its time
// and link type. A file cut off in the middle of a packet - the usual end of a capture that was killed - gives what came before. What is in the
// packets is pcap-udp.ts.

export interface CapturedFrame {
  /** From the file's own epoch, ms. */
  readonly atMs: number;
  /** LINKTYPE_ value of the interface. */
  readonly linkType: number;
  readonly bytes: Uint8Array;
}

export type PcapFailureKind = 'not-pcap' | 'version' | 'snapped' | 'garbage' | 'too-many';

export type PcapResult =
  | { readonly ok: true; readonly frames: readonly CapturedFrame[] }
  | { readonly ok: false; readonly failure: { readonly kind: PcapFailureKind; readonly detail: string } };

/** A script keeps every packet in memory. */
const FRAME_COUNT_MAX = 2_000_000;
/** What libpcap itself takes for a sane packet. */
const FRAME_BYTES_MAX = 262_144;

class PcapError extends Error {
  readonly kind: PcapFailureKind;
  constructor(kind: PcapFailureKind, detail: string) {
    super(detail);
    this.kind = kind;
  }
}

/** Reads a capture file. Never throws. */
export function readPcap(bytes: Uint8Array): PcapResult {
  try {
    return { ok: true, frames: readFrames(bytes) };
  } catch (error) {
    if (!(error instanceof PcapError)) throw error;
    return { ok: false, failure: { kind: error.kind, detail: error.message } };
  }
}

function readFrames(bytes: Uint8Array): CapturedFrame[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const magic = bytes.length < 24 ? 0 : view.getUint32(0, true);
  switch (magic) {
    case 0xa1b2c3d4:
      return readClassic(view, true, 1e-3);
    case 0xa1b23c4d:
      return readClassic(view, true, 1e-6);
    case 0xd4c3b2a1:
      return readClassic(view, false, 1e-3);
    case 0x4d3cb2a1:
      return readClassic(view, false, 1e-6);
    case SECTION_HEADER:
      return readNextGeneration(view);
    default:
      throw new PcapError('not-pcap', 'begins like neither pcap nor pcapng');
  }
}

const bytesAt = (view: DataView, at: number, length: number): Uint8Array => new Uint8Array(view.buffer, view.byteOffset + at, length);

function add(frames: CapturedFrame[], frame: CapturedFrame, wireBytes: number): void {
  if (frames.length === FRAME_COUNT_MAX) throw new PcapError('too-many', `more than ${FRAME_COUNT_MAX} packets`);
  // A snapshot length that cut packets leaves no media to replay.
  if (frame.bytes.length < wireBytes) throw new PcapError('snapped', `packet ${frames.length + 1} was cut; capture with -s 0`);
  frames.push(frame);
}

/** `fractionMs`: what a unit of the second time field is worth. */
function readClassic(view: DataView, isLittle: boolean, fractionMs: number): CapturedFrame[] {
  const version = view.getUint16(4, isLittle);
  if (version !== 2) throw new PcapError('version', `pcap version ${version}`);
  // The upper bits say how long the frame check sequences are.
  const linkType = view.getUint32(20, isLittle) & 0x0fff_ffff;
  const frames: CapturedFrame[] = [];
  for (let at = 24; at + 16 <= view.byteLength; ) {
    const length = view.getUint32(at + 8, isLittle);
    if (length > FRAME_BYTES_MAX) throw new PcapError('garbage', `packet ${frames.length + 1} of ${length} bytes`);
    const start = at + 16;
    if (start + length > view.byteLength) break;
    const atMs = view.getUint32(at, isLittle) * 1000 + view.getUint32(at + 4, isLittle) * fractionMs;
    add(frames, { atMs, linkType, bytes: bytesAt(view, start, length) }, view.getUint32(at + 12, isLittle));
    at = start + length;
  }
  return frames;
}

const SECTION_HEADER = 0x0a0d0d0a;
const INTERFACE_DESCRIPTION = 1;
const ENHANCED_PACKET = 6;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const OPTION_TIME_RESOLUTION = 9;

interface CaptureInterface {
  readonly linkType: number;
  /** What a unit of a timestamp is worth, ms. */
  readonly unitMs: number;
}

function readNextGeneration(view: DataView): CapturedFrame[] {
  const frames: CapturedFrame[] = [];
  let interfaces: CaptureInterface[] = [];
  let isLittle = true;
  for (let at = 0; at + 12 <= view.byteLength; ) {
    const type = view.getUint32(at, isLittle);
    if (type === SECTION_HEADER) {
      isLittle = view.getUint32(at + 8, true) === BYTE_ORDER_MAGIC;
      interfaces = [];
    }
    const length = view.getUint32(at + 4, isLittle);
    if (length < 12 || length % 4 !== 0) throw new PcapError('garbage', `a block of ${length} bytes`);
    if (at + length > view.byteLength) break;
    const body = new DataView(view.buffer, view.byteOffset + at + 8, length - 12);
    if (type === INTERFACE_DESCRIPTION && body.byteLength >= 8) interfaces.push(readInterface(body, isLittle));
    if (type === ENHANCED_PACKET) readEnhancedPacket(body, isLittle, interfaces, frames);
    at += length;
  }
  return frames;
}

function readInterface(body: DataView, isLittle: boolean): CaptureInterface {
  let unitMs = 1e-3;
  for (let at = 8; at + 4 <= body.byteLength; ) {
    const code = body.getUint16(at, isLittle);
    const length = body.getUint16(at + 2, isLittle);
    if (code === OPTION_TIME_RESOLUTION && length >= 1 && at + 4 < body.byteLength) {
      // The top bit chooses between powers of two and of ten.
      const resolution = body.getUint8(at + 4);
      unitMs = 1000 * (resolution >= 0x80 ? 2 ** -(resolution & 0x7f) : 10 ** -resolution);
    }
    at += 4 + Math.ceil(length / 4) * 4;
  }
  return { linkType: body.getUint16(0, isLittle), unitMs };
}

function readEnhancedPacket(body: DataView, isLittle: boolean, interfaces: readonly CaptureInterface[], frames: CapturedFrame[]): void {
  const description = body.byteLength < 20 ? undefined : interfaces[body.getUint32(0, isLittle)];
  if (description === undefined) throw new PcapError('garbage', 'a packet of no interface');
  const length = body.getUint32(12, isLittle);
  if (length > body.byteLength - 20) throw new PcapError('garbage', `a packet of ${length} bytes in a smaller block`);
  const atMs = (body.getUint32(4, isLittle) * 0x1_0000_0000 + body.getUint32(8, isLittle)) * description.unitMs;
  add(frames, { atMs, linkType: description.linkType, bytes: bytesAt(body, 20, length) }, body.getUint32(16, isLittle));
}
