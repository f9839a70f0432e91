// H.264 for receivers that forward, count or dissect but never watch: frames of a wanted size that begin like real ones (parameter sets and slice
// headers of a 640x480 baseline stream) and are filled with a pattern, and their packets as RFC 6184 has them in packetization-mode 1: parameter
// sets together in a STAP-A, small NAL units by themselves, large ones in FU-A fragments. The last packet of a frame carries the marker.

const NAL_HEADER_BYTES = 1;
const FU_HEADER_BYTES = 2;
const STAP_A = 24;
const FU_A = 28;

/** Profile 42e01f as offered in SDP; picture order counts follow from frame numbers (type 2), which slice headers must match. */
const SPS = Uint8Array.of(0x67, 0x42, 0xe0, 0x1f, 0xda, 0x02, 0x80, 0xf6, 0x40);
const PPS = Uint8Array.of(0x68, 0xce, 0x38, 0x80);
/** NAL header, then: macroblock 0, I slice, PPS 0, frame_num 0, idr_pic_id 0, no reordering, QP as in the PPS. */
const IDR_SLICE = Uint8Array.of(0x65, 0x88, 0x84, 0xff);
const H264_FRAME_BYTES_MIN = SPS.length + PPS.length + IDR_SLICE.length + 1;

/**
 * NAL units of a frame, `bytes` long together (at least 18). `frameNumber` counts from the last keyframe, which has parameter sets and an IDR slice.
 */
export function h264Frame({ isKeyframe, frameNumber, bytes }: { isKeyframe: boolean; frameNumber: number; bytes: number }): Uint8Array[] {
  const wanted = Math.max(bytes, H264_FRAME_BYTES_MIN);
  if (isKeyframe) return [SPS, PPS, slice(IDR_SLICE, wanted - SPS.length - PPS.length)];
  // Macroblock 0, P slice, PPS 0, four bits of frame_num, no overrides, QP as in the PPS.
  const number = frameNumber & 0x0f;
  return [slice(Uint8Array.of(0x41, 0x9a | (number >> 3), ((number & 7) << 5) | 0x03), wanted)];
}

/** Never two zero bytes in a row: no start code is imitated, so nothing needs escaping. */
function slice(header: Uint8Array, bytes: number): Uint8Array {
  const nal = new Uint8Array(bytes);
  for (let index = 0; index < bytes; index++) nal[index] = header[index] ?? 1 + ((index * 73) % 255);
  return nal;
}

/** RTP payloads of a frame's NAL units, none longer than `payloadBytesMax` (at least 64). */
export function h264Payloads(nals: readonly Uint8Array[], payloadBytesMax: number): Uint8Array[] {
  const payloads: Uint8Array[] = [];
  for (let index = 0; index < nals.length; ) {
    const together = aggregated(nals, index, payloadBytesMax);
    const nal = nals[index] as Uint8Array;
    if (together > 1) payloads.push(stapA(nals.slice(index, index + together)));
    else if (nal.length <= payloadBytesMax) payloads.push(nal);
    else payloads.push(...fragments(nal, payloadBytesMax));
    index += together;
  }
  return payloads;
}

const isParameterSet = (nal: Uint8Array): boolean => ((nal[0] as number) & 0x1f) === 7 || ((nal[0] as number) & 0x1f) === 8;

/** How many units from `from` on go into one STAP-A: parameter sets that fit; 1 for anything else. */
function aggregated(nals: readonly Uint8Array[], from: number, payloadBytesMax: number): number {
  let bytes = NAL_HEADER_BYTES;
  let until = from;
  for (let nal = nals[until]; nal !== undefined && isParameterSet(nal); nal = nals[++until]) {
    bytes += 2 + nal.length;
    if (bytes > payloadBytesMax) break;
  }
  return Math.max(1, until - from);
}

/** RFC 6184, 5.7.1: the highest NRI of what is inside, then each unit after its length. */
function stapA(nals: readonly Uint8Array[]): Uint8Array {
  const payload = new Uint8Array(nals.reduce((sum, nal) => sum + 2 + nal.length, NAL_HEADER_BYTES));
  payload[0] = STAP_A | Math.max(...nals.map((nal) => (nal[0] as number) & 0x60));
  let at = NAL_HEADER_BYTES;
  for (const nal of nals) {
    payload[at] = nal.length >> 8;
    payload[at + 1] = nal.length & 0xff;
    payload.set(nal, at + 2);
    at += 2 + nal.length;
  }
  return payload;
}

/** RFC 6184, 5.8: the unit's header goes into the FU indicator and header; the rest is cut into nearly equal parts. */
function fragments(nal: Uint8Array, payloadBytesMax: number): Uint8Array[] {
  const header = nal[0] as number;
  const rest = nal.length - NAL_HEADER_BYTES;
  const count = Math.ceil(rest / (payloadBytesMax - FU_HEADER_BYTES));
  return Array.from({ length: count }, (_, index) => {
    const from = NAL_HEADER_BYTES + Math.floor((rest * index) / count);
    const until = NAL_HEADER_BYTES + Math.floor((rest * (index + 1)) / count);
    const payload = new Uint8Array(FU_HEADER_BYTES + until - from);
    payload[0] = (header & 0xe0) | FU_A;
    payload[1] = (index === 0 ? 0x80 : 0) | (index === count - 1 ? 0x40 : 0) | (header & 0x1f);
    payload.set(nal.subarray(from, until), FU_HEADER_BYTES);
    return payload;
  });
}
