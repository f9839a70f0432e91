// The SIP side of the target, put together and taken down: one UDP network for signalling and media, the port, the bridge, and what the rest of the
// target tells it. On stop every call gets its BYE, and the answers get drainMsMax to come.

import { lookup } from 'node:dns/promises';
import { createUdpNetwork } from '../../../node/media/udp-network.ts';
import type { Calls, Service } from '../service.ts';
import { receiveMessage } from './agent.ts';
import { createBridge } from './bridge.ts';
import { hangUp } from './call.ts';
import { type ListenerInit, openListener } from './listener.ts';
import { createMedia } from './media.ts';
import { createMeetingCalls } from './meeting-calls.ts';
import { sweepRegistrar } from './registrar.ts';

export interface SipServer extends Calls {
  readonly port: number;
  stop(): Promise<void>;
}

const SWEEP_MS = 1_000;
const DRAIN_POLL_MS = 10;

/** Rejects with the system's error when the port cannot be had. */
export async function startSip(service: Service): Promise<SipServer> {
  const { clock, options } = service;
  const network = createUdpNetwork({ nowMs: clock.nowMs });
  const { address: host } = await lookup(options.host);
  const media = createMedia(service, network, host);
  const onMessage: ListenerInit['onMessage'] = (message, from) => receiveMessage(bridge, message, from);
  const listener = await openListener({ service, network, host, onMessage }).catch((error) => {
    media.stop();
    network.close();
    throw error;
  });
  const bridge = createBridge({ service, flows: listener, media });
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
