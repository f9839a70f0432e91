// Whose packet is it? By local port, sender's address and SSRC (RFC 3550, 8.2; RFC 3264). Streams that share an address are told apart by the SSRC
// that SDP told, by our own SSRC where the peer echoes, or by the first one nobody owns yet. What was found is learned, so that the next packet is
// one look in a hash table. A stream that has a source keeps it while that lives: a bridge that forwards several speakers sends them all to one address,
// and one of them is measured. A sender nobody expects is a stranger.

import { FlowTable, NO_STREAM } from './flow-table.ts';

/** What the demultiplexer knows of a stream. Owned by it, apart from the first group. */
export interface DemuxStream {
  readonly id: number;
  readonly port: number;
  readonly ownSsrc: number;
  readonly payloadTypes: readonly number[];
  /** NetAddress.index of where its RTP and RTCP come from. */
  address: number;
  rtcpAddress: number;
  toldSsrc: number | null;
  /** The SSRC it has, or had at another address; null while none came. */
  remoteSsrc: number | null;
  /** Address that its flow was learned with (another one where only the told SSRC fits), UNBOUND while it has none. */
  flowAddress: number;
  /** Another SSRC that came after the source had gone silent; a second packet of it confirms it. */
  candidate: number | null;
}

export type Refusal = 'stranger' | 'ssrc' | 'payload-type';

export const UNBOUND = -2;
/** A source that says nothing for so long may be replaced: longer than the pause between two frames of slow video. */
export const SOURCE_SILENT_MS = 500;
const SSRCS = 0x1_0000_0000;
/** Addresses are fewer than 2^18, and -1. */
const ADDRESSES = 0x10_0000;

export class Demux {
  readonly flows = new FlowTable();
  readonly #byAddress = new Map<number, DemuxStream[]>();
  readonly #byRtcpAddress = new Map<number, DemuxStream[]>();
  readonly #byOwnSsrc = new Map<number, DemuxStream>();
  readonly #byToldSsrc = new Map<number, DemuxStream>();
  readonly #byRemoteSsrc = new Map<number, DemuxStream>();
  readonly #lastArrivalMs: (stream: number) => number;
  /** Why the last `learn` found nobody. */
  refusal: Refusal = 'stranger';
  /** The stream that the last `learn` found had another SSRC before. */
  isChanged = false;

  /** `lastArrivalMs`: of a stream's bound source. */
  constructor(lastArrivalMs: (stream: number) => number) {
    this.#lastArrivalMs = lastArrivalMs;
  }

