// The packet engine under load in a process of its own (engine-child.ts), as the benchmark starts it. The child does what a worker does - one engine, real
// statistics folded into a delta every second, the worker's own health meter - so that its CPU is what media costs in a worker, signalling left out.

import { type Lab, message, type Program } from './lab.ts';

export type Profile = 'audio-80k' | 'video-150k';

export interface EngineLoadInit {
  readonly endpoints: number;
  /** One stream each, of every endpoint. */
  readonly profiles: readonly Profile[];
  readonly isSending: boolean;
  readonly isReceiving: boolean;
  /** Where the peer is: endpoint i speaks with port + i % ports. */
  readonly remotePort: number;
  readonly remotePorts: number;
  /** Local ports that all endpoints share, or one for each endpoint. */
  readonly localPorts: number | 'own';
  /** The first of them, the others follow; null: any. */
  readonly localPort: number | null;
  /** SSRC of endpoint 0's peer, counting up; null: the peer echoes. */
  readonly remoteSsrc: number | null;
}

export type FromChild = { readonly type: 'started' } | { readonly type: 'opened'; readonly network: 'mmsg' | 'dgram' };

/** Resolves when all streams are open and due to send from now on. */
export async function startEngineLoad(lab: Lab, load: EngineLoadInit): Promise<{ program: Program; network: 'mmsg' | 'dgram' }> {
  const program = lab.fork('generator', 'tools/bench/media/engine-child.ts');
  await message(program, (received) => ((received as FromChild).type === 'started' ? true : null));
  const opened = message(program, (received) =>
    (received as FromChild).type === 'opened' ? (received as FromChild & { type: 'opened' }) : null,
  );
  program.child.send(load);
  return { program, network: (await opened).network };
}

/** Of the metrics' names, as in the `sip` type. */
export const PREFIX = 'sip';
/** The engine's metrics that the benchmarks read. */
export const METRICS = {
  packetsSent: `${PREFIX}_rtp_packets_sent`,
  packetsReceived: `${PREFIX}_rtp_packets_received`,
  lost: `${PREFIX}_rtp_lost`,
  sendLateness: `${PREFIX}_rtp_send_lateness`,
} as const;
