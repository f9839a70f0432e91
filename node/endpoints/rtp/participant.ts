// The life of an `rtp` endpoint: its streams open when it is due and close when it leaves; in between it only watches that something comes back.

import { networkCause } from '../../core/network-cause.ts';
import type { Template } from '../../core/template.ts';
import type { MediaEngine, MediaPort, MediaSeries, MediaStream, RemoteMedia, SrtpKey } from '../../media/engine-types.ts';
import { type PacketScript, scriptBitsPerSecond } from '../../media/packet-script.ts';
import type { Clock, Endpoint, EndpointContext } from '../endpoint.ts';
import type { RtpOptions } from './options.ts';

export interface CompiledStream {
  readonly to: Template;
  readonly rtcpTo: Template | null;
  readonly script: PacketScript;
  readonly payloadType: number;
  readonly isReceiving: boolean;
  readonly srtp: { readonly send: Template; readonly receive: Template } | null;
  readonly series: MediaSeries;
}

export interface RtpGroup {
  readonly options: RtpOptions;
  readonly streams: readonly CompiledStream[];
  readonly engine: MediaEngine;
  readonly clock: Clock;
  readonly admitTarget: (url: string) => void;
  /** A port for one stream; closing a shared one does nothing. */
  readonly openPort: () => Promise<MediaPort>;
  /** Name or literal to IP literal. */
  readonly lookup: (host: string) => Promise<string>;
  readonly failure: (cause: string) => void;
}

const hostPort = /^(?:\[([^\]]+)\]|([^:]+)):(\d{1,5})$/;

export class RtpParticipant implements Endpoint {
  readonly #group: RtpGroup;
  readonly #context: EndpointContext;
  readonly #ports: MediaPort[] = [];
  readonly #streams: { readonly stream: MediaStream; readonly isReceiving: boolean; received: number }[] = [];

  constructor(group: RtpGroup, context: EndpointContext) {
    this.#group = group;
    this.#context = context;
  }

  async run(): Promise<void> {
    const { options, streams } = this.#group;
    try {
      for (const stream of streams) if (!(await this.#open(stream))) return;
      if (options.joinedWhen === 'sending' || !streams.some(({ isReceiving }) => isReceiving)) this.#context.joined();
      await this.#watch();
    } finally {
      for (const { stream } of this.#streams) stream.close();
      for (const port of this.#ports) port.close();
    }
  }

  async #open(compiled: CompiledStream): Promise<boolean> {
    const { engine, options, openPort } = this.#group;
    const { rng, dueMs, signal } = this.#context;
    try {
      const remote = await this.#remoteOf(compiled);
      const srtp = this.#keysOf(compiled);
      if (remote === null || srtp === undefined) return false;
      const port = await openPort();
      this.#ports.push(port);
      if (signal.aborted) return false;
      const { script, payloadType, isReceiving, series } = compiled;
      const stream = engine.openStream({
        port,
        remote,
        ssrc: rng.uint32(),
        firstSequence: rng.below(0x10000),
        firstTimestamp: rng.uint32(),
        cname: rng.uint32().toString(36),
        script,
        sendPayloadType: payloadType,
        // Endpoints that are due together must not send in the same millisecond for ever.
        startAtMs: dueMs + rng.float() * (script.cycleMs / script.packets.length),
        receive: isReceiving
          ? {
              payloadTypes: [payloadType],
              clockRateHz: script.clockRateHz,
              codec: script.kind === 'audio' ? script.codec : null,
              expectedBitsPerSecond: scriptBitsPerSecond(script),
            }
          : null,
        dtmfPayloadType: null,
        srtp,
        series,
        ...(options.joinedWhen === 'media' ? { onFirstPacket: () => this.#context.joined() } : {}),
      });
      this.#streams.push({ stream, isReceiving, received: 0 });
      return true;
    } catch (error) {
      this.#failed(error as Error & { code?: string });
      return false;
    }
  }

  #failed(error: Error & { code?: string }): void {
    if (error.name === 'TargetRefused') return this.#context.broken('target-refused', error.message);
    const { side, cause } = networkCause(error);
    if (side === 'target') this.#fail(cause, error.message);
    else this.#context.broken(cause, error.message);
  }

  async #remoteOf({ to, rtcpTo }: CompiledStream): Promise<RemoteMedia | null> {
    const address = this.#render(to);
    const rtcp = rtcpTo === null ? null : this.#render(rtcpTo);
    if (address === undefined || rtcp === undefined) return null;
    const match = hostPort.exec(address);
    const port = Number(match?.[3]);
    const rtcpPort = rtcp === null ? (this.#group.options.rtcpMux ? null : port + 1) : Number(hostPort.exec(rtcp)?.[3]);
    if (match === null || port < 1 || port > 65_535 || !(rtcpPort === null || rtcpPort <= 65_535)) {
      this.#context.broken('bad-address', `${address}${rtcp === null ? '' : `, RTCP ${rtcp}`}: expected host:port`);
      return null;
    }
    this.#group.admitTarget(address);
    const host = await this.#group.lookup(match[1] ?? (match[2] as string));
    return { host, port, rtcpPort, ssrc: null };
  }

  /** Null: no SRTP. Undefined: told as broken. */
  #keysOf({ srtp }: CompiledStream): { send: SrtpKey; receive: SrtpKey } | null | undefined {
    if (srtp === null) return null;
    const [send, receive] = [this.#render(srtp.send), this.#render(srtp.receive)];
    if (send === undefined || receive === undefined) return undefined;
    const key = (text: string): SrtpKey => ({ suite: 'AES_CM_128_HMAC_SHA1_80', keyAndSalt: Buffer.from(text, 'base64') });
    return { send: key(send), receive: key(receive) };
  }

  #render(template: Template): string | undefined {
    const text = template.render(this.#context.values);
    if (text === undefined) this.#context.broken('cannot-render', `a name has no value in ${template.source}`);
    return text;
  }

  /** Until the life is over. Each stream's silence is told once; the others go on. */
  async #watch(): Promise<void> {
    const { clock, options } = this.#group;
    const { signal } = this.#context;
    const silent = new Set<MediaStream>();
    let waitMs = options.firstPacketWithin;
    while ((await clock.until(clock.nowMs() + waitMs, signal)) === 'due') {
      for (const each of this.#streams) {
        const received = each.stream.totals().packetsReceived;
        if (each.isReceiving && received === each.received && !silent.has(each.stream)) {
          silent.add(each.stream);
          this.#fail(received === 0 ? 'media-silent' : 'media-lost', `no packet within ${waitMs} ms`);
        }
        each.received = received;
      }
      waitMs = options.silenceMax;
    }
  }

  #fail(cause: string, example: string): void {
    this.#group.failure(cause);
    this.#context.fail(cause, example);
  }
}