  /** `isReceiving` false: its RTP is a stranger's, its RTCP is not. */
  add(stream: DemuxStream, isReceiving: boolean): void {
    const { port, address, rtcpAddress, ownSsrc, toldSsrc } = stream;
    if (isReceiving) listIn(this.#byAddress, addressKey(port, address)).push(stream);
    listIn(this.#byRtcpAddress, addressKey(port, rtcpAddress)).push(stream);
    this.#byOwnSsrc.set(ssrcKey(port, ownSsrc), stream);
    if (toldSsrc !== null && isReceiving) this.#byToldSsrc.set(ssrcKey(port, toldSsrc), stream);
  }

  remove(stream: DemuxStream): void {
    const { port, address, rtcpAddress, ownSsrc, toldSsrc, remoteSsrc } = stream;
    unlist(this.#byAddress, addressKey(port, address), stream);
    unlist(this.#byRtcpAddress, addressKey(port, rtcpAddress), stream);
    unset(this.#byOwnSsrc, ssrcKey(port, ownSsrc), stream);
    if (toldSsrc !== null) unset(this.#byToldSsrc, ssrcKey(port, toldSsrc), stream);
    if (remoteSsrc !== null) unset(this.#byRemoteSsrc, ssrcKey(port, remoteSsrc), stream);
    this.#forgetFlow(stream);
  }

  /** Id of the stream that a packet of no learned flow belongs to; NO_STREAM: see `refusal`. */
  learn(port: number, address: number, ssrc: number, payloadType: number, atMs: number): number {
    this.isChanged = false;
    const told = this.#byToldSsrc.get(ssrcKey(port, ssrc));
    // A peer behind address translation sends from where it did not say; an SSRC that it told proves it.
    if (told !== undefined) return this.#bind(told, address, ssrc);
    const streams = this.#byAddress.get(addressKey(port, address));
    if (streams === undefined) return this.#refuse('stranger');
    const own = this.#byOwnSsrc.get(ssrcKey(port, ssrc));
    if (own !== undefined && own.address === address) return this.#bind(own, address, ssrc);
    const fitting = streams.filter(({ payloadTypes }) => payloadTypes.includes(payloadType));
    if (fitting.length === 0) return this.#refuse('payload-type');
    const free = fitting.find(({ flowAddress, toldSsrc }) => flowAddress === UNBOUND && toldSsrc === null);
    if (free !== undefined) return this.#bind(free, address, ssrc);
    const only = fitting.length === 1 ? (fitting[0] as DemuxStream) : undefined;
    if (only === undefined || atMs - this.#lastArrivalMs(only.id) < SOURCE_SILENT_MS) return this.#refuse('ssrc');
    if (only.candidate === ssrc) return this.#bind(only, address, ssrc);
    only.candidate = ssrc;
    return this.#refuse('ssrc');
  }

  byOwnSsrc(port: number, ssrc: number): DemuxStream | undefined {
    return this.#byOwnSsrc.get(ssrcKey(port, ssrc));
  }

  /** Whose RTCP it is, by the sender's SSRC, or by its address where one stream alone has that. */
  ofReporter(port: number, address: number, ssrc: number): DemuxStream | undefined {
    const known = this.#byRemoteSsrc.get(ssrcKey(port, ssrc));
    if (known !== undefined) return known;
    const streams = this.#byRtcpAddress.get(addressKey(port, address));
    return streams?.length === 1 ? streams[0] : undefined;
  }

  #refuse(refusal: Refusal): number {
    this.refusal = refusal;
    return NO_STREAM;
  }

  #bind(stream: DemuxStream, address: number, ssrc: number): number {
    const { port, remoteSsrc, id } = stream;
    this.#forgetFlow(stream);
    if (remoteSsrc !== null && remoteSsrc !== ssrc) {
      unset(this.#byRemoteSsrc, ssrcKey(port, remoteSsrc), stream);
      this.isChanged = true;
    }
    stream.remoteSsrc = ssrc;
    stream.flowAddress = address;
    stream.candidate = null;
    this.#byRemoteSsrc.set(ssrcKey(port, ssrc), stream);
    this.flows.set(port, address, ssrc, id);
    return id;
  }

  #forgetFlow(stream: DemuxStream): void {
    const { port, flowAddress, remoteSsrc, id } = stream;
    if (flowAddress === UNBOUND || remoteSsrc === null) return;
    if (this.flows.find(port, flowAddress, remoteSsrc) === id) this.flows.delete(port, flowAddress, remoteSsrc);
    stream.flowAddress = UNBOUND;
  }
}

const addressKey = (port: number, address: number): number => port * ADDRESSES + address + 1;
const ssrcKey = (port: number, ssrc: number): number => port * SSRCS + (ssrc >>> 0);

function listIn<T>(lists: Map<number, T[]>, key: number): T[] {
  let list = lists.get(key);
  if (list === undefined) {
    list = [];
    lists.set(key, list);
  }
  return list;
}

function unlist(lists: Map<number, DemuxStream[]>, key: number, stream: DemuxStream): void {
  const left = lists.get(key)?.filter((each) => each !== stream);
  if (left === undefined) return;
  if (left.length === 0) lists.delete(key);
  else lists.set(key, left);
}

function unset(map: Map<number, DemuxStream>, key: number, stream: DemuxStream): void {
  if (map.get(key) === stream) map.delete(key);
}
