// What a stream sends, as data: one cycle of RTP packets with their due times, timestamps, marks and payloads, repeated for ever. A tone of 20 ms
// frames is a cycle of one packet, a WAV file a cycle of its length, synthetic video one group of pictures, a capture its own timing. A script is
// made once a group and shared by all its streams; the engine copies the payloads once and then only writes headers.

export interface ScriptPacket {
  /** From the start of the cycle, ms; not decreasing. */
  readonly dueMs: number;
  /** RTP ticks from the start of the cycle. */
  readonly timestamp: number;
  readonly marker: boolean;
  /** RTP payload, without the RTP header; at most 1,400 bytes. */
  readonly payload: Uint8Array;
}

export interface PacketScript {
  readonly kind: 'audio' | 'video';
  /** As in SDP: PCMU, PCMA, opus, H264, VP8. */
  readonly codec: string;
  readonly clockRateHz: number;
  readonly packets: readonly ScriptPacket[];
  /** Length of a cycle: the next one's packets are due this much later. */
  readonly cycleMs: number;
  /** What the RTP timestamp advances in a cycle. */
  readonly cycleTicks: number;
}

/** Bytes that each packet has on the wire beside its payload: IPv4 20, UDP 8, RTP 12. */
export const WIRE_OVERHEAD_BYTES = 40;

/** Mean bit rate on the wire (IPv4, UDP and RTP headers included, no link layer), bit/s. */
export function scriptBitsPerSecond(script: PacketScript): number {
  const bytes = script.packets.reduce((sum, { payload }) => sum + payload.length + WIRE_OVERHEAD_BYTES, 0);
  return (bytes * 8 * 1000) / script.cycleMs;
}

export const scriptPacketsPerSecond = (script: PacketScript): number => (script.packets.length * 1000) / script.cycleMs;
