// The SIP side of the target, put together and taken down: one UDP network for signalling and media, the port, the bridge, and what the rest of the
// target tells it. On stop every call gets its BYE, and the answers get drainMsMax to come.

import { createUdpNetwork } from '../../../node/media/udp-network.ts';
import type { Calls, Service } from '../service.ts';
import { receiveMessage } from './agent.ts';
import { createBridge } from './bridge.ts';
import { hangUp } from './call.ts';
import { openListener } from './listener.ts';
import { createMedia } from './media.ts';
import { createMeetingCalls } from './meeting-calls.ts';
import { sweepRegistrar } from './registrar.ts';

export interface SipServer extends Calls {
  readonly port: number;
  stop(): Promise<void>;
}

const SWEEP_MS = 1_000;
const DRAIN_POLL_MS = 10;

/** A description must name an address that can be sent to. */
const reachable = (host: string): string => (host === '0.0.0.0' ? '127.0.0.1' : host === '::' ? '::1' : host);

/** Rejects with the system's error when the port cannot be had. */
export async function startSip(service: Service): Promise<SipServer> {
  const { clock, options } = service;
  const network = createUdpNetwork({ nowMs: clock.nowMs });
  const host = options.host === 'localhost' ? '127.0.0.1' : options.host;
  const mediaHost = reachable(host);
  const media = createMedia(service, network, host);
  const listener = await openListener(
    { service, network, onMessage: (message, from) => receiveMessage(bridge, message, from) },
    mediaHost,
  ).catch((error) => {
    network.close();
    throw error;
  });
  const bridge = createBridge({ service, flows: listener, media, mediaHost });
  const stopSweeping = clock.every(SWEEP_MS, () => {
    bridge.transactions.sweep();
    sweepRegistrar(bridge.registrar, clock.nowMs());
  });
  async function stop(): Promise<void> {
    bridge.isStopping = true;
    for (const call of bridge.calls.values()) hangUp(bridge, call, 'stopped', true);
    const answered = Promise.withResolvers<void>();
    const stopPolling = clock.every(DRAIN_POLL_MS, () => {
      if (bridge.transactions.pendingRequests() === 0) answered.resolve();
    });
    await clock.within(options.drainMsMax, answered.promise);
    stopPolling();
    stopSweeping();
    bridge.transactions.stop();
    listener.close();
    media.stop();
    network.close();
  }

  return {
    port: listener.port,
    ...createMeetingCalls(bridge, listener.port),
    stop,
  };
}
