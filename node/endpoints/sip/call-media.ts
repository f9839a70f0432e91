// The media of one call: what is offered and answered in SDP, and the engine's streams that come of it. Negotiation is RFC 3264 on plain data
// (wire/sdp-negotiate.ts); this file keeps what was said last, opens a stream for each line that was agreed on, and turns hold and mute into what
// streams send and measure. RTP goes only where the run's targets allow (P7), whatever an SDP says.

import type { Rng } from '../../core/rng.ts';
import type { MediaEngine, MediaPort, MediaSeries, MediaStream, SrtpKey } from '../../media/engine-types.ts';
import { type PacketScript, scriptBitsPerSecond } from '../../media/packet-script.ts';
import { parseSdp, type SdpCodec, type SessionDescription, writeSdp } from '../../wire/sdp.ts';
import { type AcceptedMedia, type AgreedMedia, answerOffer, applyAnswer } from '../../wire/sdp-negotiate.ts';
import { held, type LocalMedia, type LocalSession, makeOffer, receives, sends } from '../../wire/sdp-offer.ts';

export type MediaKind = 'audio' | 'video';
export const MEDIA_KINDS = ['audio', 'video'] as const;

/** One kind of media of a group. */
export interface KindMedia {
  readonly codecs: readonly SdpCodec[];
  /** By codec name, upper case. */
  readonly scripts: ReadonlyMap<string, PacketScript>;
  readonly series: MediaSeries;
}

export interface MediaPorts {
  readonly audio: MediaPort | null;
  readonly video: MediaPort | null;
  readonly close: () => void;
}

export interface MediaGroup {
  readonly engine: MediaEngine;
  /** Local address for c= lines. */
  readonly host: string;
  readonly isMuxed: boolean;
  readonly isSecure: boolean;
  readonly audio: KindMedia | null;
  readonly video: KindMedia | null;
  readonly admitTarget: (url: string) => void;
  readonly openPorts: () => Promise<MediaPorts>;
}

interface OpenStream {
  readonly stream: MediaStream;
  agreed: AcceptedMedia;
}

const KEY_BYTES = 30;

function randomKey(rng: Rng): SrtpKey {
  const keyAndSalt = Uint8Array.from({ length: KEY_BYTES }, () => rng.below(256));
  return { suite: 'AES_CM_128_HMAC_SHA1_80', keyAndSalt };
}

export type MediaAnswer = { readonly ok: true; readonly sdp: string } | { readonly ok: false; readonly reason: string };

export class CallMedia {
  readonly #group: MediaGroup;
  readonly #rng: Rng;
  readonly #local: LocalSession;
  readonly #cname: string;
  /** By position in `#local.media`. */
  readonly #streams = new Map<number, OpenStream>();
  /** The description that we sent last. */
  #said: SessionDescription | undefined;
  #agreed: readonly AgreedMedia[] = [];
  #isMuted = false;
  #isHeld = false;
  #isStarted = false;
  #startMs = 0;
  #onFirstPacket: () => void = () => {};

  constructor(group: MediaGroup, ports: MediaPorts, rng: Rng) {
    this.#group = group;
    this.#rng = rng;
    this.#cname = rng.uint32().toString(36);
    const media: LocalMedia[] = [];
    for (const kind of MEDIA_KINDS) {
      const kindMedia = group[kind];
      const port = ports[kind];
      if (kindMedia === null || port === null) continue;
      media.push({
        kind,
        codecs: kindMedia.codecs,
        port: port.rtp.port,
        // Told also where it is multiplexed: a peer that does not multiplex then still sends RTCP to the port that is there (RFC 5761, 5.1.1).
        rtcpPort: port.rtcp.port,
        isMuxed: group.isMuxed,
        direction: 'sendrecv',
        ssrc: rng.uint32(),
        cname: this.#cname,
        srtp: group.isSecure ? randomKey(rng) : null,
        dtmf: kind === 'audio',
      });
    }
    this.#local = { sessionId: String(rng.uint32()), host: group.host, media };
    this.#ports = ports;
  }

  readonly #ports: MediaPorts;

