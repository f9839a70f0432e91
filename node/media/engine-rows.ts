// What the engine needs of a stream for every single packet: one row of 64 bytes, which is one cache line. With thousands of streams a packet's own
// work is small beside fetching what belongs to its stream, and an object's fields lie in several lines. Everything else of a stream is engine-stream.ts.

/** EnginePort.id. */
export const PORT = 0;
/** Index in the engine's list of counts. */
export const COUNTS = 1;
/** As a signed number. */
export const SSRC = 2;
/** NetAddress.index of where RTP goes. */
export const REMOTE = 3;
export const SEND_TYPE = 4;
/** The payload type that comes most; -1 for none. */
export const RECEIVE_TYPE = 5;
/** Of telephone-events; -1 when not negotiated. */
export const DTMF_TYPE = 6;
/** 1: SRTP, so packets take the long way. */
export const IS_PROTECTED = 7;
/** 0: what comes in is not looked at. */
export const IS_RECEIVING = 8;
export const PACKETS_SENT = 9;
/** Of payload (RFC 3550, 6.4.1), modulo 2^32, as in RTCP. */
export const OCTETS_SENT = 10;
/** On the wire, modulo 2^32. */
export const BYTES_RECEIVED = 11;
export const ROW_INTS = 16;

export class StreamRows {
  /** Replaced when it grows: not to be kept. */
  ints = new Int32Array(0);

  /** Begins a row anew. `first`: the numbers up to IS_RECEIVING. */
  open(row: number, first: readonly number[]): void {
    if ((row + 1) * ROW_INTS > this.ints.length) {
      const grown = new Int32Array(Math.max(64, 2 ** Math.ceil(Math.log2(row + 1))) * ROW_INTS);
      grown.set(this.ints);
      this.ints = grown;
    }
    this.ints.fill(0, row * ROW_INTS, (row + 1) * ROW_INTS);
    this.ints.set(first, row * ROW_INTS);
  }

  get(row: number, column: number): number {
    return this.ints[row * ROW_INTS + column] as number;
  }

  set(row: number, column: number, value: number): void {
    this.ints[row * ROW_INTS + column] = value;
  }

  add(row: number, column: number, value: number): void {
    this.ints[row * ROW_INTS + column] = (this.ints[row * ROW_INTS + column] as number) + value;
  }
}