  /** Our offer, first or again. */
  offer(): string {
    this.#said = makeOffer(this.#isHeld ? held(this.#local) : this.#local, this.#said);
    return writeSdp(this.#said);
  }

  /** The offer that puts the call on hold, or takes it back. */
  holdOffer(isHeld: boolean): string {
    this.#isHeld = isHeld;
    this.#direct();
    return this.offer();
  }

  /** Null when agreed; else why not, as a short word. */
  applyAnswer(sdp: string): string | null {
    const parsed = parseSdp(sdp);
    if (!parsed.ok) return parsed.failure.kind;
    if (this.#said === undefined) return 'no-offer';
    const applied = applyAnswer(this.#said, parsed.description, this.#local);
    if (!applied.ok) return applied.refusal;
    return this.#agree(applied.agreed);
  }

  answerTo(sdp: string): MediaAnswer {
    const parsed = parseSdp(sdp);
    if (!parsed.ok) return { ok: false, reason: parsed.failure.kind };
    const local = this.#isHeld ? held(this.#local) : this.#local;
    const result = answerOffer(parsed.description, local, this.#said);
    if (!result.ok) return { ok: false, reason: result.refusal };
    const refusal = this.#agree(result.agreed);
    if (refusal !== null) return { ok: false, reason: refusal };
    this.#said = result.answer;
    return { ok: true, sdp: writeSdp(result.answer) };
  }

  /** The call stands: streams open. `onFirstPacket` at most once. */
  start(atMs: number, onFirstPacket: () => void): void {
    this.#isStarted = true;
    this.#startMs = atMs;
    this.#onFirstPacket = onFirstPacket;
    this.#openStreams();
  }

  setMuted(isMuted: boolean): void {
    this.#isMuted = isMuted;
    this.#direct();
  }

  /** Clock time of the end of the last digit; null when the peer does not take telephone-events. */
  sendDtmf(digits: string): number | null {
    for (const { stream, agreed } of this.#streams.values()) {
      if (agreed.kind === 'audio' && agreed.dtmfPayloadType !== null) return stream.sendDtmf(digits);
    }
    return null;
  }

  /** Whether something should be coming in now. */
  expectsPackets(): boolean {
    return !this.#isHeld && this.#agreed.some((media) => !media.isRejected && receives(media.direction));
  }

  packetsReceived(): number {
    let sum = 0;
    for (const { stream } of this.#streams.values()) sum += stream.totals().packetsReceived;
    return sum;
  }

  /** Nothing more is sent; what the peer sends until it knows is still measured. */
  leave(): void {
    for (const { stream } of this.#streams.values()) stream.sendBye();
  }

  close(): void {
    for (const { stream } of this.#streams.values()) stream.close();
    this.#streams.clear();
  }

  /** Takes over what was agreed; null, or why RTP may not go there. */
  #agree(agreed: readonly AgreedMedia[]): string | null {
    for (const media of agreed) {
      if (media.isRejected || !sends(media.direction)) continue;
      try {
        this.#group.admitTarget(`${media.remote.host.includes(':') ? `[${media.remote.host}]` : media.remote.host}:${media.remote.port}`);
      } catch {
        return 'media-target-refused';
      }
    }
    this.#agreed = agreed;
    if (this.#isStarted) this.#openStreams();
    return null;
  }

  /** Opens what is new, moves what has moved, closes what is gone. */
  #openStreams(): void {
    const wanted = new Map<number, AcceptedMedia>();
    for (const media of this.#agreed) if (!media.isRejected) wanted.set(media.localIndex, media);
    for (const [index, { stream }] of this.#streams) {
      if (wanted.has(index)) continue;
      stream.close();
      this.#streams.delete(index);
    }
    for (const [index, agreed] of wanted) {
      const open = this.#streams.get(index);
      if (open === undefined) this.#streams.set(index, { stream: this.#openStream(agreed), agreed });
      else {
        if (sends(agreed.direction)) open.stream.retarget(agreed.remote);
        open.agreed = agreed;
      }
    }
    this.#direct();
  }

  #openStream(agreed: AcceptedMedia): MediaStream {
    const { engine } = this.#group;
    const kind = this.#group[agreed.kind] as KindMedia;
    const local = this.#local.media[agreed.localIndex] as LocalMedia;
    const script = kind.scripts.get(agreed.codec.name.toUpperCase()) ?? null;
    const spacingMs = script === null ? 0 : script.cycleMs / script.packets.length;
    return engine.openStream({
      port: this.#ports[agreed.kind] as MediaPort,
      remote: agreed.remote,
      ssrc: local.ssrc as number,
      firstSequence: this.#rng.below(0x10000),
      firstTimestamp: this.#rng.uint32(),
      cname: this.#cname,
      script,
      sendPayloadType: agreed.sendPayloadType,
      // Calls that were answered in the same millisecond must not send in the same millisecond for ever.
      startAtMs: this.#startMs + this.#rng.float() * spacingMs,
      receive: {
        payloadTypes: agreed.receivePayloadTypes,
        clockRateHz: agreed.codec.clockRateHz,
        codec: agreed.kind === 'audio' ? agreed.codec.name : null,
        expectedBitsPerSecond: script === null ? null : scriptBitsPerSecond(script),
      },
      dtmfPayloadType: agreed.dtmfPayloadType,
      srtp: agreed.srtp,
      series: kind.series,
      onFirstPacket: () => this.#onFirstPacket(),
    });
  }

  /** What every stream sends and measures now. */
  #direct(): void {
    for (const { stream, agreed } of this.#streams.values()) {
      stream.setSending(sends(agreed.direction) && !this.#isMuted && !this.#isHeld);
      stream.setReceiving(receives(agreed.direction) && !this.#isHeld);
    }
  }
}
